// SPDX-License-Identifier: GPL-2.0-only
import Failures
import XCTest

@testable import KernelSource

/// Debian's kernels, in the user's own cache: the first run downloads them.
final class DebianTests: KernelSourceTestCase {
  func test_debian_612_isWhatExtractionNeeds() async throws {
    try await check("6.12")
  }

  func test_debian_61_isWhatExtractionNeeds() async throws {
    try await check("6.1")
  }

  private func check(_ version: String) async throws {
    let store = KernelStore()
    if let reason = try await store.reasonUnavailable("debian:\(version)") {
      throw XCTSkip("debian:\(version) cannot be had: \(reason)")
    }
    let progress = Progress()
    let tree = try await store.resolve("debian:\(version)", progress: progress.add)
    XCTAssertEqual(progress.lines, [])
    XCTAssertTrue(tree.version.hasPrefix("\(version)."), tree.version)
    XCTAssertTrue(tree.isPartial)
    for file in ["arch/x86/kvm/mmu/mmu.c", "include/linux/kvm_host.h", "virt/kvm/kvm_main.c"] {
      XCTAssertEqual(FileKind("\(tree.directory)/\(file)"), .file, file)
    }
    XCTAssertTrue(tree.isConfigured)
    for file in [".config", "include/config/auto.conf", "include/generated/asm-offsets.h"] {
      XCTAssertEqual(FileKind("\(tree.directory)/\(file)"), .file, file)
    }
    let record = try XCTUnwrap(CacheRecord(inTree: tree.directory))
    // Other functions may have needed more since.
    if !record.added.contains(where: { $0.path.hasPrefix("tools") }) {
      XCTAssertEqual(FileKind("\(tree.directory)/tools"), .nothing)
    }
    let packages = try XCTUnwrap(record.packages)
    let versions = packages.map { $0.split(separator: "=").last }
    XCTAssertEqual(versions.count, 2)
    XCTAssertEqual(versions.first, versions.last, "\(packages)")
    let entry = store.list().first { $0.spec == "debian:\(version)" }
    XCTAssertEqual(entry?.path, tree.directory)
    XCTAssertEqual(entry?.version, tree.version)
  }

  func test_debian_noNetwork_saysSoAndLeavesNothing() async throws {
    let nowhere = ["http", "https"].flatMap {
      ["-o", "Acquire::\($0)::Proxy=http://127.0.0.1:9", "-o", "Acquire::\($0)::Timeout=2"]
    }
    let offline = KernelStore(
      cacheDirectory: cache, environment: [:], aptOptions: nowhere + ["-o", "Acquire::Retries=0"])
    let failure = try await failure(.tool) { try await offline.resolve("debian:6.12") }
    XCTAssertTrue(failure.cause.hasPrefix("the Debian mirror does not answer"), failure.cause)
    XCTAssertFalse(failure.evidence.isEmpty)
    XCTAssertTrue(failure.remedy.contains("name a directory"), failure.remedy)
    XCTAssertEqual(names(in: "\(cache)/kernels"), [])
    let reason = try await offline.reasonUnavailable("debian:6.12")
    XCTAssertEqual(reason, failure.cause)
  }

  func test_debian_anyFolder_isThereWithoutANetwork() async throws {
    let store = KernelStore()
    if let reason = try await store.reasonUnavailable("debian:6.12") {
      throw XCTSkip("debian:6.12 cannot be had: \(reason)")
    }
    var tree = try await store.resolve("debian:6.12")
    for (path, file) in [
      ("drivers/base", "drivers/base/power/main.c"), ("fs/ext4", "fs/ext4/inode.c"),
      ("kernel", "kernel/sched/core.c"), ("net/core", "net/core/dev.c"),
      ("scripts/dtc/*", "scripts/dtc/Makefile"), ("MAINTAINERS", "MAINTAINERS"),
    ] {
      tree = try await store.need([path], of: tree)
      XCTAssertEqual(FileKind("\(tree.directory)/\(file)"), .file, file)
      XCTAssertTrue(tree.holds(file))
    }
    let again = try await store.resolve("debian:6.12")
    XCTAssertEqual(again, tree)
  }

  /// The oldest version that Debian still carries, with what apt knows of it.
  func test_debian_fullVersion_isThatOne() async throws {
    let known = try await Command.run("apt-cache", ["show", "linux-source-6.12"])
    let version = DebianPackage.read(known.outputText).last?.version
    guard let version else { throw XCTSkip("apt's lists have no linux-source-6.12") }
    let release = DebianKernel.release(of: version)
    let store = KernelStore()
    if let reason = try await store.reasonUnavailable("debian:\(release)") {
      throw XCTSkip("debian:\(release) cannot be had: \(reason)")
    }
    let tree = try await store.resolve("debian:\(release)")
    XCTAssertEqual(tree.version, release)
    XCTAssertTrue(tree.directory.hasSuffix("/debian-\(release)"), tree.directory)
    XCTAssertEqual(
      CacheRecord(inTree: tree.directory)?.packages?.first, "linux-source-6.12=\(version)")
  }

  func test_debian_fullVersionThatIsNowhere_listsThoseThatAre() async throws {
    do {
      let tree = try await KernelStore(cacheDirectory: cache).resolve("debian:6.12.9999")
      XCTFail("resolved \(tree)")
    } catch let error as Failure where error.kind == .tool {
      throw XCTSkip("no network: \(error.cause)")
    } catch let error as Failure {
      XCTAssertEqual(error.cause, "Debian carries no version 6.12.9999 of linux-source-6.12")
      XCTAssertTrue(error.remedy.contains("debian:6.12."), error.remedy)
    }
    XCTAssertEqual(names(in: "\(cache)/kernels"), [])
  }

  func test_debian_unknownVersion_listsTheKnown() async throws {
    let failure = try await failure(.request) { try await self.store.resolve("debian:9.9") }
    for known in DebianKernel.known {
      XCTAssertTrue(failure.remedy.contains(known.spec), failure.remedy)
    }
    XCTAssertEqual(names(in: "\(cache)/kernels"), [])
  }

  func test_debian_noSuiteCarriesIt_isNotTheRequestsFault() async throws {
    try write("scratch/x", "")
    let apt = Apt(scratch: "\(scratch)/scratch", environment: [:], options: [])
    let gone = DebianKernel(version: "2.4", suites: ["kshim-no-such-suite"])
    do {
      let found = try await apt.source(of: gone, asked: "fetch kernel debian:2.4") { _ in }
      XCTFail("downloaded \(found)")
    } catch let error as DebianUnavailable {
      guard !error.failure.cause.contains("does not answer") else {
        throw XCTSkip("no network: \(error.failure.cause)")
      }
      XCTAssertEqual(error.failure.kind, .tool)
      XCTAssertTrue(error.failure.cause.contains("no Debian suite"), error.failure.cause)
    }
  }

  func test_suiteNames_areToldFromOtherArchives() {
    for name in ["sid", "bookworm", "bookworm-security", "trixie-backports", "stable/updates"] {
      XCTAssertTrue(DebianKernel.isSuite(name), name)
    }
    for name in ["nodistro", "cloud-sdk-bookworm", "bookworm-pgdg", "noble"] {
      XCTAssertFalse(DebianKernel.isSuite(name), name)
    }
  }
}

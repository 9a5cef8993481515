// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KernelSource

/// Debian's kernels by their full version, from an archive of the test's own.
final class DebianVersionTests: KernelSourceTestCase {
  private func archive() async throws -> DebianArchive {
    var archive = DebianArchive(self)
    for (release, version) in [
      ("9.4.2", "9.4.2-1"), ("9.4.10", "9.4.10-1"), ("9.4.10", "9.4.10-2"), ("9.4.11", "9.4.11-1"),
    ] {
      try await archive.addSource(release, version)
    }
    try await archive.publish()
    return archive
  }

  func test_twoNumbers_areTheNewest_more_areThatVersion() async throws {
    let store = try await archive().store
    for (spec, release, version) in [
      ("debian:9.4", "9.4.11", "9.4.11-1"), ("debian:9.4.10", "9.4.10", "9.4.10-2"),
      ("debian:9.4.2", "9.4.2", "9.4.2-1"),
    ] {
      let progress = Progress()
      let tree = try await store.resolve(spec, progress: progress.add)
      XCTAssertEqual(tree.version, release)
      let name = spec.replacing("debian:", with: "debian-")
      XCTAssertEqual(tree.directory, "\(cache)/kernels/\(name)")
      XCTAssertEqual(store.place(of: spec), tree.directory)
      XCTAssertEqual(
        CacheRecord(inTree: tree.directory)?.packages, ["linux-source-9.4=\(version)"])
      XCTAssertEqual(progress.steps.count, 3, "\(progress.lines)")
      XCTAssertTrue(
        progress.steps[0].hasPrefix("downloading linux-source-9.4 \(version) ("),
        progress.steps[0])
      XCTAssertEqual(progress.steps[1], "unpacking \(spec)")
      let again = try await store.resolve(spec, progress: progress.add)
      XCTAssertEqual(again, tree)
      XCTAssertEqual(progress.steps.count, 3)
    }
    XCTAssertEqual(
      store.list().suffix(3).map(\.spec), ["debian:9.4", "debian:9.4.10", "debian:9.4.2"])
  }

  func test_download_tellsHowFarItIs() {
    XCTAssertEqual(
      Apt.told(45_000_000, of: 150_000_000, seconds: 3.75),
      "45 MB of 150 MB, 12 MB/s, 9 s left")
    XCTAssertEqual(Apt.told(150_000_000, of: 150_000_000, seconds: 10), "150 MB of 150 MB, 15 MB/s")
  }

  func test_versionThatIsNotThere_listsThoseThatAre() async throws {
    let store = try await archive().store
    for version in ["9.4.1", "9.4.3", "9.4.110"] {
      let failure = try await failure(.request) { try await store.resolve("debian:\(version)") }
      XCTAssertEqual(failure.cause, "Debian carries no version \(version) of linux-source-9.4")
      XCTAssertEqual(
        failure.remedy, "name one that it carries: debian:9.4.11, debian:9.4.10, debian:9.4.2")
      XCTAssertEqual(names(in: "\(cache)/kernels"), [])
    }
  }

  func test_seriesThatNobodyHas_isNotKnown() async throws {
    let store = try await archive().store
    let failure = try await failure(.request) { try await store.resolve("debian:9.5.1") }
    XCTAssertTrue(failure.cause.contains("neither known to kshim nor"), failure.cause)
    XCTAssertEqual(names(in: "\(cache)/kernels"), [])
  }

  func test_release_isTheVersionWithoutDebiansPart() {
    for (version, release) in [
      ("6.12.107-1~deb12u1", "6.12.107"), ("7.2.12-1~bpo13+1", "7.2.12"), ("6.1.192-2", "6.1.192"),
    ] {
      XCTAssertEqual(DebianKernel.release(of: version), release)
      XCTAssertTrue(DebianKernel(named: release).takes(version))
      XCTAssertFalse(DebianKernel(named: release + "0").takes(version))
      XCTAssertFalse(DebianKernel(named: String(release.dropLast())).takes(version))
    }
    XCTAssertTrue(DebianKernel(named: "6.12").takes("6.12.107-1~deb12u1"))
    XCTAssertEqual(DebianKernel(named: "6.12.107").suites, DebianKernel(named: "6.12").suites)
  }

  func test_packages_areReadAsAptShowsThem() {
    let text = """
      Package: one
      Version: 1.0-1
      Description: some
       Version: 2.0
      Source: many (1.0-3)

      Package: two
      Version: 1:2.0

      """
    XCTAssertEqual(
      DebianPackage.read(text),
      [
        .init(name: "one", version: "1.0-1", source: "many"),
        .init(name: "two", version: "1:2.0", source: "two"),
      ])
    XCTAssertEqual(DebianPackage.read(""), [])
  }
}

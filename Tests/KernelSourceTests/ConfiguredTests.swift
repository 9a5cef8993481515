// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KernelSource

/// Debian's kernels with the configuration that Debian builds them with.
final class ConfiguredTests: KernelSourceTestCase {
  private let configuration = [
    ".config", "arch/x86/include/generated/asm/local64.h", "include/config/auto.conf",
    "include/generated/autoconf.h", "include/generated/uapi/linux/version.h",
  ]

  private func files(_ tree: KernelTree) -> [String] {
    Files.below([".config", "arch", "include", "scripts", "lib"], in: tree.directory)
  }

  func test_headersOfTheSameBuild_areInTheTreesOwnPlaces() async throws {
    var archive = DebianArchive(self)
    try await archive.addSource("9.4.10", "9.4.10-1")
    try await archive.addSource("9.4.11", "9.4.11-1")
    for (name, version) in [
      ("9.4.0-9-amd64", "9.4.10-1"), ("9.4.0-10-cloud-amd64", "9.4.11-1"),
      ("9.4.0-10-amd64", "9.4.11-1"), ("9.4.0-10-rt-amd64", "9.4.11-1"),
      ("9.4.0-11-amd64", "9.4.12-1"),
    ] {
      try await archive.addHeaders(name, version)
    }
    // What only depends on the real ones is from another source package.
    try await archive.addHeaders(
      "9.4-amd64", "9.4.11-1", source: "linux-signed-amd64 (9.4.11+1)", whole: false)
    try await archive.publish()
    for (spec, name, version) in [
      ("debian:9.4", "9.4.0-10-amd64", "9.4.11-1"), ("debian:9.4.10", "9.4.0-9-amd64", "9.4.10-1"),
    ] {
      let tree = try await archive.store.resolve(spec)
      XCTAssertTrue(tree.isConfigured)
      let source = ["arch/x86/poem.txt", "arch/x86/short.txt", "include/head.txt", "lib/pool.txt"]
      XCTAssertEqual(files(tree), (configuration + source).sorted())
      let text = try String(contentsOfFile: "\(tree.directory)/.config", encoding: .utf8)
      XCTAssertEqual(text, "CONFIG_SMP=y # \(name)\n")
      let record = try XCTUnwrap(CacheRecord(inTree: tree.directory))
      XCTAssertEqual(record.isConfigured, true)
      XCTAssertEqual(
        record.packages, ["linux-source-9.4=\(version)", "linux-headers-\(name)=\(version)"])
    }
  }

  func test_noHeadersOfTheBuild_leaveTheTreeAsItIs_andSaySo() async throws {
    var archive = DebianArchive(self)
    try await archive.addSource("9.4.11", "9.4.11-1")
    try await archive.addHeaders("9.4.0-9-amd64", "9.4.10-1")
    try await archive.addHeaders("9.4.0-10-rt-amd64", "9.4.11-1")
    try await archive.addHeaders("9.4-amd64", "9.4.11-1", source: "linux-signed-amd64")
    try await archive.publish()
    let progress = Progress()
    let tree = try await archive.store.resolve("debian:9.4", progress: progress.add)
    XCTAssertEqual(
      progress.lines.last,
      "debian:9.4 stays without a configuration: Debian has no headers of"
        + " linux-source-9.4=9.4.11-1")
    XCTAssertFalse(tree.isConfigured)
    let record = try XCTUnwrap(CacheRecord(inTree: tree.directory))
    XCTAssertEqual(record.isConfigured, false)
    XCTAssertEqual(record.packages, ["linux-source-9.4=9.4.11-1"])
    let again = try await archive.store.resolve("debian:9.4", progress: progress.add)
    XCTAssertEqual(again, tree)
    XCTAssertEqual(progress.lines.count, 3)
  }

  func test_headersThatHoldNoConfiguration_leaveNothing() async throws {
    var archive = DebianArchive(self)
    try await archive.addSource("9.4.11", "9.4.11-1")
    try await archive.addHeaders("9.4.0-10-amd64", "9.4.11-1", whole: false)
    try await archive.publish()
    let store = archive.store
    let failure = try await failure(.tool) { try await store.resolve("debian:9.4") }
    XCTAssertEqual(failure.cause, "its package is not as expected")
    XCTAssertEqual(names(in: "\(cache)/kernels"), [])
  }

  func test_treeOfAnEarlierKshim_isConfiguredWhenItIsAskedFor() async throws {
    var archive = DebianArchive(self)
    try await archive.addSource("9.4.11", "9.4.11-1")
    try await archive.publish()
    let (path, identity) = try await {
      let tree = try await archive.store.resolve("debian:9.4")
      return (tree.directory, tree.identity)
    }()
    try await shell("sed -i '/\"[.]config\",/d; /isConfigured/d' '\(path)/.kshim.json'")
    XCTAssertEqual(CacheRecord(inTree: path)?.kept, KernelTree.keptSource)
    try await archive.addHeaders("9.4.0-10-amd64", "9.4.11-1")
    try await archive.publish()
    let tree = try await archive.store.resolve("debian:9.4")
    XCTAssertEqual(tree.directory, path)
    XCTAssertTrue(tree.isConfigured)
    XCTAssertNotEqual(tree.identity, identity)
    let again = try await archive.store.resolve("debian:9.4")
    XCTAssertEqual(again.identity, tree.identity)
  }

  func test_directory_isConfigured_whereItsBuildMadeHeaders() async throws {
    let path = try makeTree("linux")
    let plain = try await store.resolve(path)
    XCTAssertFalse(plain.isConfigured)
    try write("linux/include/generated/autoconf.h", "")
    let tree = try await store.resolve(path)
    XCTAssertTrue(tree.isConfigured)
    try write("linux/.config", "CONFIG_SMP=y\n")
    try await shell("tar -cf a.tar linux")
    let unpacked = try await store.resolve("\(scratch)/a.tar")
    XCTAssertTrue(unpacked.isConfigured)
    XCTAssertEqual(FileKind("\(unpacked.directory)/.config"), .file)
  }

  func test_names_ofThePlainKernelsHeaders() {
    for name in [
      "6.1.0-56", "6.12.117+deb12", "7.2.12+deb13", "6.1.0-0.deb11.52", "5.10.0-46",
    ] {
      XCTAssertTrue(DebianKernel.areHeaders("linux-headers-\(name)-amd64"), name)
      for flavour in ["rt", "cloud", "common"] {
        XCTAssertFalse(DebianKernel.areHeaders("linux-headers-\(name)-\(flavour)-amd64"))
      }
      XCTAssertFalse(DebianKernel.areHeaders("linux-headers-\(name)-common"))
      XCTAssertFalse(DebianKernel.areHeaders("linux-image-\(name)-amd64"))
    }
    XCTAssertFalse(DebianKernel.areHeaders("linux-headers-amd64"))
  }
}

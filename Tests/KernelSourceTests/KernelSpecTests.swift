// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KernelSource

final class KernelSpecTests: KernelSourceTestCase {
  private func spec(_ spelling: String) throws -> KernelSpec {
    try KernelSpec(spelling, relativeTo: scratch)
  }

  func test_directory_isAbsolute() throws {
    try makeTree("linux")
    XCTAssertEqual(try spec("linux"), .directory("\(scratch)/linux"))
    XCTAssertEqual(try spec("./linux/"), .directory("\(scratch)/linux"))
    XCTAssertEqual(try spec("\(scratch)/linux/arch/.."), .directory("\(scratch)/linux"))
  }

  func test_directoryAtRevision_isGit() throws {
    try makeTree("linux")
    XCTAssertEqual(try spec("linux@v6.12"), .git(directory: "\(scratch)/linux", revision: "v6.12"))
    XCTAssertEqual(
      try spec("linux@HEAD@{1}"), .git(directory: "\(scratch)/linux", revision: "HEAD@{1}"))
  }

  func test_directoryWithAtInItsName_isADirectoryWhenItExists() throws {
    try makeTree("linux")
    try makeTree("linux@home")
    XCTAssertEqual(try spec("linux@home"), .directory("\(scratch)/linux@home"))
    XCTAssertEqual(
      try spec("linux@home@v1"), .git(directory: "\(scratch)/linux@home", revision: "v1"))
  }

  func test_tarballs_byTheirEnding() throws {
    for name in ["a.tar", "a.tar.gz", "a.tar.xz", "a.tar.zst", "a.tar.bz2"] {
      try write(name, "")
      XCTAssertEqual(try spec(name), .tarball("\(scratch)/\(name)"))
    }
  }

  func test_debian_takesTwoNumbersOrMore() async throws {
    for version in ["6.12", "6.12.107", "6.1.0.1"] {
      XCTAssertEqual(try spec("debian:\(version)"), .debian(version))
    }
    for wrong in ["debian:", "debian:6", "debian:6.12.", "debian:6.12.x", "debian:sid"] {
      let failure = try await failure(.request) { try self.spec(wrong) }
      XCTAssertTrue(failure.remedy.contains("debian:6.12"), failure.remedy)
    }
  }

  func test_nothingThere_saysWhatIsMissing() async throws {
    let plain = try await failure(.request) { try self.spec("nowhere") }
    XCTAssertEqual(plain.cause, "there is no directory or file nowhere")
    let git = try await failure(.request) { try self.spec("nowhere@v1") }
    XCTAssertEqual(git.cause, "there is no directory or file nowhere")
    let empty = try await failure(.request) { try self.spec("") }
    XCTAssertEqual(empty.cause, "its name is empty")
  }

  func test_fileThatIsNoTarball_listsTheEndings() async throws {
    try write("a.zip", "")
    let failure = try await failure(.request) { try self.spec("a.zip") }
    XCTAssertTrue(failure.cause.contains(".tar.xz"), failure.cause)
  }

  func test_range_hasTwoEnds_andHEADWhereOneIsLeftOut() throws {
    try makeTree("linux")
    for (range, base, head) in [
      ("v1..v2", "v1", "v2"), ("v1..", "v1", "HEAD"), ("..v2", "HEAD", "v2"),
      ("HEAD@{1}..a/b", "HEAD@{1}", "a/b"),
    ] {
      XCTAssertEqual(
        try spec("linux@\(range)"),
        .range(directory: "\(scratch)/linux", base: base, head: head))
    }
  }

  func test_rangeWithThreeDots_orNothing_isRefused() async throws {
    try makeTree("linux")
    let failure = try await failure(.request) { try self.spec("linux@v1...v2") }
    XCTAssertTrue(failure.cause.contains("v1...v2 has three dots"), failure.cause)
    let none = try await self.failure(.request) { try self.spec("linux@") }
    XCTAssertEqual(none.cause, "there is no revision after the @")
  }
}

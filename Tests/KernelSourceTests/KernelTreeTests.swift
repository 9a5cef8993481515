// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KernelSource

final class KernelTreeTests: KernelSourceTestCase {
  func test_version_isJoinedAsTheMakefileDoes() {
    func version(_ lines: String...) -> String? {
      KernelTree.version(makefile: lines.joined(separator: "\n"))
    }
    XCTAssertEqual(
      version("VERSION = 6", "PATCHLEVEL = 12", "SUBLEVEL = 117", "EXTRAVERSION ="), "6.12.117")
    XCTAssertEqual(
      version("VERSION = 6", "PATCHLEVEL = 13", "SUBLEVEL = 0", "EXTRAVERSION = -rc2"),
      "6.13.0-rc2")
    XCTAssertEqual(version("VERSION = 6", "PATCHLEVEL ="), "6")
    XCTAssertNil(version("PATCHLEVEL = 1"))
    XCTAssertNil(version("VERSION = $(shell date)"))
  }

  func test_directory_isUsedInPlaceAndWhole() async throws {
    let path = try makeTree("linux")
    let tree = try await store.resolve(path)
    XCTAssertEqual(tree.directory, path)
    XCTAssertEqual(tree.spec, path)
    XCTAssertEqual(tree.version, "9.4.0-rc2")
    XCTAssertFalse(tree.isPartial)
    XCTAssertEqual(tree.kept, [])
    XCTAssertEqual(names(in: cache), [])
  }

  func test_directoryThatIsNoKernel_saysWhatWasLookedFor() async throws {
    try write("a/readme", "")
    let noMakefile = try await failure(.request) {
      try await self.store.resolve("\(self.scratch)/a")
    }
    XCTAssertEqual(noMakefile.cause, "it is no kernel: it has no Makefile")
    try write("a/Makefile", "all:\n")
    let noVersion = try await failure(.request) {
      try await self.store.resolve("\(self.scratch)/a")
    }
    XCTAssertEqual(noVersion.cause, "it is no kernel: its Makefile sets no VERSION")
    try write("a/Makefile", "VERSION = 1\n")
    let noX86 = try await failure(.request) { try await self.store.resolve("\(self.scratch)/a") }
    XCTAssertEqual(noX86.cause, "it is no kernel with an x86 part: it has no arch/x86")
  }

  func test_noSuchDirectory_isARequestFailure() async throws {
    let failure = try await failure(.request) { try await self.store.resolve("/nowhere/linux") }
    XCTAssertEqual(failure.cause, "there is no directory or file /nowhere/linux")
  }
}

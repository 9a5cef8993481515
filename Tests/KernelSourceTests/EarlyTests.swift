// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KernelSource

/// Patches that are put on a cached tree before anybody has looked at that.
final class EarlyTests: KernelSourceTestCase {
  private let patch = PatchFile(
    name: "p",
    content: Data(
      "--- a/arch/x86/short.txt\n+++ b/arch/x86/short.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n".utf8))

  /// A cached tree, by its path.
  private func unpacked() async throws -> String {
    try makeTree("linux")
    try await shell("tar -cf a.tar linux")
    let path = try await store.path("\(scratch)/a.tar")
    // What is older than its seal shows by its stamps alone.
    try await Task.sleep(for: .milliseconds(60))
    _ = try await store.resolve("\(scratch)/a.tar")
    return path
  }

  private func revision(
    _ path: String, _ patch: PatchFile? = nil, meanwhile: () async throws -> Void = {}
  ) async throws -> Revision? {
    let early = await store.early(path, patches: [patch ?? self.patch])
    try await meanwhile()
    return early?.revision(of: try await store.resolve(path))
  }

  func test_untouchedTree_isTaken() async throws {
    let path = try await unpacked()
    let early = try await revision(path)
    let revision = try XCTUnwrap(early)
    let copy = try XCTUnwrap(revision.overlay["arch/x86/short.txt"])
    XCTAssertEqual(try String(contentsOfFile: copy, encoding: .utf8), "one\n2\n")
    XCTAssertEqual(revision.touched["arch/x86/short.txt"], [2...2])
  }

  func test_touchedTree_isNotTaken() async throws {
    let path = try await unpacked()
    // The content is what it was.
    let touched = try await revision(path) {
      try await shell("touch '\(path)/arch/x86/short.txt'")
    }
    XCTAssertNil(touched)
    // What was touched a moment ago may be touched again without its showing.
    try await Task.sleep(for: .milliseconds(60))
    _ = try await store.resolve(path)
    let again = try await revision(path)
    XCTAssertNotNil(again)
    let changed = try await revision(path) {
      try await shell("printf 'ONE\\ntwo\\n' > '\(path)/arch/x86/short.txt'")
    }
    XCTAssertNil(changed)
  }

  func test_treeThatWasForgedBefore_isNotTaken() async throws {
    let path = try await unpacked()
    try await shell("sed -i 's/one/ONE/' '\(path)/arch/x86/poem.txt'")
    let forged = try await revision(path)
    XCTAssertNil(forged)
  }

  func test_otherKernels_andPatchesThatDoNotFit_areLeftToOthers() async throws {
    let path = try await unpacked()
    let own = await store.early(try makeTree("own"), patches: [patch])
    XCTAssertNil(own)
    let archive = await store.early("\(scratch)/a.tar", patches: [patch])
    XCTAssertNil(archive)
    let nothing = await store.early(path, patches: [])
    XCTAssertNil(nothing)
    let text = String(decoding: patch.content, as: UTF8.self)
    for other in [
      text.replacingOccurrences(of: "-two", with: "-three"),
      // More of the kernel would be needed.
      text.replacingOccurrences(of: "arch/x86", with: "tools/include"),
      "no patch",
    ] {
      let early = await store.early(path, patches: [.init(name: "p", content: Data(other.utf8))])
      XCTAssertNil(early, other)
    }
    XCTAssertEqual(names(in: temporary), [])
  }
}

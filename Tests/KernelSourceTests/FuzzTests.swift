// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import XCTest

@testable import KernelSource

/// Patches of a file that has changed since.
final class FuzzTests: KernelSourceTestCase {
  private static let poemPath = "arch/x86/poem.txt"

  /// Puts a diff of the poem on a tree whose poem is `poem`.
  private func revision(_ hunks: String, on poem: String) async throws -> Revision {
    let path = try makeTree("linux")
    try write("linux/\(Self.poemPath)", poem)
    let diff = "--- a/\(Self.poemPath)\n+++ b/\(Self.poemPath)\n" + hunks
    return try await store.revision(
      tree: try await store.resolve(path),
      patches: [PatchFile(name: "a.patch", content: Data(diff.utf8))])
  }

  private static let replace = """
    @@ -7,7 +7,7 @@
     line 7
     line 8
     line 9
    -line 10
    +new 10
     line 11
     line 12
     line 13

    """

  private static let insert = """
    @@ -8,4 +8,5 @@
     line 8
     line 9
    +inserted
     line 10
     line 11

    """

  private func poem(_ edits: [String: String], ahead: String = "") -> String {
    ahead
      + (1...20).map { edits["line \($0)"] ?? "line \($0)" }.map { "\($0)\n" }.joined()
  }

  func test_outerContextDiffers_isAppliedAndSaid() async throws {
    let far = try await revision(Self.replace, on: poem(["line 7": "x"]))
    let said = ": lines around it are not as the patch has them"
    XCTAssertEqual(far.remarks, ["\(Self.poemPath): Hunk #1 applied with fuzz 1 at 7\(said)"])
    XCTAssertEqual(far.touched, [Self.poemPath: [10...10]])
    let nearer = try await revision(Self.replace, on: poem(["line 12": "x"], ahead: "a\nb\nc\n"))
    XCTAssertEqual(
      nearer.remarks,
      ["\(Self.poemPath): Hunk #1 applied with fuzz 2 at 10 (offset 3 lines)\(said)"])
    XCTAssertEqual(nearer.touched, [Self.poemPath: [13...13]])
  }

  func test_onlyTheHunkThatNeedsIt_isFuzzy() async throws {
    let second = "@@ -17,3 +17,3 @@\n line 17\n-line 18\n+new 18\n line 19\n"
    let both = try await revision(Self.replace + second, on: poem(["line 13": "x"]))
    XCTAssertEqual(both.remarks.count, 1, "\(both.remarks)")
    XCTAssertTrue(both.remarks[0].contains("Hunk #1 applied with fuzz 1 at 7"), both.remarks[0])
    XCTAssertEqual(both.touched, [Self.poemPath: [10...10, 18...18]])
  }

  func test_changedLineDiffers_isRefusedWithTheTreesLines() async throws {
    let failure = try await failure(.request) {
      try await self.revision(Self.replace, on: self.poem(["line 10": "other 10"], ahead: "a\n"))
    }
    XCTAssertEqual(failure.place, "\(Self.poemPath):7")
    let start = try XCTUnwrap(failure.evidence.firstIndex { $0.hasPrefix("@@ -7,7") })
    let shown = failure.evidence[start...].joined(separator: "\n")
    XCTAssertEqual(
      shown,
      Self.replace.dropLast() + """

        \(Self.poemPath):6-16 of this kernel, ! where it is not as the hunk has it:
          6: line 5
          7: line 6
          8: line 7
          9: line 8
          10: line 9
        ! missing: line 10
        ! 11: other 10
          12: line 11
          13: line 12
          14: line 13
          15: line 14
          16: line 15
        """)
  }

  func test_nothingLikeIt_showsTheLinesThere() async throws {
    let hunk = "@@ -5,3 +5,3 @@\n p\n-q\n+r\n s\n"
    let failure = try await failure(.request) {
      try await self.revision(hunk, on: Self.poem)
    }
    XCTAssertTrue(
      failure.evidence.contains {
        $0.hasPrefix("\(Self.poemPath):3-9 of this kernel, which has no line of the hunk")
      }, failure.description)
    XCTAssertTrue(failure.evidence.contains("  5: line 5"), failure.description)
  }

  func test_manyLines_areCutToAScreen() async throws {
    let removed = (1...80).map { "-gone \($0)\n" }.joined()
    let failure = try await failure(.request) {
      try await self.revision("@@ -1,80 +1,0 @@\n" + removed, on: Self.poem)
    }
    XCTAssertLessThan(failure.evidence.count, 70)
    XCTAssertTrue(failure.evidence.last?.contains("more lines") == true, failure.description)
  }

  func test_linesThatAreThereAlready_areNotAddedAgain() async throws {
    let there = poem(["line 9": "line 9\ninserted", "line 8": "x"])
    let failure = try await failure(.request) { try await self.revision(Self.insert, on: there) }
    XCTAssertTrue(failure.cause.contains("does not fit"), failure.description)
  }

  /// Without the outer lines the hunk fits two places, neither of which is the one it names.
  func test_placeThatIsNotSure_isRefused() async throws {
    let twice =
      "line 9\nline 10\nx\n" + String(repeating: "-\n", count: 20) + "line 9\nline 10\ny\n"
    let failure = try await failure(.request) { try await self.revision(Self.insert, on: twice) }
    XCTAssertTrue(failure.cause.contains("does not fit"), failure.description)
    let once = try await revision(Self.insert, on: "a\nline 9\nline 10\nx\n")
    XCTAssertEqual(once.touched, [Self.poemPath: [3...3]])
  }

  // MARK: Links

  private func diff(_ name: String, _ text: String) -> PatchFile {
    PatchFile(name: name, content: Data(text.utf8))
  }

  private static let addition =
    "diff --git a/include/out/new.txt b/include/out/new.txt\nnew file mode 100644\n"
    + "--- /dev/null\n+++ b/include/out/new.txt\n@@ -0,0 +1 @@\n+x\n"

  private func link(to target: String) -> PatchFile {
    diff(
      "link.patch",
      "diff --git a/include/out b/include/out\nnew file mode 120000\n--- /dev/null\n"
        + "+++ b/include/out\n@@ -0,0 +1 @@\n+\(target)\n\\ No newline at end of file\n")
  }

  func test_laterPatchThroughALink_isRefused() async throws {
    let tree = try await store.resolve(try makeTree("linux"))
    try write("outside/keep.txt", "keep\n")
    let before = try snapshot("\(scratch)/outside")
    let failure = try await failure(.request) {
      try await self.store.revision(
        tree: tree,
        patches: [self.link(to: "\(self.scratch)/outside"), self.diff("new", Self.addition)])
    }
    XCTAssertTrue(failure.cause.contains("include/out is a symbolic link"), failure.description)
    XCTAssertEqual(try snapshot("\(scratch)/outside"), before)
  }

  func test_patchThroughALinkOfTheTree_isRefused() async throws {
    let path = try makeTree("linux")
    try write("outside/new.txt", "keep\n")
    try FileManager.default.createSymbolicLink(
      atPath: "\(path)/include/out", withDestinationPath: "\(scratch)/outside")
    let tree = try await store.resolve(path)
    let failure = try await failure(.request) {
      try await self.store.revision(tree: tree, patches: [self.diff("new", Self.addition)])
    }
    XCTAssertTrue(failure.cause.contains("include/out is a symbolic link"), failure.description)
  }

  func test_linkInPlaceOfADirectory_isRefused() async throws {
    let tree = try await store.resolve(try makeTree("linux"))
    let failure = try await failure(.request) {
      try await self.store.revision(
        tree: tree, patches: [self.diff("link", MailTestCase.linkAtDirectory)])
    }
    XCTAssertTrue(failure.cause.contains("which is a directory"), failure.description)
  }
}

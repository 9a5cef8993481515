// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import Reporting

/// The kernel's own lines in a text report.
final class ExcerptTests: XCTestCase {
  private static let source = Verdict.Source(
    file: "a/b.c", function: "f", firstLine: 97,
    lines: [
      "int f(struct box *box)", "{", "\tint left = room(box);", "", "\tif (!left)",
      "\t\tdrop(box);\t/* twice */  ", "\treturn left;", "}",
    ])

  private func excerpt(_ line: Int, columns: Int? = nil, usesColour: Bool = false) -> [String]? {
    Excerpt(
      of: "a/b.c", line: line, in: [Self.source], columns: columns, usesColour: usesColour)?.lines
  }

  func test_place_standsBetweenTwoLinesOnEachSide_withTabsSpelledOut() {
    XCTAssertEqual(
      excerpt(102),
      [
        "100 |",
        "101 |         if (!left)",
        "102 |                 drop(box);      /* twice */",
        "    |                 ^~~~~~~~~~~~~~~~~~~~~~~~~~~",
        "103 |         return left;",
        "104 | }",
      ])
  }

  func test_ends_ofWhatIsKnown_areNotPassed() {
    XCTAssertEqual(
      excerpt(97),
      [
        " 97 | int f(struct box *box)".dropFirst().description,
        "   | ^~~~~~~~~~~~~~~~~~~~~~",
        "98 | {",
        "99 |         int left = room(box);",
      ])
    XCTAssertEqual(excerpt(104)?.count, 4)
  }

  func test_emptyLine_hasNoCaret() {
    let lines = excerpt(100)
    XCTAssertEqual(lines?.count, 5)
    XCTAssertFalse(lines?.contains { $0.contains("^") } ?? true)
  }

  func test_unknownPlace_isNotShown() {
    XCTAssertNil(excerpt(96))
    XCTAssertNil(excerpt(105))
    XCTAssertNil(Excerpt(of: "b.c", line: 99, in: [Self.source]))
    XCTAssertNil(Excerpt(of: "a/b.c", line: 99, in: nil))
  }

  func test_terminal_cutsLines_andColoursTheCaret() {
    let lines = excerpt(102, columns: 40, usesColour: true)
    XCTAssertEqual(lines?[2], "102 |                 drop(box);      …")
    XCTAssertEqual(lines?[3], "    | \u{1b}[1;32m                ^~~~~~~~~~~~~~~~~\u{1b}[0m")
  }

  /// What a patch brings is a stranger's text.
  func test_whatActsOnATerminal_isSpelledOut_andAnEndlessLineEnds() {
    var source = Self.source
    source.lines[2] = "\tx = \"\u{1b}[2J\";" + String(repeating: "y", count: 100_000)
    let lines = Excerpt(of: "a/b.c", line: 99, in: [source])!.lines
    XCTAssert(lines[2].hasPrefix("99 |         x = \"\\u001b[2J"), String(lines[2].prefix(60)))
    XCTAssert(lines.allSatisfy { $0.count < 600 })
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import KernelSource
import XCTest

final class CodeTextTests: XCTestCase {
  private func lines(_ text: String, touched: [ClosedRange<Int>]? = nil) -> [String] {
    CodeText.lines(of: Array(text.utf8), touched: touched).map { "\($0.number) \($0.text)" }
  }

  func test_lines_arePutTogether() {
    XCTAssertEqual(lines("a\nb \\\n c\n\nd"), ["1 a", "2 b  c", "5 d"])
    XCTAssertEqual(lines("KSH\\\nIM\n"), ["1 KSHIM"])
    XCTAssertEqual(lines("a\\ \t\nb"), ["1 ab"])
  }

  func test_comments_areGone() {
    XCTAssertEqual(lines("a /* b\nc */ d // e\nf"), ["1 a   d ", "3 f"])
    XCTAssertEqual(lines("a /\\\n* b *\\\n/ c\nd"), ["1 a   c", "4 d"])
    XCTAssertEqual(lines("// a \\\nb\nc"), ["3 c"])
    XCTAssertEqual(lines("a /* b"), ["1 a "])
  }

  func test_literals_areKept() {
    XCTAssertEqual(lines("\"/* a */\" '\"' // b"), ["1 \"/* a */\" '\"' "])
    XCTAssertEqual(lines("\"a\\\"// b\" c"), ["1 \"a\\\"// b\" c"])
    // One that does not end, as in an #error, ends with its line.
    XCTAssertEqual(lines("#error don't\n/* a */b"), ["1 #error don't", "2  b"])
  }

  func test_touchedLines_bringTheirWholeLine() {
    let text = "a\nb \\\nc\nd\n"
    XCTAssertEqual(lines(text, touched: [3...3]), ["2 b c"])
    XCTAssertEqual(lines(text, touched: [1...1, 4...4]), ["1 a", "4 d"])
    XCTAssertEqual(lines(text, touched: []), [])
  }
}

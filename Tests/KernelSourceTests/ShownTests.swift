// SPDX-License-Identifier: GPL-2.0-only
import Failures
import XCTest

/// Text of others is shown so that it does nothing.
final class ShownTests: XCTestCase {
  func test_whatActsOnATerminal_isSpelled() {
    XCTAssertEqual("a\u{1b}[2Jb".shown(), "a\\u001b[2Jb")
    XCTAssertEqual("a\u{9b}1mb\u{7f}".shown(), "a\\u009b1mb\\u007f")
    XCTAssertEqual("a\r\nb\tc".shown(), "a\\u000d\\nb\\tc")
    XCTAssertEqual("a\u{202e}b\u{2066}".shown(), "a\\u202eb\\u2066")
  }

  func test_linesAndColours_stayWhereTheyMay() {
    XCTAssertEqual("a\n\tb".shown(lines: true), "a\n\tb")
    let red = "\u{1b}[1;31mleak\u{1b}[0m"
    XCTAssertEqual(red.shown(lines: true, colours: true), red)
    XCTAssertEqual(red.shown(), "\\u001b[1;31mleak\\u001b[0m")
    XCTAssertEqual("\u{1b}[31".shown(colours: true), "\\u001b[31")
    XCTAssertEqual("\u{1b}]0;x\u{7}".shown(colours: true), "\\u001b]0;x\\u0007")
  }

  func test_ordinaryText_isAsItWas() {
    for text in ["", "kvm: x86/mmu", "r\u{E9}sum\u{E9} \u{1F427} \u{5185}\u{6838}"] {
      XCTAssertEqual(text.shown(), text)
    }
  }

  func test_failure_hasOneLineForEachPart() {
    let failure = Failure(
      .request, asked: "read a\nb", cause: "no\u{1b}[2Jthing", place: "x\ny",
      evidence: ["+\tx\u{1b}", "two\nlines"], remedy: "name\nit")
    XCTAssertEqual(
      failure.description,
      """
      cannot read a\\nb: no\\u001b[2Jthing
        where:  x\\ny
        | +\tx\\u001b
        | two\\nlines
        remedy: name\\nit
      """)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import Reporting

/// A page of the documentation in a terminal.
final class PropertyTextTests: XCTestCase {
  private static let page = """
    # some-name

    A *box* is `lost` ([boxes](boxes.md)), and nobody
    looks for it. Another sentence.

    - one
      and more
    - two

    ## Example

        text as it stands    here

    """

  func test_marks_areGone_andParagraphsAreWrapped() {
    XCTAssertEqual(
      PropertyText(Self.page, columns: 34, usesColour: false).text,
      """
      some-name

      A *box* is lost (boxes), and
      nobody looks for it. Another
      sentence.

      - one and more
      - two

      Example

          text as it stands    here

      """)
    XCTAssert(
      PropertyText(Self.page, columns: 34, usesColour: true).text.hasPrefix(
        "\u{1b}[1msome-name\u{1b}[0m\n"))
  }

  func test_firstSentence_isWhatAListTells() {
    XCTAssertEqual(
      PropertyText.firstSentence(of: Self.page), "A *box* is lost (boxes), and nobody looks for it")
    XCTAssertEqual(PropertyText.firstSentence(of: "# x\n"), "")
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting
import TestSupport
import XCTest

/// The page in a browser: `Tests/Browser/page.py` opens it and says what is wrong.
final class PageTests: XCTestCase {
  private var scratch = ""

  override func setUpWithError() throws {
    scratch =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("kshim-page-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
  }

  override func tearDownWithError() throws {
    try FileManager.default.removeItem(atPath: scratch)
  }

  private func write(_ text: String, _ name: String) throws -> String {
    let path = "\(scratch)/\(name).html"
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    return path
  }

  /// What a page is looked at for whatever it shows.
  private static let always = ["console", "axe", "narrow", "printing", "plain"]

  func test_aVerdict_everyControlWorks() async throws {
    let page = try write(HTMLReport(PageSample.report(PageSample.verdict)).text, "check")
    let wrong = try await BrowserPage.look([
      .init(
        page,
        Self.always + [
          "filters", "opening", "keys", "theme", "copying", "events", "source", "covered",
          "picture", "lanes",
        ])
    ])
    XCTAssertEqual(wrong, [])
  }

  func test_seriesAndComparison_everyControlWorks() async throws {
    let series = try write(HTMLReport(PageSample.series).text, "series")
    let comparison = try write(HTMLReport(PageSample.comparison).text, "compare")
    let wrong = try await BrowserPage.look([
      .init(series, Self.always + ["filters", "opening", "source"]),
      .init(comparison, Self.always + ["filters", "opening", "matrix", "beside"]),
    ])
    XCTAssertEqual(wrong, [])
  }

  /// Nothing that may be missing is needed, and 10 000 findings open in time.
  func test_theLeastAndTheMost_open() async throws {
    var asked: [BrowserPage.Asked] = []
    for (name, report) in [
      ("clean", Sample.clean), ("broken", Sample.broken), ("noted", Sample.noted),
    ] {
      let page = try write(HTMLReport(report).text, name)
      asked.append(.init(page, ["console", "narrow", "plain"]))
    }
    let many = try HTMLReport(PageSample.report(PageSample.many(10_000))).text
    asked.append(.init(try write(many, "many"), ["big"]))
    asked.append(.init(try write(Self.hostilePage(), "hostile"), ["console", "narrow", "hostile"]))
    let wrong = try await BrowserPage.look(asked)
    XCTAssertEqual(wrong, [])
  }

  /// What looks at pages sees what is wrong with one.
  func test_aBadPage_isToldAsOne() async throws {
    let page = try write(
      """
      <html><body><div style="width: 900px">wide</div><img src="data:,">
      <input id="filter-text"><script>window.hostile = 1; absent()</script></body></html>
      """, "bad")
    let names = ["console", "axe", "narrow", "filters", "keys", "theme", "picture", "hostile"]
    let wrong = try await BrowserPage.look([.init(page, names)])
    for name in names { XCTAssert(wrong.contains { $0.hasPrefix("bad.html \(name): ") }, name) }
  }

  // MARK: Without a browser

  /// What stands behind every text of the hostile page.
  private static let payload =
    "</script><img src=x onerror=\"window.hostile=1\"><!--<script>window.hostile=1</script>"
    + "\"\u{301} onfocus=window.hostile=1 autofocus tabindex=0 '\u{301} onclick=x {{{data}}} \u{202e}"

  /// A verdict whose every text is hostile.
  private static func hostilePage() throws -> String {
    func spoilt(_ value: Any, _ key: String = "") -> Any {
      switch value {
      case let text as String: ["status"].contains(key) ? text : text + payload
      case let list as [Any]: list.map { spoilt($0) }
      case let object as [String: Any]:
        Dictionary(uniqueKeysWithValues: object.map { ($0, spoilt($1, $0)) })
      default: value
      }
    }
    let whole = try JSONSerialization.jsonObject(with: JSONEncoder().encode(PageSample.verdict))
    let data = try JSONSerialization.data(withJSONObject: spoilt(whole))
    let verdict = try JSONDecoder().decode(Verdict.self, from: data)
    var report = PageSample.report(verdict)
    report.entries += PageSample.report(verdict).entries
    report.entries[0].label = payload
    report.entries[0].title = payload
    report.series = .init(
      name: payload,
      steps: report.entries.map { _ in .init(id: payload, file: nil, subject: payload) })
    return try HTMLReport(report).text
  }

  func test_hostileText_isNoMarkup() throws {
    let page = try Self.hostilePage()
    XCTAssertEqual(page.ranges(of: "<script").count, 2)
    XCTAssertEqual(page.ranges(of: "</script").count, 2)
    XCTAssertFalse(page.contains("<img") || page.contains("<!--"))
    XCTAssertFalse(page.unicodeScalars.contains("\u{202e}"))
    XCTAssert(page.contains("{{{data}}}"), "a text is no template")
    // To a browser a quote is one whatever accent stands behind it.
    let markup = page.replacing(/(?s)<script.*?<\/script>/, with: "").unicodeScalars
    XCTAssertFalse(markup.contains("\"\u{301}".unicodeScalars))
    XCTAssertFalse(markup.contains("'\u{301}".unicodeScalars))
    XCTAssert(markup.contains("&quot;\u{301}".unicodeScalars))
  }

  func test_aTextOfManyFindings_isInThePageOnce() throws {
    let text = try HTMLReport(PageSample.report(PageSample.many(100))).text
    XCTAssertEqual(text.ranges(of: "goto err_lower;").count, 1)
    XCTAssertEqual(text.ranges(of: "kshim replay --kernel").count, 1)
  }

  func test_thePolicyNamesStyleAndScript() throws {
    let text = try HTMLReport(Sample.clean).text
    let policy = try XCTUnwrap(
      text.firstMatch(of: /http-equiv="Content-Security-Policy" content="(.*?)"/))
    XCTAssert(policy.output.1.hasPrefix("default-src 'none'; style-src 'sha256-"))
    XCTAssertFalse(policy.output.1.contains("unsafe"))
  }

  func test_coverage_ofAFunctionThatWasNotCounted_isNotTold() throws {
    var verdict = PageSample.verdict
    XCTAssert(try HTMLReport(PageSample.report(verdict)).text.contains("16 of 17 lines"))
    for index in verdict.sources!.indices { verdict.sources![index].counts = nil }
    XCTAssertFalse(try HTMLReport(PageSample.report(verdict)).text.contains("Coverage</h3>"))
  }
}

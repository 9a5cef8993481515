// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting
import XCTest

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What goes to people who review: b4, the cover letter, the page.
final class ReviewFormatsTests: XCTestCase {
  private func b4(_ report: CheckReport, isStrict: Bool = false) throws -> [[String: String]] {
    let text = try report.rendered(as: .b4, usesColour: true, isStrict: isStrict)
    return try XCTUnwrap(
      JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: String]])
  }

  func test_b4_cause_isAResultWithAllKeys() throws {
    let results = try b4(Sample.broken)
    XCTAssertEqual(results.count, 1)
    XCTAssertEqual(Set(results[0].keys), ["tool", "status", "summary", "url", "details"])
    XCTAssertEqual(results[0]["status"], "fail")
    XCTAssertEqual(
      results[0]["summary"], "allocation of p fails → the page of q is never freed (b.c:7)")
    XCTAssert(results[0]["details"]?.contains("replay: kshim replay ") ?? false)
  }

  func test_b4_status_isOneThatItKnows() throws {
    XCTAssertEqual(try b4(Sample.clean).map { $0["status"] }, ["pass"])
    XCTAssertEqual(try b4(Sample.old).map { $0["status"] }, ["pass"])
    XCTAssert(try b4(Sample.old)[0]["details"]?.contains("already there") ?? false)
    XCTAssertEqual(try b4(Sample.old, isStrict: true).map { $0["status"] }, ["fail"])
    XCTAssertEqual(try b4(Sample.noted).map { $0["status"] }, ["warn"])
    XCTAssertEqual(try b4(Sample.series).map { $0["status"] }, ["pass", "fail", "fail"])
  }

  func test_checkpatch_isSilentWhenNothingCounts() throws {
    func lines(_ report: CheckReport, isStrict: Bool = false) throws -> [String] {
      try report.rendered(as: .checkpatch, usesColour: true, isStrict: isStrict)
        .split(separator: "\n").map(String.init)
    }
    XCTAssertEqual(try lines(Sample.clean), [])
    XCTAssertEqual(try lines(Sample.old), [])
    XCTAssertEqual(
      try lines(Sample.broken),
      ["a/b.c:7: ERROR: allocation of p fails → the page of q is never freed (b.c:7) [leak]"])
    XCTAssertEqual(
      try lines(Sample.noted), ["a/b.c:8: WARNING: the WARN on this line never fires [dead-branch]"]
    )
    XCTAssertEqual(try lines(Sample.old, isStrict: true).count, 1)
    XCTAssertEqual(try lines(Sample.series).count, 2)
  }

  func test_note_saysWhatWasTested_inLinesOf75Columns() throws {
    for report in [Sample.clean, Sample.broken, Sample.noted, Sample.series] {
      let text = try report.rendered(as: .note, usesColour: true)
      XCTAssert(text.hasSuffix("\n"))
      for line in text.split(separator: "\n") { XCTAssertLessThanOrEqual(line.count, 75) }
    }
    let flat = try Sample.clean.rendered(as: .note, usesColour: false)
      .split(separator: "\n").joined(separator: " ")
    for said in [
      "kshim \(Verdict.Tool().version)", "f() and g() of Linux 6.12.117 with this patch",
      "3000 scenarios", "none left out", "two vCPUs in every order",
      "hosts of 4 levels and guests that do not page", "Nothing was found",
    ] {
      XCTAssert(flat.contains(said), "no '\(said)' in: \(flat)")
    }
    let broken = try Sample.broken.rendered(as: .note, usesColour: false)
    XCTAssert(broken.contains("1 finding"), broken)
    XCTAssert(broken.contains("- allocation of p fails → "), broken)
    XCTAssertFalse(broken.contains("listed"), broken)
  }

  private func note(_ report: CheckReport) throws -> String {
    try report.rendered(as: .note, usesColour: false).replacing("\n", with: " ")
  }

  func test_note_namesThePatchesOrTheRange() throws {
    var verdict = Sample.verdict(patches: 3)
    for (number, subject) in ["one", "two", nil].enumerated() {
      verdict.revision.patches[number] = .init(file: "/x/\(number).patch", subject: subject)
    }
    var said = try note(Sample.report(verdict))
    XCTAssert(
      said.contains("6.12.117 with these 3 patches (\"one\", \"two\" and \"2.patch\"), ext"), said)
    XCTAssert(
      try note(Sample.clean).contains("6.12.117 with this patch (\"KVM: <do> it\"), extracted"))
    verdict.revision.patches = (1...9).map { .init(file: "-", subject: "number \($0)") }
    said = try note(Sample.report(verdict))
    XCTAssert(said.contains("these 9 patches (\"number 1\" to \"number 9\")"), said)
    verdict.revision.patches = []
    said = try note(Sample.report(verdict))
    XCTAssert(said.contains("Linux 6.12.117 as it is, without patches, extracted"), said)
    verdict.revision.kernel = "/x/linux@base..v2"
    verdict.revision.base = String(repeating: "a1", count: 20)
    verdict.revision.head = .init(id: String(repeating: "b2", count: 20), subject: "KVM: do it")
    said = try note(Sample.report(verdict))
    XCTAssert(
      said.contains("6.12.117 with the commits base..v2 (a1a1a1a1a1a1..b2b2b2b2b2b2), ext"), said)
  }

  func test_note_listsOnlyWhatThePatchDoes() throws {
    var (old, new) = (Sample.finding(introduced: false), Sample.finding("crash"))
    (old.sentence, new.sentence) = ("the old one (b.c:1)", "the new one (b.c:7)")
    var said = try Sample.report(Sample.verdict(findings: [old, new]))
      .rendered(as: .note, usesColour: false)
    XCTAssert(
      said.hasSuffix(
        """
        1 finding introduced, 1 cause:
        - the new one (b.c:7)
        1 finding was there without the patch and is not listed.

        """), said)
    var report = Sample.report(Sample.verdict(findings: [old]))
    report.entries[0].fixed = [.init(new)]
    said = try report.rendered(as: .note, usesColour: false)
    XCTAssert(
      said.hasSuffix(
        """
        Nothing new was found: 2 properties hold, 1 finding of before fixed.
        - fixed: the new one (b.c:7)
        1 finding was there without the patch and is not listed.

        """), said)
    let alone = try Sample.report(Sample.verdict(patches: 0, findings: [old, old]))
      .rendered(as: .note, usesColour: false)
    XCTAssert(
      alone.hasSuffix(
        "2 findings, 1 cause:\n- allocation of p fails → the page of q is never freed (b.c:7)\n"),
      alone)
  }

  func test_checkpatchAndB4_tellACauseByWhatIsNew() throws {
    var (old, new) = (Sample.finding(introduced: false), Sample.finding("crash"))
    (old.sentence, new.sentence, new.line) = ("the old one (b.c:1)", "the new one (b.c:9)", 9)
    let report = Sample.report(Sample.verdict(findings: [old, new]))
    XCTAssertEqual(
      try report.rendered(as: .checkpatch, usesColour: false),
      "a/b.c:9: ERROR: the new one (b.c:9) [crash]\n")
    XCTAssertEqual(try b4(report).map { $0["summary"] }, ["the new one (b.c:9)"])
    XCTAssertEqual(
      try b4(report, isStrict: true).map { $0["summary"] },
      ["allocation of p fails → the page of q is never freed (b.c:7)"])
  }

  func test_note_ofSteps_saysWhatDiffers() throws {
    var more = Sample.verdict(findings: [
      Sample.finding(introduced: false), Sample.finding("crash", introduced: false),
    ])
    more.exploration.scenarios = 3010
    more.revision.version = "6.12.118"
    var report = CheckReport([
      .init(label: "1", title: "one", outcome: .verdict(Sample.verdict()), replayOptions: ""),
      .init(label: "2", title: "two", outcome: .verdict(more), replayOptions: ""),
    ])
    report.series = .init(
      name: "/x/linux@base..v2",
      steps: ["1", "2"].map { .init(id: $0, file: nil, subject: nil) })
    var said = try note(report)
    for words in [
      "Linux 6.12.117 and 6.12.118, each of the 2 commits of base..v2 on top of those before it, ",
      "3000 to 3010 scenarios for each", "none left out",
      "Nothing new was found", "2 findings were there without the patch and are not listed.",
    ] {
      XCTAssert(said.contains(words), "no '\(words)' in: \(said)")
    }
    report.entries.append(
      .init(
        label: "3", title: "three", outcome: .failure("no", exitCode: 3), replayOptions: ""))
    report.series?.steps.append(.init(id: "3", file: nil, subject: nil))
    said = try note(report)
    XCTAssertFalse(said.contains("none left out"), said)
    XCTAssert(said.contains("2 of the 3 commits of base..v2, each on top of those"), said)
    XCTAssert(said.contains("1 step could not be tested at all."), said)
  }

  func test_html_isWellFormedAndNeedsNothingElse() throws {
    let reports = [Sample.clean, Sample.broken, Sample.old, Sample.noted, Sample.series]
    let pages =
      reports.map { HTMLReport($0) }
      + [
        HTMLReport(PageSample.report(PageSample.verdict)), HTMLReport(PageSample.series),
        HTMLReport(PageSample.comparison),
      ]
    for page in pages {
      let text = try page.text
      XCTAssert(text.hasPrefix("<!DOCTYPE html>\n") && text.hasSuffix("</html>\n"))
      // What is no markup stands aside; what is left is XML.
      let markup = text.replacing(/<!DOCTYPE html>\n/, with: "")
        .replacing(/(?s)(<(style|script)[^>]*>).*?<\/(style|script)>/) {
          "\($0.output.1)</\($0.output.2)>"
        }
      let parser = XMLParser(data: Data(markup.utf8))
      XCTAssert(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "") in \(markup)")
      for outside in ["http:", "https:", "src=", "@import", "<link"] {
        XCTAssertFalse(markup.contains(outside), outside)
      }
      XCTAssertEqual(
        markup.ranges(of: "href=").count, markup.ranges(of: "href=\"#").count, "links stay inside")
    }
    let page = try HTMLReport(Sample.broken).text
    XCTAssert(page.contains("a &lt;page&gt; &amp; &quot;its&quot; &#39;owner&#39;"))
    XCTAssert(page.contains("the page of q is never freed"))
    XCTAssert(page.contains("KVM: &lt;do&gt; it"))
  }
}

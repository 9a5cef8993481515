// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting
import TestSupport
import XCTest

/// What SARIF 2.1.0 requires, and what readers of it look for.
final class SARIFTests: XCTestCase {
  private typealias Object = [String: Any]

  private func runs(_ report: CheckReport) throws -> [Object] {
    let text = try report.rendered(as: .sarif, usesColour: true)
    let log = try XCTUnwrap(JSONSerialization.jsonObject(with: Data(text.utf8)) as? Object)
    XCTAssertEqual(log["version"] as? String, "2.1.0")
    return try XCTUnwrap(log["runs"] as? [Object])
  }

  private func results(_ report: CheckReport) throws -> [Object] {
    try XCTUnwrap(runs(report)[0]["results"] as? [Object])
  }

  private func driver(_ run: Object) throws -> Object {
    try XCTUnwrap((run["tool"] as? Object)?["driver"] as? Object)
  }

  func test_sarif_rulesAreTheProperties() throws {
    let run = try runs(Sample.broken)[0]
    let driver = try driver(run)
    XCTAssertEqual(driver["name"] as? String, "kshim")
    let rules = try XCTUnwrap(driver["rules"] as? [Object]).map { $0["id"] as? String }
    XCTAssertEqual(rules, ["leak", "crash", "warn-missing", "dead-branch"])
    let result = try results(Sample.broken)[0]
    let index = try XCTUnwrap(result["ruleIndex"] as? Int)
    XCTAssertEqual(result["ruleId"] as? String, rules[index])
  }

  func test_sarif_resultHasItsPlaceAndItsTrace() throws {
    let result = try results(Sample.broken)[0]
    XCTAssertEqual(result["level"] as? String, "error")
    let location = try XCTUnwrap((result["locations"] as? [Object])?.first)
    let physical = try XCTUnwrap(location["physicalLocation"] as? Object)
    XCTAssertEqual((physical["artifactLocation"] as? Object)?["uri"] as? String, "a/b.c")
    XCTAssertEqual((physical["region"] as? Object)?["startLine"] as? Int, 7)
    let flow = try XCTUnwrap((result["codeFlows"] as? [Object])?.first)
    let threads = try XCTUnwrap(flow["threadFlows"] as? [Object])
    let orders = threads.map {
      ($0["locations"] as? [Object] ?? []).map { $0["executionOrder"] as? Int }
    }
    XCTAssertEqual(orders, [[1, 2], [3]], "one flow a thread")
    // An event without a line has no region: lines begin with 1.
    let first = (threads[0]["locations"] as? [Object])?[0]["location"] as? Object
    XCTAssertNil((first?["physicalLocation"] as? Object)?["region"])
  }

  func test_sarif_baselineState_saysWhatIsIntroduced() throws {
    XCTAssertEqual(try results(Sample.broken)[0]["baselineState"] as? String, "new")
    XCTAssertEqual(try results(Sample.old)[0]["baselineState"] as? String, "unchanged")
    let plain = Sample.report(Sample.verdict(patches: 0, findings: [Sample.finding()]))
    XCTAssertNil(try results(plain)[0]["baselineState"])
    XCTAssertEqual(try results(Sample.noted)[0]["level"] as? String, "note")
    XCTAssertEqual(try results(Sample.clean).count, 0)
  }

  func test_sarif_fingerprints_differAndDoNotMoveWithLines() throws {
    var moved = Sample.finding()
    moved.line = 70
    func prints(_ findings: [Verdict.Finding]) throws -> [String] {
      try results(Sample.report(Sample.verdict(findings: findings))).compactMap {
        ($0["partialFingerprints"] as? [String: String])?["kshim/v1"]
      }
    }
    XCTAssertEqual(try prints([Sample.finding()]), try prints([moved]))
    XCTAssertEqual(Set(try prints([Sample.finding(), moved])).count, 2)
  }

  func test_sarif_series_hasARunForEachStep() throws {
    let runs = try runs(Sample.series)
    XCTAssertEqual(runs.count, 3)
    let succeeded = runs.map {
      ($0["invocations"] as? [Object])?[0]["executionSuccessful"] as? Bool
    }
    XCTAssertEqual(succeeded, [true, true, false])
    let names = runs.map { ($0["automationDetails"] as? Object)?["id"] as? String }
    XCTAssertEqual(Set(names).count, 3)
  }

  func test_sarif_standardsSchema_takesEveryReport() async throws {
    for report in [
      Sample.clean, Sample.broken, Sample.old, Sample.noted, Sample.partly, Sample.unjudged,
      Sample.shown,
    ] {
      let read = try await ReportReaders.sarif(report.rendered(as: .sarif, usesColour: true))
      XCTAssertEqual(read.runs.map(\.exit), [Int(report.exitCode(isStrict: false))])
    }
    let series = try await ReportReaders.sarif(
      Sample.series.rendered(as: .sarif, usesColour: true))
    XCTAssertEqual(series.runs.map(\.exit), [0, 1, 3])
    XCTAssertEqual(series.runs.map(\.notices), [["not-asked"], ["not-asked"], ["failed"]])
    XCTAssertEqual(series.runs.map(\.results.count), [0, 1, 0])
  }

  func test_sarif_whatIsNotJudged_isANotification() async throws {
    var read = try await ReportReaders.sarif(
      Sample.partly.rendered(as: .sarif, usesColour: true))
    XCTAssertEqual(read.runs[0].notices, ["not-judged", "limit", "not-watched", "not-asked"])
    read = try await ReportReaders.sarif(Sample.unjudged.rendered(as: .sarif, usesColour: true))
    XCTAssertEqual(read.runs[0].notices, ["not-judged", "limit", "not-watched"])
    let invocation = try XCTUnwrap(
      (runs(Sample.unjudged)[0]["invocations"] as? [Object])?.first)
    XCTAssertEqual(invocation["executionSuccessful"] as? Bool, false)
    let notices = invocation["toolExecutionNotifications"] as? [Object]
    XCTAssertEqual(
      (notices?.first?["message"] as? Object)?["text"] as? String,
      "g() is not judged: it has # variable arguments")
  }

  func test_sarif_placeHasItsText_andTheCauseIsRelated() async throws {
    let read = try await ReportReaders.sarif(Sample.shown.rendered(as: .sarif, usesColour: true))
    let told = read.runs[0].results.map {
      "\($0.rule) \($0.level) \($0.line) \($0.text) \($0.steps)"
    }
    XCTAssertEqual(told, ["leak error 7 \t\treturn -1; 3"])
    let result = try results(Sample.shown)[0]
    let place = (result["locations"] as? [Object])?.first?["physicalLocation"] as? Object
    let context = try XCTUnwrap(place?["contextRegion"] as? Object)
    XCTAssertEqual(context["startLine"] as? Int, 4)
    XCTAssertEqual(context["endLine"] as? Int, 9)
    let related = try XCTUnwrap((result["relatedLocations"] as? [Object])?.first)
    XCTAssertEqual(
      (related["message"] as? Object)?["text"] as? String,
      "allocation of p fails → the page of q is never freed (b.c:7)")
    XCTAssertEqual((result["properties"] as? Object)?["assumes"] as? String, "p is not NULL")
    XCTAssertNil(try results(Sample.broken)[0]["relatedLocations"], "the cause is at the place")
  }

  func test_sarif_flow_saysWhatMatters() throws {
    let flow = try XCTUnwrap((results(Sample.shown)[0]["codeFlows"] as? [Object])?.first)
    XCTAssertEqual(
      (flow["message"] as? Object)?["text"] as? String, "it fails → it is lost (b.c:7)")
    let steps = (flow["threadFlows"] as? [Object] ?? [])
      .flatMap { $0["locations"] as? [Object] ?? [] }
    XCTAssertEqual(
      steps.map { $0["importance"] as? String }, ["important", "essential", "important"])
    XCTAssertEqual(steps.map { $0["nestingLevel"] as? Int }, [0, 1, 0])
    XCTAssertEqual(
      steps.map { $0["kinds"] as? [String] },
      [["enter", "function"], ["acquire", "memory"], ["return", "function"]])
  }

  func test_sarif_ruleHasItsPage_withoutLinksToOthers() async throws {
    var report = Sample.broken
    report.page = {
      $0 == "leak"
        ? "# leak\n\nIt is `lost`, says\n[a page](../a.md), and [one](https://x.org).\n\n## Example\n\n    f()\n"
        : nil
    }
    let rules = try XCTUnwrap(driver(runs(report)[0])["rules"] as? [Object])
    let full = rules[0]["fullDescription"] as? Object
    XCTAssertEqual(
      full?["text"] as? String, "It is `lost`, says a page, and [one](https://x.org).")
    let help = rules[0]["help"] as? Object
    let markdown = try XCTUnwrap(help?["markdown"] as? String)
    XCTAssert(markdown.hasSuffix("\n\n## Example\n\n    f()\n"), markdown)
    XCTAssertNil(rules[1]["fullDescription"])
    _ = try await ReportReaders.sarif(report.rendered(as: .sarif, usesColour: true))
  }
}

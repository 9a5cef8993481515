// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting
import TestSupport
import XCTest

/// What is written as JSON, held against the published schemas.
final class JSONSchemaTests: XCTestCase {
  func test_check_everyReport_fits() async throws {
    for report in [
      Sample.clean, Sample.broken, Sample.old, Sample.noted, Sample.partly, Sample.unjudged,
      Sample.shown,
    ] {
      try await ReportReaders.json(
        report.rendered(as: .json, usesColour: true), schema: "check")
    }
  }

  func test_check_series_fits() async throws {
    var report = Sample.series
    report.series = .init(
      name: "k@a..b",
      steps: [
        .init(id: String(repeating: "a1", count: 20), file: nil, subject: "one"),
        .init(id: "2", file: "2.patch", subject: nil), .init(id: "3", file: "-", subject: "three"),
      ])
    report.entries[1].fixed = [.init(Sample.finding())]
    try await ReportReaders.json(report.rendered(as: .json, usesColour: true), schema: "check")
  }

  func test_compare_fits() async throws {
    let group = Comparison.Group(
      sentence: "it returns 0, not -ENOMEM", count: 3, oldScenario: "f:1", newScenario: "f:1",
      file: "a/b.c", line: 7, oldTrace: Sample.finding().trace, newTrace: [])
    let revision = { (label: String) in
      Comparison.Revision(
        label: label, revision: Sample.verdict().revision, verdict: "clean",
        exploration: Sample.verdict().exploration)
    }
    let comparison = Comparison(
      subject: "s", file: "a/b.c", revisions: [revision("base"), revision("v1")],
      pairs: [.init(old: "base", new: "v1", scenarios: 9, compares: "trace", groups: [group])],
      findings: [
        .init(
          property: "leak", function: "f", message: "it is lost", isNote: false, cause: "it fails",
          statuses: [.absent, .introduced], lines: [0, 7], scenarios: ["", "f:1"])
      ], scenarios: 18, seconds: 0.5)
    try await ReportReaders.json(comparison.json(), schema: "compare")
  }

  /// A schema that takes everything would say nothing.
  func test_aKeyThatIsMissing_orAWordThatIsNone_doesNotFit() async throws {
    let text = try Sample.shown.rendered(as: .json, usesColour: false)
    for (right, wrong) in [
      ("\"verdict\" : \"findings\"", "\"verdict\" : \"fine\""), ("\"findings\" :", "\"found\" :"),
      ("\"firstLine\" : 4", "\"firstLine\" : 0"), ("\"counts\" : [", "\"counts\" : [ -1,"),
      ("\"schema\" : 1", "\"schema\" : 2"), ("\"trace\" :", "\"traces\" :"),
    ] {
      let spoilt = text.replacing(right, with: wrong)
      XCTAssertNotEqual(spoilt, text, right)
      do {
        try await ReportReaders.json(spoilt, schema: "check")
        XCTFail("\(wrong) is taken")
      } catch is ReportReaders.Fault {}
    }
  }
}

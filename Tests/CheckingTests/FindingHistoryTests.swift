// SPDX-License-Identifier: GPL-2.0-only
import Reporting
import XCTest

@testable import Checking

/// Findings followed through revisions.
final class FindingHistoryTests: XCTestCase {
  private func finding(
    _ property: String, _ line: Int, _ scenario: String = "s", _ message: String = "m"
  ) -> Verdict.Finding {
    .init(
      property: property, function: "f", file: "a.c", line: line, introduced: false,
      message: message, scenario: scenario, failing: 1, trace: [], cause: 0)
  }

  private func verdict(
    _ findings: [Verdict.Finding], notes: [Verdict.Finding] = []
  ) -> Verdict {
    var notes = notes
    for index in notes.indices { notes[index].cause = nil }
    return Verdict(
      revision: .init(kernel: "k", version: "1", patches: []), subject: "s", findings: findings,
      causes: findings.isEmpty
        ? []
        : [.init(sentence: "c", findings: [], scenario: "", file: "a.c", line: 1)],
      notes: notes, exploration: .init(scenarios: 1, seconds: 0, exhaustive: true), properties: [])
  }

  private func statuses(_ verdicts: [Verdict]) -> [[Comparison.Status]] {
    FindingHistory(verdicts).rows.map(\.statuses)
  }

  func test_finding_comesStaysAndGoes() {
    let rows = FindingHistory([
      verdict([]), verdict([finding("leak", 3)]), verdict([finding("leak", 5)]), verdict([]),
      verdict([]),
    ]).rows
    XCTAssertEqual(rows.map(\.statuses), [[.absent, .introduced, .there, .fixed, .absent]])
    XCTAssertEqual(rows[0].lines, [0, 3, 5, 0, 0])
    XCTAssertEqual(rows[0].cause, "c")
  }

  func test_finding_ofTheFirstRevisionIsThere() {
    XCTAssertEqual(statuses([verdict([finding("leak", 3)]), verdict([])]), [[.there, .fixed]])
  }

  func test_finding_thatComesBackIsOneRow() {
    XCTAssertEqual(
      statuses([verdict([finding("leak", 3)]), verdict([]), verdict([finding("leak", 3)])]),
      [[.there, .fixed, .introduced]])
  }

  func test_findingsOfOneKind_areMatchedOneForOne() {
    let two = [finding("leak", 3, "first"), finding("leak", 9, "second")]
    XCTAssertEqual(
      FindingHistory([verdict(two), verdict([finding("leak", 8, "second")])]).rows.map(\.lines),
      [[3, 0], [9, 8]])
  }

  func test_noteAndFinding_areNeverOne() {
    XCTAssertEqual(
      statuses([verdict([finding("x", 3)]), verdict([], notes: [finding("x", 3)])]),
      [[.there, .fixed], [.absent, .introduced]])
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Reporting
import XCTest

@testable import Checking

/// What a patch introduces, told from what its base has.
final class IntroducedTests: XCTestCase {
  private func finding(
    _ property: String, line: Int = 1, scenario: String = "s", isTouched: Bool = false
  ) -> Verdict.Finding {
    Verdict.Finding(
      property: property, function: "f", file: "a.c", line: line, introduced: isTouched,
      message: "m", scenario: scenario, failing: 1, trace: [])
  }

  private func introduced(_ findings: [Verdict.Finding], over base: [Verdict.Finding]) -> [Bool] {
    var findings = findings
    Check.tell(&findings, from: base)
    return findings.map(\.introduced)
  }

  func test_sameFinding_onAnotherLineAndInAnotherScenario_isOld() {
    XCTAssertEqual(
      introduced([finding("leak", line: 9, scenario: "t")], over: [finding("leak")]), [false])
  }

  func test_otherProperty_isNew() {
    XCTAssertEqual(introduced([finding("hang")], over: [finding("leak")]), [true])
  }

  func test_oneMoreOfAKind_isNew_andTheSameScenarioDecidesWhich() {
    XCTAssertEqual(
      introduced([finding("leak", scenario: "t"), finding("leak")], over: [finding("leak")]),
      [true, false])
  }

  func test_oneMoreNote_onALineThatThePatchTouched_isTheNewOne() {
    XCTAssertEqual(
      introduced(
        [
          finding("dead-branch", line: 3, scenario: "", isTouched: true),
          finding("dead-branch", line: 7, scenario: ""),
        ], over: [finding("dead-branch", line: 6, scenario: "")]), [true, false])
  }

  private func verdict(_ findings: [Verdict.Finding]) -> Verdict {
    Verdict(
      revision: .init(kernel: "k", version: "6", patches: []), subject: "s", findings: findings,
      causes: [], notes: findings,
      exploration: .init(scenarios: 1, seconds: 1, exhaustive: true), properties: [])
  }

  func test_fixed_isWhatEveryParentHasAndTheStepHasNot() {
    func gone(_ findings: [Verdict.Finding], _ bases: [Verdict.Finding]...) -> [String] {
      var step = verdict(findings)
      let known = bases.map { (verdict: verdict($0), evidence: Evidence.none) }
      let kept = Check.tell(&step, from: known)
      return FindingMatch.gone(from: step, bases: known, kept: kept).map(\.property)
    }
    let (leak, hang) = (finding("leak"), finding("hang"))
    XCTAssertEqual(gone([finding("leak", line: 9, scenario: "t")], [leak, hang]), ["hang"])
    XCTAssertEqual(gone([leak], [leak, leak]), ["leak"])
    XCTAssertEqual(gone([], [leak, hang], [hang]), ["hang"])
    XCTAssertEqual(gone([], [leak, hang], []), [])
    XCTAssertEqual(gone([hang], [hang]), [])
    XCTAssertEqual(gone([]), [])
  }

  func test_merge_introducesWhatNoneOfItsParentsHas() {
    var merge = verdict([finding("leak"), finding("hang"), finding("crash")])
    Check.tell(
      &merge,
      from: [(verdict([finding("leak")]), .none), (verdict([finding("hang")]), .none)])
    XCTAssertEqual(merge.findings.map(\.introduced), [false, false, true])
    XCTAssertEqual(merge.notes.map(\.introduced), [false, false, true])
    Check.tell(&merge, from: [])
    XCTAssertEqual(merge.findings.map(\.introduced), [true, true, true])
  }
}

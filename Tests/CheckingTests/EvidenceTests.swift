// SPDX-License-Identifier: GPL-2.0-only
import Reporting
import XCTest

@testable import Checking

/// What tells an old finding from a new one: the scenario run in the base, and where it breaks.
final class EvidenceTests: XCTestCase {
  private func finding(
    _ property: String = "warn-unexpected", in function: String = "f", line: Int,
    _ message: String = "m", scenario: String = "s", sentence: String? = nil,
    at event: String = "WARN"
  ) -> Verdict.Finding {
    Verdict.Finding(
      property: property, function: function, file: "a.c", line: line, introduced: false,
      message: message, scenario: scenario, failing: 1,
      trace: [.init(event: event, line: line, function: function, callee: nil, detail: "")],
      sentence: sentence)
  }

  private func evidence(
    _ old: String, _ new: String, _ reruns: [String: Rerun] = [:]
  ) -> Evidence {
    var evidence = Evidence(["a.c": (old, new)])
    evidence.reruns = reruns
    return evidence
  }

  private func matches(
    _ findings: [Verdict.Finding], _ base: [Verdict.Finding], _ evidence: Evidence
  ) -> [Int?] {
    FindingMatch.matches(of: findings, in: base, by: evidence)
  }

  func test_anotherPlaceOfTheSameFunction_isAnotherFinding() {
    let evidence = evidence("one\ntwo\nthree\n", "one\nadded\ntwo\nthree\n")
    // The line that the patch adds, in the very scenario; then the old one, further down.
    XCTAssertEqual(matches([finding(line: 2)], [finding(line: 2)], evidence), [nil])
    XCTAssertEqual(matches([finding(line: 3)], [finding(line: 2)], evidence), [0])
    XCTAssertEqual(matches([finding(line: 4)], [finding(line: 2)], evidence), [nil])
    // Where all returns come together is no place.
    XCTAssertEqual(
      matches([finding(line: 4, at: "return")], [finding(line: 2, at: "return")], evidence), [0])
  }

  func test_statementThatIsMoved_isTheSameOne() {
    let evidence = evidence("one\ntwo\nthree\n", "one\nthree\n\ttwo\n")
    XCTAssertEqual(matches([finding(line: 3)], [finding(line: 2)], evidence), [0])
  }

  func test_lineThatIsRewritten_decidesNothing() {
    let evidence = evidence("one\ntwo\nthree\n", "one\nTWO\nthree\n")
    XCTAssertEqual(matches([finding(line: 2)], [finding(line: 2)], evidence), [0])
  }

  func test_scenarioThatIsFineInTheBase_isNew_whereTheCauseIsAnother() {
    let old = finding(
      "leak", line: 1, scenario: "t", sentence: "with a=1 → a leak (a.c:1)", at: "return")
    let new = finding(
      "leak", line: 1, scenario: "s", sentence: "with b=1 → a leak (a.c:1)", at: "return")
    func told(_ rerun: Rerun?) -> [Int?] {
      matches([new], [old], evidence("one\n", "one\n", rerun.map { ["s": $0] } ?? [:]))
    }
    XCTAssertEqual(told(.init(isWhole: true, broken: [])), [nil])
    // What fails in it is not even asked for in the base.
    XCTAssertEqual(told(.init(isWhole: false, broken: [])), [0])
    XCTAssertEqual(told(nil), [0])
    var other = old
    other.sentence = "with a=1 → another leak (a.c:1)"
    XCTAssertEqual(matches([new], [other], evidence("one\n", "one\n")), [nil])
    // Where it breaks in the base too, in the same way, it was there.
    var broken = old
    (broken.scenario, broken.trace) = ("", [])
    XCTAssertEqual(told(.init(isWhole: true, broken: [broken])), [0])
    broken.message = "in another way"
    XCTAssertEqual(told(.init(isWhole: true, broken: [broken])), [nil])
  }

  func test_namesThatThePatchChanges_areTheSame() {
    let evidence = evidence("f root_hpa\n", "g root f2\n")
    XCTAssert(
      evidence.isOneKind(
        finding(in: "g", line: 1, "root is 0x12"), finding(in: "f", line: 1, "root_hpa is 0x7")))
    // f2 is new, and may do what f did; root_pgd never was there.
    XCTAssert(evidence.isOneKind(finding(in: "f2", line: 1), finding(in: "f", line: 1)))
    XCTAssertFalse(
      evidence.isOneKind(finding(in: "g", line: 1, "root"), finding(in: "f", line: 1, "g")))
    XCTAssertFalse(Evidence.none.isOneKind(finding(in: "g", line: 1), finding(in: "f", line: 1)))
  }

  func test_oneOfTheBase_standsForOneFinding() {
    let none = Evidence.none
    XCTAssertEqual(
      matches([finding(line: 1), finding(line: 2)], [finding(line: 9)], none), [0, nil])
  }
}

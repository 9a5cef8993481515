// SPDX-License-Identifier: GPL-2.0-only
import Reporting
import XCTest

@testable import Checking

/// What several functions of a file show at one place.
final class ToldOnceTests: XCTestCase {
  private func verdict(
    _ findings: [(property: String, line: Int, subject: String)], introduced: [Int] = []
  ) -> Verdict {
    var whole = Verdict(
      revision: .init(kernel: "k", version: "6", patches: []), subject: "functions", findings: [],
      causes: [], notes: [], exploration: .init(scenarios: 0, seconds: 0, exhaustive: true),
      properties: [])
    for (number, finding) in findings.enumerated() {
      var found = Verdict.Finding(
        property: finding.property, function: "helper", file: "a.c", line: finding.line,
        introduced: introduced.contains(number), message: "m", scenario: "\(number)", failing: 1,
        trace: [], cause: 0)
      found.sentence = "sentence \(number)"
      var one = whole
      one.subject = finding.subject
      one.findings = [found]
      one.causes = [
        .init(
          sentence: "sentence \(number)", findings: [0], scenario: "\(number)", file: "a.c",
          line: finding.line)
      ]
      one.exploration.scenarios = 1
      whole.add(one)
    }
    whole.tellOnce()
    return whole
  }

  func test_helperAndItsCallers_areToldOnce_asTheHelper() {
    let told = verdict([
      ("leak", 3, "a.c:caller"), ("leak", 3, "a.c:helper"), ("leak", 3, "a.c:other"),
    ])
    XCTAssertEqual(told.findings.map(\.subject), ["a.c:helper"])
    XCTAssertEqual(told.findings[0].also, ["a.c:caller", "a.c:other"])
    XCTAssertEqual(told.findings[0].cause, 0)
    XCTAssertEqual(told.causes.map(\.sentence), ["sentence 1"])
    XCTAssertEqual(told.causes[0].findings, [0])
  }

  func test_callersAlone_areToldAsTheFirst() {
    let told = verdict([("leak", 3, "a.c:caller"), ("leak", 3, "a.c:other")])
    XCTAssertEqual(told.findings.map(\.subject), ["a.c:caller"])
    XCTAssertEqual(told.findings[0].also, ["a.c:other"])
  }

  func test_anotherPlacePropertyOrOrigin_isToldOfItsOwn() {
    let told = verdict(
      [
        ("leak", 3, "a.c:helper"), ("leak", 4, "a.c:caller"), ("hang", 3, "a.c:caller"),
        ("leak", 3, "a.c:caller"),
      ], introduced: [3])
    XCTAssertEqual(told.findings.count, 4)
    XCTAssert(told.findings.allSatisfy { $0.also == nil })
  }

  func test_severalOfOneFunctionAtAPlace_areToldEach() {
    let told = verdict([
      ("leak", 3, "a.c:helper"), ("leak", 3, "a.c:helper"), ("leak", 3, "a.c:caller"),
    ])
    XCTAssertEqual(told.findings.map(\.scenario), ["0", "1"])
    XCTAssertEqual(told.findings.map(\.also), [["a.c:caller"], nil])
  }

  func test_whatAModelShows_standsForItself() {
    let told = verdict([("leak", 3, "kvm-mmu-roots"), ("leak", 3, "a.c:helper")])
    XCTAssertEqual(told.findings.count, 2)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting
import TestSupport
import XCTest

/// KTAP and JUnit, as their readers see them.
final class TestFormatsTests: XCTestCase {
  // MARK: KTAP

  private func text(_ report: CheckReport, isStrict: Bool = false) throws -> String {
    try report.rendered(as: .ktap, usesColour: true, isStrict: isStrict)
  }

  private func ktap(
    _ report: CheckReport, isStrict: Bool = false
  ) async throws -> ReportReaders.KTAP {
    let read = try await ReportReaders.ktap(text(report, isStrict: isStrict))
    XCTAssertEqual(read.errors, 0)
    return read
  }

  func test_ktap_property_isATestWithItsFindingsAsDiagnostics() async throws {
    let tests = try await ktap(Sample.broken).tests
    XCTAssertEqual(tests.map(\.name), ["leak", "crash", "warn-missing", "dead-branch"])
    XCTAssertEqual(tests.map(\.status), ["FAILURE", "SUCCESS", "SKIPPED", "SUCCESS"])
    XCTAssert(tests[0].log.contains { $0.hasPrefix("# leak: a/b.c:7: a <page>") })
    XCTAssert(
      tests[0].log.contains(
        "# replay: kshim replay --kernel debian:6.12 --patch 0.patch f:x=1:gzp1"))
  }

  func test_ktap_failsExactlyWhereTheExitStatusDoes() async throws {
    for report in [Sample.clean, Sample.broken, Sample.old, Sample.noted] {
      for isStrict in [false, true] {
        let isOK = try await ktap(report, isStrict: isStrict).failed == 0
        XCTAssertEqual(isOK, report.exitCode(isStrict: isStrict) == 0)
      }
    }
    let old = try await ktap(Sample.old).tests
    XCTAssertEqual(old[0].log.count, 3, "told all the same")
  }

  func test_ktap_series_isNested() async throws {
    let tests = try await ktap(Sample.series).tests
    XCTAssertEqual(tests.map(\.name), ["1 one", "2 two  <2>", "3 three"])
    XCTAssertEqual(tests.map(\.status), ["SUCCESS", "FAILURE", "FAILURE"])
    XCTAssertEqual(tests.map(\.tests.count), [4, 4, 1])
    XCTAssertEqual(tests[2].tests[0].log.last, "  #   where: a.c:1")
    // In its subtests the kernel indents by two, and each has a version and a plan of its own.
    let lines = try text(Sample.series).split(separator: "\n")
    XCTAssertEqual(
      lines.prefix(4), ["KTAP version 1", "1..3", "  KTAP version 1", "  # Subtest: 1 one"])
  }

  func test_ktap_whatIsNotJudged_isSkippedWithItsReason() async throws {
    for (report, count) in [(Sample.partly, 5), (Sample.unjudged, 1)] {
      let read = try await ktap(report)
      XCTAssertEqual(read.tests.count, count)
      XCTAssertEqual(read.tests.last?.name, "a/b.c:g")
      XCTAssertEqual(read.tests.last?.status, "SKIPPED")
      XCTAssert(try text(report).hasSuffix("a/b.c:g # SKIP it has  variable arguments\n"))
    }
  }

  func test_ktap_isTAP_whereItHasNoSubtests() async throws {
    let read = try await ReportReaders.tap(text(Sample.broken))
    XCTAssertEqual(read.strange, 0)
    XCTAssertEqual(read.plan, 4)
    XCTAssertEqual(read.tests.map(\.number), [1, 2, 3, 4])
    XCTAssertEqual(read.tests.map(\.ok), [false, true, true, true])
    XCTAssertEqual(read.tests.map(\.skip), [false, false, true, false])
  }

  // MARK: JUnit

  private func junit(
    _ report: CheckReport, isStrict: Bool = false
  ) async throws -> ReportReaders.JUnit {
    try await ReportReaders.junit(
      report.rendered(as: .junit, usesColour: true, isStrict: isStrict))
  }

  func test_junit_property_isATestCase() async throws {
    let read = try await junit(Sample.broken)
    let suite = read.suites[0]
    XCTAssertEqual(suite.cases.map(\.name), ["leak", "crash", "warn-missing", "dead-branch"])
    XCTAssertEqual(
      suite.cases.map { $0.results.map(\.kind) }, [["failure"], [], ["skipped"], []])
    XCTAssertEqual([suite.tests, suite.failures, suite.errors, suite.skipped], [4, 1, 0, 1])
    let leak = suite.cases[0]
    XCTAssertEqual(leak.file, "a/b.c")
    XCTAssertEqual(leak.line, 7)
    XCTAssertEqual(leak.results[0].message, "a <page> & \"its\" 'owner' # are lost\\u0001")
    XCTAssert(leak.results[0].text.contains("a <page> & \"its\" 'owner' # are lost\\u0001"))
    XCTAssert(leak.results[0].text.contains("replay: kshim replay "), leak.results[0].text)
    XCTAssert(leak.output.contains("alloc gzp() = NULL"), leak.output)
    XCTAssert(
      try Sample.broken.rendered(as: .junit, usesColour: true).contains(" time=\"1.500\""))
  }

  func test_junit_failsExactlyWhereTheExitStatusDoes() async throws {
    for report in [Sample.clean, Sample.broken, Sample.old, Sample.noted] {
      for isStrict in [false, true] {
        let isOK = try await junit(report, isStrict: isStrict).suites[0].failures == 0
        XCTAssertEqual(isOK, report.exitCode(isStrict: isStrict) == 0)
      }
    }
    let old = try await junit(Sample.old).suites[0].cases[0]
    XCTAssertEqual(old.results.count, 0)
    XCTAssert(old.output.contains("already there"), "told all the same")
  }

  func test_junit_series_hasASuiteForEachStep() async throws {
    let read = try await junit(Sample.series)
    XCTAssertEqual(read.suites.map(\.name), ["1 one", "2 two # <2>", "3 three"])
    XCTAssertEqual(read.suites.map(\.errors), [0, 0, 1])
    let last = try XCTUnwrap(read.suites[2].cases.last?.results.first)
    XCTAssertEqual(last.kind, "error")
    XCTAssertEqual(last.message, "cannot compile")
    XCTAssertEqual(last.text, "cannot compile\n  where: a.c:1")
  }

  func test_junit_whatIsNotJudged_isSkippedWithItsReason() async throws {
    for report in [Sample.partly, Sample.unjudged] {
      let suite = try await junit(report).suites[0]
      let last = try XCTUnwrap(suite.cases.last)
      XCTAssertEqual(last.name, "a/b.c:g")
      XCTAssertEqual(last.file, "a/b.c")
      XCTAssertEqual(last.results.map(\.kind), ["skipped"])
      XCTAssertEqual(last.results.first?.message, "it has # variable arguments")
      XCTAssertEqual(suite.failures + suite.errors, 0)
    }
  }

  func test_junit_hasNoCharacterThatXMLHasNot() async throws {
    let strange = "\u{0}\u{b}\u{1b}[1m\u{fffe}\u{ffff}\u{202e}\u{1F600}]]>\r\n\tx"
    let read = try await junit(
      Sample.report(Sample.verdict(findings: [Sample.finding(message: strange)])))
    XCTAssertEqual(
      read.suites[0].cases[0].results[0].message,
      "\\u0000\\u000b\\u001b[1m\u{fffd}\u{fffd}\\u202e\u{1F600}]]>\\u000d\n\tx")
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting
import XCTest

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// KTAP and JUnit, read by readers of their own.
final class TestFormatsTests: XCTestCase {
  private func ktap(_ report: CheckReport, isStrict: Bool = false) throws -> [KTAPReader.Test] {
    try KTAPReader(report.rendered(as: .ktap, usesColour: true, isStrict: isStrict)).tests
  }

  func test_ktap_property_isATestWithItsFindingsAsDiagnostics() throws {
    let tests = try ktap(Sample.broken)
    XCTAssertEqual(tests.map(\.name), ["leak", "crash", "warn-missing", "dead-branch"])
    XCTAssertEqual(tests.map(\.isOK), [false, true, true, true])
    XCTAssertEqual(tests.map(\.isSkipped), [false, false, true, false])
    XCTAssert(tests[0].diagnostics.contains { $0.hasPrefix("leak: a/b.c:7: a <page>") })
    XCTAssert(
      tests[0].diagnostics.contains(
        "replay: kshim replay --kernel debian:6.12 --patch 0.patch f:x=1:gzp1"))
  }

  func test_ktap_failsExactlyWhereTheExitStatusDoes() throws {
    for report in [Sample.clean, Sample.broken, Sample.old, Sample.noted] {
      for isStrict in [false, true] {
        let isOK = try ktap(report, isStrict: isStrict).allSatisfy(\.isOK)
        XCTAssertEqual(isOK, report.exitCode(isStrict: isStrict) == 0)
      }
    }
    XCTAssertEqual(try ktap(Sample.old)[0].diagnostics.count, 3, "told all the same")
  }

  func test_ktap_series_isNested() throws {
    let tests = try ktap(Sample.series)
    XCTAssertEqual(tests.map(\.name), ["1 one", "2 two  <2>", "3 three"])
    XCTAssertEqual(tests.map(\.isOK), [true, false, false])
    XCTAssertEqual(tests.map(\.subtests.count), [4, 4, 1])
    XCTAssertEqual(tests[2].subtests[0].diagnostics.last, "  where: a.c:1")
  }

  /// What a JUnit reader sees: of each test case its name and what is inside.
  private final class JUnit: NSObject, XMLParserDelegate {
    var suites: [[String: String]] = []
    var cases: [(attributes: [String: String], inside: [String])] = []
    var failureText = ""
    private var open: [String] = []

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
      qualifiedName: String?, attributes: [String: String]
    ) {
      if name == "testsuite" { suites.append(attributes) }
      if name == "testcase" {
        cases.append((attributes, []))
      } else if open.last == "testcase" {
        cases[cases.count - 1].inside.append(name)
      }
      open.append(name)
    }

    func parser(
      _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
      qualifiedName: String?
    ) { open.removeLast() }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
      if open.last == "failure" { failureText += string }
    }
  }

  private func junit(_ report: CheckReport, isStrict: Bool = false) throws -> JUnit {
    let text = try report.rendered(as: .junit, usesColour: true, isStrict: isStrict)
    let parser = XMLParser(data: Data(text.utf8))
    let reader = JUnit()
    parser.delegate = reader
    XCTAssert(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "") in \(text)")
    return reader
  }

  func test_junit_property_isATestCase() throws {
    let read = try junit(Sample.broken)
    XCTAssertEqual(
      read.cases.map { $0.attributes["name"] }, ["leak", "crash", "warn-missing", "dead-branch"])
    XCTAssertEqual(read.cases.map(\.inside), [["failure"], [], ["skipped"], []])
    XCTAssert(
      read.failureText.contains("a <page> & \"its\" 'owner' # are lost\\u0001"), read.failureText)
    XCTAssertEqual(read.suites[0]["tests"], "4")
    XCTAssertEqual(read.suites[0]["failures"], "1")
    XCTAssertEqual(read.suites[0]["time"], "1.500")
  }

  func test_junit_failsExactlyWhereTheExitStatusDoes() throws {
    for report in [Sample.clean, Sample.broken, Sample.old, Sample.noted] {
      for isStrict in [false, true] {
        let isOK = try junit(report, isStrict: isStrict).suites[0]["failures"] == "0"
        XCTAssertEqual(isOK, report.exitCode(isStrict: isStrict) == 0)
      }
    }
    XCTAssertEqual(try junit(Sample.old).cases[0].inside, ["system-out"], "told all the same")
  }

  func test_junit_series_hasASuiteForEachStep() throws {
    let read = try junit(Sample.series)
    XCTAssertEqual(read.suites.map { $0["name"] }, ["1 one", "2 two # <2>", "3 three"])
    XCTAssertEqual(read.suites.map { $0["errors"] }, ["0", "0", "1"])
    XCTAssertEqual(read.cases.last?.inside, ["error"])
  }
}

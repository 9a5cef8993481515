// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import XCTest

/// What mutation-testing-elements' schema 2 demands of a report, and what kshim puts into it.
struct MutationContract {
  private struct Report: Decodable {
    struct Position: Decodable { var line: Int, column: Int }
    struct Location: Decodable { var start: Position, end: Position }
    struct Mutant: Decodable {
      var id: String, mutatorName: String, replacement: String
      var location: Location
      var status: String
      var statusReason: String?
      var killedBy: [String]?
      var coveredBy: [String]?
    }
    struct File: Decodable { var language: String, source: String, mutants: [Mutant] }
    struct Test: Decodable { var id: String, name: String }
    struct TestFile: Decodable { var tests: [Test] }
    struct Thresholds: Decodable { var high: Int, low: Int }
    struct Framework: Decodable { var name: String, version: String }
    var schemaVersion: String
    var thresholds: Thresholds
    var files: [String: File]
    var testFiles: [String: TestFile]
    var framework: Framework
  }

  private static let statuses = [
    "Killed", "Survived", "NoCoverage", "CompileError", "RuntimeError", "Timeout", "Ignored",
    "Pending",
  ]
  /// Every key that the schema allows at the top.
  private static let topKeys: Set = [
    "config", "schemaVersion", "files", "testFiles", "thresholds", "projectRoot", "performance",
    "framework", "system",
  ]

  private let text: String
  private let file: String
  private let keys: [String]

  /// - Parameters:
  ///   - file: the one source file.
  ///   - keys: of its mutants, in order.
  init(_ text: String, file: String, keys: [String]) {
    self.text = text
    self.file = file
    self.keys = keys
  }

  func assertHolds() throws {
    let data = Data(text.utf8)
    let object = try XCTUnwrap(JSONSerialization.jsonObject(with: data) as? [String: Any])
    XCTAssert(Set(object.keys).isSubset(of: Self.topKeys), "\(object.keys)")
    let report = try JSONDecoder().decode(Report.self, from: data)
    XCTAssertNotNil(report.schemaVersion.wholeMatch(of: /2(\.[0-9]+)*/))
    for threshold in [report.thresholds.high, report.thresholds.low] {
      XCTAssert((0...100).contains(threshold))
    }
    XCTAssertEqual(report.framework.name, "kshim")
    let tests = report.testFiles.values.flatMap(\.tests).map(\.id)
    XCTAssertEqual(Set(tests).count, tests.count)
    XCTAssert(tests.contains("leak"), "\(tests)")
    XCTAssertEqual(Array(report.files.keys), [file])
    let source = try XCTUnwrap(report.files[file])
    XCTAssertEqual(source.language, "c")
    XCTAssertEqual(source.mutants.map(\.id), keys)
    let lines = source.source.split(separator: "\n", omittingEmptySubsequences: false)
    for mutant in source.mutants {
      assertHolds(mutant, lines: lines.map { Array($0.utf8) }, tests: Set(tests))
    }
  }

  private func assertHolds(_ mutant: Report.Mutant, lines: [[UInt8]], tests: Set<String>) {
    XCTAssert(Self.statuses.contains(mutant.status), mutant.id)
    XCTAssertFalse(mutant.statusReason?.isEmpty ?? true, mutant.id)
    XCTAssert(mutant.id.contains(":\(mutant.mutatorName):"), mutant.id)
    let (start, end) = (mutant.location.start, mutant.location.end)
    for position in [start, end] {
      XCTAssert((1...lines.count).contains(position.line), mutant.id)
      XCTAssert((1...lines[position.line - 1].count + 1).contains(position.column), mutant.id)
    }
    XCTAssert((start.line, start.column) < (end.line, end.column), mutant.id)
    XCTAssert(Set(mutant.killedBy ?? []).isSubset(of: tests), mutant.id)
    XCTAssert(Set(mutant.coveredBy ?? []).isSubset(of: tests), mutant.id)
    XCTAssertEqual(mutant.status == "Killed", !(mutant.killedBy ?? []).isEmpty, mutant.id)
  }
}

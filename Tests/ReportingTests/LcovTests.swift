// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Reporting
import TestSupport
import XCTest

/// Counts of a verdict as lcov reads them.
final class LcovTests: XCTestCase {
  private func text(_ report: CheckReport) throws -> String {
    try report.rendered(as: .lcov, usesColour: true)
  }

  func test_lcov_hasLinesFunctionsAndBranches() async throws {
    let text = try text(Sample.shown)
    let summary = try await ReportReaders.lcov(text)
    XCTAssertEqual(summary, ["3 of 6", "1 of 2", "1 of 2"])
    XCTAssertEqual(
      text,
      """
      TN:kshim
      SF:a/b.c
      FN:4,f
      FN:20,g
      FNDA:3,f
      FNDA:0,g
      FNF:2
      FNH:1
      BRDA:6,0,0,0
      BRDA:6,0,1,3
      BRF:2
      BRH:1
      DA:4,3
      DA:6,3
      DA:7,0
      DA:8,3
      DA:20,0
      DA:22,0
      LF:6
      LH:3
      end_of_record

      """)
  }

  func test_lcov_piecesOfOneFile_areOneRecord_andOverlapOnce() async throws {
    guard case .verdict(var verdict) = Sample.shown.entries[0].outcome else { return XCTFail() }
    let again = Verdict.Source(
      file: "a/b.c", function: nil, firstLine: 7, lines: ["x", "y", "z"], counts: [2, 1, 5])
    verdict.sources = [again] + (verdict.sources ?? [])
    let other = Verdict.Source(
      file: "a/a.c", function: "h", firstLine: 1, lines: ["int h(void) { return 0; }"], counts: [1])
    verdict.sources?.append(other)
    let text = try text(Sample.report(verdict))
    let files = text.split(separator: "\n").filter { $0.hasPrefix("SF:") }
    XCTAssertEqual(files, ["SF:a/a.c", "SF:a/b.c"])
    for line in ["DA:7,2", "DA:8,3", "DA:9,5"] { XCTAssert(text.contains("\n\(line)\n"), line) }
    let summary = try await ReportReaders.lcov(text)
    XCTAssertEqual(summary, ["6 of 8", "2 of 3", "1 of 2"])
  }

  func test_lcov_branchThatIsNotReached_isNotCounted() throws {
    guard case .verdict(var verdict) = Sample.shown.entries[0].outcome else { return XCTFail() }
    verdict.sources?[0].counts = [0, nil, 0, 0, 0, nil]
    verdict.sources?[0].branches = [.init(line: 6, taken: 0, notTaken: 0)]
    let text = try text(Sample.report(verdict))
    XCTAssert(text.contains("\nBRDA:6,0,0,-\nBRDA:6,0,1,-\nBRF:2\nBRH:0\n"), text)
  }

  func test_lcov_withoutCounts_isNoEmptyFile() throws {
    func refused(_ report: CheckReport) throws -> Failure? {
      XCTAssertThrowsError(try text(report))
      do { _ = try text(report) } catch { return error as? Failure }
      return nil
    }
    XCTAssertEqual(try refused(Sample.clean)?.kind, .tool)
    XCTAssertEqual(try refused(Sample.series)?.kind, .request)
    let unjudged = try refused(Sample.unjudged)
    XCTAssertEqual(unjudged?.kind, .build)
    XCTAssertEqual(unjudged?.cause, "nothing could be judged: it has # variable arguments")
    guard case .verdict(var verdict) = Sample.clean.entries[0].outcome else { return XCTFail() }
    verdict.exploration.scenarios = 0
    XCTAssertEqual(try refused(Sample.report(verdict))?.kind, .request)
    // Text that is only shown is not counted.
    verdict = Sample.verdict()
    verdict.sources = [
      .init(file: "a/c.c", function: "f", firstLine: 1, lines: ["int x;"], counts: [nil])
    ]
    XCTAssertEqual(try refused(Sample.report(verdict))?.kind, .tool)
  }
}

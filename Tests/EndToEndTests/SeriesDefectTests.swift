// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting
import TestSupport
import XCTest

/// The defects of the patch series that the project was created from, each put into Linux 6.12,
/// are found by the property that fits.
final class SeriesDefectTests: EndToEndTestCase {
  func test_a_freeOfUnallocatedTables_isFound() async throws { try await isFound(.a) }

  func test_b_deadWarn_isNoted() async throws {
    let run = try await run(.b)
    XCTAssertEqual(run.ran.status, 0)
    XCTAssertEqual(run.verdict.verdict, "clean")
    XCTAssertEqual(run.verdict.findings, [])
    try assertFound(run)
    let note = try XCTUnwrap(run.verdict.notes.first)
    XCTAssertEqual(run.verdict.notes.count, 1)
    XCTAssert(run.touched.contains { $0.contains(note.line) }, "\(note.line) \(run.touched)")
    let strict = try await kshim(
      "check", "--kernel", Self.defectKernel, "--patch", run.patch, "--strict")
    XCTAssertEqual(strict.status, 1)
    XCTAssert(strict.output.contains("note: dead-branch: \(note.message)"), strict.output)
  }

  func test_c_wastedTable_isFound() async throws { try await isFound(.c) }

  func test_d_secondCallOn4Levels_isFound() async throws { try await isFound(.d) }

  func test_e_errorReturnedAsZero_isFound() async throws { try await isFound(.e) }

  func test_g_unsetTable_isFound() async throws { try await isFound(.g) }

  private func isFound(_ defect: Defect) async throws {
    let run = try await run(defect)
    XCTAssertEqual(run.ran.status, 1)
    XCTAssertEqual(run.verdict.verdict, "findings")
    try assertFound(run)
    XCTAssertEqual(run.verdict.causes.count, 1, "\(run.verdict.causes.map(\.sentence))")
    try await assertReplay(run.verdict.findings, of: run)
  }
}

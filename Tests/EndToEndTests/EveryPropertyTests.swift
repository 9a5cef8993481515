// SPDX-License-Identifier: GPL-2.0-only
import Reporting
import XCTest

/// Every property has a defect that breaks it, and code that is only written differently breaks
/// none.
final class EveryPropertyTests: EndToEndTestCase {
  func test_errorPathsFlagsAndArguments_areToldApart() async throws { try await isFound(.first) }

  func test_pagesLocksAndRoots_areToldApart() async throws { try await isFound(.second) }

  func test_memoryOrderAndReferences_areToldApart() async throws { try await isFound(.third) }

  func test_boundsLostErrorsAndHangs_areToldApart() async throws { try await isFound(.fourth) }

  /// Both builds meet the same orders: what differs between them is no order.
  func test_locksOfTwoVCPUs_areFoundAndNothingElse() async throws {
    try await isFound(.fifth)
    let run = try await run(.fifth)
    XCTAssertEqual(
      Set(run.verdict.findings.map(\.property)), Set(run.defect.expected.map(\.property)))
  }

  func test_defects_coverEveryProperty() {
    let broken = Set((Defect.series + Defect.everywhere).flatMap(\.expected).map(\.property))
    XCTAssertEqual(Set(ReleasedKernelTests.properties).subtracting(broken), [])
  }

  func test_linkingThroughTheRoot_staysClean() async throws { try await isClean(.upwards) }

  func test_linkingLevelInLevel_staysClean() async throws { try await isClean(.nested) }

  func test_oneErrorLabel_staysClean() async throws { try await isClean(.oneLabel) }

  private func isFound(_ defect: Defect) async throws {
    let run = try await run(defect)
    XCTAssertEqual(run.ran.status, 1)
    try assertFound(run)
    // Every finding of the series is replayed; here those that end a scenario early.
    let sudden = ["crash", "hang", "out-of-bounds", "use-after-free", "double-lock", "deadlock"]
    try await assertReplay(
      run.verdict.findings.filter { sudden.contains($0.property) }, of: run)
  }

  private func isClean(_ rewrite: Defect) async throws {
    let run = try await run(rewrite)
    XCTAssertEqual(run.ran.status, 0)
    XCTAssertEqual(run.verdict.findings.map { "\($0.property) \($0.line) \($0.message)" }, [])
    XCTAssertEqual(run.verdict.notes.map { "\($0.line) \($0.message)" }, [])
  }
}

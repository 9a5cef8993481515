// SPDX-License-Identifier: GPL-2.0-only
import Reporting
import XCTest

/// Defects of every property, several in one patch, are told apart by the built tool.
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

  func test_metadataAndWalks_areToldApart() async throws { try await isFound(.sixth) }

  func test_defects_coverEveryProperty() {
    let broken = Set((Defect.series + Defect.everywhere).flatMap(\.expected).map(\.property))
    XCTAssertEqual(Set(ReleasedKernelTests.properties).subtracting(broken), [])
  }

  private func isFound(_ defect: Defect) async throws {
    let run = try await run(defect)
    XCTAssertEqual(run.ran.status, 1)
    try assertFound(run)
    // Each edit is a cause of its own.
    let causes = defect.expected.compactMap { run.findings($0).first?.cause }
    XCTAssertEqual(Set(causes).count, defect.expected.count, "\(causes)")
    // Every finding of the series is replayed; here those that end a scenario early.
    let sudden = ["crash", "hang", "out-of-bounds", "use-after-free", "double-lock", "deadlock"]
    try await assertReplay(
      run.verdict.findings.filter { sudden.contains($0.property) }, of: run)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import XCTest

/// Locks in all their forms, contexts, guards, caches, tables: what the kernel calls everywhere.
final class ServiceTests: EndToEndTestCase {
  func test_ordinaryCalls_areJudgedAndBreakNothing() async throws {
    try await breakWhat(Change.services)
  }

  func test_defectsInTheirUse_areFound() async throws {
    try await breakWhat(Change.serviceDefects)
  }

  func test_refusalsSectionsAndTheKernelsLib_breakNothing() async throws {
    try await breakWhat(Change.resources)
  }

  func test_whatIsKeptOrGivenBackWrongly_isFound() async throws {
    try await breakWhat(Change.resourceDefects)
  }

  private func breakWhat(_ changes: [Change]) async throws {
    for one in try await judge(changes) {
      XCTAssertEqual(
        Set(one.verdict.findings.map(\.property)), one.change.breaks,
        "\(one.change.name): \(one.verdict.causes.map(\.sentence))")
      XCTAssertNil(one.verdict.exploration.limits, one.change.name)
    }
  }
}

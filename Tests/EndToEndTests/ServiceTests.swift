// SPDX-License-Identifier: GPL-2.0-only
import XCTest

/// Locks in all their forms, contexts, guards, caches, tables: what the kernel calls everywhere.
final class ServiceTests: EndToEndTestCase {
  func test_ordinaryCalls_areJudgedAndBreakNothing() async throws {
    try await breakNothing(Change.services)
  }

  func test_defectsInTheirUse_areFound() async throws {
    try await breakWhat(Change.serviceDefects)
  }

  func test_refusalsSectionsAndTheKernelsLib_breakNothing() async throws {
    try await breakNothing(Change.resources)
  }

  func test_whatIsKeptOrGivenBackWrongly_isFound() async throws {
    try await breakWhat(Change.resourceDefects)
  }

  /// Those that can stand in one patch are checked in one.
  private func breakNothing(_ changes: [Change]) async throws {
    XCTAssert(changes.allSatisfy(\.breaks.isEmpty))
    let groups = Change.together(changes)
    let judged = try? await judge(groups.map(Change.all))
    for (number, group) in groups.enumerated() {
      if let one = judged?[number], one.breaksAsItShould { continue }
      // Each alone says which it is.
      try await breakWhat(group)
      XCTAssertEqual(group.count, 1, "only together: \(group.map(\.name))")
    }
  }

  private func breakWhat(_ changes: [Change]) async throws {
    for one in try await judge(changes) {
      XCTAssert(one.breaksAsItShould, "\(one.change.name): \(one.verdict.causes.map(\.sentence))")
      XCTAssertNil(one.verdict.exploration.limits, one.change.name)
    }
  }
}

extension Judgement {
  fileprivate var breaksAsItShould: Bool {
    Set(verdict.findings.map(\.property)) == change.breaks && verdict.exploration.limits == nil
  }
}

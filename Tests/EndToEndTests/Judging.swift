// SPDX-License-Identifier: GPL-2.0-only
import Checking
import Extraction
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// What the tool says of one change.
struct Judgement: Sendable {
  var change: Change
  var verdict: Verdict

  /// The ids of what is broken; those of the notes where nothing is.
  var broken: Set<String> {
    Set((verdict.findings.isEmpty ? verdict.notes : verdict.findings).map(\.property))
  }
}

extension EndToEndTestCase {
  /// What was judged already, by the change's name. Tests run one after another.
  nonisolated(unsafe) private static var judged: [String: Judgement] = [:]

  /// Checks a kernel with each change in it, each change once in this process: extraction,
  /// compiling, search and judging as in the tool, as many at a time as there are processors.
  func judge(_ changes: [Change]) async throws -> [Judgement] {
    let tree = try await kernel(Self.defectKernel)
    let store = store
    let all = Check(
      subject: "kvm-mmu-roots", jobs: 1, installation: try Installation.locate())
    @Sendable func judge(_ change: Change) async throws -> Judgement {
      let patch = try await KernelEdit.patch(change.edits, of: tree, name: change.name)
      let revision = try await store.revision(tree: tree, patches: [patch])
      defer { revision.close() }
      var check = all
      check.drives = change.drives
      return Judgement(
        change: change, verdict: try await check.verdict(of: revision, base: nil))
    }
    // The longest first: those that claim that there is no note search everything.
    let open = changes.filter { Self.judged[$0.name] == nil }
      .sorted { ($0.drives?.count ?? 99) > ($1.drives?.count ?? 99) }
    try await withThrowingTaskGroup(of: Judgement.self) { group in
      for (number, change) in open.enumerated() {
        if number >= ProcessInfo.processInfo.activeProcessorCount, let one = try await group.next()
        {
          Self.judged[one.change.name] = one
        }
        group.addTask { try await judge(change) }
      }
      for try await one in group { Self.judged[one.change.name] = one }
    }
    return changes.map { Self.judged[$0.name]! }
  }
}

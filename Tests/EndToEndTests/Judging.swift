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
  /// Checks a kernel with each change in it: extraction, compiling, search and judging as in the
  /// tool, in this process, two at a time.
  func judge(_ changes: [Change]) async throws -> [Judgement] {
    let tree = try await kernel(Self.defectKernel)
    let store = store
    let all = Check(
      subject: "kvm-mmu-roots", jobs: 1, installation: try Installation.locate())
    @Sendable func judge(_ number: Int) async throws -> (Int, Judgement) {
      let change = changes[number]
      let patch = try await KernelEdit.patch(change.edits, of: tree, name: change.name)
      let revision = try await store.revision(tree: tree, patches: [patch])
      defer { revision.close() }
      var check = all
      check.drives = change.drives
      let verdict = try await check.verdict(of: revision, base: nil)
      return (number, Judgement(change: change, verdict: verdict))
    }
    return try await withThrowingTaskGroup(of: (Int, Judgement).self) { group in
      var judgements: [Int: Judgement] = [:]
      for number in changes.indices {
        if number >= 2, let (ended, judgement) = try await group.next() {
          judgements[ended] = judgement
        }
        group.addTask { try await judge(number) }
      }
      for try await (ended, judgement) in group { judgements[ended] = judgement }
      return changes.indices.map { judgements[$0]! }
    }
  }
}

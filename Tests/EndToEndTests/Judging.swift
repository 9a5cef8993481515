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
  /// Checks a kernel with each change in it, once for all tests and processes: extraction,
  /// compiling, search and judging as in the tool, two at a time.
  func judge(_ changes: [Change]) async throws -> [Judgement] {
    let tree = try await kernel(Self.defectKernel)
    let store = store
    let all = Check(subject: "kvm-mmu-roots", jobs: 1, installation: try Installation.locate())
    @Sendable func judge(_ change: Change) async throws -> Judgement {
      let patch = try await KernelEdit.patch(change.edits, of: tree, name: change.name)
      let drives = change.drives?.sorted().joined(separator: ",") ?? "all"
      let parts = [
        TestStore.part(of: tree), change.name, drives, patch.content.base64EncodedString(),
      ]
      let verdict = try await TestStore.value("verdict", of: parts) {
        let revision = try await store.revision(tree: tree, patches: [patch])
        defer { revision.close() }
        var check = all
        check.drives = change.drives
        return try await check.verdict(of: revision, base: nil)
      }
      return Judgement(change: change, verdict: verdict)
    }
    // The longest first: those that claim that there is no note search everything.
    let order = changes.indices.sorted {
      (changes[$0].drives?.count ?? 99) > (changes[$1].drives?.count ?? 99)
    }
    var judged: [Int: Judgement] = [:]
    try await withThrowingTaskGroup(of: (Int, Judgement).self) { group in
      for (number, index) in order.enumerated() {
        if number >= 2, let (known, one) = try await group.next() { judged[known] = one }
        group.addTask { (index, try await judge(changes[index])) }
      }
      for try await (known, one) in group { judged[known] = one }
    }
    return changes.indices.map { judged[$0]! }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Checking
import Extraction
import Foundation
import KernelSource
import Reporting
import Synchronization
import TestSupport
import Workers
import XCTest

/// The base of a patch that breaks something: when it is searched, and what for.
final class AheadSearchTests: EndToEndTestCase {
  /// Does works, and takes down which. The first search ends only once another has begun.
  private final class Recorder: Worker {
    private let begun = Mutex<[String]>([])
    private let worker = LocalWorker()
    let holdsBack: Bool

    init(holdingBack: Bool) { holdsBack = holdingBack }

    var works: [String] { begun.withLock { $0 } }

    func perform<W: Work>(
      _ work: W, note: @escaping @Sendable (W.Note) -> Void
    ) async throws -> W.Product {
      let number = begun.withLock { begun in
        begun.append("\(W.self)")
        return begun.count
      }
      let product = try await worker.perform(work, note: note)
      for _ in 0..<1000 where holdsBack && number == 1 && works.count < 2 {
        try await Task.sleep(for: .milliseconds(10))
      }
      XCTAssert(!holdsBack || works.count > 1, "nothing begins beside the first search")
      return product
    }
  }

  private func check(
    _ edits: [KernelEdit], over base: [KernelEdit] = [], jobs: Int
  ) async throws -> (verdict: Verdict, works: [String]) {
    let tree = try await kernel(Self.defectKernel)
    let patch = try await KernelEdit.patch(edits, of: tree, name: "new")
    let first = base.isEmpty ? [] : [try await KernelEdit.patch(base, of: tree, name: "old")]
    let revision = try await store.revision(tree: tree, patches: [patch])
    let older = try await store.revision(tree: tree, patches: first)
    defer {
      revision.close()
      older.close()
    }
    let recorder = Recorder(holdingBack: jobs > 1)
    var check = Check(
      subject: "kvm-mmu-roots", jobs: jobs, installation: try Installation.locate())
    check.worker = recorder
    return (try await check.verdict(of: revision, base: older), recorder.works)
  }

  private func told(_ verdict: Verdict) -> [String] {
    verdict.findings.map { "\($0.property) \($0.line) \($0.scenario) \($0.introduced)" }
  }

  func test_base_isSearchedBesideWhatBreaks_andNothingIsRunAgainInAWholeOne() async throws {
    let (verdict, works) = try await check(Defect.a.edits, jobs: 2)
    XCTAssertEqual(works, ["SearchWork", "SearchWork"])
    XCTAssertFalse(verdict.findings.isEmpty)
    XCTAssertEqual(Set(verdict.findings.map(\.introduced)), [true])
    let alone = try await check(Defect.a.edits, jobs: 1)
    XCTAssertEqual(alone.works, ["SearchWork", "SearchWork"])
    XCTAssertEqual(told(alone.verdict), told(verdict))
  }

  func test_baseThatBreaksTheSame_isAskedAgain() async throws {
    let (verdict, works) = try await check(
      Defect.a.edits + Defect.e.edits, over: Defect.a.edits, jobs: 2)
    XCTAssertEqual(works, ["SearchWork", "SearchWork", "RerunWork"])
    XCTAssertEqual(Set(verdict.findings.map(\.introduced)), [true, false])
    let alone = try await check(Defect.a.edits + Defect.e.edits, over: Defect.a.edits, jobs: 1)
    XCTAssertEqual(told(alone.verdict), told(verdict))
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Foundation
import XCTest

/// Whatever a function does is a finding at its line, and the search goes on behind it: in
/// `swift test` and in `kshim check`.
///
/// The table of docs/containment.md is what these tests saw. To make it anew:
///
///     KSHIM_CONTAINMENT_TABLE=/tmp/table.md swift test --filter ContainmentTests
final class ContainmentTests: XCTestCase {
  func test_everyBehaviour_isFoundAtItsLine_inBothWays_asTheTableSays() async throws {
    let target = try await BehavingTarget()
    let kernel = try await BehavingKernel.check()
    XCTAssertFalse(target.result.isExhaustive, "a loop is endless")
    XCTAssertFalse(kernel.verdict.exploration.exhaustive)
    XCTAssertEqual(kernel.verdict.exploration.limits, ["a loop that does not end"])
    var table = "| what the code does | `swift test` | `kshim check` |\n| --- | --- | --- |\n"
    for behaviour in Behaviour.all {
      let here = target.finding(behaviour)
      let there = kernel.finding(behaviour)
      XCTAssertNotNil(here, "\(behaviour.name): \(target.findings(in: behaviour.entry))")
      XCTAssertNotNil(there, behaviour.name)
      func cell(_ property: String?, _ message: String?) -> String {
        guard let property, let message else { return "not found" }
        return "`\(property)`: \(message)"
      }
      table +=
        "| \(behaviour.title) | \(cell(here?.property, here?.message)) "
        + "| \(cell(there?.property, there?.message)) |\n"
    }
    if let path = ProcessInfo.processInfo.environment["KSHIM_CONTAINMENT_TABLE"], !path.isEmpty {
      try table.write(toFile: path, atomically: true, encoding: .utf8)
    }
    let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../docs/containment.md").standardizedFileURL.path
    let text = try String(contentsOfFile: page, encoding: .utf8)
    XCTAssert(text.contains(table), "docs/containment.md holds another table than\n\(table)")
  }

  /// Each behaviour has two scenarios, its callee succeeds or fails; allocations fail as well.
  func test_theSearch_visitsEveryScenarioBehindWhatEndsOne() async throws {
    let target = try await BehavingTarget()
    for (drive, scenarios) in try BehaviourDomain.scenarios() where !drive.contains("+") {
      XCTAssertEqual(scenarios, ["past_page": 3, "endless_allocation": 65][drive] ?? 2, drive)
    }
    XCTAssertEqual(Set(target.findings.map(\.property)).subtracting(Self.properties), [])
  }

  /// One handler in the process: what a subject brings may be gone when something else faults.
  func test_faultHandler_isTheProgramsOwn_beforeAndAfterASubjectIsUnloaded() async throws {
    let subject = try BehaviourDomain.subject()
    func crash() { _ = subject.world.call(subject.entry("wild_jump")!) }
    subject.world.reset(.init(start: nil, count: 0))
    crash()
    let first = Self.handlers
    for object in try await BehavingKernel.sharedObjects() {
      let loaded = try Subject(sharedObject: object)
      loaded.world.reset(.init(start: nil, count: 0))
      _ = loaded.world.call(0)
      XCTAssertEqual(Self.handlers, first)
    }
    subject.world.reset(.init(start: nil, count: 0))
    crash()
    XCTAssertEqual(subject.world.events.last?.what, .fault)
    XCTAssertEqual(Self.handlers, first)
  }

  private static var handlers: [UInt] {
    [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP].map { number in
      var action = sigaction()
      sigaction(number, nil, &action)
      return unsafeBitCast(action.__sigaction_handler.sa_sigaction, to: UInt.self)
    }
  }

  /// A scenario that reads what was never set is run again; the loop must not be taken for known then.
  func test_loopWithoutAnEnd_behindAReadOfWhatWasNeverSet_isAHang() throws {
    nonisolated(unsafe) let subject = try BehaviourDomain.subject()
    let result = try Explorer.search(
      BehaviourDomain.self, jobs: 1, load: { _ in subject }, drives: ["endless_after_unset"])
    XCTAssertEqual(result.findings.entries.keys.map(\.property), [.hang])
  }

  /// What runs out is no finding; what lies beyond is not judged.
  func test_allocationWithoutAnEnd_isALimit() throws {
    nonisolated(unsafe) let subject = try BehaviourDomain.subject()
    let result = try Explorer.search(
      BehaviourDomain.self, jobs: 1, load: { _ in subject }, drives: ["endless_allocation"])
    XCTAssertEqual(result.findings.limits.map(\.key), [.pages])
    XCTAssertFalse(result.isExhaustive)
    XCTAssertEqual(result.findings.entries.count, 0)
  }

  private static let properties: Set<String> = [
    "crash", "hang", "out-of-bounds", "double-lock", "lock-imbalance", "leak", "deadlock",
    "use-after-free",
  ]
}

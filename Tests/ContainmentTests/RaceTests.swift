// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Failures
import XCTest

@testable import Checking

/// Two threads in every order of their steps: what only an order shows is found, and nothing else.
final class RaceTests: XCTestCase {
  func test_setUpOnce_isClean() async throws {
    try await isClean("once+once")
  }

  func test_recheckUnderTheLockRemoved_leaksThePageOfWhoWasFirst() async throws {
    try await isFound("leak", "once_without_recheck+once_without_recheck", "once-without-recheck")
  }

  func test_flagPublishedTooEarly_isUsedBeforeItIsThere() async throws {
    try await isFound("crash", "once_published_early+once_published_early", "once-published-early")
  }

  func test_sameLockOrder_isClean() async throws {
    try await isClean("first_then_second+first_then_second")
  }

  func test_swappedLockOrder_isADeadlock() async throws {
    try await isFound("deadlock", "first_then_second+second_then_first", "lock-order")
  }

  private func isClean(_ race: String, line: UInt = #line) async throws {
    let target = try await BehavingTarget()
    XCTAssertEqual(target.findings(in: race), [], line: line)
  }

  private func isFound(
    _ property: String, _ race: String, _ mark: String, line: UInt = #line
  ) async throws {
    let target = try await BehavingTarget()
    let found = target.findings(in: race)
    XCTAssertEqual(found.map(\.property), [property], line: line)
    XCTAssertEqual(found.map(\.line), [target.line(of: mark)], line: line)
  }

  /// The order of two threads is a list of decisions as any other: it is spelled and replayed.
  func test_anOrder_isReplayed() throws {
    let subject = try BehaviourDomain.subject()
    var domain = BehaviourDomain(subject)
    let race = "first_then_second+second_then_first:-"
    let state = try XCTUnwrap(
      domain.state(drive: "first_then_second+second_then_first", spelled: "-"))
    let scenario = Explorer.scenario(state: state, choices: [0, 1], in: &domain, subject: subject)
    XCTAssertEqual("\(scenario)", "\(race):s0.s1.s0.s0")
    let findings = try Explorer.replay(scenario, in: &domain, subject: subject)
    XCTAssertEqual(findings.entries.keys.map(\.property), [.deadlock])
    XCTAssertEqual(Set(subject.world.events.map(\.thread)), [0, 1])
    // Both come to the place: it is the breach of neither alone.
    var raw = RawTrace(subject)
    let breach = try XCTUnwrap(findings.entries.keys.first)
    XCTAssertNil(raw.thread(of: breach))
    raw.events = raw.events.filter { $0.thread == 0 || raw.offset($0) != breach.offset }
    XCTAssertEqual(raw.thread(of: breach), "\(try XCTUnwrap(subject.threadName)) 0")
    XCTAssertThrowsError(
      try Explorer.replay(try Scenario("\(race):s0.gp1.s0.s0"), in: &domain, subject: subject))
  }

  func test_unknownTarget_isToldWithThoseThatThereAre() throws {
    let subject = try BehaviourDomain.subject()
    var domain = BehaviourDomain(subject)
    XCTAssertThrowsError(
      try Explorer.replay(try Scenario("foo:bar:-"), in: &domain, subject: subject)
    ) { error in
      let failure = error as? Failure
      XCTAssertEqual(failure?.kind, .request)
      XCTAssertEqual(failure?.cause, "foo is no target of \(subject.name) in this kernel")
      let remedy = failure?.remedy ?? ""
      XCTAssert(remedy.hasPrefix("use one of "), remedy)
      XCTAssert(remedy.contains("once+once, "), remedy)
      XCTAssertEqual(remedy.count { $0 == "," }, domain.stateCount - 1)
    }
  }
}

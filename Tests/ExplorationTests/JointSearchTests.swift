// SPDX-License-Identifier: GPL-2.0-only
import Shims
import XCTest

@testable import Exploration

/// A revision that is run where its outcomes are not known: it meets no decision, and of each run the
/// fact is 7.
private struct Revision: ObservedDomain {
  static let properties: [Property] = []
  static let space = StateSpace(
    name: "f", words: [Word("a", ["0", "1"]), Word("b", ["0", "1", "2"])])
  let spaces = [Revision.space]

  init(_ subject: Subject) {}

  mutating func run(
    _ state: StartingState, _ choices: UnsafeBufferPointer<UInt8>, _ report: inout Report
  ) {
    report.record?.take(0, [fact(7)])
  }

  func name(ofTarget target: UInt8) -> String { "f" }
  func describe(_ old: Observation.Fact, _ new: Observation.Fact) -> String { "" }
  static func tellsValues(_ aspect: UInt8) -> Bool { false }

  nonisolated(unsafe) private static let world = {
    let world = UnsafeMutablePointer<kshim_world>.allocate(capacity: 1)
    world.initialize(to: kshim_world())
    return UnsafePointer(world)
  }()

  /// A build in which nothing happens.
  static func load() throws -> Subject {
    let table = UnsafeMutablePointer<kshim_table>.allocate(capacity: 1)
    table.initialize(to: kshim_table())
    table.pointee.abi = UInt32(KSHIM_ABI)
    table.pointee.subject = UnsafePointer(strdup("f"))
    table.pointee.text_sha256 = table.pointee.subject
    table.pointee.world = { Revision.world }
    return try Subject(table: table)
  }
}

private func fact(_ value: UInt64) -> Observation.Fact {
  .init(step: 0, target: 0, aspect: 1, value: value)
}

/// Trees of outcomes laid side by side.
final class JointSearchTests: XCTestCase {
  private enum Asked {
    /// An input by its number, or the first answer of a callee.
    case input(UInt8)
    case answer(UInt16)

    func taken(_ choice: UInt8, of arity: UInt8 = 2) -> OutcomeTree.Taken {
      switch self {
      case .input(let input): .init(what: .init(input: input), choice: choice, arity: arity)
      case .answer(let callee):
        .init(what: .init(callee: callee, ordinal: 0), choice: choice, arity: arity)
      }
    }
  }

  /// Outcomes of a revision's scenarios.
  ///
  /// - Parameter all: of each scenario the decisions and what comes of them.
  private func part(
    _ callees: [String], _ all: [([OutcomeTree.Taken], UInt64)]
  ) -> Outcomes {
    var outcomes = Outcomes([Revision.space], callees: callees)
    for (way, value) in all {
      var observation = Observation()
      observation.add(fact(value))
      outcomes.add([outcomes.step(observation, 0..<1, 0..<0)], at: way, in: 0)
    }
    return outcomes
  }

  private func outcomes(
    _ all: [([OutcomeTree.Taken], UInt64)], callees: [String] = ["m", "l"]
  ) throws -> Outcomes {
    try XCTUnwrap(Outcomes([part(callees, all)]))
  }

  /// Two binary decisions, the first of which is asked for first.
  private func both(
    _ first: Asked, _ second: Asked, _ value: (UInt8, UInt8) -> UInt64
  ) -> [([OutcomeTree.Taken], UInt64)] {
    (0..<4 as Range<UInt8>).map { number in
      let (one, other) = (number >> 1, number & 1)
      return ([first.taken(one), second.taken(other)], value(one, other))
    }
  }

  private func compare(_ old: Outcomes, _ new: Outcomes) throws -> JointSearch.Result {
    try JointSearch.search(
      Revision.self, [old, new], pairs: [.init(old: 0, new: 1, onTheWay: true)], jobs: 1,
      load: { _, _ in try Revision.load() })
  }

  func test_sameOutcomes_areNotWalked() throws {
    let old = both(.answer(0), .input(0)) { UInt64($0) * 2 + UInt64($1) }
    let result = try compare(outcomes(old), outcomes(old.reversed()))
    XCTAssertEqual(result.scenarios, 12, "an answer in each of six states")
    XCTAssertEqual(result.compared, [12])
    XCTAssertEqual(result.groups.map(\.count), [0])
  }

  func test_anotherOrder_isTheSame() throws {
    let old = both(.answer(0), .input(0)) { UInt64($0) * 2 + UInt64($1) }
    let new = both(.input(0), .answer(0)) { UInt64($1) * 2 + UInt64($0) }
    let result = try compare(outcomes(old), outcomes(new))
    XCTAssertEqual(result.compared, [12])
    XCTAssertEqual(result.groups.map(\.count), [0])
  }

  func test_calleesAreKnownByTheirNames() throws {
    let old = both(.answer(0), .answer(1)) { UInt64($0) * 2 + UInt64($1) }
    let new = both(.answer(1), .answer(0)) { UInt64($0) * 2 + UInt64($1) }
    let result = try compare(outcomes(old), outcomes(new, callees: ["l", "m"]))
    XCTAssertEqual(result.compared, [24])
    XCTAssertEqual(result.groups.map(\.count), [0])
  }

  func test_answerThatOneDoesNotAskFor_isGivenBothWays() throws {
    let old = both(.answer(0), .answer(1)) { one, _ in UInt64(one) }
    let new = [([Asked.answer(0).taken(0)], 0 as UInt64), ([Asked.answer(0).taken(1)], 1)]
    let result = try compare(outcomes(old), outcomes(new))
    XCTAssertEqual(result.compared, [24])
    XCTAssertEqual(result.groups.map(\.count), [0])
  }

  /// What a revision has not looked at may still be seen of it: it is run.
  func test_inputThatOneDoesNotLookAt_isRun() throws {
    let old = [([Asked.input(0).taken(0)], 7 as UInt64), ([Asked.input(0).taken(1)], 7)]
    var result = try compare(outcomes(old), outcomes([([], 7)]))
    XCTAssertEqual(result.compared, [6])
    XCTAssertEqual(result.groups.map(\.count), [0])
    result = try compare(
      outcomes([([Asked.input(0).taken(0)], 7), ([Asked.input(0).taken(1)], 8)]),
      outcomes([([], 7)]))
    XCTAssertEqual(result.groups[0].map(\.count), [3])
    XCTAssertEqual(result.groups[0].map(\.state), ["a=1,b=0"])
  }

  func test_whatIsNotKnown_isRun() throws {
    let old = try outcomes([([Asked.input(0).taken(0)], 7), ([Asked.input(0).taken(1)], 7)])
    let result = try compare(old, outcomes([([Asked.input(0).taken(1)], 7)]))
    XCTAssertEqual(result.compared, [6])
    XCTAssertEqual(result.groups.map(\.count), [0])
  }

  func test_ofWhatDiffers_theSmallestScenarioIsTold() throws {
    let old = both(.input(0), .answer(0)) { _, _ in 7 }
    let new = both(.answer(0), .input(0)) { answer, _ in answer == 0 ? 7 : 8 }
    let result = try compare(outcomes(old), outcomes(new))
    XCTAssertEqual(result.compared, [12])
    let group = try XCTUnwrap(result.groups[0].first)
    XCTAssertEqual(result.groups[0].count, 1)
    XCTAssertEqual(group.count, 6)
    XCTAssertEqual(group.state, "a=0,b=0")
    XCTAssertEqual([group.oldChoices, group.newChoices], [[1], [1]])
  }

  func test_partsOfWorkers_areOneTree() throws {
    let all = both(.answer(0), .input(0)) { UInt64($0) * 2 + UInt64($1) }
    let parts = [part(["m"], Array(all[1..<3])), part(["m"], [all[3], all[0]])]
    let merged = try XCTUnwrap(Outcomes(parts))
    let whole = try outcomes(all, callees: ["m"])
    XCTAssertEqual(
      merged.trees[0].digest(of: merged.trees[0].root, merged.store).trace,
      whole.trees[0].digest(of: whole.trees[0].root, whole.store).trace)
    XCTAssertEqual(merged.trees[0].digest(of: merged.trees[0].root, merged.store).count, 12)
    let half = try XCTUnwrap(Outcomes([parts[0]]))
    XCTAssertEqual(
      half.trees[0].digest(of: half.trees[0].root, half.store).model, 0, "not all is known")
  }
}

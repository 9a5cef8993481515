// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import Exploration

/// Scenarios of several revisions: every combination of the failures that one of them meets.
final class JointScenarioTests: XCTestCase {
  private typealias Item = JointScenario.Item

  private func item(_ callee: UInt16, _ ordinal: UInt16 = 0, arity: UInt8 = 2) -> Item {
    Item(what: .answer(decision(callee, ordinal)), choice: 0, arity: arity)
  }

  private func decision(_ callee: UInt16, _ ordinal: UInt16 = 0) -> JointScenario.Decision {
    .init(callee: callee, ordinal: ordinal)
  }

  /// What a search runs: of each revision the decisions that it meets under a scenario.
  private func all(_ revisions: [(JointScenario) -> [Item]]) -> [[String]] {
    var scenario = JointScenario()
    var seen: [[String]] = []
    repeat {
      for revision in revisions { scenario.extend(with: revision(scenario)) }
      seen.append(
        scenario.items.map { item in
          switch item.what {
          case .answer(let decision): "\(decision.callee).\(decision.ordinal)=\(item.choice)"
          case .input(let input): "input \(input)=\(item.choice)"
          }
        })
    } while scenario.advance()
    return seen
  }

  func test_oneRevision_isSearchedAsEver() {
    // Two allocations; when the first fails the second is not asked.
    let seen = all([
      { [self] scenario in
        scenario.choice(of: decision(0)) == 1 ? [item(0)] : [item(0), item(0, 1)]
      }
    ])
    XCTAssertEqual(seen, [["0.0=0", "0.1=0"], ["0.0=0", "0.1=1"], ["0.0=1"]])
  }

  func test_anotherOrder_isTheSameScenario() {
    let seen = all([
      { [self] _ in [item(0), item(1)] }, { [self] _ in [item(1), item(0)] },
    ])
    XCTAssertEqual(seen.count, 4)
    XCTAssertEqual(Set(seen).count, 4)
  }

  func test_decisionOfOneRevisionAlone_isTurnedToo() {
    let seen = all([
      { [self] _ in [item(0)] }, { [self] _ in [item(0), item(1, arity: 3)] },
    ])
    XCTAssertEqual(seen.count, 6)
    XCTAssertEqual(Set(seen).count, 6)
  }

  func test_answersThatOneRevisionAloneKnows_areAllTried() {
    let seen = all([{ [self] _ in [item(0)] }, { [self] _ in [item(0, arity: 4)] }])
    XCTAssertEqual(seen, [["0.0=0"], ["0.0=1"], ["0.0=2"], ["0.0=3"]])
  }

  /// What only one revision looks at is turned in both; what none looks at is not.
  func test_inputThatOneRevisionLooksAt_isTurned() {
    let input = Item(what: .input(3), choice: 0, arity: 3)
    let seen = all([{ [self] _ in [item(0)] }, { [self] _ in [input, item(0)] }])
    XCTAssertEqual(seen.count, 6)
    XCTAssertEqual(seen.first, ["0.0=0", "input 3=0"])
    XCTAssertEqual(Set(seen).count, 6)
  }

  func test_split_givesAwayTheOtherHalf() throws {
    var scenario = JointScenario()
    scenario.extend(with: [item(0), item(1)])
    var other = try XCTUnwrap(scenario.split())
    XCTAssertEqual(other.items.map(\.choice), [1])
    XCTAssertTrue(scenario.advance())
    XCTAssertEqual(scenario.items.map(\.choice), [0, 1])
    XCTAssertFalse(scenario.advance())
    XCTAssertFalse(other.advance())
  }

  func test_noDecision_isOneScenario() {
    XCTAssertEqual(all([{ _ in [] }, { _ in [] }]), [[]])
  }
}

/// Where two observations part.
final class ObservationTests: XCTestCase {
  private func observation(_ facts: (aspect: UInt8, value: UInt64)...) -> Observation {
    var observation = Observation()
    for fact in facts {
      observation.add(.init(step: 0, target: 0, aspect: fact.aspect, value: fact.value))
    }
    return observation
  }

  func test_sameFacts_doNotPart() {
    let made = observation((1, 7), (2, 8))
    XCTAssertNil(made.parting(from: observation((1, 7), (2, 8)), onTheWay: true))
  }

  func test_firstFactThatDiffers_decides() throws {
    let parting = try XCTUnwrap(
      observation((1, 7), (2, 8), (3, 9)).parting(
        from: observation((1, 7), (2, 0), (3, 0)), onTheWay: true))
    guard case .fact(let old, let new) = parting else { return XCTFail("\(parting)") }
    XCTAssertEqual([old.aspect, new.aspect], [2, 2])
    XCTAssertEqual([old.value, new.value], [8, 0])
  }

  func test_factThatOneKernelLacks_doesNotCount() {
    XCTAssertNil(
      observation((1, 7), (3, 9)).parting(
        from: observation((1, 7), (2, 5), (3, 9)), onTheWay: false))
    XCTAssertNotNil(
      observation((1, 7), (3, 9)).parting(
        from: observation((1, 7), (2, 5), (3, 8)), onTheWay: false))
  }

  /// Code that tries again without an end asks once more after each failure.
  func test_endlessRetry_isTurnedAsOftenAsASearchDoes() {
    var scenario = JointScenario()
    var runs = 0
    repeat {
      runs += 1
      let failures = scenario.items.count(where: \.isFailure)
      scenario.extend(
        with: (0...failures).map {
          .init(what: .answer(.init(callee: 1, ordinal: UInt16($0))), choice: 0, arity: 2)
        })
    } while scenario.advance()
    XCTAssertEqual(runs, Search.mostFailures + 1)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Shims
import XCTest

@testable import Exploration

/// Starting states, their numbers and their spelling.
final class StateSpaceTests: XCTestCase {
  private let space = StateSpace(
    name: "f",
    words: [
      Word("level", ["4", "5", "3"]),
      Word("tables", ["none", "a", "b", "a+b"], arities: [2, 2]),
    ])

  func test_everyState_hasOneNumberAndOneSpelling() throws {
    XCTAssertEqual(space.count, 12)
    XCTAssertEqual(space.arities, [3, 2, 2])
    var spellings: Set<String> = []
    for number in 0..<space.count {
      let values = space.values(of: number)
      XCTAssertEqual(space.number(of: values), number)
      let spelling = space.spelling(of: values)
      XCTAssertEqual(space.values(spelled: spelling), values)
      spellings.insert(spelling)
    }
    XCTAssertEqual(spellings.count, 12)
  }

  func test_wordOfTwoInputs_isSpelledByBoth() throws {
    let values = try XCTUnwrap(space.values(spelled: "level=5,tables=a+b"))
    XCTAssertEqual([values[0], values[1], values[2]], [1, 1, 1])
    XCTAssertEqual(space.differences(of: values), 2)
    XCTAssertEqual(space.values(spelled: "level=4,tables=b")?[1], 0)
    XCTAssertEqual(space.values(spelled: "level=4,tables=b")?[2], 1)
  }

  func test_wrongSpelling_isNoState() {
    for wrong in [
      "", "-", "level=4", "level=4,tables=c", "tables=a,level=4", "level=4,tables=a,x=1",
    ] {
      XCTAssertNil(space.values(spelled: wrong), wrong)
    }
    XCTAssertEqual(StateSpace(name: "g", words: []).values(spelled: "-"), .zero)
  }

  func test_needed_areTheWordsThatCannotBeOrdinary() throws {
    let values = try XCTUnwrap(space.values(spelled: "level=3,tables=a+b"))
    XCTAssertEqual(space.needed(of: values) { $0[0] == 2 }, ["level=3"])
    XCTAssertEqual(space.needed(of: values) { $0[2] == 1 }, ["tables=a+b"])
    XCTAssertEqual(space.needed(of: values) { _ in true }, [])
  }
}

/// The Swift names of what the runtime counts in C.
final class RuntimeNumbersTests: XCTestCase {
  func test_eventKinds_areTheRuntimes() {
    let kinds: [(EventKind, kshim_event_kind)] = [
      (.step, KSHIM_EVENT_STEP), (.returned, KSHIM_EVENT_RETURN), (.call, KSHIM_EVENT_CALL),
      (.allocation, KSHIM_EVENT_ALLOC), (.free, KSHIM_EVENT_FREE), (.warning, KSHIM_EVENT_WARN),
      (.bug, KSHIM_EVENT_BUG), (.lock, KSHIM_EVENT_LOCK), (.unlock, KSHIM_EVENT_UNLOCK),
      (.assertion, KSHIM_EVENT_ASSERT), (.sleep, KSHIM_EVENT_SLEEP),
      (.access, KSHIM_EVENT_ACCESS), (.address, KSHIM_EVENT_ADDRESS),
      (.fault, KSHIM_EVENT_FAULT), (.hang, KSHIM_EVENT_HANG),
      (.overflow, KSHIM_EVENT_OVERFLOW), (.wait, KSHIM_EVENT_WAIT),
      (.deadlock, KSHIM_EVENT_DEADLOCK),
    ]
    for (swift, c) in kinds { XCTAssertEqual(UInt32(swift.rawValue), c.rawValue, "\(swift)") }
    let places: [(Whereabouts, kshim_at)] = [
      (.live, KSHIM_AT_LIVE), (.null, KSHIM_AT_NULL), (.poison, KSHIM_AT_POISON),
      (.freed, KSHIM_AT_FREED), (.guardPage, KSHIM_AT_GUARD), (.wild, KSHIM_AT_WILD),
      (.readOnly, KSHIM_AT_READ_ONLY), (.index, KSHIM_AT_INDEX),
      (.between, KSHIM_AT_BETWEEN), (.scope, KSHIM_AT_SCOPE),
    ]
    for (swift, c) in places { XCTAssertEqual(swift.rawValue, UInt64(c.rawValue), "\(swift)") }
  }
}

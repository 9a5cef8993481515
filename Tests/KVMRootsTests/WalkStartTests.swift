// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import XCTest

@testable import KVMRoots

/// `shadow_walk_init_using_root()`
final class WalkStartTests: RootsTestCase {
  private func state(_ shadow: Int, guest: Int) -> RootState {
    var state = RootState(drive: .walk)
    state.shadowLevel = shadow
    state.guestLevel = guest
    if shadow == 3 { state.tables = .pae }
    return state
  }

  private func load() throws {
    XCTAssertEqual(try call(slots.special), 0)
    XCTAssertEqual(try call(slots.shadow), 0)
  }

  /// Level and table that a walk for an address starts with.
  private func start(at address: UInt64) throws -> (level: UInt64, table: UInt64) {
    _ = try XCTUnwrap(world.call(slots.walk, now.rootHPA, address))
    return (world.get(slots.walkLevel), world.get(slots.walkTable))
  }

  func test_walk_everyScenario_keepsEveryProperty() throws {
    try searchEvery(
      .walk, scenarios: [CountedText.debian6v12: 18_116, CountedText.debian6v1: 6956])
  }

  /// Also over 5 levels, which upstream's second fix was for.
  func test_walk_guestOf32Bit_startsAtThePDPTEsTable() throws {
    for shadow in 3...5 {
      start(state(shadow, guest: 2))
      try load()
      for quarter in 0..<4 {
        let found = try start(at: UInt64(quarter) << 30)
        XCTAssertEqual(found.level, 2, "\(shadow) levels")
        XCTAssertEqual(
          found.table, now.pdpte(quarter) & PageWalker<World>.addressBits, "\(shadow) levels")
      }
    }
  }

  func test_walk_guestOf64Bit_startsAtTheRoot() throws {
    for shadow in 4...5 {
      start(state(shadow, guest: shadow))
      try load()
      let found = try start(at: 1 << 30)
      XCTAssertEqual(found.level, UInt64(shadow))
      XCTAssertEqual(found.table, now.rootHPA)
    }
  }

  func test_walk_absentQuarter_doesNotStart() throws {
    var choices: [UInt8] = [0, 0]  // two tables
    choices += [0, 1]  // the root is in memory, PDPTE 0 is absent
    choices.withUnsafeBufferPointer { world.reset($0) }
    setup.apply(state(4, guest: 3), to: world)
    try load()
    XCTAssertEqual(try start(at: 0).level, 0)
    XCTAssertEqual(try start(at: 1 << 30).level, 2)
  }

  func test_walk_noRoot_warnsAndDoesNotStart() throws {
    guard slots.dummyRoot != nil else { throw XCTSkip("this kernel has no dummy roots") }
    start(state(4, guest: 4))
    XCTAssertEqual(try start(at: 0).level, 0)
    XCTAssertEqual(events(.warning).count, 1)
  }
}

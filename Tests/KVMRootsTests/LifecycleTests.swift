// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KVMRoots

/// The life of an MMU: create, load, free the roots, load again, free the roots, free the pages.
final class LifecycleTests: RootsTestCase {
  func test_lifecycle_everyScenario_keepsEveryProperty() throws {
    try searchEvery(
      .lifecycle,
      scenarios: [CountedText.debian6v12: 52_436, CountedText.debian6v1: 18_356])
  }

  func test_lifecycle_nestedGuestOf32Bit_leavesNothing() throws {
    var state = RootState(drive: .special)
    state.shadowLevel = 5
    state.guestLevel = 2
    state.tdpLevel = 5
    start(state)
    XCTAssertEqual(try call(slots.create), 0)
    XCTAssertEqual(try call(slots.special), 0)
    XCTAssertEqual(try call(slots.shadow), 0)
    _ = try call(slots.freeRoots, 15)
    _ = try call(slots.freePages)
    XCTAssertEqual(pagesLeft, [])
    XCTAssertEqual(world.happened.pointee.locks_held, 0)
  }
}

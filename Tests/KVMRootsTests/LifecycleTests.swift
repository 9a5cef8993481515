// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KVMRoots

/// The life of an MMU: create, load, free the roots, load again, free the roots, free the pages.
final class LifecycleTests: RootsTestCase {
  func test_lifecycle_everyScenario_keepsEveryProperty() throws {
    try searchEvery(
      .lifecycle,
      scenarios: [CountedText.debian6v12: 38_604, CountedText.debian6v1: 14_684])
  }

  func test_lifecycle_nestedGuestOf32Bit_leavesNothing() throws {
    var state = RootState(drive: .lifecycle)
    state.shadowLevel = 5
    state.guestLevel = 2
    state.tdpLevel = 5
    start(state)
    XCTAssertEqual(try call(slots.create), 0)
    XCTAssertEqual(try call(slots.special), 0)
    XCTAssertEqual(try call(slots.shadow), 0)
    _ = try call(slots.freeRoots, 15)
    _ = try call(slots.freePages)
    let metadata = Metadata(world, slots)  // is the VM's
    XCTAssertEqual(pagesLeft.filter { !metadata.names($0) }, [])
    XCTAssertEqual(world.happened.pointee.locks_held, 0)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import XCTest

@testable import KVMRoots

/// `mmu_first_shadow_root_alloc()`
final class FirstRootTests: RootsTestCase {
  private var entry: UInt32!

  override func setUp() async throws {
    try await super.setUp()
    guard let entry = slots.firstRoot else {
      throw XCTSkip("this kernel has no mmu_first_shadow_root_alloc()")
    }
    self.entry = entry
  }

  private func state(_ first: Int, _ second: Int = 0, _ metadata: SlotMetadata = .none) -> RootState
  {
    var state = RootState(drive: .firstRoot)
    state.tdpMMU = true
    state.layout = SlotLayout(first: first, second: second)
    state.metadata = metadata
    return state
  }

  private var metadata: Metadata { Metadata(world, slots) }

  func test_firstRoot_everyScenario_keepsEveryProperty() throws {
    try searchEvery(
      .firstRoot, scenarios: [CountedText.debian6v12: 7182, CountedText.debian6v1: 7182])
  }

  func test_firstRoot_slotsOfBothAddressSpaces_getAllMetadata() throws {
    start(state(2, 1))
    XCTAssertEqual(try call(entry), 0)
    XCTAssertNil(metadata.missing(3, hasHash: slots.pageHash != nil))
    XCTAssertTrue(metadata.isDone)
    // Three reverse maps and the write tracking of each slot.
    XCTAssertEqual(events(.allocation).count, 12)
  }

  /// Four allocations of two slots: each fails in turn, and whoever tries again finds what there is.
  func test_firstRoot_eachAllocationFailsInTurn_keepsWhatSucceeded() throws {
    for failing in 0..<8 {
      start(state(2), deciding: Array(repeating: 0, count: failing) + [1])
      XCTAssertEqual(try call(entry), -12)
      XCTAssertFalse(metadata.isDone)
      XCTAssertEqual(world.happened.pointee.locks_held, 0)
      // A slot whose reverse maps fail has none; those of the slot before stay.
      XCTAssertEqual(metadata.hasRmaps(0), failing >= 3)
      XCTAssertEqual(metadata.track(0) != 0, failing >= 4)
      XCTAssertEqual(metadata.hasRmaps(1), failing == 7)
      let kept = failing < 3 ? 0 : failing < 7 ? min(failing, 4) : 7
      XCTAssertEqual(pagesLeft.count, kept, "allocation \(failing) fails")
      XCTAssertEqual(try call(entry), 0)
      XCTAssertNil(metadata.missing(2, hasHash: false))
      XCTAssertEqual(pagesLeft.count, 8)
    }
  }

  func test_firstRoot_doneBefore_takesNoLock() throws {
    var start = state(1, 0, .all)
    start.hadShadowRoot = true
    self.start(start)
    XCTAssertEqual(try call(entry), 0)
    XCTAssertTrue(events(.lock).isEmpty)
    XCTAssertTrue(events(.allocation).isEmpty)
  }

  func test_firstRoot_reverseMapsExist_onlyTracksWrites() throws {
    var start = state(1, 1, .rmaps)
    start.tdpMMU = false
    self.start(start)
    XCTAssertEqual(try call(entry), 0)
    XCTAssertEqual(events(.allocation).count, 2)
    XCTAssertNil(metadata.missing(2, hasHash: false))
  }

  func test_firstRoot_withoutTDP_nothingIsLeftToAllocate() throws {
    var start = state(2, 0, .all)
    start.tdpMMU = false
    start.tdp = false
    self.start(start)
    XCTAssertEqual(try call(entry), 0)
    XCTAssertTrue(events(.allocation).isEmpty)
    XCTAssertTrue(metadata.isDone)
  }
}

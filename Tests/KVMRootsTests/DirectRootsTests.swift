// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KVMRoots

/// `mmu_alloc_direct_roots()`
final class DirectRootsTests: RootsTestCase {
  private func state(_ level: Int, tables: Tables = [], tdpMMU: Bool = false) -> RootState {
    var state = RootState(drive: .direct)
    state.shadowLevel = level
    state.isDirect = true
    state.tables = tables
    state.tdpMMU = tdpMMU
    return state
  }

  func test_directRoots_everyScenario_keepsEveryProperty() throws {
    try searchEvery(
      .direct,
      scenarios: [CountedText.debian6v12: 18_432, CountedText.debian6v1: 24_576])
  }

  func test_directRoots_fourAndFiveLevels_useOnePage() throws {
    for level in [4, 5] {
      start(state(level))
      XCTAssertEqual(try call(slots.directRoots), 0)
      let number = try XCTUnwrap(setup.number(of: now.rootHPA, in: world))
      XCTAssertEqual(world.get(slots.pageLevel, at: number), UInt64(level))
      XCTAssertEqual(world.get(slots.pageGFN, at: number), 0)
      XCTAssertEqual(now.rootPGD, 0)
    }
  }

  func test_directRoots_threeLevels_mapOneGiBEach() throws {
    start(state(3, tables: .pae))
    XCTAssertEqual(try call(slots.directRoots), 0)
    XCTAssertEqual(now.rootHPA, now.pae)
    let frames = try (0..<4).map { index in
      let number = try XCTUnwrap(setup.number(of: now.pdpte(index) & ~0xfff, in: world))
      return world.get(slots.pageGFN, at: number)
    }
    XCTAssertEqual(frames, [0, 0x40000, 0x80000, 0xc0000])
  }

  func test_directRoots_threeLevelsWithoutPDPT_warnsAndRefuses() throws {
    start(state(3))
    XCTAssertEqual(try call(slots.directRoots), -5)
    XCTAssertEqual(events(.warning).count, 1)
    XCTAssertEqual(now.rootHPA, RootSnapshot.invalidPage)
  }

  func test_directRoots_twoLevels_warnsAndRefuses() throws {
    start(state(2))
    XCTAssertEqual(try call(slots.directRoots), -5)
    XCTAssertEqual(events(.warning).count, 1)
  }

  func test_directRoots_noRoomForPages_returnsENOSPC() throws {
    start(state(4), deciding: [1])
    XCTAssertEqual(try call(slots.directRoots), -28)
    XCTAssertEqual(now.rootHPA, RootSnapshot.invalidPage)
    XCTAssertEqual(world.happened.pointee.locks_held, 0)
  }

  func test_directRoots_tdpMMU_hasItsOwnRoot() throws {
    start(state(4, tdpMMU: true))
    XCTAssertEqual(try call(slots.directRoots), 0)
    XCTAssertNotNil(setup.number(of: now.rootHPA, in: world))
  }
}

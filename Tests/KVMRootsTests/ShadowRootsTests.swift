// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KVMRoots

/// `mmu_alloc_shadow_roots()`
final class ShadowRootsTests: RootsTestCase {
  private func state(_ shadow: Int, guest: Int, tables: Tables) -> RootState {
    var state = RootState(drive: .shadow)
    state.shadowLevel = shadow
    state.guestLevel = guest
    state.tables = tables
    return state
  }

  func test_shadowRoots_everyScenario_keepsEveryProperty() throws {
    try searchEvery(
      .shadow,
      scenarios: [CountedText.debian6v12: 445_440, CountedText.debian6v1: 143_360])
  }

  func test_shadowRoots_fiveLevels_chainsFromPML5ToFourPDPTEs() throws {
    start(state(5, guest: 2, tables: [.pae, .pml4, .pml5]))
    XCTAssertEqual(try call(slots.shadow), 0)
    let after = now
    XCTAssertEqual(after.rootHPA, after.pml5)
    XCTAssertEqual(world.load(after.pml5), after.pml4 | 0x27)
    XCTAssertEqual(world.load(after.pml4), after.pae | 0x27)
    for index in 0..<4 {
      let entry = after.pdpte(index)
      let number = try XCTUnwrap(setup.number(of: entry & ~0xfff, in: world))
      XCTAssertEqual(world.get(slots.pageQuadrant, at: number), UInt64(index))
      XCTAssertEqual(world.get(slots.pageLevel, at: number), 2)
      XCTAssertEqual(entry & 0xfff, 0x27)
    }
  }

  func test_shadowRoots_threeLevels_pdptesHaveNoReservedBits() throws {
    var start = state(3, guest: 2, tables: .pae)
    start.isEncrypted = true
    start.isRootMMU = true
    self.start(start)
    XCTAssertEqual(try call(slots.shadow), 0)
    XCTAssertEqual(now.rootHPA, now.pae)
    for index in 0..<4 {
      XCTAssertEqual(now.pdpte(index) & 0xfff, 1)
      XCTAssertNotEqual(now.pdpte(index) & RootState.encryptionBit, 0)
    }
  }

  func test_shadowRoots_guestOf64Bit_usesOnePageOfItsOwnLevel() throws {
    start(state(4, guest: 4, tables: []))
    XCTAssertEqual(try call(slots.shadow), 0)
    let number = try XCTUnwrap(setup.number(of: now.rootHPA, in: world))
    XCTAssertEqual(world.get(slots.pageGFN, at: number), RootSetup.guestRootGFN)
    XCTAssertEqual(world.get(slots.pageLevel, at: number), 4)
    XCTAssertEqual(now.rootPGD, setup.guestPGD(4))
  }

  func test_shadowRoots_absentPDPTEs_stayClear() throws {
    // Each PDPTE is one decision, present or not; a present one is asked whether it is visible.
    start(
      state(4, guest: 3, tables: [.pae, .pml4]), deciding: [0, 1, 0, 0, 1, 0, 0])
    XCTAssertEqual(try call(slots.shadow), 0)
    XCTAssertEqual((0..<4).map { now.pdpte($0) != 0 }, [false, true, false, true])
  }

  func test_shadowRoots_noRoomForPages_returnsENOSPCAndChangesNothing() throws {
    start(state(4, guest: 2, tables: [.pae, .pml4]), deciding: [0, 0, 1])
    let before = now
    XCTAssertEqual(try call(slots.shadow), -28)
    XCTAssertEqual(now, before)
    XCTAssertEqual(world.happened.pointee.locks_held, 0)
  }

  func test_shadowRoots_firstShadowRootFails_returnsENOMEMWithoutTheMMULock() throws {
    start(state(4, guest: 2, tables: [.pae, .pml4]), deciding: [0, 1])
    XCTAssertEqual(try call(slots.shadow), -12)
    // Of the two locks only that of the memory slots.
    XCTAssertEqual(events(.lock).count, 1)
    XCTAssertEqual(events(.unlock).count, 1)
    XCTAssertEqual(events(.lock).first?.lockMode, .mutex)
  }

  func test_shadowRoots_tableMissing_warnsAndRefuses() throws {
    for (level, tables) in [(4, Tables.pae), (5, [.pae, .pml4]), (4, .pml4), (3, [])] {
      start(state(level, guest: 2, tables: tables))
      let before = now
      XCTAssertEqual(try call(slots.shadow), -5, "level \(level) with \(tables)")
      XCTAssertEqual(events(.warning).count, 1)
      XCTAssertEqual(now, before)
    }
  }

  func test_shadowRoots_staleEntries_areWarnedOfOneByOne() throws {
    var start = state(4, guest: 2, tables: [.pae, .pml4])
    start.stale = 2
    self.start(start)
    XCTAssertEqual(try call(slots.shadow), 0)
    XCTAssertEqual(events(.warning).count, 4)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KVMRoots

/// `mmu_alloc_special_roots()`
final class SpecialRootsTests: RootsTestCase {
  /// A 32-bit guest hypervisor on a host with tables of a level.
  private func nested32(hostLevel: Int, tables: Tables = [], tdp: Bool = true) -> RootState {
    var state = RootState(drive: .special)
    state.shadowLevel = hostLevel
    state.guestLevel = 2
    state.tables = tables
    state.tdp = tdp
    return state
  }

  func test_specialRoots_everyScenario_keepsEveryProperty() throws {
    try searchEvery(
      .special,
      scenarios: [CountedText.debian6v12: 1424, CountedText.debian6v1: 1424])
  }

  /// Each of n allocations fails once, and each failure is followed by a second call with n + 1
  /// ways; after a success the second call asks for nothing.
  func test_specialRoots_everyAllocationFailsOnItsOwn_onTheFirstAndOnTheSecondCall() throws {
    let rest = "guest=2,direct=0,tdp=1,tables=none,me=0"
    XCTAssertEqual(try paths(of: .special, "shadow=5,\(rest)"), 3 * 4 + 1)
    XCTAssertEqual(try paths(of: .special, "shadow=4,\(rest)"), 2 * 3 + 1)
    XCTAssertEqual(try paths(of: .special, "shadow=3,\(rest)"), 1)
  }

  func test_specialRoots_fiveLevels_allocatesThreeTables() throws {
    start(nested32(hostLevel: 5))
    XCTAssertEqual(try call(slots.special), 0)
    XCTAssertEqual(now.tables, [.pae, .pml4, .pml5])
    XCTAssertEqual(pagesLeft.count, 3)
    XCTAssertEqual(Set([now.pae, now.pml4, now.pml5]).count, 3)
  }

  func test_specialRoots_fourLevels_allocatesTwoTables() throws {
    start(nested32(hostLevel: 4))
    XCTAssertEqual(try call(slots.special), 0)
    XCTAssertEqual(now.tables, [.pae, .pml4])
    XCTAssertEqual(pagesLeft.count, 2)
  }

  func test_specialRoots_paeAllocationFails_leavesNothing() throws {
    start(nested32(hostLevel: 5), deciding: [1])
    XCTAssertEqual(try call(slots.special), -12)
    XCTAssertEqual(now.tables, [])
    XCTAssertEqual(world.decisions.count, 1)
  }

  func test_specialRoots_pml4AllocationFails_freesPAE() throws {
    start(nested32(hostLevel: 5), deciding: [0, 1])
    XCTAssertEqual(try call(slots.special), -12)
    XCTAssertEqual(now.tables, [])
    XCTAssertEqual(pagesLeft, [])
    XCTAssertEqual(events(.free).count, 1)
  }

  func test_specialRoots_pml5AllocationFails_freesBothEarlierPages() throws {
    start(nested32(hostLevel: 5), deciding: [0, 0, 1])
    XCTAssertEqual(try call(slots.special), -12)
    XCTAssertEqual(now.tables, [])
    XCTAssertEqual(pagesLeft, [])
    XCTAssertEqual(events(.free).count, 2)
  }

  func test_specialRoots_afterAFailure_succeedsOnTheNextCall() throws {
    start(nested32(hostLevel: 5), deciding: [0, 0, 1])
    XCTAssertEqual(try call(slots.special), -12)
    XCTAssertEqual(try call(slots.special), 0)
    XCTAssertEqual(now.tables, [.pae, .pml4, .pml5])
  }

  func test_specialRoots_secondCallOnFourLevels_isSilentAndChangesNothing() throws {
    start(nested32(hostLevel: 4))
    XCTAssertEqual(try call(slots.special), 0)
    let first = now
    XCTAssertEqual(try call(slots.special), 0)
    XCTAssertEqual(now, first)
    XCTAssertTrue(events(.warning).isEmpty)
  }

  func test_specialRoots_onlySomeTables_warnsAndRefuses() throws {
    for tables: Tables in [.pae, .pml4, [.pae, .pml5], [.pml4, .pml5]] {
      start(nested32(hostLevel: 5, tables: tables))
      let before = now
      XCTAssertEqual(try call(slots.special), -5, "\(tables)")
      XCTAssertEqual(events(.warning).count, 1, "\(tables)")
      XCTAssertEqual(now, before, "\(tables)")
    }
  }

  func test_specialRoots_withoutTDP_warnsAndRefuses() throws {
    start(nested32(hostLevel: 4, tdp: false))
    XCTAssertEqual(try call(slots.special), -5)
    XCTAssertEqual(events(.warning).count, 1)
    XCTAssertEqual(now.tables, [])
  }

  func test_specialRoots_guestOf64Bit_needsNothing() throws {
    var state = nested32(hostLevel: 5)
    state.guestLevel = 4
    start(state)
    XCTAssertEqual(try call(slots.special), 0)
    XCTAssertEqual(now.tables, [])
    XCTAssertTrue(world.decisions.isEmpty)
  }
}

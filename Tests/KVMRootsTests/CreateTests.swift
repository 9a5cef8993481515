// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KVMRoots

/// `__kvm_mmu_create()`
final class CreateTests: RootsTestCase {
  private func state(root: Bool, tdp: Bool, level: Int = 4) -> RootState {
    var state = RootState(drive: .create)
    state.isRootMMU = root
    state.tdp = tdp
    state.tdpLevel = level
    return state
  }

  func test_create_everyScenario_keepsEveryProperty() throws {
    try searchEvery(
      .create,
      scenarios: [CountedText.debian6v12: 34, CountedText.debian6v1: 34])
  }

  func test_create_shadowPaging_takesAPageBelow4GiBAndDecryptsIt() throws {
    start(state(root: true, tdp: false))
    XCTAssertEqual(try call(slots.create), 0)
    XCTAssertLessThan(now.pae, 1 << 32)
    XCTAssertEqual(
      world.events.count { $0.call == slots.memoryDecrypted && $0.arg.0 == now.pae }, 1)
    XCTAssertEqual(now.usedPDPTEs, 0)
    XCTAssertEqual(now.rootHPA, RootSnapshot.invalidPage)
  }

  func test_create_tdpOfFourLevels_takesNoPage() throws {
    start(state(root: true, tdp: true))
    XCTAssertEqual(try call(slots.create), 0)
    XCTAssertEqual(now.tables, [])
    XCTAssertTrue(world.decisions.isEmpty)
  }

  func test_create_guestMMUWithoutTDP_isNotUsed() throws {
    start(state(root: false, tdp: false))
    XCTAssertEqual(try call(slots.create), 0)
    XCTAssertEqual(now.tables, [])
  }

  func test_create_noPage_returnsENOMEM() throws {
    start(state(root: true, tdp: false), deciding: [1])
    XCTAssertEqual(try call(slots.create), -12)
    XCTAssertEqual(now.pae, 0)
  }

  func test_create_whateverTheFieldsHeld_startsWithoutARoot() throws {
    start(state(root: true, tdp: true))
    XCTAssertEqual(now.rootHPA, RootSetup.garbage)
    XCTAssertEqual(try call(slots.create), 0)
    let invalid = RootSnapshot.invalidPage
    XCTAssertEqual(now.rootHPA, invalid)
    XCTAssertEqual((0..<3).map { now.previous($0) }, [invalid, invalid, invalid])
    XCTAssertEqual(now.rootPGD, 0)
  }
}

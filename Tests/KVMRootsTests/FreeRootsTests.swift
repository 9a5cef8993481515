// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KVMRoots

/// `kvm_mmu_free_roots()`, with `mmu_free_root_page()`
final class FreeRootsTests: RootsTestCase {
  private func state(_ root: RootKind, previous: PreviousRoots = [])
    -> RootState
  {
    var state = RootState(drive: .freeRoots)
    state.root = root
    state.previous = previous
    return state
  }

  func test_freeRoots_everyScenario_keepsEveryProperty() throws {
    try searchEvery(
      .freeRoots,
      scenarios: [CountedText.debian6v12: 15_120, CountedText.debian6v1: 15_120])
  }

  func test_freeRoots_shadowRoot_givesItsReferenceBack() throws {
    start(state(.shadow))
    let number = try XCTUnwrap(setup.number(of: now.rootHPA, in: world))
    _ = try call(slots.freeRoots, 15)
    XCTAssertEqual(world.get(slots.pageCount, at: number), 0)
    XCTAssertEqual(world.get(slots.pageZapped, at: number), 0)
    XCTAssertEqual(now.rootHPA, RootSnapshot.invalidPage)
    XCTAssertEqual(now.rootPGD, 0)
  }

  func test_freeRoots_lastRootOfAnInvalidPage_zapsIt() throws {
    start(state(.invalidShadow))
    let number = try XCTUnwrap(setup.number(of: now.rootHPA, in: world))
    _ = try call(slots.freeRoots, 15)
    XCTAssertEqual(world.get(slots.pageZapped, at: number), 1)
  }

  func test_freeRoots_specialRoot_clearsItsPDPTEs() throws {
    var state = state(.pml5)
    state.shadowLevel = 5
    state.entries = 1
    start(state)
    XCTAssertEqual(now.usedPDPTEs, 4)
    _ = try call(slots.freeRoots, 1)
    XCTAssertEqual(now.usedPDPTEs, 0)
    XCTAssertEqual((0..<4).map { world.get(slots.pageCount, at: $0) }, [0, 0, 0, 0])
  }

  func test_freeRoots_mask_leavesOtherRootsAlone() throws {
    start(state(.shadow, previous: [.shadow, .shadow, .shadow]))
    let before = now
    _ = try call(slots.freeRoots, 4)
    XCTAssertEqual(now.previous(1), RootSnapshot.invalidPage)
    XCTAssertEqual(now.previous(0), before.previous(0))
    XCTAssertEqual(now.previous(2), before.previous(2))
    XCTAssertEqual(now.rootHPA, before.rootHPA)
  }

  func test_freeRoots_nothingToDo_takesNoLock() throws {
    start(state(.none))
    _ = try call(slots.freeRoots, 15)
    XCTAssertTrue(events(.lock).isEmpty)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KVMRoots

/// `free_mmu_pages()`
final class FreeMMUPagesTests: RootsTestCase {
  func test_freeMMUPages_everyScenario_keepsEveryProperty() throws {
    try searchEvery(
      .freePages,
      scenarios: [CountedText.debian6v12: 32, CountedText.debian6v1: 32])
  }

  func test_freeMMUPages_everyPresence_freesExactlyWhatIsThere() throws {
    for bits in 0..<8 {
      var state = RootState(drive: .freePages)
      state.tables = Tables(rawValue: bits)
      start(state)
      let tables = [now.pae, now.pml4, now.pml5].filter { $0 != 0 }
      _ = try call(slots.freePages)
      XCTAssertEqual(events(.free).map(\.arg.0).sorted(), tables.sorted())
      XCTAssertTrue(tables.allSatisfy { world.load($0) == nil })
    }
  }

  func test_freeMMUPages_withoutTDP_encryptsThePDPTFirst() throws {
    var state = RootState(drive: .freePages)
    state.tables = .pae
    state.tdp = false
    start(state)
    let pae = now.pae
    _ = try call(slots.freePages)
    let order = world.events.filter {
      $0.call == slots.memoryEncrypted || $0.what == .free
    }
    XCTAssertEqual(order.first?.call, slots.memoryEncrypted)
    XCTAssertEqual(order.first?.arg.0, pae)
    XCTAssertEqual(order.count, 2)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KVMRoots

/// The page walker on tables written by hand. Offsets and bits are those of the AMD64 Architecture
/// Programmer's Manual volume 2 (figures of long-mode and legacy PAE page translation) and of Intel
/// SDM volume 3, chapter on paging.
final class PageWalkerTests: XCTestCase {
  /// Entries by hpa. Memory is the pages at 0x1000 … 0x9000; what is not listed reads as 0.
  private struct Tables: PhysicalMemory {
    var entries: [UInt64: UInt64]
    func load(_ hpa: UInt64) -> UInt64? {
      guard (0x1000..<0xa000).contains(hpa) else { return nil }
      return entries[hpa] ?? 0
    }
  }

  private static let cBit: UInt64 = 1 << 51

  private func walk(
    _ entries: [UInt64: UInt64], from root: UInt64 = 0x1000, _ format: RootFormat,
    _ address: UInt64, to level: Int = 2, encrypted: Bool = false
  ) -> Walk {
    PageWalker(
      memory: Tables(entries: entries), encryption: Self.cBit, isEncrypted: encrypted
    ).walk(from: root, format, address: address, to: level)
  }

  /// Each level takes 9 bits of the address: 47:39, 38:30, 29:21 of a 4-level walk.
  func test_fourLevels_eachLevelTakesNineBits() {
    // PML4 at 0x1000, entry 3; PDPT at 0x2000, entry 5; PD at 0x3000, entry 7.
    let tables: [UInt64: UInt64] = [0x1018: 0x2007, 0x2028: 0x3007, 0x3038: 0x4007]
    let address: UInt64 = 3 << 39 | 5 << 30 | 7 << 21
    let found = walk(tables, .long(levels: 4), address, to: 1)
    XCTAssertEqual(found.end, .reached)
    XCTAssertEqual((1...4).map { found.tables[$0] }, [0x4000, 0x3000, 0x2000, 0x1000])
    XCTAssertEqual((1...4).map { found.entries[$0] }, [0, 0x3038, 0x2028, 0x1018])
    XCTAssertEqual(walk(tables, .long(levels: 4), 0, to: 1).end, .notPresent(level: 4))
    XCTAssertEqual(walk(tables, .long(levels: 4), 3 << 39, to: 1).end, .notPresent(level: 3))
  }

  /// A fifth level takes bits 56:48.
  func test_fiveLevels_beginWithBits56To48() {
    let tables: [UInt64: UInt64] = [
      0x1000 + 8 * 511: 0x2007, 0x2000: 0x3007, 0x3000: 0x4007,
    ]
    let found = walk(tables, .long(levels: 5), 511 << 48)
    XCTAssertEqual(found.end, .reached)
    XCTAssertEqual((2...5).map { found.tables[$0] }, [0x4000, 0x3000, 0x2000, 0x1000])
    XCTAssertEqual(walk(tables, .long(levels: 5), 510 << 48).end, .notPresent(level: 5))
  }

  /// Legacy PAE: CR3 names four PDPTEs, chosen by bits 31:30; higher bits do not count.
  func test_pae_fourPDPTEsByBits31And30() {
    let tables: [UInt64: UInt64] = [
      0x1000: 0x2001, 0x1008: 0x3001, 0x1010: 0x4001, 0x1018: 0x5001,
    ]
    for (quarter, table) in [0x2000, 0x3000, 0x4000, 0x5000].enumerated()
      as EnumeratedSequence<[UInt64]>
    {
      let found = walk(tables, .pae, UInt64(quarter) << 30 | 0x3fff_f000)
      XCTAssertEqual(found.end, .reached)
      XCTAssertEqual(found.tables[2], table)
      XCTAssertEqual(found.entries[3], 0x1000 + UInt64(quarter) * 8)
    }
  }

  /// In a PDPTE of legacy PAE, bits 2:1 and 8:5 must be zero; in long mode the same entry must
  /// let a user write, because nested paging takes what the guest does for user accesses.
  func test_permissionBits_reservedInPAE_neededInLongMode() {
    for bit in [1, 2, 5, 6, 7, 8] as [UInt64] {
      let entry: UInt64 = 0x2001 | 1 << bit
      XCTAssertEqual(
        walk([0x1000: entry], .pae, 0).end, .badBits(level: 3, bits: entry & 0xfff), "bit \(bit)")
    }
    for low in [1, 3, 5] as [UInt64] {
      XCTAssertEqual(
        walk([0x1000: 0x2000 | low], .long(levels: 4), 0).end, .badBits(level: 4, bits: low))
    }
    // Accessed may be set by the processor.
    XCTAssertEqual(walk([0x1000: 0x2027], .long(levels: 4), 0, to: 3).end, .reached)
  }

  /// Bits 8:7 of a PML5E or PML4E must be zero; bit 7 of a PDPE maps a page of 1 GiB and ends the
  /// way to the table below; bit 63 takes the right to execute.
  func test_bitsThatMapOrForbid_endTheWalk() {
    for bit in [7, 8, 63] as [UInt64] {
      let entry: UInt64 = 0x2007 | 1 << bit
      XCTAssertEqual(
        walk([0x1000: entry], .long(levels: 5), 0).end,
        .badBits(level: 5, bits: entry & ~UInt64(0xf_ffff_f000)), "bit \(bit)")
    }
    XCTAssertEqual(
      walk([0x1000: 0x2007, 0x2000: 0x3087], .long(levels: 4), 0).end,
      .badBits(level: 3, bits: 0x87))
  }

  /// The C-bit is no part of the address, and every entry has it or none.
  func test_encryption_isNoAddress() {
    let clear: [UInt64: UInt64] = [0x1000: 0x2007, 0x2000: 0x3007]
    let set = clear.mapValues { $0 | Self.cBit }
    XCTAssertEqual(walk(set, .long(levels: 4), 0, encrypted: true).tables[2], 0x3000)
    XCTAssertEqual(
      walk(clear, .long(levels: 4), 0, encrypted: true).end, .badBits(level: 4, bits: 7))
    XCTAssertEqual(
      walk(set, .long(levels: 4), 0).end, .badBits(level: 4, bits: Self.cBit | 7))
  }

  func test_entriesOutsideOfMemory_areToldApart() {
    XCTAssertEqual(walk([:], from: 0xf000, .long(levels: 4), 0).end, .noMemory(level: 4))
    XCTAssertEqual(walk([:], from: .max, .long(levels: 4), 0).end, .noMemory(level: 4))
    XCTAssertEqual(
      walk([0x1000: 0x1_0000_2007], .long(levels: 4), 0).end, .noMemory(level: 4))
    let found = walk([0x1000: 0x2007, 0x2000: 0xb007], .long(levels: 4), 0)
    XCTAssertEqual(found.end, .noMemory(level: 3))
    XCTAssertEqual(found.entries[3], 0x2000)
  }

  /// A root that is used directly needs no entry.
  func test_walkToTheRootItself_readsNothing() {
    let found = walk([:], .long(levels: 4), 0, to: 4)
    XCTAssertEqual(found.end, .reached)
    XCTAssertEqual(found.tables[4], 0x1000)
    XCTAssertEqual(found.entries, SIMD8<UInt64>())
  }
}

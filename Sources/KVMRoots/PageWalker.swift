// SPDX-License-Identifier: GPL-2.0-only

/// Simulated physical memory, as a processor reads it.
protocol PhysicalMemory {
  /// Eight bytes at an aligned hpa, nil where no memory is.
  func load(_ hpa: UInt64) -> UInt64?
}

/// How the entries of a root are laid out.
enum RootFormat {
  /// Long mode, 4 or 5 levels of 512 entries each. Nested paging treats what the guest does as
  /// user accesses, so each entry must let a user write.
  case long(levels: Int)
  /// Legacy PAE: CR3 names four PDPTEs of 32 bytes, whose permission bits are reserved.
  case pae

  /// Level of the table that the root names.
  var levels: Int {
    switch self {
    case .long(let levels): levels
    case .pae: 3
    }
  }
}

/// Why a walk ends.
enum WalkEnd: Equatable {
  /// The table of the level that was asked for is reached.
  case reached
  /// An entry of this level is not present.
  case notPresent(level: Int)
  /// A present entry of this level has bits that it must not have, or lacks ones it needs.
  case badBits(level: Int, bits: UInt64)
  /// An entry of this level, or the root, leads to where no page is.
  case noMemory(level: Int)
}

struct Walk: Equatable {
  var end: WalkEnd
  /// Table of each level that was entered, its hpa; 0 where the walk did not get there.
  var tables = SIMD8<UInt64>()
  /// Where the entry of each level lies that was read, its hpa; 0 where none was.
  var entries = SIMD8<UInt64>()
}

/// Follows a root through simulated physical memory, as the processor would.
///
/// Written from AMD64 Architecture Programmer's Manual volume 2 (page translation in long and legacy
/// PAE mode, nested paging) and Intel SDM volume 3 (paging); knows nothing of the kernel's fields.
/// Addresses are bytes: guest physical ones in nested paging, else linear ones.
struct PageWalker<Memory: PhysicalMemory> {
  let memory: Memory
  /// The encryption bit of physical addresses (AMD's C-bit), 0 without encryption.
  let encryption: UInt64
  /// What an entry needs of ``encryption``.
  let isEncrypted: Bool

  private static var present: UInt64 { 1 << 0 }
  private static var writable: UInt64 { 1 << 1 }
  private static var user: UInt64 { 1 << 2 }
  private static var accessed: UInt64 { 1 << 5 }
  /// Bits of an entry's address, 52 bits of physical address space.
  static var addressBits: UInt64 { 0x000f_ffff_ffff_f000 }

  /// Follows a root down to the table of a level.
  ///
  /// - Parameters:
  ///   - root: hpa, as CR3 or nCR3 would have it, without flags.
  ///   - address: which way to go.
  ///   - level: where to stop, from 1 to the root's own.
  func walk(from root: UInt64, _ format: RootFormat, address: UInt64, to level: Int) -> Walk {
    var walk = Walk(end: .reached)
    var table = root
    for current in stride(from: format.levels, through: level, by: -1) {
      guard memory.load(table) != nil, table & ~Self.addressBits == 0 else {
        walk.end = .noMemory(level: min(current + 1, format.levels))
        return walk
      }
      walk.tables[current] = table
      guard current > level else { break }
      let place = table + Self.index(of: address, level: current, format) * 8
      walk.entries[current] = place
      let entry = memory.load(place) ?? 0
      guard entry & Self.present != 0 else {
        walk.end = .notPresent(level: current)
        return walk
      }
      let wrong = wrongBits(entry, format, level: current)
      guard wrong == nil else {
        walk.end = .badBits(level: current, bits: wrong!)
        return walk
      }
      table = entry & Self.addressBits & ~encryption
    }
    return walk
  }

  /// Which of its table's entries an address goes by: 9 bits a level, 2 for a PDPTE of PAE.
  static func index(of address: UInt64, level: Int, _ format: RootFormat) -> UInt64 {
    let index = address >> UInt64(12 + 9 * (level - 1))
    if case .pae = format, level == 3 { return index & 3 }
    return index & 511
  }

  /// The entry's bits beside the address, when they are not what the processor takes; else nil.
  func wrongBits(_ entry: UInt64, _ format: RootFormat, level: Int) -> UInt64? {
    let bits = entry & ~(Self.addressBits & ~encryption)
    let required: UInt64
    let allowed: UInt64
    if case .pae = format, level == 3 {
      // Writable, user and accessed are reserved in a PDPTE of PAE paging.
      (required, allowed) = (Self.present, Self.present)
    } else {
      required = Self.present | Self.writable | Self.user
      allowed = required | Self.accessed
    }
    let expected = isEncrypted ? encryption : 0
    let isRight =
      bits & required == required && bits & ~(allowed | encryption) == 0
      && bits & encryption == expected
    return isRight ? nil : bits
  }
}

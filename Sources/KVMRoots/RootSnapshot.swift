// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// What a caller can see of an MMU's roots at one moment.
struct RootSnapshot: Equatable {
  static let invalidPage = UInt64.max  // INVALID_PAGE

  var rootHPA: UInt64 = 0
  var rootPGD: UInt64 = 0
  var mirrorRoot: UInt64 = 0
  var previous: (UInt64, UInt64, UInt64) = (0, 0, 0)
  var previousPGD: (UInt64, UInt64, UInt64) = (0, 0, 0)
  var pae: UInt64 = 0
  var pml4: UInt64 = 0
  var pml5: UInt64 = 0
  /// The four PDPTEs; 0 when there is no table.
  var pdptes: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  init() {}

  init(_ world: World, _ slots: RootSlots) {
    rootHPA = world.get(slots.rootHPA)
    rootPGD = world.get(slots.rootPGD)
    if let mirror = slots.mirrorRoot { mirrorRoot = world.get(mirror) }
    previous = (
      world.get(slots.previousHPA, at: 0), world.get(slots.previousHPA, at: 1),
      world.get(slots.previousHPA, at: 2)
    )
    previousPGD = (
      world.get(slots.previousPGD, at: 0), world.get(slots.previousPGD, at: 1),
      world.get(slots.previousPGD, at: 2)
    )
    pae = world.get(slots.pae)
    pml4 = world.get(slots.pml4)
    if let slot = slots.pml5 { pml5 = world.get(slot) }
    if pae != 0, world.load(pae) != nil {
      pdptes = (
        world.load(pae) ?? 0, world.load(pae + 8) ?? 0, world.load(pae + 16) ?? 0,
        world.load(pae + 24) ?? 0
      )
    }
  }

  var tables: Tables {
    var tables: Tables = []
    if pae != 0 { tables.insert(.pae) }
    if pml4 != 0 { tables.insert(.pml4) }
    if pml5 != 0 { tables.insert(.pml5) }
    return tables
  }

  func table(_ table: Tables) -> UInt64 {
    switch table {
    case .pae: pae
    case .pml4: pml4
    default: pml5
    }
  }

  func hasTable(_ hpa: UInt64) -> Bool { hpa == pae || hpa == pml4 || hpa == pml5 }

  func pdpte(_ index: Int) -> UInt64 {
    switch index {
    case 0: pdptes.0
    case 1: pdptes.1
    case 2: pdptes.2
    default: pdptes.3
    }
  }

  func previous(_ index: Int) -> UInt64 {
    switch index {
    case 0: previous.0
    case 1: previous.1
    default: previous.2
    }
  }

  /// PDPTEs in use, `IS_VALID_PAE_ROOT()`.
  var usedPDPTEs: Int { (0..<4).count { pdpte($0) != 0 } }

  static func == (left: RootSnapshot, right: RootSnapshot) -> Bool {
    left.firstDifference(from: right) == nil
  }

  /// What differs, as the kernel names it.
  func firstDifference(from other: RootSnapshot) -> String? {
    if rootHPA != other.rootHPA { return "root.hpa" }
    if rootPGD != other.rootPGD { return "root.pgd" }
    if mirrorRoot != other.mirrorRoot { return "mirror_root_hpa" }
    if previous != other.previous || previousPGD != other.previousPGD { return "prev_roots" }
    if pae != other.pae { return "pae_root" }
    if pml4 != other.pml4 { return "pml4_root" }
    if pml5 != other.pml5 { return "pml5_root" }
    if pdptes != other.pdptes { return "pae_root[]" }
    return nil
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// Which of the special tables a `struct kvm_mmu` has.
struct Tables: OptionSet, Hashable, Sendable {
  let rawValue: Int
  static let pae = Tables(rawValue: 1)
  static let pml4 = Tables(rawValue: 2)
  static let pml5 = Tables(rawValue: 4)
}

/// What is called, and in which order. The name is the first part of a scenario's spelling.
enum Drive: String, CaseIterable, Sendable {
  case special = "mmu_alloc_special_roots"
  case shadow = "mmu_alloc_shadow_roots"
  case direct = "mmu_alloc_direct_roots"
  case freePages = "free_mmu_pages"
  case create = "__kvm_mmu_create"
  case freeRoots = "kvm_mmu_free_roots"
  /// The root is loaded first, then the start of a walk is asked for in each quarter.
  case walk = "shadow_walk_init_using_root"
  case firstRoot = "mmu_first_shadow_root_alloc"
  /// Create, load, free the roots, load again, free the roots, free the pages.
  case lifecycle
  /// Two vCPUs of one VM at once, one call each.
  case twoVCPUs = "two_vcpus"
}

/// What root.hpa holds before `kvm_mmu_free_roots()`.
enum RootKind: Int, CaseIterable, Sendable {
  case none, dummy, shadow, invalidShadow, sharedShadow, tdp, pae, pml4, pml5, unknownPage
}

/// What one of the previous roots holds.
enum PreviousRoot: Sendable {
  case none, shadow, invalidShadow, tdp, unknownPage
}

/// The three previous roots; a state is copied for every run, and holds no list that would have to be
/// counted.
struct PreviousRoots: RandomAccessCollection, ExpressibleByArrayLiteral, Sendable {
  private var first = PreviousRoot.none
  private var second = PreviousRoot.none
  private var third = PreviousRoot.none

  init(_ roots: some Collection<PreviousRoot>) {
    for (index, root) in roots.enumerated() {
      switch index {
      case 0: first = root
      case 1: second = root
      default: third = root
      }
    }
  }

  init(arrayLiteral roots: PreviousRoot...) { self.init(roots) }

  var startIndex: Int { 0 }
  var endIndex: Int { 3 }
  subscript(index: Int) -> PreviousRoot { index == 0 ? first : index == 1 ? second : third }
}

/// Which root a walk starts from: the one that is loaded; none, before one is; another, whose page
/// is older or newer than that of the one that is loaded.
enum WalkedRoot: Int, Sendable { case loaded, none, older, newer }

/// Memory slots of a VM: how many in each of its two address spaces.
struct SlotLayout: Sendable, Equatable {
  var first = 0
  var second = 0
  var count: Int { first + second }
}

/// What memory slots have of what a shadow MMU needs.
enum SlotMetadata: Int, Sendable {
  /// Nothing; the first slot's reverse maps; both of the first slot; all reverse maps; all write
  /// tracking; all of it.
  case none, firstRmap, first, rmaps, tracks, all
}

/// A starting state. The fields that a drive does not vary keep their defaults.
struct RootState: Sendable {
  var drive: Drive
  /// Level of the tables that the processor walks, `root_role.level`.
  var shadowLevel = 4
  /// Level of the guest's own tables, `cpu_role.base.level`; 0: the guest does not page.
  var guestLevel = 4
  var isDirect = false
  /// `tdp_enabled`: the processor walks two dimensions.
  var tdp = true
  /// `tdp_mmu_enabled`.
  var tdpMMU = false
  /// Special tables that exist beforehand.
  var tables: Tables = []
  /// Whether `shadow_me_value` is set.
  var isEncrypted = false
  /// Entries left from before: 0 none, 1 in the upper tables, 2 all four PDPTEs, 3 the third PDPTE.
  var stale = 0
  /// Whether the role contradicts the guest's level on the size of its entries.
  var hasWrongEntrySize = false
  /// Whether the MMU is `root_mmu` instead of `guest_mmu`.
  var isRootMMU = false
  /// What `kvm_mmu_get_tdp_level()` answers.
  var tdpLevel = 4
  /// Whether the VM has mirrored tables (TDX), where the kernel knows them.
  var isMirrored = false
  /// Whether its mirror root is there already.
  var hasMirrorRoot = false
  var root = RootKind.none
  /// PDPTEs in use when the root is special: 0 none, 1 all, 2 the second and the fourth.
  var entries = 0
  var previous = PreviousRoots([])
  /// `roots_to_free`.
  var rootsToFree = 0
  var walked = WalkedRoot.loaded
  /// Whether others than KVM track writes, from the VM's start.
  var isTracked = false
  /// `kvm->arch.shadow_root_allocated`.
  var hadShadowRoot = false
  var layout = SlotLayout(first: 1)
  var metadata = SlotMetadata.rmaps
  /// Whether the hash of shadow pages exists, where it is allocated.
  var hasPageHash = true
  /// The guest's level at the second load of a lifecycle.
  var nextGuestLevel = 4
  /// Which calls race, by the number: a state is copied for every run, and holds no text that would have
  /// to be counted.
  var raceNumber: UInt8 = 0
  var race: RootRace {
    get { RootRace.all[Int(raceNumber)] }
    set { raceNumber = UInt8(RootRace.all.firstIndex { $0.name == newValue.name }!) }
  }

  /// The encryption bit as AMD processors have it (CPUID 8000001F EBX[5:0], here 51).
  static let encryptionBit: UInt64 = 1 << 51
  var encryption: UInt64 { isEncrypted ? Self.encryptionBit : 0 }

  /// `role.has_4_byte_gpte`: only a guest of 2 levels has entries of 4 bytes.
  var hasFourByteEntries: Bool { (guestLevel == 2 && !isDirect) != hasWrongEntrySize }
}

/// One thing that varies between starting states.
enum Dimension: UInt8, CaseIterable {
  case shadow, guest, direct, tdp, tdpmmu, tables, me, stale, gpte, mmu, tdplevel, mirror, root
  case entries, prev, free, next, load, first, slots, meta, hash, track, race, levels

  /// As it is spelled.
  var name: String { "\(self)" }

  /// Spellings of its values, simple ones first. One word each.
  var values: [String] { Self.spellings[Int(rawValue)] }

  /// How many values each of its inputs has. Each table is looked at on its own.
  var arities: [Int] { Self.arities[Int(rawValue)] }

  /// Made once: every starting state is made from them.
  private static let spellings = allCases.map(\.spelled)
  private static let arities = allCases.map { $0 == .tables ? [2, 2, 2] : [$0.values.count] }

  private var spelled: [String] {
    switch self {
    case .shadow: ["4", "5", "3", "2"]
    case .guest: ["4", "5", "3", "2", "0"]
    case .mirror: ["0", "1", "kept"]
    case .direct, .tdpmmu, .me, .first, .track: ["0", "1"]
    case .tdp, .hash: ["1", "0"]
    case .load: ["1", "0", "older", "newer"]
    case .tables: ["none", "pae", "pml4", "pae+pml4", "pml5", "pae+pml5", "pml4+pml5", "all"]
    case .stale: ["none", "upper", "pdptes", "pdpte2"]
    case .gpte: ["fits", "wrong"]
    case .mmu: ["guest", "root"]
    case .tdplevel: ["4", "5", "3"]
    case .root:
      ["none", "dummy", "sp", "invalid", "shared", "tdp", "pae", "pml4", "pml5", "page"]
    case .entries: ["none", "all", "odd"]
    case .prev: ["none", "s--", "-i-", "--t", "sss", "iti", "--p"]
    case .free:
      (0..<16).map { String($0) } + ["16", "31"]
    case .next: ["4", "2"]
    case .slots: ["1", "none", "2", "1+1", "2+1", "0+1"]
    case .meta: ["none", "rmap1", "one", "rmaps", "tracks", "all"]
    case .race: RootRace.all.map(\.name)
    case .levels: ["4-4", "4-2", "5-2", "3-2"]
    }
  }
}

extension Drive {
  /// What varies, slowest first.
  var dimensions: [Dimension] {
    switch self {
    case .special: [.shadow, .guest, .direct, .tdp, .tables, .me]
    case .shadow: [.shadow, .guest, .direct, .tdp, .tables, .me, .stale, .gpte]
    case .direct: [.shadow, .direct, .tdp, .tdpmmu, .mirror, .tables, .me, .stale, .gpte]
    case .freePages: [.tdp, .tables, .me]
    case .create: [.mmu, .tdp, .tdplevel, .me]
    case .freeRoots: [.direct, .tdpmmu, .root, .entries, .prev, .free]
    case .walk: [.shadow, .guest, .direct, .tdp, .tdpmmu, .me, .load]
    case .firstRoot: [.tdp, .tdpmmu, .first, .track, .slots, .meta, .hash]
    case .lifecycle: [.shadow, .guest, .direct, .tdp, .tdpmmu, .me, .next]
    case .twoVCPUs: [.race, .levels]
    }
  }

  var space: StateSpace {
    StateSpace(
      name: rawValue,
      words: dimensions.map { Word($0.name, $0.values, arities: $0.arities) })
  }
}

extension RootState {
  /// The state with these values of its drive's inputs.
  init(drive: Drive, _ values: InputValues) {
    self.init(drive: drive)
    var next = 0
    for dimension in drive.dimensions {
      let arities = dimension.arities
      var index = 0
      for (number, arity) in arities.enumerated().reversed() {
        index = index * arity + Int(values[next + number])
      }
      next += arities.count
      set(dimension, index)
    }
    settle()
  }

  private mutating func set(_ dimension: Dimension, _ index: Int) {
    let value = dimension.values[index]
    switch dimension {
    case .shadow: shadowLevel = Int(value)!
    case .guest: guestLevel = Int(value)!
    case .direct: isDirect = index == 1
    case .tdp: tdp = index == 0
    case .tdpmmu: tdpMMU = index == 1
    case .tables: tables = Tables(rawValue: index)
    case .me: isEncrypted = index == 1
    case .stale: stale = index
    case .gpte: hasWrongEntrySize = index == 1
    case .mmu: isRootMMU = index == 1
    case .tdplevel: tdpLevel = Int(value)!
    case .mirror:
      isMirrored = index > 0
      hasMirrorRoot = index == 2
    case .root: root = RootKind(rawValue: index)!
    case .entries: entries = index
    case .prev:
      previous = PreviousRoots(index == 0 ? [] : value.map { Self.previous($0) })
    case .free: rootsToFree = Int(value)!
    case .next: nextGuestLevel = Int(value)!
    case .load: walked = WalkedRoot(rawValue: index)!
    case .track: isTracked = index == 1
    case .first: hadShadowRoot = index == 1
    case .slots:
      let counts = value.split(separator: "+").map { Int($0) ?? 0 }
      layout = SlotLayout(first: counts[0], second: counts.count > 1 ? counts[1] : 0)
    case .meta: metadata = SlotMetadata(rawValue: index)!
    case .hash: hasPageHash = index == 0
    case .race: raceNumber = UInt8(index)
    case .levels:
      let levels = value.split(separator: "-").map { Int($0)! }
      (shadowLevel, guestLevel) = (levels[0], levels[1])
    }
  }

  /// What follows from the rest.
  private mutating func settle() {
    switch drive {
    case .lifecycle:
      // An MMU that the kernel itself makes: without two-dimensional paging only `root_mmu` is
      // used, and the processor's level is that of the host.
      isRootMMU = !tdp
      tdpLevel = shadowLevel
      metadata = tdp ? .rmaps : .all
    case .walk:
      // PAE paging has its table from the start, see `__kvm_mmu_create()`.
      if shadowLevel == 3 { tables = .pae }
      metadata = tdp ? .rmaps : .all
    case .shadow: metadata = tdp ? .rmaps : .all
    default: break
    }
  }

  private static func previous(_ letter: Character) -> PreviousRoot {
    switch letter {
    case "s": .shadow
    case "i": .invalidShadow
    case "t": .tdp
    case "p": .unknownPage
    default: .none
    }
  }
}

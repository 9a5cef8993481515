// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// What the starting states are, in words.
extension RootDomain {
  public static var coverage: [String] {
    let shadow = Dimension.shadow.values.sorted().filter { Int($0)! >= 3 }
    let guest = Dimension.guest.values.sorted().filter { $0 != "0" }
    func listed(_ levels: [String]) -> String {
      levels.dropLast().joined(separator: ", ") + " and " + levels[levels.count - 1]
    }
    return [
      "hosts that walk tables of \(listed(shadow)) levels",
      "guests with tables of \(listed(guest)) levels and guests that do not page",
      "two-dimensional paging (AMD NPT, Intel EPT) on and off",
      "AMD memory encryption (SME, SEV; C-bit 51) on and off",
    ]
  }

  public static var knownSpaces: [StateSpace]? { Drive.allCases.map(\.space) }

  public static func setUp(drive: String, spelled: String) -> [SetUpLine] {
    guard let drive = Drive(rawValue: drive), let values = drive.space.values(spelled: spelled)
    else {
      return []
    }
    let state = RootState(drive: drive, values)
    guard drive == .twoVCPUs else { return drive.dimensions.flatMap { state.lines($0) } }
    return [.words("two vCPUs of one VM")]
      + [0, 1].flatMap { thread -> [SetUpLine] in
        let racing = state.racing(thread)
        let call = "vcpu \(thread) calls \(racing.drive.rawValue)()"
        return [.words(call)] + racing.common
      }
  }
}

extension RootState {
  fileprivate var common: [SetUpLine] {
    [.shadow, .guest, .direct, .tdp, .tdpmmu, .tables].flatMap { lines($0) }
      + (drive == .freeRoots ? [.root, .entries, .free].flatMap { lines($0) } : [])
  }

  /// What one dimension sets.
  fileprivate func lines(_ dimension: Dimension) -> [SetUpLine] {
    func flag(_ slot: String, _ value: Bool) -> [SetUpLine] { [.slot(slot, value ? "1" : "0")] }
    switch dimension {
    case .shadow: return [.slot("shadow_level", "\(shadowLevel)")]
    case .guest: return [.slot("guest_level", "\(guestLevel)")]
    case .direct: return flag("direct", isDirect)
    case .tdp: return flag("tdp_enabled", tdp)
    case .tdpmmu: return flag("tdp_mmu", tdpMMU)
    case .tables:
      let slots: [(Tables, String)] = [
        (.pae, "pae_root"), (.pml4, "pml4_root"), (.pml5, "pml5_root"),
      ]
      return slots.map { .slot($1, tables.contains($0) ? "a zeroed page" : "NULL") }
    case .me: return [.slot("me_value", isEncrypted ? "BIT_ULL(51)" : "0")]
    case .stale:
      let left = ["", "the PML4 and the PML5", "all four PDPTEs", "the third PDPTE"][stale]
      return stale == 0 ? [] : [.words("entries are left from before in \(left)")]
    case .gpte: return flag("four_byte_gpte", hasFourByteEntries)
    case .mmu: return [.words("mmu is the vCPU's \(isRootMMU ? "root_mmu" : "guest_mmu")")]
    case .tdplevel: return [.words("kvm_mmu_get_tdp_level() answers \(tdpLevel)")]
    case .mirror:
      guard isMirrored else { return [] }
      return [.words("a TDX VM\(hasMirrorRoot ? ", whose mirror root is there" : "")")]
    case .root: return [.slot("root_hpa", root.words)]
    case .entries:
      return entries == 0
        ? [] : [.words("PDPTEs in use: \(entries == 1 ? "all" : "the second and the fourth")")]
    case .prev:
      return previous.enumerated().filter { $1 != .none }.map { index, kind in
        .words("prev_roots[\(index)] is \(kind.words)")
      }
    case .free: return [.words("roots_to_free is \(rootsToFree)")]
    case .next: return [.words("the guest's level at the second load is \(nextGuestLevel)")]
    case .load:
      switch walked {
      case .loaded: return [.words("a root is loaded, and walked")]
      case .none: return [.words("no root is loaded")]
      case .older, .newer:
        return [
          .words(
            "another root is walked than the one loaded, \(walked == .older ? "older" : "newer")")
        ]
      }
    case .first: return flag("first_root", hadShadowRoot)
    case .track: return isTracked ? [.words("others than KVM track writes")] : []
    case .slots:
      return [.words("memory slots: \(layout.first) and \(layout.second) in SMM's address space")]
    case .meta:
      let has: String =
        switch metadata {
        case .none: "nothing"
        case .firstRmap: "the first slot's reverse maps"
        case .first: "all of the first slot's"
        case .rmaps: "the reverse maps"
        case .tracks: "the write tracking"
        case .all: "all of it"
        }
      return [.words("of the slots' metadata there is: \(has)")]
    case .hash: return hasPageHash ? [] : [.words("the hash of shadow pages is not there yet")]
    case .race, .levels: return []
    }
  }
}

extension RootKind {
  fileprivate var words: String {
    switch self {
    case .none: "INVALID_PAGE"
    case .dummy: "the dummy root"
    case .shadow: "a shadow page"
    case .invalidShadow: "a shadow page whose role is invalid"
    case .sharedShadow: "a shadow page with two roots"
    case .tdp: "a root of the TDP MMU"
    case .pae: "__pa(pae_root)"
    case .pml4: "__pa(pml4_root)"
    case .pml5: "__pa(pml5_root)"
    case .unknownPage: "a page that is no root"
    }
  }
}

extension PreviousRoot {
  fileprivate var words: String {
    switch self {
    case .none: "none"
    case .shadow: "a shadow page"
    case .invalidShadow: "a shadow page whose role is invalid"
    case .tdp: "a root of the TDP MMU"
    case .unknownPage: "a page that is no root"
    }
  }
}

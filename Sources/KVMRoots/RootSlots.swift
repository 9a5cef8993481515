// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Failures

/// The numbers, in one compiled subject, of what the manifest names. They are many, so copies share them.
final class RootSlots: Sendable {
  let shadowLevel, guestLevel, direct, rootHPA, rootPGD, previousHPA, previousPGD: UInt32
  let pae, pml4, tdpEnabled, tdpMMU, meValue, requests: UInt32
  let inRootMMU, inGuestPGD, inPDPTR, inTDPLevel: UInt32
  let pageHPA, pageGFN, pageLevel, pageQuadrant, pageDirect, pageZapped, pageCount: UInt32
  let pageInvalid: UInt32
  let walkAddress, walkTable, walkLevel, inTracking: UInt32
  let slotPages, slotRmap, slotTrack: UInt32
  let fourByteEntries, mirrorRoot, pml5, vmType: UInt32?
  let dummyRoot, firstRootDone, pageHash, pageHashSize, pageWalk, guestLAM: UInt32?
  /// Whether the configuration has memory encryption.
  let hasEncryption: Bool
  /// What the kernel's own text says: a walk looks whether there is a root; a root that is freed is
  /// looked at whether it has a shadow page; what is freed goes by the levels of the role.
  let walkLooks, freeLooks, freesByLevel: Bool
  let special, shadow, directRoots, freePages, create, freeRoots, walk: UInt32
  let firstRoot: UInt32?
  let makeShadowPage, addMemorySlot, makePageHash: UInt32

  /// Boundary callees; nil where this kernel has another or none.
  let visibleGFN, getPDPTR, makeRoom, shadowPage, shadowPageByLevel: UInt16?
  let memoryEncrypted, memoryDecrypted, rmapAlloc, trackAlloc, trackEnabled: UInt16?
  let prepareZap, commitZap: UInt16?

  init(_ subject: Subject) throws {
    func need(_ what: String, _ number: UInt32?) throws -> UInt32 {
      guard let number else {
        throw Failure(
          .build, asked: "judge \(subject.name)", cause: "the extraction has no \(what)",
          remedy: "extract it again with this kshim and its own manifest")
      }
      return number
    }
    func slot(_ name: String) throws -> UInt32 { try need("slot \(name)", subject.slot(name)) }
    func entry(_ name: String) throws -> UInt32 { try need("target \(name)", subject.entry(name)) }
    shadowLevel = try slot("shadow_level")
    guestLevel = try slot("guest_level")
    direct = try slot("direct")
    rootHPA = try slot("root_hpa")
    rootPGD = try slot("root_pgd")
    previousHPA = try slot("prev_root_hpa")
    previousPGD = try slot("prev_root_pgd")
    pae = try slot("pae_root")
    pml4 = try slot("pml4_root")
    tdpEnabled = try slot("tdp_enabled")
    tdpMMU = try slot("tdp_mmu")
    meValue = try slot("me_value")
    requests = try slot("requests")
    inRootMMU = try slot("in_root_mmu")
    inGuestPGD = try slot("in_guest_pgd")
    inPDPTR = try slot("in_pdptr")
    inTDPLevel = try slot("in_tdp_level")
    pageHPA = try slot("sp_hpa")
    pageGFN = try slot("sp_gfn")
    pageLevel = try slot("sp_level")
    pageQuadrant = try slot("sp_quadrant")
    pageDirect = try slot("sp_direct")
    pageZapped = try slot("sp_zapped")
    pageCount = try slot("sp_root_count")
    pageInvalid = try slot("sp_invalid")
    inTracking = try slot("in_tracking")
    walkAddress = try slot("walk_address")
    walkTable = try slot("walk_table")
    walkLevel = try slot("walk_level")
    slotPages = try slot("slot_npages")
    slotRmap = try slot("slot_rmap")
    slotTrack = try slot("slot_track")
    hasEncryption = subject.slot("encryption") != nil
    walkLooks = subject.slot("walk_looks") != nil
    freeLooks = subject.slot("free_looks") != nil
    freesByLevel = subject.slot("free_by_level") != nil
    guestLAM = subject.slot("guest_lam")
    dummyRoot = subject.slot("dummy_root")
    firstRootDone = subject.slot("first_root")
    pageHash = subject.slot("page_hash")
    pageHashSize = subject.slot("page_hash_size")
    pageWalk = subject.slot("page_walk")
    fourByteEntries = subject.slot("four_byte_gpte")
    mirrorRoot = subject.slot("mirror_root")
    pml5 = subject.slot("pml5_root")
    vmType = subject.slot("vm_type")
    special = try entry(Drive.special.rawValue)
    shadow = try entry(Drive.shadow.rawValue)
    directRoots = try entry(Drive.direct.rawValue)
    freePages = try entry(Drive.freePages.rawValue)
    create = try entry(Drive.create.rawValue)
    freeRoots = try entry(Drive.freeRoots.rawValue)
    walk = try entry(Drive.walk.rawValue)
    firstRoot = subject.entry(Drive.firstRoot.rawValue)
    func helper(_ name: String) throws -> UInt32 {
      try need("helper \(name)", subject.prepares.firstIndex(of: name).map(UInt32.init))
    }
    makeShadowPage = try helper("make_shadow_page")
    addMemorySlot = try helper("add_memory_slot")
    makePageHash = try helper("make_page_hash")
    rmapAlloc = subject.call("memslot_rmap_alloc")
    trackEnabled = subject.call("kvm_page_track_write_tracking_enabled")
    prepareZap = subject.call("kvm_mmu_prepare_zap_page")
    commitZap = subject.call("kvm_mmu_commit_zap_page")
    trackAlloc = subject.call("kvm_page_track_write_tracking_alloc")
    makeRoom = subject.call("make_mmu_pages_available")
    visibleGFN = subject.call("kvm_vcpu_is_visible_gfn")
    getPDPTR = subject.call("get_pdptr")
    shadowPage = subject.call("kvm_mmu_get_shadow_page")
    shadowPageByLevel = subject.call("kvm_mmu_get_page")
    memoryEncrypted = subject.call("set_memory_encrypted")
    memoryDecrypted = subject.call("set_memory_decrypted")
  }
}

extension RootSlots {
  /// A state as this kernel can have it: what it does not know is as if it were not.
  func fit(_ state: RootState) -> RootState {
    var fitted = state
    // A new MMU is to refuse encryption all the same, where it does not fit.
    if !hasEncryption, state.drive != .create { fitted.isEncrypted = false }
    guard state.drive == .freeRoots else { return fitted }
    if state.root == .dummy && dummyRoot == nil || state.root == .pml5 && pml5 == nil {
      fitted.root = .none
    }
    if !freeLooks {
      if state.root == .unknownPage { fitted.root = .none }
      fitted.previous = PreviousRoots(state.previous.map { $0 == .unknownPage ? .none : $0 })
    }
    if freesByLevel { fitLevels(&fitted) }
    return fitted
  }

  /// A role that fits the root.
  private func fitLevels(_ state: inout RootState) {
    switch state.root {
    case .pml4 where !state.isDirect, .pml5 where !state.isDirect:
      state.guestLevel = 3
      state.shadowLevel = state.root == .pml5 ? 5 : 4
    case .pml4, .pml5: state.root = .none  // A direct root of four levels is a page of its own.
    case .pae: (state.shadowLevel, state.guestLevel) = (3, 3)
    case .none where state.entries == 0: (state.shadowLevel, state.guestLevel) = (3, 3)
    default: break
    }
  }
}

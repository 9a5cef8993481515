// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// Puts a starting state into a fresh world.
struct RootSetup {
  let slots: RootSlots

  /// The guest's CR3 or nCR3: bits below the frame are set, as CR3 of PAE paging may have them, and
  /// in 64-bit mode LAM_U48 (Intel SDM volume 3, linear-address masking) where KVM knows it.
  func guestPGD(_ state: RootState) -> UInt64 {
    let pgd: UInt64 = Self.guestRootGFN << 12 | 0xe8
    return slots.guestLAM != nil && state.guestLevel >= 4 ? pgd | 1 << 62 : pgd
  }
  /// The frame that it names.
  static let guestRootGFN: UInt64 = 0x7654
  /// What root.pgd holds before, so that a forgotten write shows.
  static let oldPGD: UInt64 = 0x5150_0000
  /// What a field that nobody set may hold.
  static let garbage: UInt64 = 0x6bad_0000
  /// PDPTEs of the guest without their present bit: cache and software bits are set.
  static func pdptr(_ index: Int) -> UInt64 { UInt64(0x5001 + 0x111 * index) << 12 | 0xe18 }
  /// KVM_X86_TDX_VM
  private static let tdxVM: UInt64 = 5

  /// What a walk's iterator holds before.
  static let oldIterator: UInt64 = 77

  /// Frames of shadow pages that exist beforehand.
  static let staleGFN: UInt64 = 0x9000
  static let previousGFN: UInt64 = 0x9100
  static let rootGFN: UInt64 = 0x9200

  func apply(_ state: RootState, to world: World) {
    world.set(slots.inRootMMU, state.isRootMMU ? 1 : 0)
    for index in 0..<4 { world.set(slots.inPDPTR, Self.pdptr(index), at: index) }
    world.set(slots.inTDPLevel, UInt64(state.tdpLevel))
    world.set(slots.tdpEnabled, state.tdp ? 1 : 0)
    world.set(slots.tdpMMU, state.tdpMMU ? 1 : 0)
    world.set(slots.meValue, state.encryption)
    if state.isMirrored, let vmType = slots.vmType { world.set(vmType, Self.tdxVM) }
    role(state, in: world)
    // A new MMU's fields hold anything: creating it must set them.
    let isNew = state.drive == .create || state.drive == .lifecycle
    let noRoot = isNew ? Self.garbage : RootSnapshot.invalidPage
    world.set(slots.rootHPA, noRoot)
    world.set(slots.rootPGD, Self.oldPGD)
    if let mirror = slots.mirrorRoot { world.set(mirror, noRoot) }
    if state.hasMirrorRoot, let mirror = slots.mirrorRoot {
      world.set(mirror, shadowPage(1, level: 4, tdp: true, in: world))
    }
    for index in 0..<3 {
      world.set(slots.previousHPA, noRoot, at: index)
      world.set(slots.previousPGD, 0, at: index)
    }
    memorySlots(state, in: world)
    tables(state, in: world)
    if state.drive == .freeRoots { roots(state, in: world) }
    // Last: setting an input makes the manifest's bindings again.
    if isNew, let walk = slots.pageWalk { world.set(walk, 0) }
  }

  /// The role's fields, which change with the guest's paging mode.
  func role(_ state: RootState, in world: World) {
    world.set(slots.shadowLevel, UInt64(state.shadowLevel))
    world.set(slots.guestLevel, UInt64(state.guestLevel))
    world.set(slots.direct, state.isDirect ? 1 : 0)
    world.set(slots.inGuestPGD, guestPGD(state))
    if let slot = slots.fourByteEntries { world.set(slot, state.hasFourByteEntries ? 1 : 0) }
  }

  /// The VM's memory, for the drives that shadow a guest's tables.
  private func memorySlots(_ state: RootState, in world: World) {
    guard [.shadow, .walk, .lifecycle, .firstRoot].contains(state.drive),
      let done = slots.firstRootDone
    else { return }
    world.set(done, state.hadShadowRoot ? 1 : 0)
    world.set(slots.inTracking, state.isTracked ? 1 : 0)
    _ = world.prepare(slots.makePageHash, state.hasPageHash ? 1 : 0, 0, 0)
    // Another vCPU's set-up may have made them: they are the VM's.
    for number in 0..<state.layout.count where world.get(slots.slotPages, at: number) == 0 {
      let has: UInt64
      switch state.metadata {
      case .none: has = 0
      case .firstRmap: has = number == 0 ? 1 : 0
      case .first: has = number == 0 ? 3 : 0
      case .rmaps: has = 1
      case .tracks: has = 2
      case .all: has = 3
      }
      _ = world.prepare(
        slots.addMemorySlot, UInt64(number), number < state.layout.first ? 0 : 1, has)
    }
  }

  private func tables(_ state: RootState, in world: World) {
    var wanted = state.tables
    if state.drive == .freeRoots {
      if [.pae, .pml4, .pml5].contains(state.root) || state.entries > 0 { wanted = .pae }
      if state.root == .pml4 || state.root == .pml5 { wanted.insert(.pml4) }
      if state.root == .pml5 { wanted.insert(.pml5) }
    }
    var pae: UInt64 = 0
    var pml4: UInt64 = 0
    if wanted.contains(.pae) {
      pae = world.bootPage(below4G: state.shadowLevel == 3)
      world.set(slots.pae, pae)
    }
    if wanted.contains(.pml4) {
      pml4 = world.bootPage()
      world.set(slots.pml4, pml4)
    }
    if wanted.contains(.pml5), let slot = slots.pml5 {
      let pml5 = world.bootPage()
      world.set(slot, pml5)
      if state.stale == 1, pml4 != 0 { world.poke(pml5, pml4 | 0x27) }
    }
    switch state.stale {
    case 1 where pae != 0 && pml4 != 0: world.poke(pml4, pae | 0x27)
    case 2 where pae != 0: for index in 0..<4 { stale(index, pae, world) }
    case 3 where pae != 0: stale(2, pae, world)
    default: break
    }
  }

  private func stale(_ index: Int, _ pae: UInt64, _ world: World) {
    let page = shadowPage(Self.staleGFN + UInt64(index), level: 2, in: world)
    world.poke(pae + UInt64(index) * 8, page | 1)
  }

  /// A shadow page with one reference. Returns its table's hpa.
  func shadowPage(_ gfn: UInt64, level: UInt64, tdp: Bool = false, in world: World)
    -> UInt64
  {
    let hpa = world.prepare(slots.makeShadowPage, gfn, level, tdp ? 1 : 0)
    let index = number(of: hpa, in: world)!
    world.set(slots.pageCount, 1, at: index)
    return hpa
  }

  /// The number of the shadow page with a table. They are used from the first on.
  func number(of hpa: UInt64, in world: World) -> Int? {
    for number in 0..<16 {
      let table = world.get(slots.pageHPA, at: number)
      if table == hpa { return number }
      if table == 0 { return nil }
    }
    return nil
  }

  private func roots(_ state: RootState, in world: World) {
    for (index, kind) in state.previous.enumerated() where kind != .none {
      let gfn = Self.previousGFN + UInt64(index)
      let hpa =
        kind == .unknownPage
        ? world.bootPage() : shadowPage(gfn, level: 4, tdp: kind == .tdp, in: world)
      if kind == .invalidShadow {
        world.set(slots.pageInvalid, 1, at: number(of: hpa, in: world)!)
      }
      world.set(slots.previousHPA, hpa, at: index)
      world.set(slots.previousPGD, 0x1000 * UInt64(index + 1), at: index)
    }
    let pae = world.get(slots.pae)
    if pae != 0, state.entries > 0 {
      for index in 0..<4 where state.entries == 1 || index % 2 == 1 { stale(index, pae, world) }
    }
    world.set(slots.rootHPA, root(state, pae, in: world))
  }

  private func root(_ state: RootState, _ pae: UInt64, in world: World) -> UInt64 {
    switch state.root {
    case .none: return RootSnapshot.invalidPage
    case .dummy: return Self.zeroPage
    case .unknownPage: return world.bootPage()
    case .pae: return pae
    case .pml4: return world.get(slots.pml4)
    case .pml5: return slots.pml5.map { world.get($0) } ?? RootSnapshot.invalidPage
    case .shadow, .invalidShadow, .sharedShadow, .tdp:
      let hpa = shadowPage(Self.rootGFN, level: 4, tdp: state.root == .tdp, in: world)
      let index = number(of: hpa, in: world)!
      if state.root == .invalidShadow { world.set(slots.pageInvalid, 1, at: index) }
      if state.root == .sharedShadow { world.set(slots.pageCount, 2, at: index) }
      return hpa
    }
  }

  /// The dummy root, `kvm_mmu_get_dummy_root()`: the runtime's first page of the high window.
  static let zeroPage: UInt64 = 0x1_4000_0000
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// Puts a starting state into a fresh world.
struct RootSetup {
  let slots: RootSlots

  /// The guest's CR3 or nCR3: bits below the frame are set, as CR3 of PAE paging may have them, and
  /// in 64-bit mode LAM_U48 (Intel SDM volume 3, linear-address masking) where KVM knows it.
  func guestPGD(_ guestLevel: @autoclosure () -> Int) -> UInt64 {
    let pgd: UInt64 = Self.guestRootGFN << 12 | 0xe8
    return slots.guestLAM != nil && guestLevel() >= 4 ? pgd | 1 << 62 : pgd
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

  /// - Parameter inputs: which inputs what is set depends on.
  func apply(_ state: RootState, _ inputs: RootInputs = .fixed, to world: World) {
    world.set(slots.inRootMMU, state.isRootMMU ? 1 : 0, asking: inputs.isRootMMU)
    for index in 0..<4 { world.set(slots.inPDPTR, Self.pdptr(index), at: index) }
    world.set(slots.inTDPLevel, UInt64(state.tdpLevel), asking: inputs.tdpLevel)
    world.set(slots.tdpEnabled, state.tdp ? 1 : 0, asking: inputs.tdp)
    world.set(slots.tdpMMU, state.tdpMMU ? 1 : 0, asking: inputs.tdpMMU)
    world.set(slots.meValue, state.encryption, asking: inputs.encryption)
    if let vmType = slots.vmType {
      world.set(vmType, state.isMirrored ? Self.tdxVM : 0, asking: inputs.mirror)
    }
    role(state, inputs, in: world)
    // A new MMU's fields hold anything: creating it must set them.
    let isNew = state.drive == .create || state.drive == .lifecycle
    let noRoot = isNew ? Self.garbage : RootSnapshot.invalidPage
    world.set(slots.rootHPA, noRoot, asking: inputs.root)
    world.set(slots.rootPGD, Self.oldPGD)
    if let mirror = slots.mirrorRoot {
      let root = state.hasMirrorRoot ? shadowPage(1, level: 4, tdp: true, in: world) : noRoot
      world.set(mirror, root, asking: inputs.mirror)
    }
    for index in 0..<3 {
      world.set(slots.previousHPA, noRoot, at: index, asking: inputs.previous)
      world.set(slots.previousPGD, 0, at: index, asking: inputs.previous)
    }
    memorySlots(state, inputs, in: world)
    tables(state, inputs, in: world)
    if state.drive == .freeRoots { roots(state, inputs, in: world) }
    // Last: setting an input makes the manifest's bindings again.
    if isNew, let walk = slots.pageWalk { world.set(walk, 0) }
  }

  /// The role's fields, which change with the guest's paging mode.
  func role(_ state: RootState, _ inputs: RootInputs, in world: World) {
    world.set(slots.shadowLevel, UInt64(state.shadowLevel), asking: inputs.shadowLevel)
    world.set(slots.guestLevel, UInt64(state.guestLevel), asking: inputs.guestLevel)
    world.set(slots.direct, state.isDirect ? 1 : 0, asking: inputs.direct)
    world.set(slots.inGuestPGD, guestPGD(state.guestLevel), asking: inputs.guestPGD)
    if let slot = slots.fourByteEntries {
      world.set(slot, state.hasFourByteEntries ? 1 : 0, asking: inputs.entrySize)
    }
  }

  /// The VM's memory, for the drives that shadow a guest's tables.
  private func memorySlots(_ state: RootState, _ inputs: RootInputs, in world: World) {
    guard [.shadow, .walk, .lifecycle, .firstRoot].contains(state.drive),
      let done = slots.firstRootDone
    else { return }
    world.set(done, state.hadShadowRoot ? 1 : 0, asking: inputs.firstRoot)
    world.set(slots.inTracking, state.isTracked ? 1 : 0, asking: inputs.tracking)
    // Lists of slots are not one field that could be asked for.
    for dimension: Dimension in [.slots, .meta, .hash] { inputs.ask(dimension, in: world) }
    _ = world.prepare(slots.makePageHash, state.hasPageHash ? 1 : 0, 0, 0)
    // Another vCPU's set-up may have made them: they are the VM's.
    for number in 0..<state.layout.count where world.peek(slots.slotPages, at: number) == 0 {
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
      if inputs.tracks != 0 {
        world.set(
          slots.slotTrack, world.peek(slots.slotTrack, at: number), at: number,
          asking: inputs.tracks)
      }
    }
  }

  private func tables(_ state: RootState, _ inputs: RootInputs, in world: World) {
    var wanted = state.tables
    if state.drive == .freeRoots {
      if [.pae, .pml4, .pml5].contains(state.root) || state.entries > 0 { wanted = .pae }
      if state.root == .pml4 || state.root == .pml5 { wanted.insert(.pml4) }
      if state.root == .pml5 { wanted.insert(.pml5) }
    }
    let pae = wanted.contains(.pae) ? world.bootPage(below4G: state.shadowLevel == 3) : 0
    let pml4 = wanted.contains(.pml4) ? world.bootPage() : 0
    let pml5 = wanted.contains(.pml5) && slots.pml5 != nil ? world.bootPage() : 0
    world.set(slots.pae, pae, asking: inputs.pae)
    world.set(slots.pml4, pml4, asking: inputs.pml4)
    if let slot = slots.pml5 { world.set(slot, pml5, asking: inputs.pml5) }
    if pml5 != 0 {
      world.poke(
        pml5, state.stale == 1 && pml4 != 0 ? pml4 | 0x27 : 0, asking: inputs.upperEntries)
    }
    if pml4 != 0 {
      world.poke(pml4, state.stale == 1 && pae != 0 ? pae | 0x27 : 0, asking: inputs.upperEntries)
    }
    guard pae != 0 else { return }
    for index in 0..<4 {
      let isUsed =
        state.drive == .freeRoots
        ? state.entries == 1 || state.entries == 2 && index % 2 == 1
        : state.stale == 2 || state.stale == 3 && index == 2
      let entry =
        isUsed ? shadowPage(Self.staleGFN + UInt64(index), level: 2, in: world) | 1 : 0
      world.poke(pae + UInt64(index) * 8, entry, asking: inputs.pdptes)
    }
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
      let table = world.peek(slots.pageHPA, at: number)
      if table == hpa { return number }
      if table == 0 { return nil }
    }
    return nil
  }

  private func roots(_ state: RootState, _ inputs: RootInputs, in world: World) {
    for (index, kind) in state.previous.enumerated() where kind != .none {
      let gfn = Self.previousGFN + UInt64(index)
      let hpa =
        kind == .unknownPage
        ? world.bootPage() : shadowPage(gfn, level: 4, tdp: kind == .tdp, in: world)
      if kind == .invalidShadow {
        world.set(slots.pageInvalid, 1, at: number(of: hpa, in: world)!)
      }
      world.set(slots.previousHPA, hpa, at: index, asking: inputs.previous)
      world.set(
        slots.previousPGD, 0x1000 * UInt64(index + 1), at: index, asking: inputs.previous)
    }
    world.set(
      slots.rootHPA, root(state, world.peek(slots.pae), in: world), asking: inputs.root)
  }

  private func root(_ state: RootState, _ pae: UInt64, in world: World) -> UInt64 {
    switch state.root {
    case .none: return RootSnapshot.invalidPage
    case .dummy: return Self.zeroPage
    case .unknownPage: return world.bootPage()
    case .pae: return pae
    case .pml4: return world.peek(slots.pml4)
    case .pml5: return slots.pml5.map { world.peek($0) } ?? RootSnapshot.invalidPage
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

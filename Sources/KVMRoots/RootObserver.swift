// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// What a fact about a step says, the most telling first.
enum RootAspect: UInt8 {
  case ending, result, warnings, locks, root, pgd, mirror, previous, previousPGD, pae, pml4, pml5
  case pdpte, pdpteBits, quarter, references, page, firstRoot, metadata, walkLevel, walkTable
  case walkAddress, pages
}

/// Takes down what a caller, the processor or another part of the kernel can see after each step,
/// in words that hold for every kernel: a table by what it is, not by where it lies.
struct RootObserver {
  let setup: RootSetup
  /// What is to be said of the step.
  private var facts: [Observation.Fact] = []
  /// The first event of the next step.
  private var position = 0
  private var step: UInt8 = 0
  /// Before the step.
  private var metadata = Metadata()
  /// Before each step of the run.
  private var befores: [(position: Int, metadata: Metadata)] = []

  init(setup: RootSetup) { self.setup = setup }

  private var slots: RootSlots { setup.slots }

  /// Of a fact's target the drive, by number; made once.
  static let drives = Drive.allCases

  /// Takes what is there before a step.
  ///
  /// - Parameter isGoingOn: whether the run goes on in this step of the one before.
  mutating func prepare(_ number: Int, _ world: World, isGoingOn: Bool) {
    facts.removeAll(keepingCapacity: true)
    let known = isGoingOn ? number + 1 : number
    if befores.count > known { befores.removeLast(befores.count - known) }
    if !isGoingOn {
      befores.append((number == 0 ? 0 : position, Metadata(world, slots, asking: false)))
    }
    (position, metadata) = befores[number]
    step = UInt8(number)
  }

  /// Hands over what is to be said of the step.
  func end(_ number: Int, _ record: Record) { record.take(number, facts) }

  /// Takes the step that was just made. What it leaves as it was is said to be so, whatever it is: to
  /// look at it would ask for inputs that no revision looks at.
  ///
  /// - Parameter thread: the vCPU whose step it is; nil where one runs at a time.
  mutating func observe(
    _ target: Drive, _ state: AskedState, before: RootSnapshot, after: RootSnapshot,
    _ world: World, thread: Int? = nil
  ) {
    let number = UInt8(Self.drives.firstIndex(of: target)!)
    func add(_ aspect: RootAspect, _ index: Int, _ value: UInt64, shown: UInt64? = nil) {
      facts.append(
        .init(
          step: step, target: number, aspect: aspect.rawValue, index: UInt8(index), value: value,
          shown: shown))
    }
    defer { step += 1 }
    let (ending, result, warnings, pages, locks) = take(world.events, thread)
    add(.ending, 0, UInt64(ending.rawValue))
    add(.result, 0, UInt64(bitPattern: Int64(result)))
    add(.warnings, 0, UInt64(warnings))
    add(.locks, 0, UInt64(bitPattern: Int64(locks)))
    let (old, new) = (before.unasked, after.unasked)
    func changed(
      _ aspect: RootAspect, _ index: Int, _ old: UInt64, _ new: UInt64, _ shown: UInt64
    ) {
      add(aspect, index, old == new ? PageName.asBefore.rawValue : shown, shown: shown)
    }
    func name(_ hpa: UInt64) -> UInt64 { self.name(hpa, new, world) }
    changed(.root, 0, old.rootHPA, new.rootHPA, name(new.rootHPA))
    changed(.pgd, 0, old.rootPGD, new.rootPGD, pgd(new.rootPGD, state))
    if slots.mirrorRoot != nil {
      changed(.mirror, 0, old.mirrorRoot, new.mirrorRoot, name(new.mirrorRoot))
    }
    let (was, now) = (Self.list(old.previous), Self.list(new.previous))
    for index in 0..<3 { changed(.previous, index, was[index], now[index], name(now[index])) }
    let (wasPGD, nowPGD) = (Self.list(old.previousPGD), Self.list(new.previousPGD))
    for index in 0..<3 { changed(.previousPGD, index, wasPGD[index], nowPGD[index], nowPGD[index]) }
    func table(_ hpa: UInt64) -> UInt64 {
      hpa == 0 ? 0 : (world.peek(memory: hpa) == nil ? PageName.noPage : .page).rawValue
    }
    changed(.pae, 0, old.pae, new.pae, table(new.pae))
    changed(.pml4, 0, old.pml4, new.pml4, table(new.pml4))
    if slots.pml5 != nil { changed(.pml5, 0, old.pml5, new.pml5, table(new.pml5)) }
    let address = PageWalker<World>.addressBits & ~RootState.encryptionBit
    let (wasEntries, entries) = (Self.list(old.pdptes), Self.list(new.pdptes))
    for index in 0..<4 {
      changed(.pdpte, index, wasEntries[index], entries[index], name(entries[index] & address))
    }
    for index in 0..<4 {
      changed(.pdpteBits, index, wasEntries[index], entries[index], entries[index] & ~address)
    }
    if old.rootHPA != new.rootHPA || hasWrittenTables(new, world) {
      walk(from: after, state, world) { add($0, $1, $2) }
    }
    shadowPages(world) { add($0, $1, $2) }
    addMetadata(world) { add($0, $1, $2, shown: $3) }
    if target == .walk {
      add(.walkLevel, 0, world.get(slots.walkLevel))
      add(.walkTable, 0, name(world.get(slots.walkTable)))
      add(.walkAddress, 0, world.get(slots.walkAddress))
    }
    add(.pages, 0, UInt64(bitPattern: Int64(pages)))
  }

  private static func list(_ values: (UInt64, UInt64, UInt64)) -> [UInt64] {
    [values.0, values.1, values.2]
  }

  private static func list(_ values: (UInt64, UInt64, UInt64, UInt64)) -> [UInt64] {
    [values.0, values.1, values.2, values.3]
  }

  /// Whether any step wrote to one of the MMU's tables.
  private func hasWrittenTables(_ roots: RootSnapshot.Values, _ world: World) -> Bool {
    let pages = [roots.pae, roots.pml4, roots.pml5].filter { $0 != 0 }
      .map { world.virtualAddress($0) }
    let happened = world.happened.pointee
    return (0..<Int(happened.store_count)).contains { number in
      pages.contains { happened.stores[number].address &- $0 < 4096 }
    }
  }

  /// How the step ended, what it returned, how many WARNs fired, pages taken less pages given back, and
  /// locks taken less locks released.
  private mutating func take(
    _ events: UnsafeBufferPointer<Event>, _ thread: Int?
  ) -> (ending: EventKind, result: Int32, warnings: Int, pages: Int, locks: Int) {
    var ending = EventKind.step
    var (result, warnings, pages, locks) = (Int32(0), 0, 0, 0)
    guard position < events.count else { return (ending, 0, 0, 0, 0) }
    var next = position
    let number = events[next].step
    while next < events.count, events[next].step == number {
      let event = events[next]
      next += 1
      guard thread == nil || Int(event.thread) == thread else { continue }
      switch event.what {
      case .returned:
        ending = .returned
        result = Int32(truncatingIfNeeded: event.value)
      case .warning: warnings += 1
      case .lock: locks += 1
      case .unlock where !event.isLockMisuse: locks -= 1
      case .allocation where event.value != 0 && event.arg.1 % 4096 == 0: pages += 1
      case .free where event.freed == .live: pages -= 1
      case .bug, .access, .address, .fault, .hang, .overflow, .deadlock: ending = event.what
      default: break
      }
    }
    if thread != 0 { position = next }
    return (ending, result, warnings, pages, locks)
  }

  /// What the processor finds from one of the MMU's own tables, for each quarter of 4 GiB.
  private func walk(
    from after: RootSnapshot, _ state: AskedState, _ world: World,
    _ add: (RootAspect, Int, UInt64) -> Void
  ) {
    guard after.rootHPA != 0, after.hasTable(after.rootHPA), state.shadowLevel > 2 else { return }
    let walker = PageWalker(
      memory: world, encryption: RootState.encryptionBit, isEncrypted: state.isEncrypted)
    let format: RootFormat = state.shadowLevel == 3 ? .pae : .long(levels: state.shadowLevel)
    for quarter in 0..<4 {
      let walk = walker.walk(
        from: after.rootHPA, format, address: UInt64(quarter) << 30, to: 2)
      let value: UInt64 =
        switch walk.end {
        case .reached: name(walk.tables[2], after.unasked, world)
        case .notPresent(let level): 0x10 | UInt64(level)
        case .badBits(let level, _): 0x20 | UInt64(level)
        case .noMemory(let level): 0x30 | UInt64(level)
        }
      add(.quarter, quarter, value)
    }
  }

  /// Kernels differ in what a guest can have in CR3, see ``RootSetup/guestPGD(_:)``.
  private func pgd(_ value: UInt64, _ state: AskedState) -> UInt64 {
    switch value {
    case setup.guestPGD(state.state.guestLevel): Self.guestsPGD
    case RootSetup.oldPGD: Self.oldPGD
    default: value
    }
  }

  static let guestsPGD: UInt64 = 1
  static let oldPGD: UInt64 = 2

  private func shadowPages(_ world: World, _ add: (RootAspect, Int, UInt64) -> Void) {
    var count = 0
    while count < 16, world.get(slots.pageHPA, at: count) != 0 { count += 1 }
    for number in 0..<count {
      add(.references, number, world.get(slots.pageCount, at: number) & 0xffff_ffff)
    }
    for number in 0..<count {
      let marks = world.get(slots.pageZapped, at: number) << 1
      let isInvalid = world.get(slots.pageInvalid, at: number) != 0
      add(.page, number, PageName.shadow(number, slots, world) ^ (marks | (isInvalid ? 1 : 0)))
    }
  }

  private func addMetadata(
    _ world: World, _ add: (RootAspect, Int, UInt64, _ shown: UInt64) -> Void
  ) {
    guard slots.firstRootDone != nil else { return }
    func parts(_ metadata: Metadata) -> [UInt64] {
      (0..<4).map { slot in
        var maps: UInt64 = 0
        for level in 0..<3 where metadata.rmap(slot, level) != 0 { maps |= 1 << UInt64(level) }
        return maps | (metadata.track(slot) != 0 ? 8 : 0)
      } + [metadata.pageHash != 0 ? 1 : 0, metadata.isDone ? 1 : 0]
    }
    let (was, now) = (parts(metadata), parts(Metadata(world, slots, asking: false)))
    let asBefore: UInt64 = 1 << 32
    add(.firstRoot, 0, was[5] == now[5] ? asBefore : now[5], now[5])
    for index in 0..<5 where index < 4 || slots.pageHash != nil {
      add(.metadata, index, was[index] == now[index] ? asBefore : now[index], now[index])
    }
  }

  private func name(_ hpa: UInt64, _ after: RootSnapshot.Values, _ world: World) -> UInt64 {
    switch hpa {
    case 0: return 0
    case RootSnapshot.invalidPage: return PageName.invalid.rawValue
    case RootSetup.zeroPage: return PageName.dummy.rawValue
    case after.pae: return PageName.pae.rawValue
    case after.pml4: return PageName.pml4.rawValue
    case after.pml5: return PageName.pml5.rawValue
    default: break
    }
    if let number = setup.number(of: hpa, in: world) {
      return PageName.shadow(number, slots, world)
    }
    return (world.peek(memory: hpa) == nil ? PageName.noPage : .page).rawValue
  }
}

/// What a page is, where it lies aside.
enum PageName: UInt64 {
  case none, invalid, dummy, pae, pml4, pml5, page, noPage, asBefore

  /// A shadow page, by what it shadows.
  static func shadow(_ number: Int, _ slots: RootSlots, _ world: World) -> UInt64 {
    let gfn = world.get(slots.pageGFN, at: number) & 0xff_ffff_ffff
    return 1 << 63 | world.get(slots.pageLevel, at: number) << 56
      | world.get(slots.pageQuadrant, at: number) << 52 | gfn << 8
  }

  static func words(_ value: UInt64) -> String {
    if value >> 63 != 0 {
      let level = value >> 56 & 0x7f
      let quadrant = value >> 52 & 0xf
      return "the level \(level) shadow page of frame "
        + "0x\(String(value >> 8 & 0xff_ffff_ffff, radix: 16))"
        + (quadrant == 0 ? "" : " (quadrant \(quadrant))")
    }
    return switch PageName(rawValue: value) {
    case PageName.none?: "0"
    case .invalid: "INVALID_PAGE"
    case .dummy: "the dummy root"
    case .pae: "pae_root"
    case .pml4: "pml4_root"
    case .pml5: "pml5_root"
    case .page: "a page"
    case .noPage: "no table's address"
    case .asBefore: "as before"
    case nil: "0x\(String(value, radix: 16))"
    }
  }
}

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
  /// Before the step, and behind the last one.
  private var metadata = Kept()
  private var latest = Kept()
  /// The shadow pages behind the step: how many roots name each, and what it is.
  private var pages: [(references: UInt64, value: UInt64)] = []
  /// Before each step of the run.
  private var befores: [(position: Int, metadata: Kept)] = []

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
      if number == 0 { (position, latest) = (0, Kept(world, slots)) }
      befores.append((position, latest))
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
    _ world: World, _ record: Record, thread: Int? = nil
  ) {
    let number = UInt8(Self.drives.firstIndex(of: target)!)
    let behind = take(world.events, thread)
    // Of two steps that race the second leaves the same behind as the first.
    if thread != 1 {
      latest = Kept(world, slots)
      readPages(world)
    }
    withUnsafeTemporaryAllocation(of: Observation.Fact.self, capacity: Self.most) { list in
      var count = 0
      observe(target, state, before: before, after: after, world, behind, record.isShown) {
        list.initializeElement(
          at: count,
          to: .init(
            step: step, target: number, aspect: $0.rawValue, index: UInt8($1), value: $2, shown: $3)
        )
        count += 1
      }
      facts.append(contentsOf: UnsafeBufferPointer(rebasing: list[..<count]))
    }
    step += 1
  }

  /// More than are ever said of one step: of 16 shadow pages two each.
  private static let most = 96

  /// How a step ended.
  private struct Ending {
    var kind = EventKind.step
    var result: Int32 = 0
    var warnings = 0
    /// Taken less given back.
    var pages = 0
    var locks = 0
  }

  /// - Parameter isShown: whether reports will show what stays as it is.
  private func observe(
    _ target: Drive, _ state: AskedState, before: RootSnapshot, after: RootSnapshot,
    _ world: World, _ behind: Ending, _ isShown: Bool,
    _ take: (RootAspect, _ index: Int, _ value: UInt64, _ shown: UInt64) -> Void
  ) {
    func add(_ aspect: RootAspect, _ index: Int, _ value: UInt64) {
      take(aspect, index, value, value)
    }
    add(.ending, 0, UInt64(behind.kind.rawValue))
    add(.result, 0, UInt64(bitPattern: Int64(behind.result)))
    add(.warnings, 0, UInt64(behind.warnings))
    add(.locks, 0, UInt64(bitPattern: Int64(behind.locks)))
    let (old, new) = (before.unasked, after.unasked)
    func changed(
      _ aspect: RootAspect, _ index: Int, _ old: UInt64, _ new: UInt64,
      _ shown: @autoclosure () -> UInt64
    ) {
      guard old == new else { return add(aspect, index, shown()) }
      take(aspect, index, PageName.asBefore.rawValue, isShown ? shown() : 0)
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
      walk(from: after, state, world, add)
    }
    for (number, page) in pages.enumerated() { add(.references, number, page.references) }
    for (number, page) in pages.enumerated() { add(.page, number, page.value) }
    addMetadata(take)
    if target == .walk {
      add(.walkLevel, 0, world.get(slots.walkLevel))
      add(.walkTable, 0, name(world.get(slots.walkTable)))
      add(.walkAddress, 0, world.get(slots.walkAddress))
    }
    add(.pages, 0, UInt64(bitPattern: Int64(behind.pages)))
  }

  private static func list(_ values: (UInt64, UInt64, UInt64)) -> SIMD4<UInt64> {
    SIMD4(values.0, values.1, values.2, 0)
  }

  private static func list(_ values: (UInt64, UInt64, UInt64, UInt64)) -> SIMD4<UInt64> {
    SIMD4(values.0, values.1, values.2, values.3)
  }

  /// Whether any step wrote to one of the MMU's tables.
  private func hasWrittenTables(_ roots: RootSnapshot.Values, _ world: World) -> Bool {
    func address(_ hpa: UInt64) -> UInt64 { hpa == 0 ? 0 : world.virtualAddress(hpa) }
    let (pae, pml4, pml5) = (address(roots.pae), address(roots.pml4), address(roots.pml5))
    guard pae | pml4 | pml5 != 0 else { return false }
    let happened = world.happened
    let stores = UnsafeBufferPointer(
      start: happened.pointee.stores, count: Int(happened.pointee.store_count))
    for store in stores {
      let address = store.address
      if pae != 0, address &- pae < 4096 { return true }
      if pml4 != 0, address &- pml4 < 4096 { return true }
      if pml5 != 0, address &- pml5 < 4096 { return true }
    }
    return false
  }

  private mutating func take(_ events: UnsafeBufferPointer<Event>, _ thread: Int?) -> Ending {
    var ending = Ending()
    guard position < events.count else { return ending }
    var next = position
    let number = events[next].step
    while next < events.count, events[next].step == number {
      let event = events[next]
      next += 1
      guard thread == nil || Int(event.thread) == thread else { continue }
      switch event.what {
      case .returned:
        ending.kind = .returned
        ending.result = Int32(truncatingIfNeeded: event.value)
      case .warning: ending.warnings += 1
      case .lock: ending.locks += 1
      case .unlock where !event.isLockMisuse: ending.locks -= 1
      case .allocation where event.value != 0 && event.arg.1 % 4096 == 0: ending.pages += 1
      case .free where event.freed == .live: ending.pages -= 1
      case .bug, .access, .address, .fault, .hang, .overflow, .deadlock: ending.kind = event.what
      default: break
      }
    }
    if thread != 0 { position = next }
    return ending
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

  private mutating func readPages(_ world: World) {
    pages.removeAll(keepingCapacity: true)
    while pages.count < 16, world.get(slots.pageHPA, at: pages.count) != 0 {
      let number = pages.count
      let marks = world.get(slots.pageZapped, at: number) << 1
      let isInvalid = world.get(slots.pageInvalid, at: number) != 0
      pages.append(
        (
          world.get(slots.pageCount, at: number) & 0xffff_ffff,
          PageName.shadow(number, slots, world) ^ (marks | (isInvalid ? 1 : 0))
        ))
    }
  }

  private func addMetadata(
    _ add: (RootAspect, Int, UInt64, _ shown: UInt64) -> Void
  ) {
    guard slots.firstRootDone != nil else { return }
    func changed(_ aspect: RootAspect, _ index: Int, _ was: UInt64, _ now: UInt64) {
      add(aspect, index, was == now ? 1 << 32 : now, now)
    }
    changed(.firstRoot, 0, metadata.isDone, latest.isDone)
    for slot in 0..<4 { changed(.metadata, slot, metadata.slot(slot), latest.slot(slot)) }
    if slots.pageHash != nil { changed(.metadata, 4, metadata.pageHash, latest.pageHash) }
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

/// What there is of ``Metadata``, a bit each; to read it is no look.
private struct Kept {
  private var bits: UInt64 = 0

  init() {}

  init(_ world: World, _ slots: RootSlots) {
    guard let done = slots.firstRootDone else { return }
    if world.peek(done) != 0 { bits |= 1 << 16 }
    if let hash = slots.pageHash, world.peek(hash) != 0 { bits |= 1 << 17 }
    for number in 0..<4 where world.peek(slots.slotPages, at: number) != 0 {
      for level in 0..<3 where world.peek(slots.slotRmap, at: number * 3 + level) != 0 {
        bits |= 1 << (number * 4 + level)
      }
      if world.peek(slots.slotTrack, at: number) != 0 { bits |= 1 << (number * 4 + 3) }
    }
  }

  var isDone: UInt64 { bits >> 16 & 1 }
  var pageHash: UInt64 { bits >> 17 & 1 }
  /// Three reverse maps and the write tracking.
  func slot(_ number: Int) -> UInt64 { bits >> (number * 4) & 15 }
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

// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// KVM's page table roots as a search sees them: the starting states of every drive, how to run
/// one, and who judges it.
public struct RootDomain: ObservedDomain {
  let pattern: Subject
  /// The other build, where scenarios are judged.
  let zero: Subject?
  let setup: RootSetup
  var judge: RootJudge
  /// The first state of each drive.
  private let starts: [(drive: Drive, first: Int)]
  public let stateCount: Int
  /// The roots after the last step.
  private var latest = RootSnapshot()
  /// The state that was run last: one state has many lists of decisions.
  private var last = (number: -1, state: RootState(drive: .special))
  /// What takes down what comes of a scenario, where none is judged.
  var observer: RootObserver?

  public init(pattern: Subject, zero: Subject) throws { try self.init(pattern, zero) }

  public init(observing subject: Subject) throws {
    try self.init(subject, nil)
    observer = RootObserver(setup: setup)
  }

  private init(_ pattern: Subject, _ zero: Subject?) throws {
    self.pattern = pattern
    self.zero = zero
    setup = RootSetup(slots: try RootSlots(pattern))
    judge = RootJudge(setup: setup, subject: pattern)
    var first = 0
    var starts: [(drive: Drive, first: Int)] = []
    for drive in Drive.allCases where drive != .firstRoot || setup.slots.firstRoot != nil {
      starts.append((drive, first))
      first += drive.stateCount
    }
    self.starts = starts
    stateCount = first
  }

  private func place(_ state: Int) -> (drive: Drive, number: Int) {
    let entry = starts.last { $0.first <= state }!
    return (entry.drive, state - entry.first)
  }

  public func drive(of state: Int) -> String { place(state).drive.rawValue }

  public func spelling(of state: Int) -> String {
    let (drive, number) = place(state)
    return drive.spelling(of: number)
  }

  public func state(drive: String, spelled: String) -> Int? {
    guard let drive = Drive(rawValue: drive), let number = drive.number(spelled: spelled),
      let entry = starts.first(where: { $0.drive == drive })
    else { return nil }
    return entry.first + number
  }

  public mutating func run(
    _ state: Int, _ choices: UnsafeBufferPointer<UInt8>, _ report: inout Report
  ) {
    if state != last.number {
      let (drive, number) = place(state)
      last = (state, RootState(drive: drive, number: number))
    }
    inEach { $0.reset(choices) }
    judge.begin()
    guard last.state.drive != .twoVCPUs else { return race(last.state, &report) }
    inEach { setup.apply(last.state, to: $0) }
    latest = RootSnapshot(pattern.world, setup.slots)
    judge.start(in: pattern.world)
    play(&report)
  }

  public mutating func observe(
    _ state: Int, _ choices: UnsafeBufferPointer<UInt8>, _ observation: inout Observation
  ) {
    observer!.begin(&observation)
    var none = Report()
    run(state, choices, &none)
    observer!.end(&observation)
  }

  /// Does something in each build's world, in the judged one last.
  func inEach(_ body: (World) -> Void) {
    if let zero { body(zero.world) }
    body(pattern.world)
  }

  public func count(into report: inout Report) { judge.count(into: &report) }

  /// Calls a target in both worlds and has the step judged. Returns the result; nil when the
  /// scenario ends there.
  private mutating func step(
    _ target: Drive, _ entry: UInt32, _ state: RootState, argument: UInt64 = 0,
    address: UInt64 = 0, isLast: Bool = false,
    _ report: inout Report
  ) -> UInt64? {
    let before = latest
    let result = pattern.world.call(entry, argument, address)
    var isOne = true
    if let zero {
      isOne = zero.world.call(entry, argument, address) == result
      latest = RootSnapshot(pattern.world, setup.slots)
      judge.judge(
        target, state, argument: argument, address: address, before: before, after: latest,
        pattern.world, zero.world,
        isLast: isLast,
        &report)
    } else {
      latest = RootSnapshot(pattern.world, setup.slots)
      observer!.observe(target, state, before: before, after: latest, pattern.world)
    }
    // On hardware nothing goes on beside a lock that is never released.
    let isStuck = pattern.world.happened.pointee.locks_held > 0
    return isOne && !isStuck ? result : nil
  }

  private mutating func play(_ report: inout Report) {
    let state = last.state
    let slots = setup.slots
    switch state.drive {
    case .special:
      if step(.special, slots.special, state, &report) != nil {
        _ = step(.special, slots.special, state, isLast: true, &report)
      }
    case .shadow: _ = step(.shadow, slots.shadow, state, isLast: true, &report)
    case .direct: _ = step(.direct, slots.directRoots, state, isLast: true, &report)
    case .freePages: _ = step(.freePages, slots.freePages, state, isLast: true, &report)
    case .create: _ = step(.create, slots.create, state, isLast: true, &report)
    case .freeRoots:
      let mask = UInt64(state.rootsToFree)
      if step(.freeRoots, slots.freeRoots, state, argument: mask, &report) != nil {
        _ = step(.freeRoots, slots.freeRoots, state, argument: mask, isLast: true, &report)
      }
    case .walk: walk(state, &report)
    case .firstRoot:
      if step(.firstRoot, slots.firstRoot!, state, &report) != nil {
        _ = step(.firstRoot, slots.firstRoot!, state, isLast: true, &report)
      }
    case .lifecycle: live(state, &report)
    case .twoVCPUs: break  // plays elsewhere: two steps at once
    }
  }

  /// Loads a root as `kvm_mmu_load()` does. Returns whether the scenario goes on.
  private mutating func load(_ state: RootState, _ report: inout Report) -> Bool {
    let slots = setup.slots
    guard let special = step(.special, slots.special, state, &report) else { return false }
    guard special == 0 else { return true }
    let loaded =
      state.isDirect
      ? step(.direct, slots.directRoots, state, &report)
      : step(.shadow, slots.shadow, state, &report)
    return loaded != nil
  }

  /// Loads a root and starts a walk in each quarter of 4 GiB; with PAE paging also above, where only
  /// bits 31:30 of an address count.
  private mutating func walk(_ state: RootState, _ report: inout Report) {
    let slots = setup.slots
    let older = state.walked == .older ? otherRoot() : 0
    if state.walked != .none, !load(state, &report) { return }
    // A kernel without dummy roots starts no walk before a root is there.
    guard latest.rootHPA != RootSnapshot.invalidPage || slots.dummyRoot != nil else { return }
    // The code may have used up all that the harness has.
    guard pattern.world.get(slots.pageHPA, at: 15) == 0 else { return }
    let newer = state.walked == .newer ? otherRoot() : 0
    var addresses: [UInt64] = [0, 1 << 30, 2 << 30, 3 << 30 | 0x123_4567]
    if state.shadowLevel == 3 { addresses.append(5 << 30) }
    for address in addresses {
      let root = older != 0 ? older : newer != 0 ? newer : latest.rootHPA
      inEach { world in
        for slot in [slots.walkAddress, slots.walkTable, slots.walkLevel] {
          world.set(slot, RootSetup.oldIterator)
        }
      }
      guard step(.walk, slots.walk, state, argument: root, address: address, &report) != nil
      else { return }
    }
  }

  /// The table of a root that is not loaded, as previous roots are.
  private func otherRoot() -> UInt64 {
    var hpa: UInt64 = 0
    inEach { hpa = setup.shadowPage(RootSetup.previousGFN, level: 4, in: $0) }
    return hpa
  }

  /// The life of an MMU, as the kernel's own callers lead it: `kvm_mmu_create()`, `kvm_mmu_load()`,
  /// `kvm_mmu_unload()`, a second load in another paging mode, the end.
  private mutating func live(_ start: RootState, _ report: inout Report) {
    var state = start
    let slots = setup.slots
    guard step(.create, slots.create, state, &report) == 0 else { return }
    for round in 0..<2 {
      if round == 1 {
        state.guestLevel = start.nextGuestLevel
        inEach { setup.role(state, in: $0) }
      }
      guard load(state, &report) else { return }
      guard step(.freeRoots, slots.freeRoots, state, argument: 15, &report) != nil else { return }
    }
    _ = step(.freePages, slots.freePages, state, isLast: true, &report)
  }
}

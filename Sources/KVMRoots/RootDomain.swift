// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// KVM's page table roots as a search sees them: the starting states of every drive, how to run
/// one, and who judges it.
public struct RootDomain: ObservedDomain {
  let subject: Subject
  let setup: RootSetup
  var judge: RootJudge
  public let spaces: [StateSpace]
  /// Of each space the drive, and what depends on its inputs.
  private let drives: [(drive: Drive, inputs: RootInputs)]
  /// The state that was run last: one state has many lists of decisions.
  private var last: (start: StartingState, asked: AskedState)?
  /// The state of the last run; nil where there was none.
  var lastState: RootState? { last?.asked.state }
  /// The roots before the first step of that state.
  private var first = RootSnapshot()
  /// Where two vCPUs race, both.
  private var racers: [Racer] = []
  /// A step of the last run.
  private struct Made {
    /// Before it.
    var judge: RootJudge.Memory
    var after = RootSnapshot()
    var goesOn: UInt64?
  }
  private var made: [Made] = []
  /// The number of the next step.
  private var next = 0
  /// The roots behind the last step, or as the state has them.
  private var latest: RootSnapshot { roots(before: next) }
  /// The root that is walked beside the loaded one, as the last run made it.
  private var other: UInt64 = 0
  /// What takes down what comes of a scenario, where somebody asks.
  var observer: RootObserver

  public init(_ subject: Subject) throws {
    self.subject = subject
    setup = RootSetup(slots: try RootSlots(subject))
    judge = RootJudge(setup: setup, subject: subject)
    observer = RootObserver(setup: setup)
    let slots = setup.slots
    drives = Drive.allCases.filter { $0 != .firstRoot || slots.firstRoot != nil }
      .map { ($0, RootInputs($0, hasLAM: slots.guestLAM != nil)) }
    spaces = drives.map(\.drive.space)
  }

  public mutating func run(
    _ start: StartingState, _ choices: UnsafeBufferPointer<UInt8>, _ report: inout Report
  ) {
    let world = subject.world
    next = 0
    if report.wasPrepared(0) {
      // Goes on from the run before.
    } else if let last, last.start == start {
      world.back(choices)
    } else {
      let (drive, inputs) = drives[start.space]
      let asked = AskedState(
        state: setup.slots.fit(RootState(drive: drive, start.values)), inputs: inputs, world: world)
      last = (start, asked)
      world.begin(start, of: spaces[start.space], choices)
      if drive == .twoVCPUs {
        racers = prepareRace(asked)
        first = racers[0].before
      } else {
        first = prepare(asked)
      }
      world.mark()
    }
    let asked = last!.asked
    if !report.wasPrepared(0) {
      judge.begin()
      if asked.drive == .firstRoot || asked.drive == .twoVCPUs { judge.start(in: world) }
    }
    guard asked.drive != .twoVCPUs else { return race(racers, &report) }
    play(asked, &report)
  }

  private func prepare(_ asked: AskedState) -> RootSnapshot {
    setup.apply(asked.state, asked.inputs, to: subject.world)
    return RootSnapshot(subject.world, setup.slots, asked.inputs)
  }

  /// Calls a target and has the step judged. Returns the result; nil when the scenario ends there.
  private mutating func step(
    _ target: Drive, _ entry: UInt32, _ state: AskedState, argument: UInt64 = 0,
    address: UInt64 = 0, isLast: Bool = false,
    _ report: inout Report
  ) -> UInt64? {
    let number = next
    next += 1
    if report.wasMade(number) { return made[number].goesOn }
    let before = roots(before: number)
    begin(number, report)
    let world = subject.world
    let record = report.record
    if record != nil {
      observer.prepare(number, world, isGoingOn: report.wasPrepared(number))
    }
    let result = report.make(number, in: world) {
      world.call(entry, argument, address).map { ($0, 0) }
    }?.0
    let after = RootSnapshot(world, setup.slots, state.inputs)
    // On hardware nothing goes on beside a lock that is never released.
    var goesOn = world.happened.pointee.locks_held > 0 ? nil : result
    if let record {
      observer.observe(target, state, before: before, after: after, world, record)
      observer.end(number, record)
    }
    if report.takesStep(world, result) {
      record?.isJudging = true
      defer { record?.isJudging = false }
      let isOne = judge.judge(
        target, state, argument: argument, address: address, before: before, after: after,
        world, result, isLast: isLast, &report)
      if !isOne { goesOn = nil }
    }
    made[number].after = after
    made[number].goesOn = goesOn
    return goesOn
  }

  private func roots(before step: Int) -> RootSnapshot {
    step == 0 ? first : made[step - 1].after
  }

  /// Takes the judge as it was before a step, or keeps it for a run that goes on there.
  mutating func begin(_ number: Int, _ report: Report) {
    if report.wasPrepared(number) {
      judge.memory = made[number].judge
      made.removeLast(made.count - number - 1)
    } else {
      if made.count > number { made.removeLast(made.count - number) }
      made.append(Made(judge: judge.memory))
    }
  }

  private mutating func play(_ state: AskedState, _ report: inout Report) {
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
  private mutating func load(_ state: AskedState, _ report: inout Report) -> Bool {
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
  private mutating func walk(_ state: AskedState, _ report: inout Report) {
    let slots = setup.slots
    let older = state.walked == .older ? otherRoot(report) : 0
    if state.walked != .none, !load(state, &report) { return }
    // A kernel that does not look starts no walk before a root is there.
    guard latest.rootHPA != RootSnapshot.invalidPage || slots.walkLooks else { return }
    // The code may have used up all that the harness has.
    guard report.wasPrepared(next) || subject.world.peek(slots.pageHPA, at: 15) == 0 else {
      return
    }
    let newer = state.walked == .newer ? otherRoot(report) : 0
    var addresses: [UInt64] = [0, 1 << 30, 2 << 30, 3 << 30 | 0x123_4567]
    if state.shadowLevel == 3 { addresses.append(5 << 30) }
    for address in addresses {
      let root = older != 0 ? older : newer != 0 ? newer : latest.rootHPA
      for slot in [slots.walkAddress, slots.walkTable, slots.walkLevel]
      where !report.wasPrepared(next) {
        subject.world.set(slot, RootSetup.oldIterator)
      }
      guard step(.walk, slots.walk, state, argument: root, address: address, &report) != nil
      else { return }
    }
  }

  /// The table of a root that is not loaded, as previous roots are.
  private mutating func otherRoot(_ report: Report) -> UInt64 {
    if !report.wasPrepared(next) {
      other = setup.shadowPage(RootSetup.previousGFN, level: 4, in: subject.world)
    }
    return other
  }

  /// The life of an MMU, as the kernel's own callers lead it: `kvm_mmu_create()`, `kvm_mmu_load()`,
  /// `kvm_mmu_unload()`, a second load in another paging mode, the end.
  private mutating func live(_ start: AskedState, _ report: inout Report) {
    var state = start
    let slots = setup.slots
    guard step(.create, slots.create, state, &report) == 0 else { return }
    for round in 0..<2 {
      if round == 1 {
        state = start.with(guestLevel: start.nextGuestLevel)
        if !report.wasPrepared(next) {
          setup.role(state.state, state.inputs, in: subject.world)
        }
      }
      guard load(state, &report) else { return }
      guard step(.freeRoots, slots.freeRoots, state, argument: 15, &report) != nil else { return }
    }
    _ = step(.freePages, slots.freePages, state, isLast: true, &report)
  }
}

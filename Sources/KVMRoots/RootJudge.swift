// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// Judges one scenario, step by step, against what each function must achieve.
///
/// Written from the architecture manuals and from what the callers rely on, not from how the code
/// does it. docs/properties.md says which states each rule holds over, and why.
struct RootJudge {
  let setup: RootSetup
  let subject: Subject
  private(set) var events = StepEvents()

  /// What the judge knows of a scenario before a step, for a run that goes on there.
  struct Memory {
    /// The first event of the next step.
    fileprivate var position = 0
    /// What memory slots had before the present step, for `mmu_first_shadow_root_alloc()`.
    var metadata: Metadata { held?.metadata ?? Metadata() }
    /// It is long, so copies share it.
    fileprivate var held: Held?
    /// Whether this scenario was found to depend on what nothing has set.
    fileprivate var isUninitialised = false
    /// How, until it is told.
    fileprivate var parting: Parting?
    /// Whether a life has come to where no caller brings it: what its roots are then nobody says.
    fileprivate var isOutside = false
  }
  fileprivate final class Held: Sendable {
    let metadata: Metadata
    init(_ metadata: Metadata) { self.metadata = metadata }
  }
  var memory = Memory()

  var slots: RootSlots { setup.slots }

  init(setup: RootSetup, subject: Subject) {
    self.setup = setup
    self.subject = subject
  }

  /// One step as the rules see it.
  struct Step {
    var target: Drive
    var state: AskedState
    var before: RootSnapshot
    var after: RootSnapshot
    var result: Int32
    /// Return address near the return, for what has no better place.
    var end: UInt64
    var argument: UInt64
    /// The second argument, for `shadow_walk_init_using_root()`.
    var address: UInt64
    /// The roots of another vCPU of the same VM, where there is one.
    var other: RootSnapshot?

    var function: String { target.rawValue }
  }

  /// Begins a scenario.
  mutating func begin() {
    memory.position = 0
    memory.isUninitialised = false
    memory.parting = nil
    memory.isOutside = false
  }

  /// Takes the starting state, once it is set up.
  mutating func start(in world: World) { memory.held = Held(Metadata(world, slots)) }

  /// Judges the step that was just made.
  ///
  /// - Parameters:
  ///   - thread: the vCPU whose step it is; of two that raced, 0 is judged first.
  ///   - other: the roots of the vCPU that it raced with.
  /// - Returns: whether the step ends in the same way whatever holds what nothing has set.
  mutating func judge(
    _ target: Drive, _ state: AskedState, argument: UInt64, address: UInt64 = 0,
    before: RootSnapshot, after: RootSnapshot, _ world: World, _ result: UInt64?, isLast: Bool,
    thread: Int = 0, other: RootSnapshot? = nil,
    _ report: inout Report
  ) -> Bool {
    let behind = events.take(
      world.events, from: memory.position, thread: thread, function: target.rawValue,
      isRefused: target == .walk && isForeignRoot(argument, state, before), into: &report)
    if thread == 1 || other == nil { memory.position = behind }
    var isOne = true
    if thread == 0, let sign = report.parting(world, result) {
      isOne = !sign.isEnd
      if !memory.isUninitialised { memory.parting = sign }
      memory.isUninitialised = true
    }
    if let sign = memory.parting, sign.thread == thread {
      report.broken(.uninitialised, in: target.rawValue, at: sign.pc, sign.sentence)
      memory.parting = nil
    }
    // What an uninitialised variable or a dead end leads to is no further finding.
    guard !memory.isUninitialised, let returned = events.returned else { return isOne }
    let step = Step(
      target: target, state: state, before: before, after: after,
      result: Int32(truncatingIfNeeded: returned.value), end: returned.pc, argument: argument,
      address: address, other: other)
    judge(step, world, isLast: isLast, &report)
    return true
  }

  private mutating func judge(
    _ step: Step, _ world: World, isLast: Bool, _ report: inout Report
  ) {
    if memory.isOutside, [.shadow, .direct, .freeRoots].contains(step.target) { return }
    let holds: Bool
    switch step.target {
    case .special: holds = special(step, world, &report)
    case .shadow: holds = shadow(step, world, &report)
    case .direct: holds = direct(step, world, &report)
    case .freePages: holds = freePages(step, world, &report)
    case .create: holds = create(step, world, &report)
    case .freeRoots: holds = freeRoots(step, world, &report)
    case .walk: holds = walkStart(step, world, &report)
    case .firstRoot: holds = firstRoot(step, world, &report)
    case .lifecycle, .twoVCPUs: holds = false
    }
    if step.target == .firstRoot, step.other == nil { start(in: world) }
    guard holds else {
      memory.isOutside = step.state.drive == .lifecycle
      return
    }
    report.look(at: Self.looked(by: step.target))
    if step.target == .firstRoot, step.other != nil { report.look(at: .init(.earlyPublication)) }
    for event in events.assertions {
      report.broken(
        .lockImbalance, in: step.function, at: event.pc, event.demand)
    }
    // Where another vCPU was stopped on its way, pages are still in its hands.
    if isLast, step.target != .freePages, world.happened.pointee.ended == 0 {
      leaks(step, world, &report)
    }
  }

  /// Pages that were allocated, or were in the tables at the start, and that nothing names now.
  private func leaks(_ step: Step, _ world: World, _ report: inout Report) {
    report.look(at: .init(.leak))
    func isOwned(_ hpa: UInt64) -> Bool {
      step.after.hasTable(hpa) || step.other?.hasTable(hpa) ?? false
    }
    // Looked at once, where anything depends on it.
    var metadata: Metadata?
    func isMetadata(_ hpa: UInt64) -> Bool {
      let known = metadata ?? Metadata(world, slots)
      metadata = known
      return known.names(hpa)
    }
    let events = world.events
    for index in events.indices where events[index].is(.allocation) {
      let event = events[index]
      guard event.value != 0 else { continue }
      if !isOwned(event.value), world.peek(memory: event.value) != nil, !isMetadata(event.value),
        !world.keeps(event.value, withObjects: true)
      {
        report.broken(
          .leak, in: step.function, at: event.pc,
          "a page is allocated and nothing names it afterwards")
      }
    }
    for table in [Tables.pae, .pml4, .pml5] where !step.after.keeps(table, of: step.before) {
      let hpa = step.before.table(table)
      if hpa != 0, !isOwned(hpa), world.peek(memory: hpa) != nil {
        report.broken(
          .leak, in: step.function, at: step.end,
          "a table that was there is dropped without being freed")
      }
    }
  }

  // MARK: Rules that several functions share

  /// The function must refuse: WARN, -EIO, and leave everything as it was.
  func refuses(_ step: Step, _ why: String, _ report: inout Report) {
    if step.result >= 0 {
      report.broken(
        .errorSwallowed, in: step.function, at: step.end, "the function succeeds although \(why)")
    } else if step.result != -5 {
      report.broken(
        .wrongErrno, in: step.function, at: step.end,
        "the function returns \(Errno.name(step.result)) instead of -EIO although \(why)")
    }
    if events.warned.isEmpty {
      report.broken(.warnMissing, in: step.function, at: step.end, "no WARN although \(why)")
    }
    unchanged(step, &report)
  }

  /// What an error must not leave: a change that a caller can see. An entry of a table that no root
  /// points to is none.
  func unchanged(_ step: Step, _ report: inout Report) {
    guard let what = step.after.firstDifference(from: step.before) else { return }
    report.broken(
      .partialState, in: step.function, at: place(of: what, step, setup.slots),
      "\(what) is changed although the function fails")
  }

  /// Whether a boundary callee failed and the function did not get over it. A second try that succeeds
  /// makes good for the first: where all is there in the end, and where the function then fails for
  /// another reason.
  ///
  /// - Parameter isDone: whether what the function is for is there.
  func hasFailed(_ step: Step, isDone: @autoclosure () -> Bool) -> Bool {
    // Who is told no, and not why, may return any errno.
    guard events.failure != nil else {
      return events.isRefused && step.result < 0 && events.warned.isEmpty
    }
    guard events.isMadeGood(needsMemory: step.result < 0) else { return true }
    return step.result < 0
      ? events.isRefused || step.result == events.failureErrno : !isDone()
  }

  /// A boundary callee failed: the function must hand on its errno and leave no trace.
  func failsCleanly(_ step: Step, _ report: inout Report, keepsState: Bool = true) {
    if let failure = events.failure {
      var callee: String {
        failure.call == 0xffff ? "a callee" : "\(subject.calls[Int(failure.call)])()"
      }
      if step.result >= 0 {
        report.broken(
          .errorSwallowed, in: step.function, at: failure.pc,
          "\(callee) fails and the function returns \(Errno.name(step.result))")
      } else if step.result != events.failureErrno, !events.isRefused {
        report.broken(
          .wrongErrno, in: step.function, at: failure.pc,
          "\(callee) fails with \(Errno.name(events.failureErrno)) and the function returns \(Errno.name(step.result))"
        )
      }
    }
    warns(exactly: 0, step, &report)
    if keepsState { unchanged(step, &report) }
  }

  func warns(exactly count: Int, _ step: Step, _ report: inout Report) {
    if events.warned.count > count {
      report.broken(
        .warnUnexpected, in: step.function, at: events.warned[count].pc,
        "a WARN fires in a state that is allowed")
    } else if events.warned.count < count {
      report.broken(
        .warnMissing, in: step.function, at: step.end,
        count == 1
          ? "a WARN is due and none fires"
          : "\(count) WARNs are due and \(events.warned.count == 0 ? "none" : "\(events.warned.count)") fire"
      )
    }
  }

  func returnsZero(_ step: Step, _ report: inout Report) {
    if step.result != 0 {
      report.broken(
        .wrongErrno, in: step.function, at: step.end,
        "the function returns \(Errno.name(step.result)) although nothing failed")
    }
  }

  /// Where a field of the snapshot was written last.
  func place(of what: String, _ step: Step, _ slots: RootSlots) -> UInt64 {
    let world = subject.world
    let place: UInt64
    switch what {
    case "root.hpa": place = world.lastStore(slot: slots.rootHPA)
    case "root.pgd": place = world.lastStore(slot: slots.rootPGD)
    case "pae_root": place = world.lastStore(slot: slots.pae)
    case "pml4_root": place = world.lastStore(slot: slots.pml4)
    case "pml5_root": place = slots.pml5.map { world.lastStore(slot: $0) } ?? 0
    case "mirror_root_hpa": place = slots.mirrorRoot.map { world.lastStore(slot: $0) } ?? 0
    case "prev_roots":
      place =
        (0..<3).lazy.map { world.lastStore(slot: slots.previousHPA, at: $0) }.first { $0 != 0 } ?? 0
    default:
      place =
        (0..<4).lazy.map { world.lastStore(hpa: step.after.pae + UInt64($0) * 8) }
        .first { $0 != 0 } ?? 0
    }
    return place != 0 ? place : step.end
  }

  // MARK: Counting

  /// The model's properties that a target's rules look at.
  private static func looked(by target: Drive) -> PropertySet {
    switch target {
    case .special, .firstRoot: tables
    case .shadow, .direct: roots
    case .create: create
    case .freeRoots: release
    case .freePages: end
    case .walk: walk
    case .lifecycle, .twoVCPUs: []
    }
  }

  private static let tables = fails.union(.init(.allocationSet, .idempotent))
  private static let roots = fails.union(
    .init(.rootChain, .entryBits, .rootIdentity, .boundaryArguments, .lifecycle))
  private static let create = fails.union(
    .init(.allocationSet, .rootIdentity, .boundaryArguments))
  private static let release = warns.union(.init(.idempotent, .rootIdentity, .lifecycle))
  private static let end = warns.union(.init(.boundaryArguments, .lifecycle, .leak))
  private static let walk = warns.union(.init(.walkStart))

  private static let warns = PropertySet(.warnMissing, .warnUnexpected)
  private static let fails = warns.union(.init(.errorSwallowed, .wrongErrno, .partialState))
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// Two calls that race: two vCPUs of one VM, vCPU 0 in the first and vCPU 1 in the second.
struct RootRace: Sendable {
  var name: String
  var first: Drive
  var second: Drive
  /// Whether both MMUs are direct, and their roots the TDP MMU's.
  var isDirect = false
  var tdpMMU = false

  /// vCPU 0 begins, so two different calls stand in both orders.
  static let all: [RootRace] = [
    .init(name: "special+special", first: .special, second: .special),
    .init(name: "shadow+shadow", first: .shadow, second: .shadow),
    .init(name: "first+first", first: .firstRoot, second: .firstRoot, tdpMMU: true),
    .init(name: "shadow+free", first: .shadow, second: .freeRoots),
    .init(name: "free+shadow", first: .freeRoots, second: .shadow),
    .init(name: "free+free", first: .freeRoots, second: .freeRoots),
    .init(name: "direct+direct", first: .direct, second: .direct, isDirect: true),
    .init(name: "direct+free", first: .direct, second: .freeRoots, isDirect: true),
    .init(name: "free+direct", first: .freeRoots, second: .direct, isDirect: true),
    .init(name: "tdp+tdp", first: .direct, second: .direct, isDirect: true, tdpMMU: true),
    .init(name: "tdp+free", first: .direct, second: .freeRoots, isDirect: true, tdpMMU: true),
    .init(name: "free+tdp", first: .freeRoots, second: .direct, isDirect: true, tdpMMU: true),
  ]

  /// How often, at most, a vCPU that could go on gives way to the other.
  static let switches = 3
  /// How many answers of callees, at most, are failures.
  static let failures = 1
}

extension RootState {
  /// The starting state of one of two vCPUs that race.
  func racing(_ thread: Int) -> RootState {
    var state = self
    state.drive = thread == 0 ? race.first : race.second
    state.isDirect = race.isDirect
    state.tdpMMU = race.tdpMMU
    // The TDP MMU is for hosts that walk four levels or more.
    if race.tdpMMU { state.shadowLevel = max(4, shadowLevel) }
    let hasChain = race.isDirect ? state.shadowLevel == 3 : guestLevel < 4
    let needed: Tables =
      shadowLevel == 5 ? [.pae, .pml4, .pml5] : shadowLevel == 4 ? [.pae, .pml4] : .pae
    switch state.drive {
    case .shadow, .direct: state.tables = hasChain ? needed : []
    case .freeRoots:
      state.rootsToFree = 15
      state.root =
        race.tdpMMU
        ? .tdp : !hasChain ? .shadow : shadowLevel == 5 ? .pml5 : shadowLevel == 4 ? .pml4 : .pae
      state.entries = hasChain ? 1 : 0
    case .firstRoot:
      state.metadata = .none
      state.hasPageHash = false
    default: break
    }
    return state
  }
}

extension RootDomain {
  public static var bound: String? {
    "two vCPUs in every order with at most \(RootRace.switches) switches between them and "
      + "\(RootRace.failures) failure"
  }

  /// One of two vCPUs that race: what it calls, and its roots before.
  struct Racer {
    var target: Drive
    /// nil: this kernel has no such function.
    var entry: UInt32?
    var state: AskedState
    /// As the judge sees it.
    var judged: AskedState
    var before: RootSnapshot

    var argument: UInt64 { UInt64(state.state.rootsToFree) }
  }

  /// Puts both vCPUs into their states.
  func prepareRace(_ asked: AskedState) -> [Racer] {
    asked.inputs.ask(.race, in: asked.world)
    asked.inputs.ask(.levels, in: asked.world)
    return (0..<2).map { thread in
      let world = subject.world
      world.select(thread: thread)
      var state = asked.state.racing(thread)
      setup.apply(state, to: world)
      let target = state.drive
      let own = AskedState(state: state, inputs: .fixed, world: world)
      state.drive = .twoVCPUs
      return Racer(
        target: target, entry: subject.entry(target.rawValue), state: own,
        judged: AskedState(state: state, inputs: .fixed, world: world),
        before: RootSnapshot(world, setup.slots))
    }
  }

  /// Runs both calls at once, and has each judged beside the other.
  mutating func race(_ racers: [Racer], _ report: inout Report) {
    guard let first = racers[0].entry, let second = racers[1].entry else { return }
    let world = subject.world
    begin(0, report)
    world.select(thread: 0)
    let record = report.record
    if record != nil {
      observer.prepare(0, world, isGoingOn: report.wasPrepared(0))
    }
    let joins = report.joins
    let results = report.make(0, in: world) {
      world.race(
        (first, racers[0].argument), (second, racers[1].argument),
        switches: RootRace.switches, failures: RootRace.failures, joining: joins)
    }
    guard !world.happened.pointee.repeats else { return }
    let result = results.map { $0.0 &* 31 &+ $0.1 }
    let isJudged = report.takesStep(world, result)
    let after = (snapshot(of: 0), snapshot(of: 1))
    if let record {
      for thread in 0..<2 {
        world.select(thread: thread)
        observer.observe(
          racers[thread].target, racers[thread].state, before: racers[thread].before,
          after: thread == 0 ? after.0 : after.1, world, record, thread: thread)
      }
      observer.end(0, record)
    }
    guard isJudged else { return }
    record?.isJudging = true
    defer { record?.isJudging = false }
    for thread in 0..<2 {
      world.select(thread: thread)
      let (own, other) = thread == 0 ? after : (after.1, after.0)
      _ = judge.judge(
        racers[thread].target, racers[thread].judged, argument: racers[thread].argument,
        before: racers[thread].before, after: own, world, result, isLast: true,
        thread: thread, other: other, &report)
    }
  }

  private func snapshot(of thread: Int) -> RootSnapshot {
    subject.world.select(thread: thread)
    return RootSnapshot(subject.world, setup.slots)
  }
}

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
    let hasChain = race.isDirect ? shadowLevel == 3 : guestLevel < 4
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
    "two vCPUs in every order with at most \(RootRace.switches) context switches and "
      + "\(RootRace.failures) failure"
  }

  /// Puts both vCPUs into their states. Returns the roots of each.
  func prepareRace(_ state: AskedState) -> [RootSnapshot] {
    state.inputs.ask(.race, in: state.world)
    state.inputs.ask(.levels, in: state.world)
    return snapshots { world, thread in setup.apply(state.state.racing(thread), to: world) }
  }

  /// Runs both calls at once, and has each judged beside the other.
  mutating func race(_ state: AskedState, _ before: [RootSnapshot], _ report: inout Report) {
    let states = [state.state.racing(0), state.state.racing(1)]
    guard let first = subject.entry(states[0].drive.rawValue),
      let second = subject.entry(states[1].drive.rawValue)
    else { return }  // this kernel has no such function
    let world = subject.world
    begin(0, report)
    world.select(thread: 0)
    let record = report.record
    if record != nil {
      observer.prepare(0, world, isGoingOn: report.wasPrepared(0))
    }
    let results = report.make(0, in: world) {
      world.race(
        (first, UInt64(states[0].rootsToFree)), (second, UInt64(states[1].rootsToFree)),
        switches: RootRace.switches, failures: RootRace.failures)
    }
    let result = results.map { $0.0 &* 31 &+ $0.1 }
    let isJudged = report.takesStep(world, result)
    let after = snapshots { _, _ in }
    if let record {
      for thread in 0..<2 {
        world.select(thread: thread)
        observer.observe(
          states[thread].drive,
          AskedState(state: states[thread], inputs: .fixed, world: world),
          before: before[thread], after: after[thread], world, record, thread: thread)
      }
      observer.end(0, record)
    }
    guard isJudged else { return }
    record?.isJudging = true
    defer { record?.isJudging = false }
    for thread in 0..<2 {
      world.select(thread: thread)
      var judged = states[thread]
      judged.drive = .twoVCPUs
      _ = judge.judge(
        states[thread].drive, AskedState(state: judged, inputs: .fixed, world: world),
        argument: UInt64(states[thread].rootsToFree),
        before: before[thread], after: after[thread], world, result, isLast: true,
        thread: thread, other: after[1 - thread], &report)
    }
  }

  /// The roots of both vCPUs, after something was done for each.
  private func snapshots(_ prepare: (World, Int) -> Void) -> [RootSnapshot] {
    (0..<2).map { thread in
      subject.world.select(thread: thread)
      prepare(subject.world, thread)
      return RootSnapshot(subject.world, setup.slots)
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only

/// What came of every scenario that a search ran in one revision.
public struct Outcomes: Sendable {
  let spaces: [StateSpace]
  /// Of each space.
  private(set) var trees: [OutcomeTree]
  private(set) var store = OutcomeStore()
  /// The initials of the callees that a decision is known by.
  let callees: [String]

  init(_ spaces: [StateSpace], callees: [String]) {
    self.spaces = spaces
    self.callees = callees
    trees = spaces.map { OutcomeTree(states: $0.count) }
  }

  /// Puts together what workers took down, for good; nil where there is none.
  init?(_ parts: [Outcomes]) {
    guard let first = parts.first else { return nil }
    self = first
    for part in parts.dropFirst() {
      let numbers = store.merge(part.store)
      for space in spaces.indices { trees[space].merge(part.trees[space], numbers) }
    }
    store.close()
    let words = callees.map(Record.word)
    for space in spaces.indices { trees[space].close(store, callees: words) }
  }

  /// Takes down what comes of a step.
  mutating func step(
    _ observation: Observation, _ facts: Range<Int>, _ events: Range<Int>
  ) -> OutcomeStore.Step {
    store.step(observation, facts, events)
  }

  /// Takes down what comes of a scenario.
  mutating func add(_ steps: [OutcomeStore.Step], at way: [OutcomeTree.Taken], in space: Int) {
    trees[space].add(store.scenario(steps), at: way)
  }

  /// The space of a driver; nil where this revision has no such driver.
  func space(of driver: String) -> Int? { spaces.firstIndex { $0.name == driver } }
}

/// Takes down what comes of every run of one worker.
struct OutcomeBuilder {
  /// What the runs tell.
  let record: Record
  private(set) var outcomes: Outcomes
  private let world: World
  /// For each callee the number of its initials.
  private let numbers: [UInt16]
  /// Of the last run.
  private var steps: [OutcomeStore.Step] = []
  private var way: [OutcomeTree.Taken] = []
  /// Of each callee, how often it decided in the run.
  private var counts: [UInt16] = []

  init(_ subject: Subject, _ spaces: [StateSpace], silent: Set<String>) {
    record = Record(subject, silent: silent)
    world = subject.world
    let initials = subject.calls.map { Scenario.initials(of: $0) }
    var callees: [String] = []
    for name in initials where !callees.contains(name) { callees.append(name) }
    numbers = initials.map { UInt16(callees.firstIndex(of: $0)!) }
    outcomes = Outcomes(spaces, callees: callees)
  }

  /// Takes the run that was just made.
  ///
  /// - Parameter isWhole: whether it came to its end. What did not is not known, nor is what comes of
  ///   the decisions that a search leaves out then.
  mutating func take(_ state: StartingState, isWhole: Bool) {
    record.end()
    let kept = record.takeKept()
    if steps.count > kept { steps.removeLast(steps.count - kept) }
    guard isWhole, !record.isStopped, isOrdinary(state) else { return }
    let observation = record.observation
    for step in steps.count..<record.ends.count {
      let (facts, events) = record.part(step)
      steps.append(outcomes.step(observation, facts, events))
    }
    takeWay()
    outcomes.add(steps, at: way, in: state.space)
  }

  /// Whether all is ordinary that nobody has looked at but who judges: that stands for the rest.
  private func isOrdinary(_ state: StartingState) -> Bool {
    world.seen.count { $0.value != 0 } == state.values.othersCount
  }

  /// Takes down the decisions of the run.
  private mutating func takeWay() {
    way.removeAll(keepingCapacity: true)
    counts.removeAll(keepingCapacity: true)
    counts.append(contentsOf: repeatElement(0, count: outcomes.callees.count))
    let asked = world.seen
    var next = 0
    func takeInputs(before decision: Int?, _ way: inout [OutcomeTree.Taken]) {
      while next < asked.count, decision.map({ asked[next].before <= $0 }) ?? true {
        let one = asked[next]
        way.append(.init(what: .init(input: one.input), choice: one.value, arity: one.arity))
        next += 1
      }
    }
    for (number, taken) in world.decisions.enumerated() {
      takeInputs(before: number, &way)
      let callee = numbers[Int(taken.call)]
      way.append(
        .init(
          what: .init(callee: callee, ordinal: counts[Int(callee)]), choice: taken.choice,
          arity: taken.arity))
      counts[Int(callee)] += 1
    }
    takeInputs(before: nil, &way)
  }
}

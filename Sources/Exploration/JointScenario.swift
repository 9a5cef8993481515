// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// One scenario for several revisions at once. A decision is known by its callee and by how many
/// decisions of that callee came before, so that revisions that call in another order, or call more,
/// meet the same failures.
struct JointScenario {
  struct Decision: Hashable {
    /// A number that all revisions share for the callee.
    var callee: UInt16
    /// How many decisions of that callee came before, in the revision that met it.
    var ordinal: UInt16
  }

  /// A decision that some revision met, or an input that one looked at.
  struct Item {
    enum What: Hashable {
      case answer(Decision)
      case input(UInt8)
    }

    var what: What
    var choice: UInt8
    /// The most answers that a revision knows.
    var arity: UInt8
  }

  /// What is decided; decisions beyond are 0.
  private(set) var items: [Item] = []
  /// How many items at the beginning stay as they are.
  var fixed = 0

  func choice(of decision: Decision) -> UInt8 {
    for item in items where item.what == .answer(decision) { return item.choice }
    return 0
  }

  /// The starting state: what nobody looked at is ordinary.
  var values: InputValues {
    var values = InputValues.zero
    for item in items { if case .input(let input) = item.what { values[Int(input)] = item.choice } }
    return values
  }

  /// Adds what a revision met and what is not known yet.
  mutating func extend(with met: [Item]) {
    for item in met {
      if let known = items.firstIndex(where: { $0.what == item.what }) {
        items[known].arity = max(items[known].arity, item.arity)
      } else {
        items.append(Item(what: item.what, choice: 0, arity: item.arity))
      }
    }
  }

  /// Turns the last open item. False when none is left.
  mutating func advance() -> Bool {
    while items.count > fixed, let last = items.last {
      if last.choice + 1 < last.arity {
        items[items.count - 1].choice += 1
        return true
      }
      items.removeLast()
    }
    return false
  }

  /// Gives away the other choices of the first open item; nil where there is none.
  mutating func split() -> JointScenario? {
    guard
      let first = items.indices.dropFirst(fixed).first(where: {
        items[$0].choice + 1 < items[$0].arity
      })
    else { return nil }
    var other = self
    other.items.removeLast(other.items.count - first - 1)
    other.items[first].choice += 1
    other.fixed = first
    fixed = first + 1
    return other
  }
}

/// One revision's part in a joint search: makes it meet a joint scenario.
struct JointRunner<D: ObservedDomain> {
  let subject: Subject
  var domain: D
  var observation = Observation()
  /// What it met in the last run, in its own order.
  private(set) var met: [JointScenario.Item] = []
  /// For each callee's number the one that all revisions share.
  private let shared: [UInt16]
  private let words: [UInt64]
  private var choices: [UInt8] = []
  private var state: StartingState?

  /// - Parameters:
  ///   - names: of each shared number the callee's initials; new ones are added.
  ///   - silent: callees whose calls show as what they do.
  init(_ subject: Subject, names: inout [String], silent: Set<String>) throws {
    self.subject = subject
    domain = try D(observing: subject)
    var shared: [UInt16] = []
    for call in subject.calls {
      let name = Scenario.initials(of: call)
      if !names.contains(name) { names.append(name) }
      shared.append(UInt16(names.firstIndex(of: name)!))
    }
    self.shared = shared
    words = Self.words(of: subject, silent: silent)
  }

  /// For each callee's number one that goes by its name; 0 where it is silent.
  static func words(of subject: Subject, silent: Set<String>) -> [UInt64] {
    subject.calls.map { name in
      if silent.contains(name) { return 0 }
      return name.utf8.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    }
  }

  /// The space of a driver; nil where this revision has no such driver.
  func space(of driver: String) -> Int? { domain.spaces.firstIndex { $0.name == driver } }

  /// Runs a state so that each decision has the scenario's answer, and takes what came of it.
  mutating func run(_ state: StartingState, _ scenario: JointScenario) {
    if state != self.state { met.removeAll(keepingCapacity: true) }
    self.state = state
    // What it met last is met again up to the first answer that changes.
    choices.removeAll(keepingCapacity: true)
    for item in met {
      guard case .answer(let decision) = item.what else { continue }
      let wanted = min(scenario.choice(of: decision), item.arity - 1)
      choices.append(wanted)
      if wanted != item.choice { break }
    }
    while true {
      choices.withUnsafeBufferPointer { domain.observe(state, $0, &observation) }
      take()
      guard let wrong = wrong(scenario), choices.count < Self.most else { break }
      choices = wrong
    }
    observation.take(subject.world.events, callees: words)
  }

  private static var most: Int { 4000 }

  /// The answers up to the first that is not the scenario's, put right; nil where all are.
  private func wrong(_ scenario: JointScenario) -> [UInt8]? {
    var answers: [UInt8] = []
    for item in met {
      guard case .answer(let decision) = item.what else { continue }
      let wanted = min(scenario.choice(of: decision), item.arity - 1)
      answers.append(wanted)
      if wanted != item.choice { return answers }
    }
    return nil
  }

  private mutating func take() {
    met.removeAll(keepingCapacity: true)
    let asked = subject.world.asked
    var next = 0
    for (number, taken) in subject.world.decisions.enumerated() {
      while next < asked.count, asked[next].before <= number { takeInput(asked[next], &next) }
      let callee = shared[Int(taken.call)]
      var ordinal: UInt16 = 0
      for earlier in met {
        if case .answer(let decision) = earlier.what, decision.callee == callee { ordinal += 1 }
      }
      met.append(
        .init(
          what: .answer(.init(callee: callee, ordinal: ordinal)), choice: taken.choice,
          arity: taken.arity))
    }
    while next < asked.count { takeInput(asked[next], &next) }
  }

  private mutating func takeInput(_ one: kshim_asked, _ next: inout Int) {
    met.append(.init(what: .input(one.input), choice: one.value, arity: one.arity))
    next += 1
  }

  /// The decisions of the last run, for a replay.
  var taken: [UInt8] {
    met.compactMap { item in if case .answer = item.what { item.choice } else { nil } }
  }
}

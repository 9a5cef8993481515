// SPDX-License-Identifier: GPL-2.0-only

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

  struct Item {
    var decision: Decision
    var choice: UInt8
    /// The most answers that a revision knows.
    var arity: UInt8
  }

  /// What is decided; decisions beyond are 0.
  private(set) var items: [Item] = []

  func choice(of decision: Decision) -> UInt8 {
    for item in items where item.decision == decision { return item.choice }
    return 0
  }

  /// Adds the decisions that a revision met and that are not known yet.
  mutating func extend(with met: [Item]) {
    for item in met {
      if let known = items.firstIndex(where: { $0.decision == item.decision }) {
        items[known].arity = max(items[known].arity, item.arity)
      } else {
        items.append(Item(decision: item.decision, choice: 0, arity: item.arity))
      }
    }
  }

  /// Turns the last open decision. False when none is left.
  mutating func advance() -> Bool {
    while let last = items.last {
      if last.choice + 1 < last.arity {
        items[items.count - 1].choice += 1
        return true
      }
      items.removeLast()
    }
    return false
  }

  mutating func clear() { items.removeAll(keepingCapacity: true) }
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
  private var state = -1

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

  /// Runs a state so that each decision has the scenario's answer, and takes what came of it.
  mutating func run(_ state: Int, _ scenario: JointScenario) {
    if state != self.state { met.removeAll(keepingCapacity: true) }
    self.state = state
    // What it met last is met again up to the first answer that changes.
    choices.removeAll(keepingCapacity: true)
    for item in met {
      let wanted = min(scenario.choice(of: item.decision), item.arity - 1)
      choices.append(wanted)
      if wanted != item.choice { break }
    }
    while true {
      choices.withUnsafeBufferPointer { domain.observe(domain.state(state), $0, &observation) }
      take()
      guard
        let wrong = met.firstIndex(where: {
          $0.choice != min(scenario.choice(of: $0.decision), $0.arity - 1)
        }), met.count < 255
      else { break }
      choices = met[...wrong].map(\.choice)
      choices[wrong] = min(scenario.choice(of: met[wrong].decision), met[wrong].arity - 1)
    }
    observation.take(subject.world.events, callees: words)
  }

  private mutating func take() {
    met.removeAll(keepingCapacity: true)
    for taken in subject.world.decisions {
      let callee = shared[Int(taken.call)]
      var ordinal: UInt16 = 0
      for earlier in met where earlier.decision.callee == callee { ordinal += 1 }
      met.append(
        .init(
          decision: .init(callee: callee, ordinal: ordinal), choice: taken.choice,
          arity: taken.arity))
    }
  }

  /// The decisions of the last run, for a replay.
  var taken: [UInt8] { met.map(\.choice) }
}

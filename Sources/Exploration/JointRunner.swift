// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// One revision's part in a joint search: makes it meet a joint scenario.
struct JointRunner<D: ObservedDomain> {
  let subject: Subject
  var domain: D
  private let record: Record
  /// What it met in the last run, in its own order.
  private(set) var met: [JointScenario.Item] = []
  /// For each callee's number the one that all revisions share.
  private let shared: [UInt16]
  private var choices: [UInt8] = []
  private var state: StartingState?

  /// - Parameters:
  ///   - names: of each shared number the callee's initials.
  ///   - silent: callees whose calls show as what they do.
  init(_ subject: Subject, names: [String], silent: Set<String>) throws {
    self.subject = subject
    domain = try D(subject)
    record = Record(subject, silent: silent)
    shared = subject.calls.map { call in
      UInt16(names.firstIndex(of: Scenario.initials(of: call))!)
    }
  }

  /// What came of the last run.
  var observation: Observation { record.observation }

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
      choices.withUnsafeBufferPointer { domain.observe(state, $0, record) }
      take()
      guard let wrong = wrong(scenario), choices.count < Self.most else { break }
      choices = wrong
    }
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

// SPDX-License-Identifier: GPL-2.0-only

/// Takes down what comes of a run, step by step. What a run keeps of the one before it stays as it is.
public final class Record {
  private let world: World
  private let callees: [UInt64]
  /// What came of the run.
  private(set) var observation = Observation()
  /// Behind each step, how much there is.
  private(set) var ends: [(facts: Int, happened: Int, events: Int)] = []
  /// How many steps have stayed as they are since it was last asked.
  private var kept = 0
  /// Whether the run was not made to its end, for what nothing has written decides how it goes on.
  private(set) var isStopped = false
  /// Whether who looks at inputs only judges: what comes of a run does not depend on that.
  public var isJudging = false {
    didSet { world.judge(isJudging) }
  }

  /// Whether reports will show what is taken down: then it says also what is no part of comparisons.
  public let isShown: Bool

  /// - Parameter silent: callees whose calls show as what they do.
  init(_ subject: Subject, silent: Set<String>, isShown: Bool = false) {
    world = subject.world
    self.isShown = isShown
    callees = subject.calls.map { name in
      silent.contains(name) ? 0 : Self.word(name)
    }
  }

  /// A number that goes by a callee's name.
  static func word(_ name: String) -> UInt64 {
    name.utf8.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
  }

  /// Begins a run.
  ///
  /// - Parameter step: how many steps it keeps of the one before.
  func begin(keeping steps: Int) {
    keep(steps)
    isStopped = false
  }

  func stop() { isStopped = true }

  private func keep(_ steps: Int) {
    guard ends.count > steps else { return }
    ends.removeLast(ends.count - steps)
    kept = min(kept, steps)
    let end = ends.last
    observation.keep(facts: end?.facts ?? 0, happened: end?.happened ?? 0)
  }

  /// Takes a step that was just made, and what is to be said of it.
  public func take(_ step: Int, _ facts: [Observation.Fact]) {
    keep(step)
    observation.add(facts)
    takeEvents()
  }

  private func takeEvents() {
    let events = world.events
    observation.take(events[(ends.last?.events ?? 0)...], callees: callees)
    ends.append((observation.facts.count, observation.happened.count, events.count))
  }

  /// Ends a run.
  func end() { if world.events.count > ends.last?.events ?? 0 { takeEvents() } }

  /// How many steps have stayed as they are since this was last asked.
  func takeKept() -> Int {
    defer { kept = ends.count }
    return kept
  }

  /// The part of the observation that a step is.
  func part(_ step: Int) -> (facts: Range<Int>, happened: Range<Int>) {
    let begin = step == 0 ? (0, 0) : (ends[step - 1].facts, ends[step - 1].happened)
    return (begin.0..<ends[step].facts, begin.1..<ends[step].happened)
  }
}

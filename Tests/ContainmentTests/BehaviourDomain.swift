// SPDX-License-Identifier: GPL-2.0-only
import Behaviours
import Exploration

/// The functions of Tests/Behaviours: each alone, then pairs of them at once.
struct BehaviourDomain: Domain {
  /// Two targets that race.
  static let races = [
    ("once", "once"), ("once_without_recheck", "once_without_recheck"),
    ("once_published_early", "once_published_early"),
    ("first_then_second", "first_then_second"), ("first_then_second", "second_then_first"),
  ]

  /// Targets that are no row of the table.
  static let others = ["endless_allocation", "endless_after_unset"]

  static let properties = Property.universal

  private let subject: Subject
  private var events = StepEvents()
  let spaces: [StateSpace] =
    Behaviour.all.map { StateSpace(name: $0.entry, words: []) }
    + others.map { StateSpace(name: $0, words: []) }
    + races.map { StateSpace(name: "\($0)+\($1)", words: []) }

  init(_ subject: Subject) { self.subject = subject }

  mutating func run(
    _ state: StartingState, _ choices: UnsafeBufferPointer<UInt8>, _ report: inout Report
  ) {
    let world = subject.world
    if !report.wasPrepared(0) { world.reset(choices) }
    let isRace = state.space >= Behaviour.all.count + Self.others.count
    let result: UInt64?
    if isRace {
      let (first, second) = Self.races[state.space - Behaviour.all.count - Self.others.count]
      result = report.make(0, in: world) {
        world.race(
          (subject.entry(first)!, 0), (subject.entry(second)!, 0), switches: 2, failures: 1,
          joining: false)
      }.map { $0.0 &* 31 &+ $0.1 }
    } else {
      let entry = subject.entry(spaces[state.space].name)!
      result = report.make(0, in: world) { world.call(entry).map { ($0, 0) } }?.0
    }
    guard report.takesStep(world, result) else { return }
    let function = spaces[state.space].name
    for thread in isRace ? 0..<2 : 0..<1 {
      _ = events.take(world.events, from: 0, thread: thread, function: function, into: &report)
    }
    if let sign = report.parting(world, result) {
      report.broken(.uninitialised, in: function, at: sign.pc, sign.sentence)
    }
    guard isRace else { return }
    let owned = world.get(0)
    for event in world.events
    where event.what == .allocation && event.value != 0 && event.value != owned {
      report.broken(.leak, in: function, at: event.pc, "a page is allocated and nothing names it")
    }
  }

  static func subject() throws -> Subject { try Subject(table: kshim_table_behaviours()) }

  /// How many scenarios each driver has.
  static func scenarios() throws -> [String: Int] {
    let subject = try subject()
    var domain = BehaviourDomain(subject)
    var counts: [String: Int] = [:]
    for (number, space) in domain.spaces.enumerated() {
      counts[space.name] = Explorer.scenarios(
        of: .init(space: number, values: .zero), in: &domain, subject)
    }
    return counts
  }
}

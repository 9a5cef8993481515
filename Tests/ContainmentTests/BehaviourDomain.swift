// SPDX-License-Identifier: GPL-2.0-only
import BehavioursPattern
import BehavioursZero
import Exploration

/// The functions of Tests/Behaviours: each alone, then pairs of them at once.
struct BehaviourDomain: Domain {
  /// Two targets that race.
  static let races = [
    ("once", "once"), ("once_without_recheck", "once_without_recheck"),
    ("once_published_early", "once_published_early"),
    ("first_then_second", "first_then_second"), ("first_then_second", "second_then_first"),
  ]

  private let pattern: Subject
  private let zero: Subject
  private let events = StepEvents()

  init(pattern: Subject, zero: Subject) {
    self.pattern = pattern
    self.zero = zero
  }

  var stateCount: Int { Behaviour.all.count + Self.races.count }

  func drive(of state: Int) -> String {
    guard state >= Behaviour.all.count else { return Behaviour.all[state].entry }
    let (first, second) = Self.races[state - Behaviour.all.count]
    return "\(first)+\(second)"
  }

  func spelling(of state: Int) -> String { "-" }

  func state(drive: String, spelled: String) -> Int? {
    (0..<stateCount).first { self.drive(of: $0) == drive }
  }

  mutating func run(
    _ state: Int, _ choices: UnsafeBufferPointer<UInt8>, _ report: inout Report
  ) {
    for world in [pattern.world, zero.world] {
      world.reset(choices)
      if state < Behaviour.all.count {
        _ = world.call(pattern.entry(Behaviour.all[state].entry)!)
      } else {
        let (first, second) = Self.races[state - Behaviour.all.count]
        _ = world.race(
          (pattern.entry(first)!, 0), (pattern.entry(second)!, 0), switches: 2, failures: 1)
      }
    }
    let function = drive(of: state)
    for thread in state < Behaviour.all.count ? 0..<1 : 0..<2 {
      _ = events.take(
        pattern.world.events, from: 0, thread: thread, function: function, into: &report)
    }
    if !events.isEndless,
      let (pc, message) = Difference.first(pattern.world, zero.world, slots: pattern.slots)
    {
      report.broken(.uninitialised, in: function, at: pc, message)
    }
    guard state >= Behaviour.all.count else { return }
    let owned = pattern.world.get(0)
    for event in pattern.world.events
    where event.what == .allocation && event.value != 0 && event.value != owned {
      report.broken(.leak, in: function, at: event.pc, "a page is allocated and nothing names it")
    }
  }

  func count(into report: inout Report) {}

  static func builds() throws -> (pattern: Subject, zero: Subject) {
    (
      try Subject(table: kshim_table_behaviours_pattern()),
      try Subject(table: kshim_table_behaviours_zero())
    )
  }

  /// How many scenarios each state has, by its drive.
  static func scenarios() throws -> [String: Int] {
    nonisolated(unsafe) let builds = try builds()
    let domain = BehaviourDomain(pattern: builds.pattern, zero: builds.zero)
    var counts: [String: Int] = [:]
    for state in 0..<domain.stateCount {
      let result = try Explorer.search(
        BehaviourDomain.self, jobs: 1, load: { _ in builds }, states: { $1 == state })
      counts[domain.drive(of: state)] = result.scenarios
    }
    return counts
  }
}

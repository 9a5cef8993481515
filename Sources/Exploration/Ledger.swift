// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// What a function took and must give back where it fails: pairs of callees, as the plan names them.
struct Ledger {
  private struct Taken {
    var pair: Int
    var key: UInt64
    var pc: UInt64
    var event: Int
    /// How many.
    var count: UInt64?
  }

  private struct Resumed: Hashable {
    var pair: Int
    var key: UInt64
  }

  private let pairs: [Plan.Pair]
  private var takers: [UInt16: [Int]] = [:]
  private var givers: [UInt16: [Int]] = [:]
  /// Of each pair, whether the text itself gives back.
  private var isGivenHere: [Bool] = []
  /// Of each pair, what gives back where only functions do that the judged one calls.
  private var within: [UInt16?] = []

  /// What gives back later, and what has it given back with a device.
  private let defers: Set<UInt16>
  private let actions: Set<UInt16>
  /// What leaves the end of an object to its `release`, and what may be that end.
  private let initialisers: Set<UInt16>
  private let drops: Set<UInt16>
  /// Who has what it is handed, and who may have it where the function succeeds.
  private let owners: Set<UInt16>
  private let keeping: [UInt16: UInt]

  init(_ plan: Plan, _ subject: Subject) {
    let pairs = plan.pairs
    defers = subject.calls(plan.traits["defers"])
    actions = subject.calls(plan.traits["registersAction"])
    initialisers = subject.calls(plan.traits["initialises"])
    drops = subject.calls(plan.traits["frees"])
    owners = subject.calls(plan.traits["keeps"])
      .union(subject.calls(plan.traits["consumes"])).union(subject.calls(plan.traits["gives"]))
    keeping = Dictionary(
      plan.unknown.compactMap { name, mask in subject.call(name).map { ($0, mask) } },
      uniquingKeysWith: |)
    self.pairs = pairs
    for (number, pair) in pairs.enumerated() {
      if let call = subject.call(pair.takes) { takers[call, default: []].append(number) }
      let giver = subject.call(pair.gives)
      if let giver { givers[giver, default: []].append(number) }
      isGivenHere.append(giver != nil)
      within.append(pair.isWithin ? giver : nil)
    }
  }

  private static func key(_ event: Event, _ place: Int?) -> UInt64 {
    switch place {
    case nil: 0
    case -1: event.value
    case 0, -2: event.arg.0
    case 1, -3: event.arg.1
    case 2, -4: event.arg.2
    case 3, -5: event.arg.3
    default: 0
    }
  }

  private func giver(_ pair: Int) -> UInt16? { givers.first { $0.value.contains(pair) }?.key }

  /// Whether something had been told of before.
  private static func isKnown(
    _ key: UInt64, before index: Int, in events: Slice<UnsafeBufferPointer<Event>>
  ) -> Bool {
    events[..<index].contains {
      $0.what == .call && ($0.value == key || $0.arguments.contains(key))
    }
  }

  /// Whether anybody else has what was taken.
  private func isElsewhere(
    _ one: Taken, in events: Slice<UnsafeBufferPointer<Event>>, _ world: World, _ result: UInt64,
    _ hasFailed: Bool, _ loans: Set<Consistency.Loan> = []
  ) -> Bool {
    if result >> 12 == one.key >> 12 || result >> 12 == world.virtualAddress(one.key) >> 12 {
      return true
    }
    if world.leadsTo(one.key) { return true }
    return events[(one.event + 1)...].contains { event in
      guard event.what == .call else { return false }
      let places = event.arguments.enumerated().filter { $0.element >> 12 == one.key >> 12 }
      guard !places.isEmpty else { return false }
      if owners.contains(event.call) { return true }
      if loans.contains(.init(taker: events[one.event].call, borrower: event.call)) { return false }
      return !hasFailed && places.contains { (keeping[event.call] ?? 0) >> $0.offset & 1 != 0 }
    }
  }

  private static func isFailure(_ value: UInt64, isPointer: Bool) -> Bool {
    let wide = Int64(bitPattern: value)
    if (-4095..<0).contains(wide) { return true }
    if isPointer { return value == 0 }
    return value >> 32 == 0 && (-4095..<0).contains(Int64(Int32(truncatingIfNeeded: value)))
  }

  /// Judges a step that returned.
  func judge(
    _ events: Slice<UnsafeBufferPointer<Event>>, in world: World, _ outcome: Outcome,
    _ result: UInt64,
    _ function: String, by known: Consistency?,
    _ report: inout Report
  ) {
    guard !pairs.isEmpty else { return }
    let hasFailed = outcome.isFailure
    // What was answered otherwise was not taken.
    let refused = Set(world.decisions.filter { $0.choice != 0 }.map { Int($0.event) })
    var taken: [Taken] = []
    // What was stopped and is started again was not taken.
    var resumed: Set<Resumed> = []
    for (index, event) in zip(events.indices, events) {
      // Whoever ended its life.
      if event.what == .free, event.arg.0 != 0 {
        taken.removeAll { (pairs[$0.pair].taken ?? 0) < 0 && $0.key == event.arg.0 }
      }
      guard event.what == .call else { continue }
      if givers[event.call] != nil { report.note(called: event.call) }
      if actions.contains(event.call), event.value == 0, !taken.isEmpty { taken.removeLast() }
      for number in givers[event.call] ?? [] {
        let key = Self.key(event, pairs[number].given)
        if let place = taken.lastIndex(where: {
          $0.pair == number && (pairs[number].isPart || $0.key == key)
        }) {
          let one = taken[place]
          if hasFailed, pairs[number].isMiscounted {
            report.broken(
              .unreleased, in: function, at: event.pc,
              "\(pairs[number].takes)() took all of one array, and \(pairs[number].gives)() is called with another's length"
            )
          }
          let count = pairs[number].count
          if hasFailed, let count, let most = one.count, Self.key(event, count) != most {
            report.broken(
              .unreleased, in: function, at: event.pc,
              "\(pairs[number].takes)() took \(most), and \(pairs[number].gives)() is called for \(Self.key(event, count))"
            )
          }
          if pairs[number].isLearned {
            for between in events[(one.event + 1)..<index]
            where between.what == .call && between.arguments.contains(one.key) {
              report.note(.init(taker: events[one.event].call, borrower: between.call))
            }
          }
          // One call that takes may have several that give back.
          taken.removeAll { $0.event == one.event }
        } else {
          resumed.insert(Resumed(pair: number, key: key))
        }
      }
      let takings = takers[event.call] ?? []
      for number in takings {
        let pair = pairs[number]
        guard !refused.contains(index), !Self.isFailure(event.value, isPointer: pair.taken == -1),
          pair.taken ?? 0 > -2 || event.value == 0 || Int64(bitPattern: event.value) > 0xffff
        else { continue }
        let key = Self.key(event, pair.taken)
        // What was there before is nothing that it gave.
        if (pair.taken ?? 0) < -1, key == 0 { continue }
        if pair.isPart {
          guard key > 0xffff else { continue }
        } else if pair.isLoose {
          guard key > 0xffff, !Self.isKnown(key, before: index, in: events) else { continue }
        } else if pair.taken != -1,
          takings.contains(where: {
            pairs[$0].taken == pair.taken && resumed.contains(Resumed(pair: $0, key: key))
          })
        {
          // One call that takes may have several that stop it.
          continue
        }
        taken.append(
          Taken(
            pair: number, key: key, pc: event.pc, event: index,
            count: pair.count.map { Self.key(event, $0) }))
      }
    }
    report.look(at: .init(.unreleased))
    let called = known?.called ?? report.findings.stages.called
    var told: Set<Int> = []
    if !hasFailed {
      for one in taken where pairs[one.pair].isLearned {
        // What this function gives back in some run, it has until somebody else does.
        guard let giver = self.giver(one.pair), called.contains(giver),
          !isElsewhere(
            one, in: events, world, result, hasFailed,
            known?.loans ?? report.findings.stages.loans), told.insert(one.event).inserted
        else { continue }
        report.broken(
          .unreleased, in: function, at: one.pc,
          "\(pairs[one.pair].takes)() succeeds, nothing names what it gave, and \(pairs[one.pair].gives)() is not called"
        )
      }
      return
    }
    // What is put off because of the failure gives back nobody knows what.
    let failed = world.decisions.last { $0.choice != 0 }.map { Int($0.event) } ?? 0
    let isDeferred = zip(events.indices, events).contains { index, event in
      index > failed && event.what == .call && defers.contains(event.call)
    }
    if isDeferred { return }
    var initialised: Set<UInt64> = []
    var isReleased = false
    for event in events where event.what == .call {
      if initialisers.contains(event.call) {
        initialised.insert(event.arg.0)
      } else if drops.contains(event.call), initialised.contains(event.arg.0) {
        isReleased = true
      }
    }
    for one in taken where told.insert(one.event).inserted {
      let pair = pairs[one.pair]
      if pair.isPart {
        let isGone = events[(one.event + 1)...].contains {
          $0.what == .free && $0.arg.0 >> 12 == one.key >> 12
        }
        guard isGone else { continue }
      }
      if pair.isLoose, isElsewhere(one, in: events, world, result, hasFailed) { continue }
      // What the text gives back in no run, it does where something is so that never is so here.
      if let giver = within[one.pair], !called.contains(giver) { continue }
      // What the object holds its `release` gives back.
      if isReleased, one.key > 0xffff, world.names(one.key) { continue }
      // Where this function never gives it back, who finds it in what is left does.
      if pair.taken == -1, !isGivenHere[one.pair],
        one.key > 0xffff ? world.names(one.key) : world.holds(number: one.key)
      {
        continue
      }
      report.broken(
        .unreleased, in: function, at: one.pc,
        "\(pair.takes)() succeeds, the function fails, and \(pair.gives)() is not called")
    }
  }
}

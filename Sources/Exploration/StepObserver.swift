// SPDX-License-Identifier: GPL-2.0-only

/// Takes down what came of each step, in terms that hold for any code: how it ended, what it
/// returned, what it keeps, and what the slots hold.
struct StepObserver {
  /// The most telling first.
  private enum Aspect: UInt8 {
    case ending, result, warnings, locks, memory, slot
  }

  private let subject: Subject
  /// The first event of the next step.
  private var position = 0
  /// Before each step of the run, its first event and what the slots hold.
  private var befores: [(position: Int, slots: [UInt64])] = []

  init(_ subject: Subject) { self.subject = subject }

  /// Takes what is there before a step.
  ///
  /// - Parameter isGoingOn: whether the run goes on in this step of the one before.
  mutating func prepare(_ step: Int, _ world: World, isGoingOn: Bool) {
    let known = isGoingOn ? step + 1 : step
    if befores.count > known { befores.removeLast(befores.count - known) }
    if !isGoingOn { befores.append((step == 0 ? 0 : position, slots(world))) }
    position = befores[step].position
  }

  private func slots(_ world: World) -> [UInt64] {
    subject.slots.indices.map { world.peek(UInt32($0)) }
  }

  /// Takes the step that was just made. Of a slot it counts by how much the step changes it: what it
  /// leaves alone may hold anything where nobody has looked at it.
  mutating func take(_ step: Int, _ entry: UInt32, _ world: World, _ record: Record) {
    let events = world.events
    guard position < events.count else { return record.take(step, []) }
    var ending = EventKind.step
    var (result, warnings, memory, locks) = (UInt64(0), 0, 0, 0)
    let number = events[position].step
    while position < events.count, events[position].step == number {
      let event = events[position]
      position += 1
      switch event.what {
      case .returned: (ending, result) = (.returned, event.value)
      case .warning: warnings += 1
      case .lock: locks += 1
      case .unlock where !event.isLockMisuse: locks -= 1
      case .allocation where event.value != 0: memory += 1
      case .free where event.freed == .live: memory -= 1
      case .bug, .access, .address, .fault, .hang, .overflow, .deadlock: ending = event.what
      default: break
      }
    }
    var facts: [Observation.Fact] = []
    func add(_ aspect: Aspect, _ index: Int, _ value: UInt64, shown: UInt64? = nil) {
      facts.append(
        .init(
          step: UInt8(step), target: UInt8(truncatingIfNeeded: entry), aspect: aspect.rawValue,
          index: UInt8(truncatingIfNeeded: index), value: value, shown: shown))
    }
    add(.ending, 0, UInt64(ending.rawValue))
    add(.result, 0, result)
    add(.warnings, 0, UInt64(warnings))
    add(.locks, 0, UInt64(bitPattern: Int64(locks)))
    add(.memory, 0, UInt64(bitPattern: Int64(memory)))
    for (slot, value) in slots(world).enumerated() {
      add(.slot, slot, value &- befores[step].slots[slot], shown: value)
    }
    record.take(step, facts)
  }

  static func tellsValues(_ aspect: UInt8) -> Bool { aspect <= Aspect.result.rawValue }

  static func describe(
    _ old: Observation.Fact, _ new: Observation.Fact, function: String, slots: [String]
  ) -> String {
    let (was, now) = (Int64(bitPattern: old.shown), Int64(bitPattern: new.shown))
    func number(_ value: Int64) -> String {
      (-4095...4095).contains(value)
        ? Errno.name(Int32(value)) : "0x" + String(UInt64(bitPattern: value), radix: 16)
    }
    func count(_ value: Int64, _ noun: String) -> String {
      "\(value) \(noun)\(value == 1 ? "" : "s")"
    }
    switch Aspect(rawValue: new.aspect)! {
    case .ending: return "\(function) ends otherwise"
    case .result: return "\(function) returns \(number(now)) instead of \(number(was))"
    case .warnings: return "\(count(now, "WARN")) in \(function) instead of \(was)"
    case .locks: return "\(function) leaves \(count(now, "lock")) held instead of \(was)"
    case .memory: return "\(function) keeps \(count(now, "allocation")) instead of \(was)"
    case .slot:
      return
        "\(slots[Int(new.index)]) is \(number(now)) instead of \(number(was)) after \(function)"
    }
  }
}

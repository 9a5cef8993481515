// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// Collects what a search finds, one entry for each breach, with the smallest scenario of each.
///
/// A breach is a property, the function that was called and a place in the code. What a run says is
/// taken at its end, once it is known how many scenarios the run stands for.
public struct Report {
  public struct Breach: Hashable, Comparable, Sendable {
    public var property: Property
    public var function: String
    /// Offset in the subject's module, 0 if there is no place.
    public var offset: UInt64

    public static func < (one: Self, other: Self) -> Bool {
      (one.property, one.function, one.offset) < (other.property, other.function, other.offset)
    }
  }

  public struct Entry: Sendable {
    public var message: String
    public var state: Int
    public var choices: [UInt8]
    /// How many scenarios break the property this way.
    public var failing: Int
    /// Offsets of the last basic blocks before, newest first: where a return came from.
    public var path: [UInt64]
    /// How simple its scenario is.
    public var size: Size
  }

  /// How simple a scenario is, the simplest first: no WARN before, for where one fires the code
  /// itself calls the state impossible; the fewest failures; a function called on its own before a
  /// longer story; the fewest decisions until it breaks; the fewest parts of the state that are not
  /// the ordinary ones; the first state.
  public struct Size: Comparable, Sendable {
    public var isWarned: Bool
    /// Of the answers that are not the ordinary ones those of callees, where inputs are answers too.
    public var faults: Int
    public var failures: Int
    public var isStory: Bool
    public var decisions: Int
    public var differences: Int
    public var state: Int

    private var order: (Int, Int, Int, Int, Int, Int) {
      (faults * 2 + (isWarned ? 1 : 0), failures, isStory ? 1 : 0, decisions, differences, state)
    }

    public static func < (left: Size, right: Size) -> Bool { left.order < right.order }
  }

  /// What was found so far.
  public struct Findings: Sendable {
    public internal(set) var entries: [Breach: Entry] = [:]
    /// How many scenarios looked at the same properties.
    private var looked: [PropertySet: Int] = [:]
    /// Whether a run has returned an errno or no pointer.
    public internal(set) var returnsErrors = false
    /// What was given back where one callee failed.
    public internal(set) var stages = Consistency()
    /// What the harness ran out of, and in how many scenarios.
    public internal(set) var limits: [Limit: Int] = [:]

    /// In how many scenarios a property was looked at.
    public func checked(_ property: Property) -> Int {
      looked.reduce(0) { $0 + ($1.key.contains(property) ? $1.value : 0) }
    }

    /// Those that any scenario looked at.
    public var properties: PropertySet { looked.keys.reduce([]) { $0.union($1) } }

    mutating func look(at properties: PropertySet, _ scenarios: Int) {
      looked[properties, default: 0] += scenarios
    }

    /// Takes out what goes wrong though nothing has failed: that may be what was assumed of the inputs.
    ///
    /// - Returns: what was taken out.
    mutating func dropAssumed() -> Findings {
      let assumed = entries.filter { breach, entry in
        entry.size.faults == 0 && Property.immediate.contains(breach.property)
      }
      // Where nothing says of failures which, success is no statement.
      if !returnsErrors {
        for breach in entries.keys where breach.property == .errorSwallowed {
          entries[breach] = nil
        }
      }
      for (breach, entry) in assumed {
        entries[breach] = nil
        limits[.assumed, default: 0] += entry.failing
      }
      var taken = Findings()
      taken.entries = assumed
      return taken
    }

    mutating func add(_ breach: Breach, _ entry: Entry) { entries[breach] = entry }

    /// Adds what an earlier and smaller search has found, where this one has not.
    mutating func add(_ other: Findings) {
      for (breach, entry) in other.entries where entries[breach] == nil { entries[breach] = entry }
    }

    /// That a search was ended is not told where nobody waits for its end.
    mutating func forgetEnd() {
      limits[.runs] = nil
      limits[.seconds] = nil
    }

    mutating func merge(_ other: Findings) {
      for (breach, entry) in other.entries {
        guard var mine = entries[breach] else {
          entries[breach] = entry
          continue
        }
        let failing = mine.failing + entry.failing
        if entry.size < mine.size { mine = entry }
        mine.failing = failing
        entries[breach] = mine
      }
      looked.merge(other.looked, uniquingKeysWith: +)
      returnsErrors = returnsErrors || other.returnsErrors
      stages.merge(other.stages)
      limits.merge(other.limits, uniquingKeysWith: +)
    }
  }

  /// What the present run says of one breach.
  private struct Said {
    var breach: Breach
    /// nil where the known entry stays.
    var entry: Entry?
  }

  public private(set) var findings = Findings()
  private var state = StartingState(space: 0, values: .zero)
  private(set) var choices = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
  private var said: [Said] = []
  private var looked: PropertySet = []
  private var limits: [Limit] = []
  /// What runs with another fill of what nothing has written are compared with, step by step; nil
  /// until one is made.
  var lockstep: Lockstep?
  /// Whether the present run is one of these.
  var isInLockstep = false
  /// Whether the present run is in a loop that was seen not to end, and simpler than what was seen.
  private(set) var isSimplerHang = false
  /// Where the present run goes on from the one before; nil: from the beginning.
  private(set) var resumption: Resumption?
  /// What was said before each step.
  private var marks: [(said: Int, looked: PropertySet, limits: Int)] = []
  /// Whether the present run passes a way between two blocks that none before it has passed.
  var isNewPath = false
  /// Whether, of orders of two threads that differ only in what touches nothing in common, one is made.
  var isJoining = false
  /// Whether the present run was ended because an order that was made before shows the same.
  var repeats = false
  /// Whether the present run is only taken down.
  private(set) var isRecording = false
  /// What takes down what comes of each step; nil where nobody asks.
  public var record: Record?
  /// Whether steps are judged.
  private(set) var isJudging = true

  /// From which call on what is asked is an input; nil where none is.
  var inputs: Int?
  /// Calls that nobody asks whether they fail.
  var unasked: Set<UInt16> = []

  private let moduleStart: UInt64
  private let world: World?
  private let spaces: [StateSpace]

  /// - Parameters:
  ///   - subject: the build whose return addresses ``broken`` is told; nil for none.
  ///   - spaces: what tells simple states from others.
  public init(_ subject: Subject? = nil, spaces: [StateSpace] = []) {
    moduleStart = subject?.moduleStart ?? 0
    world = subject?.world
    self.spaces = spaces
  }

  /// Judges nothing: what comes of a run is only taken down.
  init(only record: Record) {
    self.init()
    self.record = record
    isJudging = false
  }

  private func size(in function: String) -> Size {
    let space = spaces.indices.contains(state.space) ? spaces[state.space] : nil
    return Size(
      isWarned: world?.events.contains { $0.what == .warning } ?? false, faults: faults,
      failures: choices.count { $0 != 0 }, isStory: space?.name != function,
      decisions: world?.decisions.count ?? choices.count,
      differences: space?.differences(of: lookedAt) ?? 0,
      state: space.map { space in
        spaces[..<state.space].reduce(0) { $0 + $1.count } + space.number(of: lookedAt)
      } ?? 0)
  }

  /// Whether a race leaves out orders that an earlier one stands for; not where a run is held against
  /// another.
  public var joins: Bool { isJoining && !isInLockstep && record == nil }

  /// How many callees have failed in the present run, where inputs are answers too.
  var faults: Int {
    guard let inputs, let world else { return 0 }
    return world.decisions.count {
      $0.choice != 0 && Int($0.call) < inputs && !unasked.contains($0.call)
        && StepEvents.isFailure(world.events[Int($0.event)].value)
    }
  }

  /// The state's values where somebody looked; what nobody looked at is ordinary.
  private var lookedAt: InputValues {
    guard let world else { return state.values }
    var values = InputValues.zero
    for one in world.asked { values[Int(one.input)] = one.value }
    return values
  }

  /// The basic blocks that led to an address, or to the end of the run; the newest first.
  private func path(to pc: UInt64) -> [UInt64] {
    guard let world else { return [] }
    let way = pc == 0 ? nil : world.blocks(to: pc, from: moduleStart)
    return way ?? world.blocks(from: moduleStart)
  }

  /// Begins a run.
  ///
  /// - Parameters:
  ///   - resumption: where it goes on from the one before; nil: from the beginning.
  ///   - recording: whether it is only taken down, in the lockstep, and nothing judged.
  mutating func begin(
    _ state: StartingState, _ choices: UnsafeBufferPointer<UInt8>,
    resumption: Resumption? = nil, recording: Bool = false
  ) {
    self.state = state
    self.choices = choices
    self.resumption = resumption
    isSimplerHang = false
    isRecording = recording
    record?.begin(keeping: resumption?.step ?? 0)
    if let resumption {
      let mark = marks[resumption.step]
      if said.count > mark.said { said.removeLast(said.count - mark.said) }
      if limits.count > mark.limits { limits.removeLast(limits.count - mark.limits) }
      looked = mark.looked
    } else {
      if !said.isEmpty { said.removeAll(keepingCapacity: true) }
      if !limits.isEmpty { limits.removeAll(keepingCapacity: true) }
      if !marks.isEmpty { marks.removeAll(keepingCapacity: true) }
      looked = []
    }
  }

  /// Whether a step was made by ``make(_:in:_:)``, so that a run can go on in it.
  func knows(_ step: Int) -> Bool { step < marks.count }

  /// Remembers what was said before a step.
  mutating func mark(_ step: Int) {
    if marks.count > step { marks.removeLast(marks.count - step) }
    marks.append((said.count, looked, limits.count))
  }

  /// Takes what the present run said.
  ///
  /// - Parameter scenarios: how many scenarios it stands for.
  mutating func end(standingFor scenarios: Int) {
    findings.look(at: looked, scenarios)
    for limit in limits { findings.limits[limit, default: 0] += scenarios }
    for one in said {
      let failing = findings.entries[one.breach]?.failing ?? 0
      if let entry = one.entry { findings.entries[one.breach] = entry }
      findings.entries[one.breach]!.failing = failing + scenarios
    }
  }

  /// Whether the present run breaks a property.
  var isBroken: Bool { !said.isEmpty }
  /// Whether the present run does not come to an end.
  var isHung: Bool { said.contains { $0.breach.property == .hang } }
  /// Whether the harness ran out of something in the present run.
  var isCut: Bool { !limits.isEmpty }

  /// Says that the present scenario breaks a property.
  ///
  /// - Parameters:
  ///   - pc: return address into the subject, 0 if there is no place.
  ///   - message: one sentence without a full stop; made only when it is needed.
  public mutating func broken(
    _ property: Property, in function: String, at pc: UInt64, _ message: @autoclosure () -> String
  ) {
    let breach = Breach(
      property: property, function: function,
      offset: pc == 0 ? 0 : pc &- moduleStart)
    guard !said.contains(where: { $0.breach == breach }) else { return }
    let size = size(in: function)
    if let known = findings.entries[breach], known.size <= size {
      said.append(Said(breach: breach, entry: nil))
      return
    }
    said.append(
      Said(
        breach: breach,
        entry: Entry(
          message: message(), state: size.state, choices: Array(choices), failing: 0,
          path: path(to: pc),
          size: size)))
  }

  /// Says that the present scenario looks at properties, whether it keeps them or not.
  @inlinable public mutating func look(at properties: PropertySet) { add(properties) }

  @usableFromInline mutating func add(_ properties: PropertySet) { looked.formUnion(properties) }

  mutating func returnsError() { findings.returnsErrors = true }

  mutating func note(called callee: UInt16) { findings.stages.note(called: callee) }
  mutating func note(_ loan: Consistency.Loan) { findings.stages.note(loan) }

  mutating func note(_ stage: Consistency.Stage, after answers: [UInt8]) {
    findings.stages.add(stage, after: answers)
  }

  /// Says that scenarios are left out.
  mutating func leaveOut(by limit: Limit) { findings.limits[limit, default: 0] += 1 }

  /// Says that the harness ran out of something: nothing is known of what comes behind.
  mutating func cut(by limit: Limit, in function: String) {
    limits.append(limit)
    guard limit == .loop else { return }
    let size = size(in: function)
    isSimplerHang = findings.entries.contains {
      $0.key.property == .hang && $0.key.function == function && size < $0.value.size
    }
  }
}

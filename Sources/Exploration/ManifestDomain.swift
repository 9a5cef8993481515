// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// A subject that no model knows: driven as its manifest says, judged by what holds for any code.
public struct ManifestDomain: ObservedDomain {
  private let subject: Subject
  private let plan: Plan
  public let spaces: [StateSpace]
  public var most: Int? { plan.bound }
  public var stages: Consistency?
  /// Of each call.
  let says: [Conduct.Says]
  private var oracle: UniversalOracle
  /// The state that was run last, where its set-up can be gone back to: one state has many lists of
  /// decisions.
  private var last: StartingState?
  /// The first event behind the set-up.
  private var firstEvent = 0
  /// A step of the last run.
  private struct Made {
    /// Before it.
    var oracle: UniversalOracle
    var arguments: [UInt64]
    var result: UInt64?
    var goesOn = false
  }
  private var made: [Made] = []
  /// What takes down what comes of a scenario, where somebody asks.
  private var observer: StepObserver

  public static let properties =
    Property.universal.filter { ![.warnMissing, .deadlock].contains($0) } + [
      .unreleased, .unchecked,
    ]

  public init(_ subject: Subject) throws {
    self.subject = subject
    plan = try Plan(subject)
    spaces = plan.drivers.map(\.space)
    oracle = UniversalOracle(subject, plan)
    let traits = plan.traits
    says = subject.calls.map { name in
      func has(_ trait: String) -> Bool { traits[trait]?.contains(name) ?? false }
      return Conduct.Says(gives: has("gives"), frees: has("frees"), isSilent: has("silent"))
    }
    observer = StepObserver(subject)
  }

  public static func setUp(drive: String, spelled: String) -> [SetUpLine] {
    spelled == "-" ? [] : spelled.split(separator: ",").map { .words("\($0)") }
  }

  // MARK: Running

  public mutating func run(
    _ state: StartingState, _ choices: UnsafeBufferPointer<UInt8>, _ report: inout Report
  ) {
    let world = subject.world
    let driver = plan.drivers[state.space]
    if report.wasPrepared(0) {
      // Goes on from the run before.
    } else if last == state {
      world.back(choices)
    } else {
      world.begin(state, of: driver.space, choices)
      for (input, place) in driver.inputs where input.argument == nil {
        let value = place.map { Int(state.values[$0]) } ?? 0
        world.choose(input.number, value, asking: place.map { 1 << UInt32($0) } ?? 0)
      }
      for helper in subject.prepares.indices {
        _ = world.prepare(UInt32(helper), 0, 0, 0, asking: true)
      }
      // Where the set-up came to no end, the first step is told why.
      firstEvent = world.happened.pointee.ended == 0 ? world.events.count : 0
      world.mark()
      // What a set-up took and asked for is no part of what is gone back to.
      last = world.events.isEmpty && subject.prepares.isEmpty ? state : nil
    }
    if !report.wasPrepared(0) {
      oracle.begin(at: firstEvent)
      report.inputs = plan.inputs
      report.unasked = oracle.unused.subtracting(oracle.neglected)
    }
    for number in driver.calls.indices {
      guard step(number, driver, state, &report) else { return }
    }
  }

  /// Makes a step and has it judged. Returns whether the driver goes on.
  private mutating func step(
    _ number: Int, _ driver: Plan.Driver, _ state: StartingState, _ report: inout Report
  ) -> Bool {
    if report.wasMade(number) { return made[number].goesOn }
    let world = subject.world
    if report.wasPrepared(number) {
      oracle = made[number].oracle
      made.removeLast(made.count - number - 1)
    } else {
      if made.count > number { made.removeLast(made.count - number) }
      let arguments = arguments(of: driver.calls[number], driver, state)
      made.append(Made(oracle: oracle, arguments: arguments))
    }
    let target = driver.calls[number]
    let arguments = made[number].arguments
    if report.record != nil {
      observer.prepare(number, world, isGoingOn: report.wasPrepared(number))
    }
    let result = report.make(number, in: world) {
      world.call(target.entry, with: arguments).map { ($0, 0) }
    }?.0
    made[number].result = result
    let isFailed = number == 0 && result.map { Outcome(target.result, $0).isFailure } ?? false
    // Nothing goes on beside a lock that is never released, or with what was never made.
    made[number].goesOn =
      result != nil && world.happened.pointee.locks_held == 0 && !isFailed
    if let record = report.record { observer.take(number, target.entry, world, record) }
    if report.takesStep(world, result) {
      report.record?.isJudging = true
      defer { report.record?.isJudging = false }
      let isLast = number == driver.calls.count - 1
      let held = made.indices.filter { !isLast || $0 == number || !driver.isTaken($0) }
      let isSame = oracle.judge(
        target, world, result, held: held.compactMap { made[$0].result },
        isReleased: driver.isLife && (isLast || isFailed),
        isOrdinary: world.asked.allSatisfy { $0.value == 0 }, by: stages, &report)
      if !isSame { made[number].goesOn = false }
    }
    return made[number].goesOn
  }

  private func arguments(
    of target: Plan.Target, _ driver: Plan.Driver, _ state: StartingState
  ) -> [UInt64] {
    let world = subject.world
    var arguments = Array(repeating: 0 as UInt64, count: Int(KSHIM_MAX_ARGS))
    for (input, place) in driver.inputs {
      guard let argument = input.argument, argument.target == target.name else { continue }
      if let place { world.ask(UInt8(place)) }
      arguments[argument.position] = world.choose(
        input.number, place.map { Int(state.values[$0]) } ?? 0)
    }
    for (position, makers) in target.taken {
      let maker = made.indices.last { makers.contains(driver.calls[$0].name) }
      if let maker, let result = made[maker].result { arguments[position] = result }
    }
    return arguments
  }

  /// What a result of the only function says; nil where there are several.
  func outcome(_ value: UInt64) -> Outcome? {
    guard plan.drivers.count == 1, let call = plan.drivers[0].calls.first,
      plan.drivers[0].calls.count == 1
    else { return nil }
    return Outcome(call.result, value)
  }

  var isVoid: Bool { plan.drivers.first?.calls.first?.result == .void }

  var pairs: [Plan.Pair] { plan.pairs }

  /// Whether what is asked is an input, and no callee's answer.
  func isInput(_ call: UInt16) -> Bool { plan.inputs.map { Int(call) >= $0 } ?? false }

  // MARK: Observing

  public func name(ofTarget target: UInt8) -> String { subject.entries[Int(target)] }

  public func describe(_ old: Observation.Fact, _ new: Observation.Fact) -> String {
    StepObserver.describe(
      old, new, function: "\(name(ofTarget: new.target))()", slots: subject.slots)
  }

  public static func tellsValues(_ aspect: UInt8) -> Bool { StepObserver.tellsValues(aspect) }
}

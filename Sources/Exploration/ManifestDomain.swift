// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// A subject that no model knows: driven as its manifest says, judged by what holds for any code.
public struct ManifestDomain: ObservedDomain {
  private let subject: Subject
  private let plan: Plan
  public let spaces: [StateSpace]
  private var oracle: UniversalOracle
  /// The state that was run last: one state has many lists of decisions.
  private var last: StartingState?
  /// What takes down what comes of a scenario, where none is judged.
  private var observer: StepObserver?

  public static let properties = Property.universal.filter {
    ![.warnMissing, .deadlock].contains($0)
  }

  public init(_ subject: Subject) throws {
    self.subject = subject
    plan = try Plan(subject)
    spaces = plan.drivers.map(\.space)
    oracle = UniversalOracle(subject)
  }

  public init(observing subject: Subject) throws {
    try self.init(subject)
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
    oracle.begin()
    if last == state {
      world.back(choices)
    } else {
      last = state
      world.begin(state, of: driver.space, choices)
      for (input, place) in driver.inputs where input.argument == nil {
        let value = place.map { Int(state.values[$0]) } ?? 0
        world.choose(input.number, value, asking: place.map { 1 << UInt32($0) } ?? 0)
      }
      world.mark()
    }
    var results: [(maker: String, value: UInt64)] = []
    for (number, target) in driver.calls.enumerated() {
      let arguments = arguments(of: target, driver, state, results)
      let result = world.call(target.entry, with: arguments)
      if let result { results.append((target.name, result)) }
      let isFailed = number == 0 && result.map { Outcome(target.result, $0).isFailure } ?? false
      if observer != nil {
        observer!.take(target.entry, world)
      } else if report.takesStep(world, result) {
        let isLast = number == driver.calls.count - 1
        let held = results.indices.filter { !isLast || $0 == number || !driver.isTaken($0) }
        let isSame = oracle.judge(
          target, world, result, held: held.map { results[$0].value },
          isReleased: driver.isLife && (isLast || isFailed),
          isOrdinary: world.asked.allSatisfy { $0.value == 0 }, &report)
        guard isSame else { return }
      }
      // Nothing goes on beside a lock that is never released, or with what was never made.
      guard result != nil, world.happened.pointee.locks_held == 0, !isFailed else { return }
    }
  }

  private func arguments(
    of target: Plan.Target, _ driver: Plan.Driver, _ state: StartingState,
    _ results: [(maker: String, value: UInt64)]
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
      if let made = results.last(where: { makers.contains($0.maker) }) {
        arguments[position] = made.value
      }
    }
    return arguments
  }

  // MARK: Observing

  public mutating func observe(
    _ state: StartingState, _ choices: UnsafeBufferPointer<UInt8>, _ observation: inout Observation
  ) {
    observer!.begin()
    var none = Report()
    run(state, choices, &none)
    observer!.end(&observation)
  }

  public func name(ofTarget target: UInt8) -> String { subject.entries[Int(target)] }

  public func describe(_ old: Observation.Fact, _ new: Observation.Fact) -> String {
    StepObserver.describe(
      old, new, function: "\(name(ofTarget: new.target))()", slots: subject.slots)
  }

  public static func tellsValues(_ aspect: UInt8) -> Bool { StepObserver.tellsValues(aspect) }
}

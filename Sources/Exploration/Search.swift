// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// A part of the tree of decisions: all lists that begin like this one.
struct Branch: Sendable {
  /// A decision that was made: an input's value or a callee's answer.
  struct Taken: Sendable {
    /// nil for a callee's answer.
    var input: UInt8?
    var choice: UInt8
    var arity: UInt8
    /// The value that an input had when it was first looked at: the others come in turn.
    var first: UInt8 = 0

    /// Whether another choice is left.
    var isOpen: Bool { next != first }
    var next: UInt8 { choice + 1 == arity ? 0 : choice + 1 }
  }

  var space: Int
  var taken: [Taken] = []
  /// How many decisions at the beginning stay as they are.
  var fixed = 0
  /// Where the search may not turn an input: the values of all.
  var state: InputValues?

  init(space: Int) { self.space = space }

  init(only state: StartingState) {
    space = state.space
    self.state = state.values
  }
}

/// A run to make again where branches are counted.
public struct Covering: Sendable {
  var state: StartingState
  var choices: [UInt8]
}

/// One worker's walk through branches.
struct Search {
  private let subject: Subject
  private let world: World
  private let spaces: [StateSpace]
  private(set) var report: Report
  private(set) var runs = 0
  /// What the runs stand for.
  private(set) var scenarios = 0
  /// Runs that together pass every way that any run passes.
  private(set) var covering: [Covering] = []
  /// How many states are done with: each run has its part of them.
  private(set) var done = 0.0

  /// How many answers of one scenario are not the ordinary ones: code may try again without an end.
  private static let mostFailures = 24
  /// How many decisions are turned of a run that was cut off.
  private static let mostOfCut = 64

  private var branch = Branch(space: 0)
  private var choices: [UInt8] = []
  /// What comes of every run; nil where nobody asks.
  private(set) var outcomes: OutcomeBuilder?

  /// - Parameter silent: where outcomes are asked for, callees whose calls show as what they do.
  init(_ subject: Subject, _ spaces: [StateSpace], observing silent: Set<String>? = nil) {
    self.subject = subject
    world = subject.world
    self.spaces = spaces
    report = Report(subject, spaces: spaces)
    if let silent {
      outcomes = OutcomeBuilder(subject, spaces, silent: silent)
      report.record = outcomes!.record
    }
    // What an earlier search met, of another mutant say, is nothing that this one has seen.
    world.forgetLoops()
  }

  /// Whether the last run broke a property.
  var isBroken: Bool { report.isBroken }

  /// The values with which a run of the branch begins: what nobody looked at is ordinary.
  private var values: InputValues {
    if let state = branch.state { return state }
    var values = InputValues.zero
    for one in branch.taken { if let input = one.input { values[Int(input)] = one.choice } }
    return values
  }

  /// Runs every scenario of a branch.
  ///
  /// - Parameter after: called after each run; false ends the walk.
  mutating func walk<D: Domain>(
    _ branch: Branch, in domain: inout D, after: (inout Search) -> Bool
  ) {
    self.branch = branch
    var state = StartingState(space: branch.space, values: values)
    var resumption: Resumption?
    while true {
      choices.removeAll(keepingCapacity: true)
      for one in self.branch.taken where one.input == nil { choices.append(one.choice) }
      choices.withUnsafeBufferPointer {
        Explorer.execute(state, $0, resumption, in: &domain, subject, &report)
      }
      if report.isNewPath {
        covering.append(Covering(state: state, choices: choices))
      }
      outcomes?.take(branch.space, isWhole: !report.isCut && !report.isHung)
      take()
      let standingFor = self.standingFor
      runs += 1
      scenarios += standingFor
      done += part
      report.end(standingFor: standingFor)
      guard after(&self), turn() else { return }
      resumption = turned
      if resumption == nil { state.values = values }
    }
  }

  /// How to go on from the last run where the decision that was turned is a callee's answer; nil where
  /// it must be run from the beginning.
  private var turned: Resumption? {
    guard let last = branch.taken.last, last.input == nil else { return nil }
    let decision = branch.taken.count { $0.input == nil } - 1
    guard decision < world.checkpoints else { return nil }
    let step = Int(world.decisions[decision].step)
    guard report.knows(step) else { return nil }
    return Resumption(step: step, decision: decision, choice: last.choice)
  }

  /// Takes down the decisions of the run that was just made, behind those that it began with.
  private mutating func take() {
    let asked = world.asked
    let decisions = world.decisions
    let isTurning = branch.state == nil
    var known = branch.taken.count
    var next = 0
    func add(_ one: Branch.Taken, _ taken: inout [Branch.Taken]) {
      if known > 0 {
        known -= 1
      } else {
        taken.append(one)
      }
    }
    for number in 0...decisions.count {
      while isTurning, next < asked.count, number == decisions.count || asked[next].before <= number
      {
        let one = asked[next]
        add(
          .init(input: one.input, choice: one.value, arity: one.arity, first: one.value),
          &branch.taken)
        next += 1
      }
      guard number < decisions.count else { break }
      add(
        .init(input: nil, choice: decisions[number].choice, arity: decisions[number].arity),
        &branch.taken)
    }
    // What was cut off is not judged to its end; nor is every way to be cut off.
    guard report.isCut || report.isHung else { return }
    var answers = min(Int(world.happened.pointee.before_loop), Self.mostOfCut)
    let end = branch.taken.firstIndex { one in
      if one.input == nil { answers -= 1 }
      return answers < 0
    }
    if let end { branch.taken.removeLast(branch.taken.count - max(end, branch.fixed)) }
  }

  /// The part of its space that the last run is, in states.
  private var part: Double {
    branch.taken.reduce(Double(spaces[branch.space].count)) { $0 / Double($1.arity) }
  }

  /// How many states agree with the last run's in all that was looked at.
  private var standingFor: Int {
    guard branch.state == nil else { return 1 }
    let arities = spaces[branch.space].arities
    var looked: UInt32 = 0
    for one in branch.taken { if let input = one.input { looked |= 1 << UInt32(input) } }
    return arities.indices.reduce(1) {
      looked >> UInt32($1) & 1 != 0 ? $0 : $0 * arities[$1]
    }
  }

  /// Turns the last open decision. False when none is left.
  private mutating func turn() -> Bool {
    var failures = branch.taken.count { $0.input == nil && $0.choice != 0 }
    while branch.taken.count > branch.fixed {
      let last = branch.taken.count - 1
      let one = branch.taken[last]
      if one.input == nil, one.choice != 0 { failures -= 1 }
      if one.isOpen {
        if one.input == nil, failures >= Self.mostFailures {
          report.leaveOut(by: .failures)
        } else {
          branch.taken[last].choice = one.next
          return true
        }
      }
      branch.taken.removeLast()
    }
    return false
  }

  /// Gives away the other answers of the first open decision; nil where there is none.
  mutating func split() -> Branch? {
    guard
      let first = branch.taken.indices.dropFirst(branch.fixed).first(where: {
        branch.taken[$0].isOpen
      })
    else { return nil }
    var other = branch
    other.taken.removeLast(other.taken.count - first - 1)
    other.taken[first].choice = other.taken[first].next
    other.fixed = first
    branch.fixed = first + 1
    return other
  }
}

extension Explorer {
  private static let variables: UInt8 = 0xaa

  /// Runs one scenario. Where it reads what nothing has written, it is run with another fill as
  /// well, and judged as far as both do the same.
  ///
  /// - Parameter resumption: where it goes on from the run before; nil: from the beginning.
  static func execute<D: Domain>(
    _ state: StartingState, _ choices: UnsafeBufferPointer<UInt8>,
    _ resumption: Resumption? = nil, in domain: inout D, _ subject: Subject,
    _ report: inout Report
  ) {
    let world = subject.world
    report.begin(state, choices, resumption: resumption)
    domain.run(state, choices, &report)
    report.isNewPath = world.happened.pointee.new_path
    if report.isSimplerHang {
      world.forgetLoops()
      report.begin(state, choices)
      domain.run(state, choices, &report)
    }
    guard world.hasReadUnset else { return }
    let isHung = report.isHung
    let lockstep = Lockstep(subject)
    report.lockstep = lockstep
    world.fill(unset: 0, tracing: true)
    // A loop that the first of the runs has shown not to end would only cut the others off.
    if isHung { world.forgetLoops() }
    report.begin(state, choices, recording: true)
    domain.run(state, choices, &report)
    if isHung { world.forgetLoops() }
    world.fill(unset: variables, tracing: true)
    report.begin(state, choices)
    domain.run(state, choices, &report)
    world.fill(unset: variables, tracing: false)
    report.lockstep = nil
  }
}

extension Report {
  /// Takes a step that was just made.
  ///
  /// - Returns: whether it is to be judged: not where the run is only taken down.
  public func takesStep(_ world: World, _ result: UInt64?) -> Bool {
    guard isRecording else { return isJudging }
    lockstep?.record(world, result)
    return false
  }

  /// Where the present step does something else with another fill of what nothing has written; nil
  /// where it does the same. Asked once for each step.
  public func parting(_ world: World, _ result: UInt64?) -> Parting? {
    let parting = lockstep?.parting(world, result)
    if parting?.isEnd ?? false { record?.stop() }
    return parting
  }
}

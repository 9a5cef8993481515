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
    /// How many states agree in all inputs up to this one.
    var states = 0
    /// What part of the states is left below it, where each decision has an equal share.
    var part = 0.0

    /// Whether it is an answer and another one is left. An input's other values are branches of
    /// their own.
    var isOpen: Bool { input == nil && choice + 1 < arity }
  }

  var space: Int
  var taken: [Taken] = []
  /// How many decisions at the beginning stay as they are.
  var fixed = 0
  /// How many of these are not the ordinary ones and do not count: they led somewhere new.
  var given = 0
  /// Where the search may not turn an input: the values of all.
  var state: InputValues?

  init(space: Int) { self.space = space }

  init(only state: StartingState) {
    space = state.space
    self.state = state.values
  }
}

/// Branches that begin in the same starting state, in the order of their answers: from one to the
/// next the search goes back to the first answer that differs.
struct Batch: Sendable {
  var branches: [Branch]

  init(_ branches: [Branch]) { self.branches = branches }
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
  /// How many states are done with: each run has its part of them.
  private(set) var done = 0.0

  /// How many answers of one scenario are not the ordinary ones: code may try again without an end.
  static let mostFailures = 24
  /// How many decisions are turned of a run that was cut off.
  private static let mostOfCut = 64

  private let most: Int?
  private var branch = Branch(space: 0)
  /// Where the last run of ``branch`` began; nil: the next branch is to be taken.
  private var state: StartingState?
  /// Whether the world still holds the last run, of the same batch.
  private var goesOn = false
  private var choices: [UInt8] = []
  /// Of the batch that is walked, the branches after this one, the next one last.
  private var rest: [Branch] = []
  /// Other values of inputs that were looked at in this batch, by starting state.
  private var others: [Batch] = []
  private var numbers: [Key: Int] = [:]
  /// Values of inputs, quick to hash.
  private struct Key: Hashable {
    let values: InputValues
    func hash(into hasher: inout Hasher) {
      let words = unsafeBitCast(values, to: SIMD4<UInt64>.self)
      hasher.combine(
        (words[0] &* 31 &+ words[1]) &* 0x9e37_79b9_7f4a_7c15 &+ words[2] &* 31 &+ words[3])
    }
  }
  /// Batches for later, the next one last.
  private var waiting: [Batch] = []
  /// What comes of every run; nil where nobody asks.
  private(set) var outcomes: OutcomeBuilder?
  /// Where runs without a failure came somewhere new: all up to the last decision that is not the
  /// ordinary one.
  private(set) var beginnings: [Branch] = []

  /// - Parameter silent: where outcomes are asked for, callees whose calls show as what they do.
  /// - Parameter most: how many answers of a run are not the ordinary ones, where that is a bound of the
  ///   domain and no limit.
  init(
    _ subject: Subject, _ spaces: [StateSpace], most: Int? = nil,
    observing silent: Set<String>? = nil
  ) {
    self.most = most
    self.subject = subject
    world = subject.world
    self.spaces = spaces
    report = Report(subject, spaces: spaces)
    // Whoever asks what comes of every run holds it against that of others.
    report.isJoining = silent == nil
    if let silent {
      outcomes = OutcomeBuilder(subject, spaces, silent: silent)
      report.record = outcomes!.record
    }
    world.watchWays(most != nil)
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

  /// Runs every scenario of a batch, and of all that comes of it: the answers of one starting state
  /// after the other.
  ///
  /// - Parameter after: called after each run; false ends the walk.
  mutating func walk<D: Domain>(
    _ batch: Batch, in domain: inout D, after: (inout Search) -> Bool
  ) {
    begin(batch)
    while next(in: &domain) {
      guard after(&self) else { return forget() }
    }
  }

  mutating func begin(_ batch: Batch) { waiting = [batch] }

  /// Makes the next run. False when none is left.
  mutating func next<D: Domain>(in domain: inout D) -> Bool {
    if state != nil, !turn() { state = nil }
    if state == nil {
      while rest.isEmpty {
        waiting += others.reversed()
        others.removeAll(keepingCapacity: true)
        numbers.removeAll(keepingCapacity: true)
        guard let batch = waiting.popLast() else { return false }
        rest = batch.branches.reversed()
        goesOn = false
      }
      branch = rest.removeLast()
      state = StartingState(space: branch.space, values: values)
    }
    let state = state!
    choices.removeAll(keepingCapacity: true)
    for one in branch.taken where one.input == nil { choices.append(one.choice) }
    let resumption = goesOn ? self.resumption : nil
    goesOn = true
    choices.withUnsafeBufferPointer {
      Explorer.execute(state, $0, resumption, in: &domain, subject, &report)
    }
    outcomes?.take(state, isWhole: !report.isCut && !report.isHung)
    take(state.values)
    if most != nil, report.isNewPath { takeBeginning() }
    let standingFor = report.repeats ? 0 : self.standingFor
    runs += 1
    scenarios += standingFor
    done += part
    report.end(standingFor: standingFor)
    return true
  }

  /// Says that something else was run in the same world.
  mutating func interrupt() { goesOn = false }

  mutating func leaveOut(by limit: Limit) { report.leaveOut(by: limit) }

  private mutating func forget() {
    rest = []
    others = []
    numbers = [:]
    waiting = []
    state = nil
  }

  /// How to go on from the last run, which began in the same state: at the first answer that is to be
  /// another. nil where it must be run from the beginning.
  private var resumption: Resumption? {
    let made = world.decisions
    var decision = 0
    while decision < choices.count, decision < made.count,
      choices[decision] == made[decision].choice
    {
      decision += 1
    }
    guard decision < choices.count, decision < min(made.count, world.checkpoints) else {
      return nil
    }
    let step = Int(made[decision].step)
    return report.knows(step) ? Resumption(step: step, decision: decision) : nil
  }

  /// Takes down the decisions of the run that was just made, behind those that it began with.
  ///
  /// - Parameter values: of its starting state.
  private mutating func take(_ values: InputValues) {
    let asked = world.asked
    let decisions = world.decisions
    let isTurning = branch.state == nil
    let before = branch.taken.count
    var known = before
    var next = 0
    let all = spaces[branch.space].count
    func add(_ one: Branch.Taken, _ taken: inout [Branch.Taken]) {
      guard known == 0 else {
        known -= 1
        return
      }
      var one = one
      one.states = taken.last?.states ?? all
      if one.input != nil { one.states /= Int(one.arity) }
      one.part = (taken.last?.part ?? Double(all)) / Double(one.arity)
      taken.append(one)
    }
    for number in 0...decisions.count {
      while isTurning, next < asked.count, number == decisions.count || asked[next].before <= number
      {
        let one = asked[next]
        add(.init(input: one.input, choice: one.value, arity: one.arity), &branch.taken)
        next += 1
      }
      guard number < decisions.count else { break }
      add(
        .init(input: nil, choice: decisions[number].choice, arity: decisions[number].arity),
        &branch.taken)
    }
    if report.isCut || report.isHung { cut() }
    for index in branch.taken.indices.dropFirst(before) where branch.taken[index].input != nil {
      leaveOthers(at: index, values)
    }
  }

  /// What was cut off is not judged to its end; nor is every way to be cut off.
  private mutating func cut() {
    var answers = min(Int(world.happened.pointee.before_loop), Self.mostOfCut)
    let end = branch.taken.firstIndex { one in
      if one.input == nil { answers -= 1 }
      return answers < 0
    }
    if let end { branch.taken.removeLast(branch.taken.count - max(end, branch.fixed)) }
  }

  /// Leaves the other values of an input that was just looked at for later.
  private mutating func leaveOthers(at index: Int, _ values: InputValues) {
    let one = branch.taken[index]
    for choice in 0..<one.arity where choice != one.choice {
      var values = values
      values[Int(one.input!)] = choice
      var other = Branch(space: branch.space)
      other.taken.reserveCapacity(index + 1)
      other.taken.append(contentsOf: branch.taken[...index])
      other.taken[index].choice = choice
      other.fixed = index + 1
      let key = Key(values: values)
      if let number = numbers[key] {
        others[number].branches.append(other)
      } else {
        numbers[key] = others.count
        others.append(Batch([other]))
      }
    }
  }

  /// Takes down that the last run came somewhere new, with inputs alone.
  private mutating func takeBeginning() {
    guard !report.isCut, !report.isHung, !report.isBroken, report.faults == 0,
      let last = branch.taken.lastIndex(where: { $0.input == nil && $0.choice != 0 })
    else { return }
    var one = Branch(space: branch.space)
    one.state = branch.state
    one.taken = Array(branch.taken[...last])
    one.fixed = one.taken.count
    one.given = one.taken.count { $0.input == nil && $0.choice != 0 }
    beginnings.append(one)
  }

  /// The part of its space that the last run is, in states.
  private var part: Double { branch.taken.last?.part ?? Double(spaces[branch.space].count) }

  /// How many states agree with the last run's in all that was looked at.
  private var standingFor: Int {
    guard branch.state == nil else { return 1 }
    return branch.taken.last?.states ?? spaces[branch.space].count
  }

  /// Turns the last open decision. False when none is left.
  private mutating func turn() -> Bool {
    var failures = branch.taken.count { $0.input == nil && $0.choice != 0 }
    while branch.taken.count > branch.fixed {
      let last = branch.taken.count - 1
      let one = branch.taken[last]
      if one.input == nil, one.choice != 0 { failures -= 1 }
      if one.isOpen {
        if let most {
          if failures < most + branch.given {
            branch.taken[last].choice += 1
            return true
          }
        } else if failures >= Self.mostFailures {
          report.leaveOut(by: .failures)
        } else {
          branch.taken[last].choice += 1
          return true
        }
      }
      branch.taken.removeLast()
    }
    return false
  }

  /// Gives away what is for later, the largest part of it that is at hand; nil where there is none.
  mutating func split() -> Batch? {
    if !waiting.isEmpty { return waiting.removeFirst() }
    if !others.isEmpty {
      numbers.removeAll(keepingCapacity: true)
      return others.removeFirst()
    }
    if rest.count > 1 {
      let half = Batch(rest[..<(rest.count / 2)].reversed())
      rest.removeFirst(rest.count / 2)
      return half
    }
    return splitAnswers().map { Batch([$0]) }
  }

  /// The other answers of the first open decision.
  private mutating func splitAnswers() -> Branch? {
    guard
      let first = branch.taken.indices.dropFirst(branch.fixed).first(where: {
        branch.taken[$0].isOpen
      })
    else { return nil }
    var other = branch
    other.taken.removeLast(other.taken.count - first - 1)
    other.taken[first].choice += 1
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
    let happened = world.happened.pointee
    report.isNewPath = happened.new_path
    report.repeats = happened.repeats
    if report.repeats { return }
    if report.isSimplerHang {
      world.forgetLoops()
      report.begin(state, choices)
      domain.run(state, choices, &report)
    }
    guard world.hasReadUnset else { return }
    let isHung = report.isHung
    report.beginLockstep(subject)
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
    report.isInLockstep = false
  }
}

extension Report {
  /// Prepares for a run that is taken down and one that is compared with it.
  fileprivate mutating func beginLockstep(_ subject: Subject) {
    if lockstep == nil { lockstep = Lockstep(subject) }
    lockstep!.clear()
    isInLockstep = true
  }

  /// Takes a step that was just made.
  ///
  /// - Returns: whether it is to be judged: not where the run is only taken down.
  public func takesStep(_ world: World, _ result: UInt64?) -> Bool {
    guard isRecording else { return isJudging }
    lockstep!.record(world, result)
    return false
  }

  /// Where the present step does something else with another fill of what nothing has written; nil
  /// where it does the same. Asked once for each step.
  public func parting(_ world: World, _ result: UInt64?) -> Parting? {
    let parting = isInLockstep ? lockstep!.parting(world, result) : nil
    if parting?.isEnd ?? false { record?.stop() }
    return parting
  }
}

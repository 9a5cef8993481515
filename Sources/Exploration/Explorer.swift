// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Shims
import Synchronization

/// What one part of the kernel brings to a search. Made once for each worker.
public protocol Domain: SendableMetatype {
  /// Makes what runs and judges this subject's scenarios.
  init(_ subject: Subject) throws
  /// The starting states of each driver, simple drivers first.
  var spaces: [StateSpace] { get }
  /// How many answers of a run are not the ordinary ones; nil where all are asked for.
  var most: Int? { get }
  /// What an earlier search took down, to judge by; nil where there was none.
  var stages: Consistency? { get set }
  /// Every property that it is judged by, in the order of reports.
  static var properties: [Property] { get }
  /// What bounds the search beyond its states and answers, for reports; nil where nothing does.
  static var bound: String? { get }
  /// What the starting states cover, each a phrase for reports; empty where nothing is said.
  static var coverage: [String] { get }
  /// How a spelled state is set up, as a reader of the kernel's code writes it; empty where nothing
  /// is said.
  static func setUp(drive: String, spelled: String) -> [SetUpLine]
  /// The starting states that there are in any kernel; nil where only a compiled subject tells.
  static var knownSpaces: [StateSpace]? { get }
  /// What memory looks like behind the last run; nil where nobody knows how to draw it.
  ///
  /// - Parameter wrong: what that run breaks, in words.
  func picture(telling wrong: [String]) -> MemoryPicture?
  /// Runs one scenario and says what it breaks. What it looks at of the state it asks for, in the
  /// world; the answers to that are the state's.
  mutating func run(
    _ state: StartingState, _ choices: UnsafeBufferPointer<UInt8>, _ report: inout Report)
}

extension Domain {
  public var most: Int? { nil }
  public var stages: Consistency? {
    get { nil }
    set {}
  }
  public static var bound: String? { nil }
  public static var coverage: [String] { [] }
  public static func setUp(drive: String, spelled: String) -> [SetUpLine] { [] }
  public static var knownSpaces: [StateSpace]? { nil }
  public func picture(telling wrong: [String]) -> MemoryPicture? { nil }
}

/// A line of how a state is set up.
public enum SetUpLine: Sendable, Equatable {
  /// A slot of the manifest and its value, an expression in C.
  case slot(String, String)
  /// What is no field, in words.
  case words(String)
}

/// Runs every scenario of a domain by replaying a list of decisions and turning the last open one,
/// until none is left. An input of the starting state is a decision as an answer at the boundary is,
/// made when somebody first looks at it; a run stands for all states that differ only in what nobody
/// looked at.
public struct Explorer: Sendable {
  /// How far a search is.
  public struct Progress: Sendable, Codable {
    /// Of the states, how many are done with.
    public var statesDone: Int
    public var states: Int
    public var scenarios: Int
    public var seconds: Double
  }

  public struct Result: Sendable {
    /// How many scenarios the runs stand for.
    public var scenarios: Int
    public var runs: Int
    public var seconds: Double
    /// Whether every scenario of these drivers is covered to its end.
    public var isExhaustive: Bool
    public var findings: Report.Findings
    /// What came of every scenario, where that was asked for.
    public var outcomes: Outcomes?
    /// How many answers of a run are not the ordinary ones; nil where all were asked for.
    public var most: Int?
    /// Whether the search was ended before it was through.
    var isCutShort: Bool { findings.limits[.runs] != nil || findings.limits[.seconds] != nil }

    /// Adds what a search beyond the bound has found.
    mutating func add(_ further: Result) {
      var found = further.findings
      found.forgetEnd()
      findings.merge(found)
      scenarios += further.scenarios
      runs += further.runs
      seconds += further.seconds
    }

    /// What went wrong though nothing had failed.
    public var assumed = Report.Findings()
    var beginnings: [Branch] = []
  }

  /// Where a domain bounds the answers that are not the ordinary ones, as many runs are made at most.
  static let mostRuns = 40_000
  /// As many more from where inputs alone led somewhere new.
  private static let mostFurther = 20_000
  public static let mostSeconds = 3

  /// Gives each worker a build of its own.
  public typealias Loader = @Sendable (_ worker: Int) throws -> Subject

  /// - Parameters:
  ///   - jobs: how many workers, at least 1.
  ///   - drives: which drivers; nil for all.
  ///   - silent: asks for what came of every scenario, and names the callees that allocate, free or
  ///     lock and do nothing else; nil asks for nothing.
  ///   - countsAnew: whether what counts in the subject forgets a round of the search where the next one
  ///     makes its runs again, so that each counts once.
  ///   - found: called once, when a run breaks a property; not where answers are bounded: what is found
  ///     there may be dropped.
  ///   - progress: called a few times a second by one worker.
  public static func search<D: Domain>(
    _ domain: D.Type, jobs: Int, seconds: Int? = nil, load: @escaping Loader,
    drives: Set<String>? = nil, observing silent: Set<String>? = nil,
    countsAnew: Bool = false, finish: (@Sendable (_ worker: Int, Subject) -> Void)? = nil,
    found: (@Sendable () -> Void)? = nil,
    progress: (@Sendable (Progress) -> Void)? = nil
  ) throws -> Result {
    // What a run has passed is known to all searches of one subject.
    nonisolated(unsafe) let subject = try load(0)
    guard let most = try D(subject).most else {
      return try Self.search(
        domain, most: nil, from: [], by: nil, runs: mostRuns, seconds: seconds ?? mostSeconds,
        jobs: jobs, load: load, drives: drives, observing: silent, finish: finish, found: found,
        progress: progress)
    }
    let load: Loader = { worker in worker == 0 ? subject : try load(worker) }
    func search(
      _ most: Int, from beginnings: [Branch] = [], runs: Int = mostRuns,
      by stages: Consistency? = nil
    ) throws -> Result {
      try Self.search(
        domain, most: most, from: beginnings, by: stages, runs: runs,
        seconds: seconds ?? mostSeconds, jobs: 1,
        load: load, drives: drives, observing: silent, finish: finish, progress: progress)
    }
    // Few at first: what is simple is looked at whole, whatever the rest costs.
    var result = try search(min(1, most))
    var beginnings = result.beginnings
    for number in stride(from: 2, through: most, by: 1) where !result.isCutShort {
      if countsAnew { subject.forgetCounts() }
      var next = try search(number, by: result.findings.stages)
      beginnings += next.beginnings
      if next.isCutShort { next.findings.add(result.findings) }
      // More answers ask for nothing new.
      let isDone = next.runs == result.runs
      result = next
      if isDone { break }
    }
    // What inputs had to be for getting somewhere does not count there.
    var left = silent == nil ? mostFurther : 0
    let start = ContinuousClock.now
    func isInTime() -> Bool { ContinuousClock.now - start < .seconds(1) }
    for number in 1..<max(1, most) {
      var waiting = beginnings.filter { result.isCutShort || $0.given + number > most }
      while !waiting.isEmpty, left > 0, isInTime() {
        let next = try search(
          number, from: waiting, runs: left, by: result.findings.stages)
        left -= next.runs
        result.add(next)
        beginnings += next.beginnings
        waiting = next.isCutShort ? [] : next.beginnings
      }
    }
    result.assumed = result.findings.dropAssumed()
    result.isExhaustive = result.findings.limits.isEmpty
    return result
  }

  private static func search<D: Domain>(
    _ domain: D.Type, most: Int?, from beginnings: [Branch], by stages: Consistency?, runs: Int,
    seconds: Int, jobs: Int,
    load: @escaping Loader, drives: Set<String>?, observing silent: Set<String>?,
    finish: (@Sendable (_ worker: Int, Subject) -> Void)?,
    found tell: (@Sendable () -> Void)? = nil,
    progress: (@Sendable (Progress) -> Void)?
  ) throws -> Result {
    let start = ContinuousClock.now
    let elapsed: @Sendable () -> Double = {
      let (seconds, attoseconds) = (ContinuousClock.now - start).components
      return Double(seconds) + Double(attoseconds) * 1e-18
    }
    let shared = Branches<Batch>()
    typealias Found = (result: Result, outcomes: [Outcomes], failure: (any Error)?)
    let found = Mutex<Found>(
      (.init(scenarios: 0, runs: 0, seconds: 0, isExhaustive: true, findings: .init()), [], nil))
    let jobs = max(1, jobs)
    let hasTold = Atomic<Bool>(false)
    DispatchQueue.concurrentPerform(iterations: jobs) { worker in
      do {
        let subject = try load(worker)
        var domain = try D(subject)
        domain.stages = stages
        let spaces = domain.spaces
        let chosen = spaces.indices.filter { drives?.contains(spaces[$0].name) ?? true }
        if worker == 0 {
          let first = beginnings.isEmpty ? chosen.map { Branch(space: $0) } : beginnings
          shared.open(first.map { Batch([$0]) })
        }
        let states = chosen.reduce(0) { $0 + spaces[$1].count }
        var search = Search(subject, spaces, most: most, observing: silent)
        var told = 0.0
        shared.walk { batch in
          search.walk(batch, in: &domain) { search in
            if most != nil {
              if subject.world.decisions.count == Int(KSHIM_MOST_ASKED) {
                search.leaveOut(by: .rounds)
              }
              let isLong = elapsed() > Double(seconds)
              if isLong || search.runs * jobs >= runs {
                search.leaveOut(by: isLong ? .seconds : .runs)
                shared.close()
                return false
              }
            }
            if let tell, search.isBroken, !hasTold.exchange(true, ordering: .relaxed) { tell() }
            if shared.isHungry, let half = search.split() { shared.add(half) }
            // The clock after each run would take a hundredth of the time.
            guard let progress, worker == 0, search.runs % 64 == 0 else { return true }
            let now = elapsed()
            guard now - told > 0.2 else { return true }
            told = now
            progress(
              Progress(
                statesDone: Int(search.done) * jobs, states: states,
                scenarios: search.scenarios * jobs, seconds: now))
            return true
          }
        }
        finish?(worker, subject)
        let mine = search
        found.withLock {
          $0.result.findings.merge(mine.report.findings)
          $0.result.scenarios += mine.scenarios
          $0.result.runs += mine.runs
          $0.result.beginnings += mine.beginnings
          if let builder = mine.outcomes { $0.outcomes.append(builder.outcomes) }
        }
      } catch {
        shared.close()
        found.withLock { $0.failure = error }
      }
    }
    var (result, outcomes, failure) = found.withLock { ($0.result, $0.outcomes, $0.failure) }
    if let failure {
      throw failure as? Failure
        ?? Failure(
          .tool, asked: "search every scenario", cause: "a worker ended early: \(failure)",
          remedy: "run the command again; if it repeats, report it")
    }
    result.outcomes = Outcomes(outcomes)
    result.seconds = elapsed()
    result.isExhaustive = result.findings.limits.isEmpty
    result.most = most
    return result
  }

  /// Makes one run of a scenario and no other: what counts in the subject's text counts that alone.
  ///
  /// - Parameter choices: all of its answers.
  public static func runOnce<D: Domain>(
    _ scenario: Scenario, _ choices: [UInt8], _ domain: D.Type, in subject: Subject
  ) throws {
    var domain = try D(subject)
    guard let state = domain.state(drive: scenario.drive, spelled: scenario.state) else { return }
    var report = Report(subject, spaces: domain.spaces)
    let start = domain.state(state)
    choices.withUnsafeBufferPointer {
      report.begin(start, $0)
      domain.run(start, $0, &report)
    }
  }

  /// The whole scenario of an entry: its decisions with the callees that asked, all of them.
  public static func scenario<D: Domain>(
    state: Int, choices: [UInt8], in domain: inout D, subject: Subject
  ) -> Scenario {
    var report = Report()
    let start = domain.state(state)
    subject.world.forgetLoops()
    choices.withUnsafeBufferPointer { execute(start, $0, in: &domain, subject, &report) }
    let decisions = subject.world.decisions.map {
      Scenario.Decision(
        callee: Scenario.initials(of: subject.calls[Int($0.call)]), choice: $0.choice)
    }
    return Scenario(
      drive: domain.drive(of: state), state: domain.spelling(of: state), decisions: decisions)
  }

  /// The parts of an entry's state that matter to it: `KEY=VALUE` of those that cannot have their
  /// ordinary value, one after the other, without that the function keeps the property, or takes
  /// more decisions to break it.
  public static func needed<D: Domain>(
    _ breach: Report.Breach, _ entry: Report.Entry, in domain: inout D, subject: Subject
  ) -> [String] {
    let spaces = domain.spaces
    let start = domain.state(entry.state)
    return spaces[start.space].needed(of: start.values) { values in
      var report = Report(subject, spaces: spaces)
      subject.world.forgetLoops()
      entry.choices.withUnsafeBufferPointer {
        execute(
          StartingState(space: start.space, values: values), $0, in: &domain, subject, &report)
      }
      report.end(standingFor: 1)
      return report.findings.entries.contains { other, found in
        other.property == breach.property && other.function == breach.function
          && found.size.decisions <= entry.size.decisions
          && found.size.isWarned == entry.size.isWarned
      }
    }
  }

  /// Runs one scenario again.
  ///
  /// - Parameter isExact: whether the code must ask for the very decisions that the scenario has.
  ///   Mended code may ask for others; the scenario then gives the first answers, by position.
  /// - Throws: ``Failure`` of kind request when its state is unknown, or when the code meets
  ///   another call than the scenario says.
  public static func replay<D: Domain>(
    _ scenario: Scenario, in domain: inout D, subject: Subject, isExact: Bool = true
  ) throws -> Report.Findings {
    func wrong(_ cause: String, remedy: String? = nil) -> Failure {
      Failure(
        .request, asked: "replay \(scenario.short)", cause: cause,
        remedy: remedy ?? "name the kernel and the patches that the scenario was found with")
    }
    guard let state = domain.state(drive: scenario.drive, spelled: scenario.state) else {
      throw scenario.unknown(among: domain.spaces, of: subject.name)
    }
    learn(&domain, subject)
    var report = Report(subject, spaces: domain.spaces)
    let start = domain.state(state)
    subject.world.forgetLoops()
    compare(scenario.choices, start, in: &domain, subject)
    scenario.choices.withUnsafeBufferPointer {
      execute(start, $0, in: &domain, subject, &report)
    }
    report.end(standingFor: 1)
    guard isExact else {
      var findings = report.findings
      // Other answers may lead to where a search says nothing.
      if domain.most != nil { _ = findings.dropAssumed() }
      return findings
    }
    let met = subject.world.decisions.map {
      Scenario.Decision(
        callee: Scenario.initials(of: subject.calls[Int($0.call)]), choice: $0.choice)
    }
    for (index, expected) in scenario.decisions.enumerated() {
      guard index < met.count else {
        throw wrong(
          "the code asks for \(met.count) decisions, the scenario has \(scenario.decisions.count)")
      }
      let answers = Int(subject.world.decisions[index].arity)
      guard Int(expected.choice) < answers else {
        throw wrong(
          "decision \(index + 1), \(Scenario.short(expected.callee))\(expected.choice), has only the answers 0 to \(answers - 1)"
        )
      }
      guard met[index] == expected else {
        throw wrong(
          "decision \(index + 1) is \(met[index].callee) here and \(Scenario.short(expected.callee)) in the scenario"
        )
      }
    }
    guard met.count == scenario.decisions.count else {
      throw wrong(
        "the code asks for \(met.count) decisions, the scenario has \(scenario.decisions.count)")
    }
    return report.findings
  }

  /// Takes the stages down by which a single run is judged too.
  private static func learn<D: Domain>(_ domain: inout D, _ subject: Subject) {
    guard let most = domain.most, domain.stages == nil else { return }
    let start = ContinuousClock.now
    var search = Search(subject, domain.spaces, most: min(Consistency.most, most))
    search.walk(Batch(domain.spaces.indices.map { Branch(space: $0) }), in: &domain) { search in
      search.runs < mostRuns && ContinuousClock.now - start < .seconds(mostSeconds)
    }
    domain.stages = search.report.findings.stages
  }

  /// Makes the run that a search makes before: as the last answer that is not the ordinary one has it,
  /// but for that one.
  private static func compare<D: Domain>(
    _ choices: [UInt8], _ start: StartingState, in domain: inout D, _ subject: Subject
  ) {
    guard domain.most != nil, let last = choices.lastIndex(where: { $0 != 0 }) else { return }
    var report = Report(subject, spaces: domain.spaces)
    choices[..<last].withUnsafeBufferPointer { execute(start, $0, in: &domain, subject, &report) }
  }

  /// Runs a scenario of another revision. What fails in it fails here too; it is known by its callee and
  /// by how many decisions of that callee came before.
  ///
  /// - Returns: what it breaks, and whether all that fails in it was asked for; nil where there is no
  ///   such state.
  public static func rerun<D: Domain>(
    _ scenario: Scenario, in domain: inout D, subject: Subject
  ) -> (findings: Report.Findings, isWhole: Bool)? {
    guard let state = domain.state(drive: scenario.drive, spelled: scenario.state) else {
      return nil
    }
    learn(&domain, subject)
    let start = domain.state(state)
    var answers: [String: [UInt8]] = [:]
    for decision in scenario.decisions {
      answers[decision.callee, default: []].append(decision.choice)
    }
    let failures = scenario.choices.count { $0 != 0 }
    var choices: [UInt8] = []
    while true {
      var report = Report(subject, spaces: domain.spaces)
      subject.world.forgetLoops()
      compare(choices, start, in: &domain, subject)
      choices.withUnsafeBufferPointer { execute(start, $0, in: &domain, subject, &report) }
      let met = Array(subject.world.decisions)
      var asked: [String: Int] = [:]
      let wanted = met.map { decision -> UInt8 in
        let callee = Scenario.initials(of: subject.calls[Int(decision.call)])
        let number = asked[callee, default: 0]
        asked[callee] = number + 1
        guard let known = answers[callee], number < known.count,
          UInt32(known[number]) < UInt32(decision.arity)
        else { return 0 }
        return known[number]
      }
      let other = zip(wanted, met).enumerated().first { $0.element.0 != $0.element.1.choice }?
        .offset
      // What is answered as wanted is answered so again.
      if let other, other >= choices.count {
        choices = Array(wanted[...other])
        continue
      }
      report.end(standingFor: 1)
      return (report.findings, wanted.count { $0 != 0 } == failures)
    }
  }
}

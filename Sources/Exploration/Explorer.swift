// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Shims
import Synchronization

/// What one part of the kernel brings to a search. Made once for each worker.
public protocol Domain: SendableMetatype {
  /// Makes what runs and judges this subject's scenarios.
  init(pattern: Subject, zero: Subject) throws
  /// How many starting states there are; they are numbered from 0, simple ones first.
  var stateCount: Int { get }
  /// What a state calls, for the first part of a scenario's spelling.
  func drive(of state: Int) -> String
  func spelling(of state: Int) -> String
  /// The number of a spelled state; nil when there is none.
  func state(drive: String, spelled: String) -> Int?
  /// What bounds the search beyond its states and answers, for reports; nil where nothing does.
  static var bound: String? { get }
  /// What the starting states cover, each a phrase for reports; empty where nothing is said.
  static var coverage: [String] { get }
  /// How a spelled state is set up, as a reader of the kernel's code writes it; empty where nothing
  /// is said.
  static func setUp(drive: String, spelled: String) -> [SetUpLine]
  /// Runs one scenario in both builds and says what it breaks.
  mutating func run(_ state: Int, _ choices: UnsafeBufferPointer<UInt8>, _ report: inout Report)
  /// Says at the end how often each property was looked at.
  func count(into report: inout Report)
}

extension Domain {
  public static var bound: String? { nil }
  public static var coverage: [String] { [] }
  public static func setUp(drive: String, spelled: String) -> [SetUpLine] { [] }

  /// What states call, each with its first state.
  var drives: [(name: String, state: Int)] {
    var drives: [(name: String, state: Int)] = []
    for state in 0..<stateCount {
      let name = drive(of: state)
      if !drives.contains(where: { $0.name == name }) { drives.append((name, state)) }
    }
    return drives
  }
}

/// A line of how a state is set up.
public enum SetUpLine: Sendable, Equatable {
  /// A slot of the manifest and its value, an expression in C.
  case slot(String, String)
  /// What is no field, in words.
  case words(String)
}

/// Runs every scenario of a domain: each starting state with every list of decisions, by replaying
/// a prefix and turning its last open decision, until none is left.
public struct Explorer: Sendable {
  /// How far a search is.
  public struct Progress: Sendable {
    public var statesDone: Int
    public var states: Int
    public var scenarios: Int
    public var seconds: Double
  }

  public struct Result: Sendable {
    public var scenarios: Int
    public var seconds: Double
    /// Whether every state was searched, each with every list of decisions.
    public var isExhaustive: Bool
    public var findings: Report.Findings
  }

  /// Gives each worker its own two builds.
  public typealias Loader = @Sendable (_ worker: Int) throws -> (pattern: Subject, zero: Subject)

  /// Every number below a count once, neighbours far apart: states of one kind have many scenarios
  /// and those of another few, and workers and the time that is left should see a fair mixture.
  struct Order {
    private let count: Int
    private let stride: Int

    init(count: Int) {
      func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
      self.count = count
      var stride = max(1, Int(Double(count) * 0.618))
      while divisor(stride, count) > 1 { stride += 1 }
      self.stride = stride
    }

    subscript(position: Int) -> Int { position * stride % count }
  }

  private final class Shared: Sendable {
    let next = Atomic<Int>(0)
    let done = Atomic<Int>(0)
    /// States of which every list of decisions was run.
    let searched = Atomic<Int>(0)
    let scenarios = Atomic<Int>(0)
    let outcome = Mutex<(findings: Report.Findings, states: Int, failure: Failure?)>(
      (Report.Findings(), 0, nil))
  }

  /// - Parameters:
  ///   - jobs: how many workers, at least 1.
  ///   - states: which states to search; nil for all.
  ///   - finish: called by each worker with its builds when nothing is left.
  ///   - progress: called a few times a second by one worker.
  public static func search<D: Domain>(
    _ domain: D.Type, jobs: Int, load: @escaping Loader,
    states: (@Sendable (D, Int) -> Bool)? = nil,
    finish: (@Sendable (_ worker: Int, _ zero: Subject) -> Void)? = nil,
    progress: (@Sendable (Progress) -> Void)? = nil
  ) throws -> Result {
    let shared = Shared()
    let start = ContinuousClock.now
    let elapsed: @Sendable () -> Double = {
      let (seconds, attoseconds) = (ContinuousClock.now - start).components
      return Double(seconds) + Double(attoseconds) * 1e-18
    }
    let work: @Sendable (Int) -> Void = { worker in
      do {
        let (pattern, zero) = try load(worker)
        var domain = try D(pattern: pattern, zero: zero)
        var report = Report(pattern, states: StateOrder(domain))
        var told = 0.0
        let chunk = 16
        let order = Order(count: domain.stateCount)
        while true {
          let first = shared.next.add(chunk, ordering: .relaxed).oldValue
          guard first < domain.stateCount else { break }
          for state in (first..<min(first + chunk, domain.stateCount)).map({ order[$0] })
          where states?(domain, state) ?? true {
            let (scenarios, isWhole) = search(state, in: &domain, world: pattern.world, &report)
            shared.scenarios.add(scenarios, ordering: .relaxed)
            if isWhole { shared.searched.add(1, ordering: .relaxed) }
          }
          let done = shared.done.add(chunk, ordering: .relaxed).newValue
          if let progress, worker == 0, elapsed() - told > 0.2 {
            told = elapsed()
            progress(
              Progress(
                statesDone: min(done, domain.stateCount), states: domain.stateCount,
                scenarios: shared.scenarios.load(ordering: .relaxed), seconds: told))
          }
        }
        domain.count(into: &report)
        finish?(worker, zero)
        let found = report.findings
        let stateCount = domain.stateCount
        shared.outcome.withLock {
          $0.findings.merge(found)
          $0.states = stateCount
        }
      } catch {
        let failure =
          error as? Failure
          ?? Failure(
            .tool, asked: "search every scenario", cause: "a worker ended early: \(error)",
            remedy: "run the command again; if it repeats, report it")
        shared.outcome.withLock { $0.failure = failure }
      }
    }
    DispatchQueue.concurrentPerform(iterations: max(1, jobs)) { work($0) }
    let (findings, stateCount, failure) = shared.outcome.withLock {
      ($0.findings, $0.states, $0.failure)
    }
    if let failure { throw failure }
    return Result(
      scenarios: shared.scenarios.load(ordering: .relaxed), seconds: elapsed(),
      isExhaustive: stateCount > 0 && shared.searched.load(ordering: .relaxed) == stateCount,
      findings: findings)
  }

  /// Every list of decisions from one state. Returns how many there were, and whether none was cut
  /// off for want of room.
  ///
  /// - Parameter untilFound: ends with the first scenario that breaks a property.
  static func search<D: Domain>(
    _ state: Int, in domain: inout D, world: World, untilFound: Bool = false,
    _ report: inout Report
  ) -> (scenarios: Int, isWhole: Bool) {
    var scenarios = 0
    var isWhole = true
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { choices in
      var count = 0
      while true {
        let prefix = UnsafeBufferPointer(rebasing: choices[..<count])
        // The scenario's own decisions are longer than the prefix: those after it are all 0.
        report.begin(state: state, choices: prefix)
        domain.run(state, prefix, &report)
        scenarios += 1
        if untilFound, !report.findings.entries.isEmpty {
          isWhole = false
          return
        }
        let taken = world.decisions
        if taken.count >= choices.count { isWhole = false }
        var last = taken.count - 1
        while last >= 0, taken[last].choice + 1 >= taken[last].arity { last -= 1 }
        guard last >= 0 else { return }
        for index in 0..<last { choices[index] = taken[index].choice }
        choices[last] = taken[last].choice + 1
        count = last + 1
      }
    }
    return (scenarios, isWhole)
  }

  /// The whole scenario of an entry: its decisions with the callees that asked, all of them.
  public static func scenario<D: Domain>(
    state: Int, choices: [UInt8], in domain: inout D, subject: Subject
  ) -> Scenario {
    var report = Report()
    choices.withUnsafeBufferPointer { domain.run(state, $0, &report) }
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
    let drive = domain.drive(of: entry.state)
    var words = domain.spelling(of: entry.state).split(separator: ",").map(String.init)
    var needed: [String] = []
    let order = StateOrder(domain)
    for (index, ordinary) in order.others(in: words, of: drive) {
      var tried = words
      tried[index] = ordinary
      var report = Report(subject, states: order)
      if let state = domain.state(drive: drive, spelled: tried.joined(separator: ",")) {
        entry.choices.withUnsafeBufferPointer {
          report.begin(state: state, choices: $0)
          domain.run(state, $0, &report)
        }
      }
      let isStill = report.findings.entries.contains { other, found in
        other.property == breach.property && other.function == breach.function
          && found.size.decisions <= entry.size.decisions
          && found.size.isWarned == entry.size.isWarned
      }
      if isStill { words = tried } else { needed.append(words[index]) }
    }
    return needed
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
        .request, asked: "replay \(scenario)", cause: cause,
        remedy: remedy ?? "name the kernel and the patches that the scenario was found with")
    }
    guard let state = domain.state(drive: scenario.drive, spelled: scenario.state) else {
      let drives = domain.drives
      guard let example = drives.first(where: { $0.name == scenario.drive }) else {
        throw wrong(
          "\(scenario.drive) is no target of \(subject.name) in this kernel",
          remedy: "use one of \(drives.map(\.name).joined(separator: ", "))")
      }
      throw wrong(
        "there is no state '\(scenario.state)' of \(scenario.drive)",
        remedy: "copy the scenario from a finding; a state of \(scenario.drive) is written like "
          + "'\(domain.spelling(of: example.state))'")
    }
    var report = Report(subject)
    scenario.choices.withUnsafeBufferPointer { choices in
      report.begin(state: state, choices: choices)
      domain.run(state, choices, &report)
    }
    guard isExact else { return report.findings }
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
          "decision \(index + 1), \(expected.callee)\(expected.choice), has only the answers 0 to \(answers - 1)"
        )
      }
      guard met[index] == expected else {
        throw wrong(
          "decision \(index + 1) is \(met[index].callee) here and \(expected.callee) in the scenario"
        )
      }
    }
    guard met.count == scenario.decisions.count else {
      throw wrong(
        "the code asks for \(met.count) decisions, the scenario has \(scenario.decisions.count)")
    }
    return report.findings
  }
}

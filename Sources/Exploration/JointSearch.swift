// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Synchronization

/// Runs every scenario in several revisions at once and finds where neighbours part: each starting
/// state with each combination of failures that one of them can meet.
public enum JointSearch {
  /// Two revisions that are compared.
  public struct Pair: Sendable, Hashable {
    public var old: Int
    public var new: Int
    /// Whether what happens on the way counts, as it does within one kernel.
    public var onTheWay: Bool
    public init(old: Int, new: Int, onTheWay: Bool) {
      self.old = old
      self.new = new
      self.onTheWay = onTheWay
    }
  }

  /// One way in which two revisions part.
  public struct Kind: Hashable, Sendable {
    /// The step's target, a number of the domain's.
    public var target: UInt8
    /// The fact's aspect; nil where only what happens on the way differs.
    public var aspect: UInt8?
    public var index: UInt8 = 0
    /// Both values, where they tell.
    public var old: UInt64 = 0
    public var new: UInt64 = 0
  }

  /// The scenarios of one kind.
  public struct Group: Sendable {
    public var kind: Kind
    public var count: Int
    /// The smallest scenario: its drive, its state, and each revision's own decisions.
    public var drive: String
    public var state: String
    public var oldChoices: [UInt8]
    public var newChoices: [UInt8]
    public var parting: Observation.Parting
    var size: Report.Size
  }

  public struct Result: Sendable {
    public var scenarios = 0
    /// Scenarios that both of a pair know, and the ways in which they part; by the pair's number.
    public var compared: [Int] = []
    public var groups: [[Group]] = []
  }

  /// - Parameters:
  ///   - revisions: how many there are.
  ///   - pairs: which of them are compared.
  ///   - load: gives a worker its own build of each revision.
  ///   - silent: callees that allocate, free or lock and do nothing else.
  ///   - drives: what to search, by the first part of a scenario's spelling; nil for all.
  public static func search<D: ObservedDomain>(
    _ domain: D.Type, revisions: Int, pairs: [Pair], jobs: Int,
    silent: Set<String> = [], drives: Set<String>? = nil,
    load: @escaping @Sendable (_ worker: Int, _ revision: Int) throws -> Subject,
    progress: (@Sendable (Explorer.Progress) -> Void)? = nil
  ) throws -> Result {
    let shared = Branches<JointBranch>()
    let found = Mutex<(result: Result, failure: (any Error)?)>((Result(), nil))
    let start = ContinuousClock.now
    let elapsed: @Sendable () -> Double = {
      let (seconds, attoseconds) = (ContinuousClock.now - start).components
      return Double(seconds) + Double(attoseconds) * 1e-18
    }
    let jobs = max(1, jobs)
    DispatchQueue.concurrentPerform(iterations: jobs) { worker in
      do {
        var search = try JointWorker<D>(
          subjects: (0..<revisions).map { try load(worker, $0) }, pairs: pairs, silent: silent)
        let drivers = search.drivers.filter { drives?.contains($0) ?? true }
        if worker == 0 { shared.open(drivers.map { JointBranch(driver: $0) }, workers: jobs) }
        var told = 0.0
        while let branch = shared.next() {
          search.walk(branch) { search in
            if shared.isHungry, let half = search.split() { shared.add(half) }
            guard let progress, worker == 0 else { return }
            let now = elapsed()
            guard now - told > 0.2 else { return }
            told = now
            progress(
              .init(
                statesDone: Int(search.done) * jobs, states: search.states,
                scenarios: search.scenarios * jobs, seconds: now))
          }
        }
        let (compared, groups, scenarios) = (search.compared, search.groups, search.scenarios)
        found.withLock {
          $0.result.merge(compared, groups)
          $0.result.scenarios += scenarios
        }
      } catch {
        shared.close()
        found.withLock { $0.failure = error }
      }
    }
    let (result, failure) = found.withLock { ($0.result, $0.failure) }
    if let failure { throw failure }
    return result
  }
}

/// A part of a joint search: all scenarios of a driver that begin like this one.
private struct JointBranch: Sendable {
  var driver: String
  var scenario = JointScenario()
}

extension JointSearch.Result {
  /// Adds what one worker found.
  fileprivate mutating func merge(
    _ compared: [Int], _ groups: [[JointSearch.Kind: JointSearch.Group]]
  ) {
    if self.compared.isEmpty {
      self.compared = Array(repeating: 0, count: compared.count)
      self.groups = Array(repeating: [], count: compared.count)
    }
    for pair in compared.indices {
      self.compared[pair] += compared[pair]
      for group in groups[pair].values {
        if let known = self.groups[pair].firstIndex(where: { $0.kind == group.kind }) {
          let count = self.groups[pair][known].count + group.count
          if group.size < self.groups[pair][known].size { self.groups[pair][known] = group }
          self.groups[pair][known].count = count
        } else {
          self.groups[pair].append(group)
        }
      }
      self.groups[pair].sort { $0.size < $1.size }
    }
  }
}

/// One worker of a joint search.
private struct JointWorker<D: ObservedDomain> {
  private(set) var compared: [Int]
  private(set) var groups: [[JointSearch.Kind: JointSearch.Group]]
  private(set) var scenarios = 0
  /// How many states are done with: each scenario has its part of them.
  private(set) var done = 0.0
  private var runners: [JointRunner<D>]
  private let pairs: [JointSearch.Pair]
  private var driver = ""
  /// Of each revision the driver's space; nil where it does not know it.
  private var spaces: [Int?] = []
  private var arities: [Int] = []
  private var scenario = JointScenario()

  init(subjects: [Subject], pairs: [JointSearch.Pair], silent: Set<String>) throws {
    var names: [String] = []
    var runners: [JointRunner<D>] = []
    for subject in subjects {
      runners.append(try JointRunner(subject, names: &names, silent: silent))
    }
    self.runners = runners
    self.pairs = pairs
    compared = Array(repeating: 0, count: pairs.count)
    groups = Array(repeating: [:], count: pairs.count)
  }

  /// All drivers that any revision knows.
  var drivers: [String] {
    var names: [String] = []
    for space in runners.flatMap(\.domain.spaces) where !names.contains(space.name) {
      names.append(space.name)
    }
    return names
  }

  /// How many states there are.
  var states: Int {
    drivers.reduce(0) { count, name in
      count + (runners.lazy.flatMap(\.domain.spaces).first { $0.name == name }?.count ?? 0)
    }
  }

  /// Runs every scenario of a branch in every revision that knows it.
  mutating func walk(_ branch: JointBranch, after: (inout JointWorker) -> Void) {
    driver = branch.driver
    scenario = branch.scenario
    spaces = runners.map { $0.space(of: branch.driver) }
    arities =
      zip(runners, spaces).lazy.compactMap { runner, space in
        space.map { runner.domain.spaces[$0].arities }
      }.first ?? []
    repeat {
      let values = scenario.values
      for number in runners.indices {
        guard let space = spaces[number] else { continue }
        runners[number].run(StartingState(space: space, values: values), scenario)
      }
      for number in runners.indices where spaces[number] != nil {
        scenario.extend(with: runners[number].met)
      }
      if isMet { compare() }
      after(&self)
    } while scenario.advance()
  }

  mutating func split() -> JointBranch? {
    scenario.split().map { JointBranch(driver: driver, scenario: $0) }
  }

  /// Whether each failure of the scenario happens in one revision at least: otherwise another scenario
  /// is the same.
  private var isMet: Bool {
    scenario.items.allSatisfy { item in
      item.choice == 0
        || runners.indices.contains { number in
          spaces[number] != nil && runners[number].met.contains { $0.what == item.what }
        }
    }
  }

  private mutating func compare() {
    var looked: UInt32 = 0
    var part = Double(arities.reduce(1, *))
    for item in scenario.items {
      part /= Double(item.arity)
      if case .input(let input) = item.what { looked |= 1 << UInt32(input) }
    }
    let weight = arities.indices.reduce(1) {
      looked >> UInt32($1) & 1 != 0 ? $0 : $0 * arities[$1]
    }
    done += part
    scenarios += weight
    for (number, pair) in pairs.enumerated() {
      guard let old = spaces[pair.old], spaces[pair.new] != nil else { continue }
      compared[number] += weight
      compare(number, pair, StartingState(space: old, values: scenario.values), weight)
    }
  }

  private mutating func compare(
    _ number: Int, _ pair: JointSearch.Pair, _ state: StartingState, _ weight: Int
  ) {
    guard
      let parting = runners[pair.old].observation.parting(
        from: runners[pair.new].observation, onTheWay: pair.onTheWay)
    else { return }
    let kind = kind(parting, pair)
    let size = size(pair, state, kind)
    let known = groups[number][kind]
    let count = (known?.count ?? 0) + weight
    if let known, known.size <= size {
      groups[number][kind]!.count = count
      return
    }
    let space = runners[pair.old].domain.spaces[state.space]
    groups[number][kind] = JointSearch.Group(
      kind: kind, count: count, drive: space.name,
      state: space.spelling(of: state.values), oldChoices: runners[pair.old].taken,
      newChoices: runners[pair.new].taken, parting: parting, size: size)
  }

  private func kind(_ parting: Observation.Parting, _ pair: JointSearch.Pair) -> JointSearch.Kind {
    let new = runners[pair.new]
    return .init(D.self, parting, new.observation, new.subject)
  }

  private func size(
    _ pair: JointSearch.Pair, _ start: StartingState, _ kind: JointSearch.Kind
  ) -> Report.Size {
    let domain = runners[pair.old].domain
    let space = domain.spaces[start.space]
    let (old, new) = (runners[pair.old], runners[pair.new])
    func warns(_ subject: Subject) -> Bool {
      subject.world.events.contains { $0.what == .warning }
    }
    func failures(_ runner: JointRunner<D>) -> Int { runner.taken.count { $0 != 0 } }
    return Report.Size(
      isWarned: warns(old.subject) && warns(new.subject),
      failures: max(failures(old), failures(new)),
      isStory: D.name(ofTarget: kind.target) != space.name,
      decisions: max(old.taken.count, new.taken.count),
      differences: space.differences(of: start.values),
      state: domain.number(of: start))
  }
}

extension JointSearch.Kind {
  /// - Parameter observation: the new revision's, as its subject left it.
  init<D: ObservedDomain>(
    _ domain: D.Type, _ parting: Observation.Parting, _ observation: Observation, _ subject: Subject
  ) {
    switch parting {
    case .fact(let old, let new):
      self.init(target: new.target, aspect: new.aspect)
      if D.tellsValues(new.aspect) {
        (index, self.old, self.new) = (new.index, old.value, new.value)
      }
    case .events(let position):
      // The step in which it is, or the thread.
      let events = subject.world.events
      let isRace = events.contains { $0.thread != 0 }
      let event = events.isEmpty ? nil : events[min(position, events.count - 1)]
      let step = event.map { isRace ? $0.thread : $0.step }
      let fact = observation.facts.first { $0.step == step }
      self.init(target: fact?.target ?? 0, aspect: nil)
    }
  }
}

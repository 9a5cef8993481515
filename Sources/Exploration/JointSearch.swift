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

  private final class Shared: Sendable {
    let next = Atomic<Int>(0)
    let done = Atomic<Int>(0)
    let scenarios = Atomic<Int>(0)
    let found = Mutex<(result: Result, failure: (any Error)?)>((Result(), nil))
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
    let shared = Shared()
    let start = ContinuousClock.now
    let elapsed: @Sendable () -> Double = {
      let (seconds, attoseconds) = (ContinuousClock.now - start).components
      return Double(seconds) + Double(attoseconds) * 1e-18
    }
    DispatchQueue.concurrentPerform(iterations: max(1, jobs)) { worker in
      do {
        var search = try JointWorker<D>(
          subjects: (0..<revisions).map { try load(worker, $0) }, pairs: pairs, silent: silent,
          drives: drives)
        let count = search.states.count
        let order = Explorer.Order(count: count)
        var told = 0.0
        while count > 0 {
          let first = shared.next.add(16, ordering: .relaxed).oldValue
          guard first < count else { break }
          for position in first..<min(first + 16, count) {
            let scenarios = search.search(order[position])
            shared.scenarios.add(scenarios, ordering: .relaxed)
          }
          let done = shared.done.add(16, ordering: .relaxed).newValue
          if let progress, worker == 0, elapsed() - told > 0.2 {
            told = elapsed()
            progress(
              .init(
                statesDone: min(done, count), states: count,
                scenarios: shared.scenarios.load(ordering: .relaxed), seconds: told))
          }
        }
        let (compared, groups) = (search.compared, search.groups)
        shared.found.withLock { $0.result.merge(compared, groups) }
      } catch {
        shared.found.withLock { $0.failure = error }
      }
    }
    var (result, failure) = shared.found.withLock { ($0.result, $0.failure) }
    if let failure { throw failure }
    result.scenarios = shared.scenarios.load(ordering: .relaxed)
    return result
  }
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
  /// A state in each revision's own numbers; nil where it does not know it.
  let states: [[Int?]]
  private(set) var compared: [Int]
  private(set) var groups: [[JointSearch.Kind: JointSearch.Group]]
  private var runners: [JointRunner<D>]
  private let pairs: [JointSearch.Pair]
  private var scenario = JointScenario()

  init(
    subjects: [Subject], pairs: [JointSearch.Pair], silent: Set<String>, drives: Set<String>?
  ) throws {
    var names: [String] = []
    var runners: [JointRunner<D>] = []
    for subject in subjects {
      runners.append(try JointRunner(subject, names: &names, silent: silent))
    }
    states = Self.states(runners.map(\.domain), drives)
    self.runners = runners
    self.pairs = pairs
    compared = Array(repeating: 0, count: pairs.count)
    groups = Array(repeating: [:], count: pairs.count)
  }

  /// All states that any revision knows.
  private static func states(_ domains: [D], _ drives: Set<String>?) -> [[Int?]] {
    var states: [[Int?]] = []
    for (number, domain) in domains.enumerated() {
      for state in 0..<domain.stateCount {
        let drive = domain.drive(of: state)
        guard drives?.contains(drive) ?? true else { continue }
        let spelled = domain.spelling(of: state)
        let all = domains.map { $0.state(drive: drive, spelled: spelled) }
        // Those of earlier revisions stand there already.
        if all.firstIndex(where: { $0 != nil }) == number { states.append(all) }
      }
    }
    return states
  }

  /// Every scenario of one state. Returns how many.
  mutating func search(_ position: Int) -> Int {
    let state = states[position]
    var scenarios = 0
    scenario.clear()
    repeat {
      for number in runners.indices {
        if let own = state[number] { runners[number].run(own, scenario) }
      }
      for number in runners.indices where state[number] != nil {
        scenario.extend(with: runners[number].met)
      }
      guard isMet(state) else { continue }
      scenarios += 1
      for (number, pair) in pairs.enumerated() {
        guard let old = state[pair.old], state[pair.new] != nil else { continue }
        compared[number] += 1
        compare(number, pair, old)
      }
    } while scenario.advance()
    return scenarios
  }

  /// Whether each failure of the scenario happens in one revision at least: otherwise another scenario
  /// is the same.
  private func isMet(_ state: [Int?]) -> Bool {
    scenario.items.allSatisfy { item in
      item.choice == 0
        || runners.indices.contains { number in
          state[number] != nil && runners[number].met.contains { $0.decision == item.decision }
        }
    }
  }

  private mutating func compare(_ number: Int, _ pair: JointSearch.Pair, _ state: Int) {
    guard
      let parting = runners[pair.old].observation.parting(
        from: runners[pair.new].observation, onTheWay: pair.onTheWay)
    else { return }
    let kind = kind(parting, pair)
    let size = size(pair, state, kind)
    let known = groups[number][kind]
    let count = (known?.count ?? 0) + 1
    if let known, known.size <= size {
      groups[number][kind]!.count = count
      return
    }
    let domain = runners[pair.old].domain
    groups[number][kind] = JointSearch.Group(
      kind: kind, count: count, drive: domain.drive(of: state),
      state: domain.spelling(of: state), oldChoices: runners[pair.old].taken,
      newChoices: runners[pair.new].taken, parting: parting, size: size)
  }

  private func kind(_ parting: Observation.Parting, _ pair: JointSearch.Pair) -> JointSearch.Kind {
    let new = runners[pair.new]
    return .init(D.self, parting, new.observation, new.subject)
  }

  private func size(
    _ pair: JointSearch.Pair, _ state: Int, _ kind: JointSearch.Kind
  ) -> Report.Size {
    let domain = runners[pair.old].domain
    let start = domain.state(state)
    let space = domain.spaces[start.space]
    let (old, new) = (runners[pair.old], runners[pair.new])
    func warns(_ subject: Subject) -> Bool {
      subject.world.events.contains { $0.what == .warning }
    }
    func failures(_ met: [JointScenario.Item]) -> Int { met.count { $0.choice != 0 } }
    return Report.Size(
      isWarned: warns(old.subject) && warns(new.subject),
      failures: max(failures(old.met), failures(new.met)),
      isStory: domain.name(ofTarget: kind.target) != space.name,
      decisions: max(old.met.count, new.met.count),
      differences: space.differences(of: start.values),
      state: state)
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

// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Synchronization

/// Compares what came of every scenario in several revisions and finds where neighbours part: each
/// starting state with each combination of failures that one of them can meet.
///
/// Each revision's own search has taken down its outcomes as a tree. The trees are walked together,
/// down to where they are the same in all revisions. What a search has not taken down to its end is
/// run here.
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
    var size: Report.Size
    /// The answers of all revisions, which tell scenarios of one size apart.
    var answers: [UInt8]

    func isSmaller(than other: Group) -> Bool {
      if size < other.size { return true }
      return !(other.size < size) && answers.lexicographicallyPrecedes(other.answers)
    }
  }

  public struct Result: Sendable {
    public var scenarios = 0
    /// Scenarios that both of a pair know, and the ways in which they part; by the pair's number.
    public var compared: [Int] = []
    public var groups: [[Group]] = []
  }

  /// - Parameters:
  ///   - revisions: what came of each one's scenarios.
  ///   - pairs: which of them are compared.
  ///   - load: gives a worker its own build of a revision.
  ///   - silent: callees that allocate, free or lock and do nothing else.
  ///   - drives: what to compare, by the first part of a scenario's spelling; nil for all.
  public static func search<D: ObservedDomain>(
    _ domain: D.Type, _ revisions: [Outcomes], pairs: [Pair], jobs: Int,
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
        var search = JointWorker<D>(revisions, pairs, silent: silent) { try load(worker, $0) }
        let drivers = search.drivers.filter { drives?.contains($0) ?? true }
        if worker == 0 { shared.open(drivers.map { JointBranch(driver: $0) }) }
        var told = 0.0
        try shared.walk { branch in
          try search.walk(branch) { search in
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
struct JointBranch: Sendable {
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
          if group.isSmaller(than: self.groups[pair][known]) { self.groups[pair][known] = group }
          self.groups[pair][known].count = count
        } else {
          self.groups[pair].append(group)
        }
      }
      self.groups[pair].sort { $0.isSmaller(than: $1) }
    }
  }
}

extension JointSearch.Kind {
  /// - Parameter observation: the new revision's.
  init<D: ObservedDomain>(
    _ domain: D.Type, _ parting: Observation.Parting, _ observation: Observation
  ) {
    switch parting {
    case .fact(let old, let new):
      self.init(target: new.target, aspect: new.aspect)
      if D.tellsValues(new.aspect) {
        (index, self.old, self.new) = (new.index, old.value, new.value)
      }
    case .events(let step):
      let fact = observation.facts.first { $0.step == step }
      self.init(target: fact?.target ?? 0, aspect: nil)
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// What an earlier search has seen of a function, for the next one to judge by: above all what it gives
/// back where one callee fails, held against what it gives back where a later one does. Who has more to
/// undo does not undo less. Needs no names of what takes and what gives back.
public struct Consistency: Sendable {
  /// Something that is given back: memory, or what a callee is told to give back.
  struct Release: Hashable, Sendable {
    /// nil for memory.
    var call: UInt16?
    var first: UInt64
    var second: UInt64 = 0
  }

  /// A run that fails because one callee did, the last of its answers that is not the ordinary one.
  struct Stage: Sendable {
    /// Which of the run's answers that is.
    var decision: Int
    var callee: UInt16
    var releases: Set<Release>
  }

  /// In searches with more answers that are not the ordinary ones none is taken down.
  static let most = 2

  /// By the answers before, the ordinary ones at the end left out.
  private var groups: [[UInt8]: [Stage]] = [:]

  /// Callees that give back, and were called in some run.
  private(set) var called: Set<UInt16> = []

  /// What a callee that takes gave, and another was handed before it was given back: that one does not keep it.
  struct Loan: Hashable, Sendable {
    var taker: UInt16
    var borrower: UInt16
  }
  private(set) var loans: Set<Loan> = []

  mutating func note(called callee: UInt16) { called.insert(callee) }
  mutating func note(_ loan: Loan) { loans.insert(loan) }

  mutating func add(_ stage: Stage, after answers: [UInt8]) {
    groups[answers, default: []].append(stage)
  }

  mutating func merge(_ other: Consistency) {
    groups.merge(other.groups, uniquingKeysWith: +)
    called.formUnion(other.called)
    loans.formUnion(other.loans)
  }

  /// What a stage does not give back that the next one does, and earlier ones do or have taken.
  ///
  /// - Parameters:
  ///   - isTaken: whether something had been taken before the callee failed.
  ///   - isGivenBack: whether what had been taken when a decision was made was given back before the
  ///     callee failed.
  func missing(
    in stage: Stage, after answers: [UInt8], isTaken: (Release) -> Bool,
    isGivenBack: (Release, _ since: Int) -> Bool
  ) -> (releases: [Release], later: UInt16)? {
    guard let stages = groups[answers] else { return nil }
    let later = stages.filter { $0.decision > stage.decision }
    guard let next = later.min(by: { $0.decision < $1.decision }),
      next.releases.count > stage.releases.count, next.releases.isSuperset(of: stage.releases)
    else { return nil }
    let earlier = stages.filter { $0.decision < stage.decision }
    let missing = next.releases.subtracting(stage.releases).filter { release in
      isTaken(release)
        || earlier.contains {
          $0.releases.contains(release) && !isGivenBack(release, $0.decision)
        }
    }
    guard !missing.isEmpty else { return nil }
    return (
      missing.sorted { ($0.first, $0.second, $0.call ?? 0) < ($1.first, $1.second, $1.call ?? 0) },
      next.callee
    )
  }
}

/// Takes stages down and judges them.
struct StageJudge {
  /// What gives back, by the name.
  private let givers: Set<UInt16>
  /// What has what it is handed, also where it fails.
  private let consumers: Set<UInt16>
  private let subject: Subject
  private let firstInput: UInt16

  init(_ subject: Subject, _ plan: Plan, firstInput: UInt16) {
    givers = subject.calls(plan.traits["gives"])
    consumers = subject.calls(plan.traits["consumes"])
    self.subject = subject
    self.firstInput = firstInput
  }

  /// Judges a step that failed.
  func judge(
    _ function: String, _ world: World, by known: Consistency?, _ baseline: Baseline,
    _ report: inout Report
  ) {
    let decisions = world.decisions
    guard let last = decisions.lastIndex(where: { $0.choice != 0 }),
      decisions[last].call < firstInput, !baseline.fails(last),
      !decisions[..<last].contains(where: { $0.choice != 0 && $0.call < firstInput })
    else { return }
    let all = world.events
    let failed = Int(decisions[last].event)
    let handed = all[failed]
    var releases: Set<Consistency.Release> = []
    for (index, event) in zip(all.indices, all).dropFirst(failed + 1) {
      switch event.what {
      case .free where event.freed == .live: releases.insert(.init(call: nil, first: event.arg.0))
      // What a callee frees stands for the call.
      case .call
      where givers.contains(event.call)
        && !(index + 1 < all.endIndex
          && all[index + 1].what == .free && all[index + 1].call == event.call):
        releases.insert(.init(call: event.call, first: event.arg.0, second: event.arg.1))
      default: break
      }
    }
    let stage = Consistency.Stage(
      decision: last, callee: decisions[last].call, releases: releases)
    var answers = decisions[..<last].map(\.choice)
    while answers.last == 0 { answers.removeLast() }
    if answers.count(where: { $0 != 0 }) < Consistency.most { report.note(stage, after: answers) }
    guard let known else { return }
    let before = all[..<failed]
    func taken(_ release: Consistency.Release) -> Event? {
      guard release.call == nil else { return nil }
      return before.last { $0.what == .allocation && $0.value == release.first }
    }
    // Given back more often than another call may have taken it again. On the stack all has one name.
    func isGivenBack(_ release: Consistency.Release, since decision: Int) -> Bool {
      guard !world.isOnStack(release.first) else { return false }
      var held = 0
      for event in before[min(Int(decisions[decision].event), failed)...]
      where event.what == .call {
        if event.call == release.call, event.arg.0 == release.first, event.arg.1 == release.second {
          held -= 1
        } else if event.value >> 12 == release.first >> 12
          || event.arguments.contains(release.first)
        {
          held += 1
        }
      }
      return held < 0
    }
    guard
      let (missing, later) = known.missing(
        in: stage, after: answers, isTaken: { taken($0) != nil }, isGivenBack: isGivenBack)
    else { return }
    for release in missing {
      // Who consumes what it is handed has it.
      if consumers.contains(handed.call), handed.arguments.contains(release.first) { continue }
      let place = taken(release)?.pc ?? handed.pc
      let (here, there) = (name(stage.callee), name(later))
      let otherwise =
        here == there
        ? "as it does where a later \(there)() fails" : "as it does where \(there)() fails"
      if let call = release.call {
        report.broken(
          .unreleased, in: function, at: place,
          "\(here)() fails and \(name(call))() is not called, \(otherwise)")
      } else {
        report.broken(
          .leak, in: function, at: place,
          "\(here)() fails and what is allocated is not freed, \(otherwise)")
      }
    }
  }

  private func name(_ call: UInt16) -> String { subject.calls[Int(call)] }
}

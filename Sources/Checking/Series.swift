// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource
import Reporting

/// The steps of a range of commits or of a series of patches, each judged on its own.
public struct Series: Sendable {
  public struct Step: Sendable {
    /// What tells the step from others: the commit's id, the number of the patch.
    public var id: String
    /// What people call it: the abbreviated id, the number of the patch.
    public var label: String
    public var title: String?
    /// The patch's file; nil for a commit.
    public var file: String?
    /// Options that `kshim replay` needs to see the step.
    public var replayOptions: String
    /// Ids of what it is compared with.
    public var parents: [String]
    /// The step as a revision.
    public var open: @Sendable () async throws -> Revision

    public init(
      id: String, label: String, title: String?, file: String?, replayOptions: String,
      parents: [String], open: @escaping @Sendable () async throws -> Revision
    ) {
      self.id = id
      self.label = label
      self.title = title
      self.file = file
      self.replayOptions = replayOptions
      self.parents = parents
      self.open = open
    }
  }

  /// As the user named it.
  public var name: String
  public var steps: [Step]
  /// What steps are compared with that are no steps, by id.
  public var outside: [String: @Sendable () async throws -> Revision]

  public init(
    name: String, steps: [Step], outside: [String: @Sendable () async throws -> Revision]
  ) {
    self.name = name
    self.steps = steps
    self.outside = outside
  }

  /// How many steps there are: "20 commits".
  public var count: String { report.count }

  /// The steps as a report names them.
  var report: CheckReport.Series {
    .init(name: name, steps: steps.map { .init(id: $0.id, file: $0.file, subject: $0.title) })
  }

  /// The commits of a range, each compared with its parents.
  ///
  /// - Parameter name: the kernel as the user named it.
  public init(_ range: CommitRange, name: String) {
    var outside: [String: @Sendable () async throws -> Revision] = [:]
    for commit in range.commits {
      for parent in range.parents(of: commit) {
        outside[parent.id] = { try await range.revision(of: parent, since: parent) }
      }
    }
    let steps = range.commits.map { commit in
      let parents = range.parents(of: commit)
      outside[commit.id] = nil
      return Step(
        id: commit.id, label: commit.abbreviated, title: commit.subject, file: nil,
        replayOptions: "--kernel \(Shell.quoted("\(range.prefix)\(commit.abbreviated)")) ",
        parents: parents.map(\.id),
        open: { try await range.revision(of: commit, since: parents.first ?? range.base) })
    }
    self.init(name: name, steps: steps, outside: outside)
  }
}

extension Check {
  /// Judges each step of a series. A step that does not build, or cannot be extracted, has no
  /// verdict; what follows it is compared with what came before it.
  ///
  /// - Parameter began: told the number of each step before it is judged, from 1.
  /// - Throws: ``Failure`` of kind tool, which is no step's fault.
  public func report(
    of series: Series, began: (Int) -> Void = { _ in }
  ) async throws -> CheckReport {
    /// Those of which there is a verdict, closest to each id.
    var judged: [String: [String]] = [:]
    var verdicts: [String: Verdict] = [:]
    let opens = series.outside.merging(series.steps.map { ($0.id, $0.open) }) { $1 }
    var entries: [CheckReport.Entry] = []
    for (number, step) in series.steps.enumerated() {
      began(number + 1)
      var bases: [String] = []
      for id in step.parents.flatMap({ judged[$0] ?? [$0] }) where !bases.contains(id) {
        bases.append(id)
      }
      let outcome: CheckReport.Entry.Outcome
      var fixed: [CheckReport.Fixed] = []
      do {
        var (verdict, gone) = try await verdict(of: step, bases: bases, opens, known: verdicts)
        if step.file == nil {
          verdict.revision.commit = .init(id: step.id, subject: step.title ?? "")
          verdict.revision.base = step.parents.first
        }
        outcome = .verdict(verdict)
        verdicts[step.id] = verdict
        fixed = gone.map { .init($0) }
      } catch let failure as Failure where failure.kind != .tool {
        outcome = .failure(
          failure.cause + (failure.place.map { " (\($0))" } ?? ""),
          exitCode: failure.kind.exitCode)
        judged[step.id] = bases
      }
      var entry = CheckReport.Entry(
        label: step.label, title: step.title, outcome: outcome, replayOptions: step.replayOptions)
      entry.fixed = fixed
      entries.append(entry)
    }
    return CheckReport(entries, series: series.report)
  }

  /// - Parameter known: verdicts of steps before, by id.
  /// - Returns: also what all that it is compared with has, and the step has not.
  private func verdict(
    of step: Series.Step, bases: [String],
    _ opens: [String: @Sendable () async throws -> Revision], known: [String: Verdict]
  ) async throws -> (Verdict, gone: [Verdict.Finding]) {
    let revision = try await step.open()
    defer { revision.close() }
    let part = try await part(revision)
    await keep(part)
    var verdict = part.verdict
    let isClean = verdict.findings.isEmpty && verdict.notes.isEmpty
    // Nothing is new, nothing was fixed.
    if isClean, bases.allSatisfy({ known[$0]?.findings.isEmpty ?? false }) {
      return (await shown(Answer(verdict: verdict, parts: [part.kept])), [])
    }
    var found: [(verdict: Verdict, evidence: Evidence)] = []
    for id in bases {
      guard let base = try await opens[id]?() else { continue }
      defer { base.close() }
      do {
        let other = try await self.part(base, rerunning: verdict.findings)
        await keep(other)
        found.append((other.verdict, evidence(part, over: other)))
      } catch let failure as Failure where failure.kind != .tool {
        // Nothing shows that what was found was there before.
        found.append((.nothing(like: verdict), .none))
      }
    }
    let kept = Self.tell(&verdict, from: found)
    verdict = await shown(Answer(verdict: verdict, parts: [part.kept]))
    let gone = FindingMatch.gone(from: verdict, bases: found, kept: kept)
    // One finding may now stand for two of before.
    let doubtful = gone.filter { old in verdict.findings.contains { $0.property == old.property } }
    guard !doubtful.isEmpty else { return (verdict, gone) }
    let reruns = try await rerun(Set(doubtful.map(\.scenario)), revision)
    return (
      verdict,
      gone.filter { old in
        !(reruns[old.scenario]?.broken ?? []).contains {
          found[0].evidence.isOneKind($0, old) && found[0].evidence.isOnePlace($0, old) != false
        }
      }
    )
  }
}

extension Verdict {
  /// A verdict that has found nothing.
  fileprivate static func nothing(like other: Verdict) -> Verdict {
    var verdict = other
    verdict.findings = []
    verdict.notes = []
    return verdict
  }
}

extension FindingMatch {
  /// Which findings every base has, and a verdict has not; none where there is no base.
  ///
  /// - Parameter kept: of each base, which findings the verdict has too.
  static func gone(
    from verdict: Verdict, bases: [(verdict: Verdict, evidence: Evidence)], kept: [Set<Int>]
  ) -> [Verdict.Finding] {
    guard let first = bases.first else { return [] }
    let gone = first.verdict.findings.indices.filter { !kept[0].contains($0) }
      .map { first.verdict.findings[$0] }
    return bases.dropFirst().reduce(gone) { gone, base in
      zip(gone, matches(of: gone, in: base.verdict.findings)).filter { $1 != nil }.map(\.0)
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import Failures
import Foundation
import KernelSource
import Reporting

/// What takes part in a comparison.
public enum Compare {
  /// A revision, and what the user calls it.
  public struct Candidate: Sendable, Codable {
    public var label: String
    public var revision: Revision
    public init(label: String, revision: Revision) {
      self.label = label
      self.revision = revision
    }
  }
}

/// One comparison: each revision is judged, and what comes of its scenarios laid beside that of the one
/// before it.
struct Comparing: Sendable {
  typealias Candidate = Compare.Candidate

  let bench: Bench

  /// - Parameter candidates: at least two, in the order in which they are compared.
  func comparison(of candidates: [Candidate]) async throws -> Comparison {
    try await comparison(bench.domain, candidates)
  }

  private func comparison<D: ObservedDomain>(
    _ domain: D.Type, _ candidates: [Candidate]
  ) async throws -> Comparison {
    let start = ContinuousClock.now
    let work = try WorkDirectory()
    defer { work.remove() }
    let builds = try await builds(of: candidates, in: work.path)
    var verdicts: [Verdict] = []
    var outcomes: [Outcomes] = []
    let silent = builds.reduce(into: Set<String>()) { $0.formUnion($1.extraction.primitives) }
    for (number, candidate) in candidates.enumerated() {
      bench.phase("running every scenario in \(candidate.label)")
      let (verdict, outcome) = try await bench.judge(
        domain, builds[number], in: "\(work.path)/\(number)", observing: silent)
      verdicts.append(verdict)
      outcomes.append(outcome!)
    }
    let pairs = (1..<candidates.count).map { new in
      let trees = [candidates[new - 1], candidates[new]].map(\.revision.tree.version)
      return JointSearch.Pair(old: new - 1, new: new, onTheWay: trees[0] == trees[1])
    }
    bench.phase("comparing what comes of every scenario")
    let result = try JointSearch.search(
      domain, outcomes, pairs: pairs, jobs: bench.jobs,
      silent: silent, drives: bench.settings.drives,
      load: { worker, revision in try builds[revision].load(worker) },
      progress: bench.progress)
    var told: [Comparison.Pair] = []
    for (number, pair) in pairs.enumerated() {
      told.append(
        Comparison.Pair(
          old: candidates[pair.old].label, new: candidates[pair.new].label,
          scenarios: result.compared[number], compares: pair.onTheWay ? "trace" : "model",
          groups: try await tell(
            domain, result.groups[number], pair, builds, silent,
            (candidates[pair.old].label, candidates[pair.new].label))))
    }
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Comparison(
      subject: bench.subject, file: builds[0].extraction.provenance.source,
      revisions: zip(candidates, verdicts).map {
        .init(
          label: $0.label, revision: $1.revision, verdict: $1.verdict,
          exploration: $1.exploration)
      },
      pairs: told, findings: FindingHistory(verdicts).rows, scenarios: result.scenarios,
      seconds: Double(seconds) + Double(attoseconds) * 1e-18)
  }

  /// Extracts and compiles the candidates, as many at once as there are workers.
  private func builds(of candidates: [Candidate], in work: String) async throws -> [Builds] {
    var made: [Result<Builds, any Error>?] = candidates.map { _ in nil }
    await withTaskGroup(of: (Int, Result<Builds, any Error>).self) { group in
      for (number, candidate) in candidates.enumerated() {
        if number >= max(1, bench.jobs), let (number, built) = await group.next() {
          made[number] = built
        }
        group.addTask {
          do {
            return (number, .success(try await build(candidate, in: "\(work)/\(number)")))
          } catch {
            return (number, .failure(error))
          }
        }
      }
      for await (number, built) in group { made[number] = built }
    }
    // Of several that fail the first one is told.
    return try made.map { try $0!.get() }
  }

  private func build(_ candidate: Candidate, in directory: String) async throws -> Builds {
    bench.phase("extracting and compiling \(candidate.label)")
    try prepare(directory)
    return try await Builds.make(
      bench.subject, candidate.revision, jobs: bench.jobs, counting: bench.counts,
      installation: bench.installation, sharing: bench.files, in: directory)
  }

  private func prepare(_ directory: String) throws {
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw DiskTrouble.failure(asked: "compare revisions", temporary: directory, error)
    }
  }

  /// Runs the smallest scenario of each group again, in both revisions, and says what differs.
  private func tell<D: ObservedDomain>(
    _ domain: D.Type, _ groups: [JointSearch.Group], _ pair: JointSearch.Pair, _ builds: [Builds],
    _ silent: Set<String>, _ labels: (old: String, new: String)
  ) async throws -> [Comparison.Group] {
    guard !groups.isEmpty else { return [] }
    let (old, new) = (builds[pair.old], builds[pair.new])
    var replay = try JointReplay<D>(
      old: old.load(0), new: new.load(0), onTheWay: pair.onTheWay,
      silent: silent)
    let runs = groups.map { group in
      let needed = replay.needed(group)
      let scenarios = replay.run(group)
      return (needed, scenarios, RawTrace(replay.old), RawTrace(replay.new))
    }
    let oldSource = try await old.source(
      of: Set(runs.flatMap(\.2.offsets)), in: replay.old)
    let newSource = try await new.source(
      of: Set(runs.flatMap(\.3.offsets)), in: replay.new)
    return zip(groups, runs).map { group, run in
      let (needed, scenarios, oldTrace, newTrace) = run
      let traces = (oldTrace.read(oldSource), newTrace.read(newSource))
      // What fails in one of them may not be asked in the other.
      let isOld = oldTrace.failures.count > newTrace.failures.count
      let condition = Condition(
        trace: isOld ? oldTrace : newTrace, needed: needed, source: isOld ? oldSource : newSource
      ).text
      let sides = SideBySide(traces.0, traces.1)
      let parting = sides.parting
      let line = Self.line(of: scenarios.parting, parting, traces.1)
      let oldLine = parting?.old?.line ?? 0
      let clause: String =
        switch scenarios.parting {
        case .fact(let old, let new): replay.newDomain.describe(old, new)
        case .events where sides.isReordered:
          "\(replay.newDomain.name(ofTarget: group.kind.target))() does the same in another order"
        case .events, nil:
          Self.describe(parting, replay.newDomain.name(ofTarget: group.kind.target))
        }
      let file = newSource.provenance.source
      let name = (file as NSString).lastPathComponent
      let place =
        line != 0
        ? " (\(name):\(line))" : oldLine != 0 ? " (\(labels.old)'s \(name):\(oldLine))" : ""
      return Comparison.Group(
        sentence: [condition, clause].compactMap { $0 }.joined(separator: " → ") + place,
        count: group.count, oldScenario: "\(scenarios.old)", newScenario: "\(scenarios.new)",
        file: file, line: line, oldTrace: traces.0, newTrace: traces.1)
    }
  }

  /// The line at which the newer revision parts from the older: in the traces, or where they are the
  /// same that of the step's return. 0 where only the older has such a line.
  private static func line(
    of parting: Observation.Parting?, _ row: SideBySide.Row?, _ trace: [Verdict.Event]
  ) -> Int {
    if let row { return row.new?.line ?? 0 }
    guard case .fact(_, let fact) = parting else { return 0 }
    let returns = trace.filter { $0.event == "return" }
    return returns.indices.contains(Int(fact.step)) ? returns[Int(fact.step)].line : 0
  }

  /// What differs on the way where all that is left behind is the same.
  private static func describe(_ row: SideBySide.Row?, _ target: String) -> String {
    let same = ", with the same result"
    switch (row?.old.map(words), row?.new.map(words)) {
    case (let old?, let new?): return "\(target)() \(new) where it \(old) before\(same)"
    case (nil, let new?): return "\(target)() also \(new)\(same)"
    case (let old?, nil): return "\(target)() no longer \(old)\(same)"
    default: return "\(target)() calls something else\(same)"
    }
  }

  /// What a step does at an event: `frees page 0x140002000`.
  private static func words(_ event: Verdict.Event) -> String {
    let callee = event.callee ?? ""
    switch event.event {
    case "alloc": return "calls \(callee) \(event.detail)"
    case "boundary": return "calls \(callee) \(event.detail)".trimmingCharacters(in: .whitespaces)
    case "free": return "frees \(event.detail)"
    case "lock": return "takes \(event.detail)"
    case "unlock": return "releases \(event.detail)"
    case "wait": return "waits for \(event.detail)"
    case "return": return "returns \(event.detail)"
    case "enter": return "is called"
    case "WARN": return "WARNs"
    default: return "meets \(event.event) \(event.detail)"
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import Failures
import Foundation
import KernelSource
import Reporting
import Workers

/// What a page and a coverage show beside a verdict. Asked for behind it, so that a check without them
/// does not wait.
struct Details: Codable, Sendable {
  /// What each scenario does, by its spelling; without those whose state the revision does not have.
  var runs: [String: Verdict.Walkthrough] = [:]
  /// How often all scenarios together pass each line, by file; nil where that was not counted.
  var lines: [String: [Int: Int]]?
  var branches: [String: [Verdict.Branch]] = [:]
}

/// Runs scenarios once more, and looks at what is passed and what is left behind.
struct DetailsWork: Work {
  var settings: CheckSettings
  /// Those that are shown.
  var scenarios: [String]
  /// Whether all scenarios are counted, too.
  var isCounting: Bool
  var revision: Revision
  var group: String { revision.id }

  func run(
    in shop: Workshop, note: @escaping @Sendable (CheckNote) -> Void
  ) async throws -> Details {
    try await shop.bench(settings, note)
      .details(of: revision, scenarios: scenarios, isCounting: isCounting)
  }
}

extension Bench {
  /// Of so many scenarios the lines that they run are told: each takes llvm-cov once.
  static var mostExecuted: Int { 40 }

  func details(
    of revision: Revision, scenarios: [String], isCounting: Bool
  ) async throws -> Details {
    try await details(domain, revision, scenarios, isCounting)
  }

  private func details<D: Domain>(
    _ domain: D.Type, _ revision: Revision, _ scenarios: [String], _ isCounting: Bool
  ) async throws -> Details {
    let work = try WorkDirectory()
    defer { work.remove() }
    phase("looking at what \(subject) runs in Linux \(revision.tree.version)")
    let builds = try await Builds.make(
      subject, revision, jobs: jobs, counting: true, installation: installation, sharing: files,
      in: work.path)
    var details = Details()
    let built = try builds.load(0)
    var judge = try D(built)
    for (number, spelling) in scenarios.enumerated() {
      let scenario = try Scenario(spelling)
      guard let (found, _) = Explorer.rerun(scenario, in: &judge, subject: built) else { continue }
      let raw = RawTrace(built)
      let wrong = Set(found.entries.map(\.value.message)).sorted()
      let picture = judge.picture(telling: wrong).map { Verdict.Picture($0) }
      let source = try await builds.source(of: raw.offsets, in: built)
      var executed: [Verdict.Executed]?
      if number < Self.mostExecuted {
        executed = try await self.executed(
          domain, scenario, built.world.decisions.map(\.choice), builds, number, in: work.path)
      }
      details.runs[spelling] = .init(
        trace: raw.read(source), executed: executed, picture: picture)
    }
    guard isCounting else { return details }
    built.forgetCounts()
    _ = try Explorer.search(
      domain, jobs: jobs, seconds: settings.seconds, load: builds.load, drives: settings.drives,
      countsAnew: true, finish: builds.writeProfile(_:of:), progress: progress)
    let coverage = builds.coverage(in: work.path)
    let functions = try await coverage.functions()
    details.lines = try coverage.lines(of: functions)
    details.branches = try coverage.branches(of: functions)
    return details
  }

  /// The lines that one scenario runs.
  ///
  /// - Parameter choices: all of its answers.
  private func executed<D: Domain>(
    _ domain: D.Type, _ scenario: Scenario, _ choices: [UInt8], _ builds: Builds, _ number: Int,
    in work: String
  ) async throws -> [Verdict.Executed] {
    // Counters only grow: each scenario has an object of its own.
    let path = "\(work)/run-\(number).so"
    try FileManager.default.copyItem(atPath: builds.path, toPath: path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let subject = try Subject(sharedObject: path)
    try Explorer.runOnce(scenario, choices, domain, in: subject)
    let profile = "\(work)/run-\(number).profraw"
    subject.writeProfile(to: profile)
    let coverage = Coverage(
      extraction: builds.extraction, module: builds.path, profiles: [profile], work: work)
    return try await coverage.lines().sorted { $0.key < $1.key }.map { file, times in
      .init(file: file, lines: times.filter { $0.value > 0 }.keys.sorted())
    }.filter { !$0.lines.isEmpty }
  }
}

extension Check {
  /// The verdict with what is shown of it. Where a page's part cannot be had, the verdict stands as it
  /// is, and a remark says so.
  func shown(_ answer: Answer) async -> Verdict {
    var verdict = answer.verdict
    guard let part = answer.parts.first else { return verdict }
    if isDetailed {
      do {
        return try await detailed(answer)
      } catch {
        let cause = (error as? Failure)?.cause ?? "\(error)"
        remark?("the lines that \(subject) runs cannot be told: \(cause)")
      }
    }
    verdict.sources = Sources(part.revision).told(by: verdict)
    return verdict
  }

  /// Adds what a page shows to an answer.
  private func detailed(_ answer: Answer) async throws -> Verdict {
    var verdict = answer.verdict
    guard let part = answer.parts.first else { return verdict }
    var shown: [String] = []
    // Those of one cause are told by its first.
    for scenario in verdict.causes.map(\.scenario) + verdict.findings.map(\.scenario)
    where !scenario.isEmpty && !shown.contains(scenario) && shown.count < Self.mostShown {
      shown.append(scenario)
    }
    let details = try await perform(
      DetailsWork(
        settings: settings, scenarios: shown, isCounting: true, revision: part.revision))
    var base = Details()
    if answer.parts.count > 1, !shown.isEmpty {
      base = try await perform(
        DetailsWork(
          settings: settings.ofBase, scenarios: shown, isCounting: false,
          revision: answer.parts[1].revision))
    }
    for index in verdict.findings.indices {
      let scenario = verdict.findings[index].scenario
      verdict.findings[index].executed = details.runs[scenario]?.executed
      verdict.findings[index].picture = details.runs[scenario]?.picture
      verdict.findings[index].base = base.runs[scenario]
    }
    verdict.sources = Sources(part.revision).all(of: verdict, counted: details)
    return verdict
  }

  /// Of so many scenarios a page shows more than their words.
  private static var mostShown: Int { 200 }
}

/// The kernel's text of a revision, for what a verdict shows of it.
struct Sources {
  private let revision: Revision

  init(_ revision: Revision) { self.revision = revision }

  /// The functions, or the lines, that findings and notes are about.
  func told(by verdict: Verdict) -> [Verdict.Source] {
    var texts: [String: [String]] = [:]
    var sources: [Verdict.Source] = []
    for finding in verdict.findings + verdict.notes where finding.line > 0 {
      let isThere = sources.contains {
        $0.file == finding.file && $0.firstLine <= finding.line && finding.line <= $0.lastLine
      }
      guard !isThere, let text = text(finding.file, &texts), finding.line <= text.count else {
        continue
      }
      let place = verdict.exploration.extracted?.first {
        $0.file == finding.file && $0.firstLine <= finding.line && finding.line <= $0.lastLine
      }
      let first = place?.firstLine ?? max(1, finding.line - 5)
      let last = min(text.count, place?.lastLine ?? finding.line + 5)
      guard first <= last else { continue }
      sources.append(
        .init(
          file: finding.file, function: place?.function, firstLine: first,
          lines: Array(text[(first - 1)..<last])))
    }
    return sources
  }

  /// All functions that were taken out, and what else the findings are about.
  func all(of verdict: Verdict, counted details: Details) -> [Verdict.Source] {
    var texts: [String: [String]] = [:]
    var sources: [Verdict.Source] = []
    for place in verdict.exploration.extracted ?? [] {
      guard let text = text(place.file, &texts), place.firstLine >= 1,
        place.firstLine <= place.lastLine, place.lastLine <= text.count
      else { continue }
      let range = place.firstLine...place.lastLine
      var source = Verdict.Source(
        file: place.file, function: place.function, firstLine: place.firstLine,
        lines: Array(text[(place.firstLine - 1)..<place.lastLine]))
      if let lines = details.lines {
        let times = lines[place.file] ?? [:]
        source.counts = range.map { times[$0] }
        source.branches = (details.branches[place.file] ?? []).filter { range.contains($0.line) }
      }
      sources.append(source)
    }
    let others = told(by: verdict).filter { other in
      !sources.contains {
        $0.file == other.file && $0.firstLine <= other.firstLine && other.lastLine <= $0.lastLine
      }
    }
    return sources + others
  }

  private func text(_ file: String, _ known: inout [String: [String]]) -> [String]? {
    if let text = known[file] { return text }
    guard let path = revision.path(of: file), let text = String(kernelFile: path) else {
      return nil
    }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    known[file] = lines
    return lines
  }
}

extension Verdict.Picture {
  /// As a search draws it.
  init(_ picture: MemoryPicture) {
    self.init(
      start: picture.start, root: picture.root,
      boxes: picture.boxes.map { box in
        .init(
          id: box.id, kind: box.kind, name: box.name, column: box.column,
          entries: box.entries.map {
            .init(
              index: $0.index, through: $0.through, text: $0.text, target: $0.target,
              wrong: $0.wrong)
          }, wrong: box.wrong)
      }, wrong: picture.wrong)
  }
}

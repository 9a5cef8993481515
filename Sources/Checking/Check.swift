// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import Failures
import Foundation
import KernelSource
import Reporting
import Workers

/// One check: a revision is extracted, compiled, searched and judged.
public struct Check: Sendable {
  public var subject: String
  public var jobs: Int
  /// What to search, by the first part of a scenario's spelling; nil for all. A part of the
  /// scenarios tells nothing about dead branches.
  public var drives: Set<String>?
  public var installation: Installation
  /// Called a few times a second during a search.
  public var progress: (@Sendable (Explorer.Progress) -> Void)?
  /// Told what begins, in a few words.
  public var phase: (@Sendable (String) -> Void)?
  /// Results of earlier checks; nil searches everything.
  public var results: ResultCache?

  /// Who extracts, compiles and runs.
  public var worker: any Worker = LocalWorker()
  /// Whether other checks read the same files.
  var sharesFiles = false

  /// Whether verdicts tell what a page and a coverage show, too: what was run, how often, and what
  /// memory was like.
  public var isDetailed = false
  /// Told what a page will lack, in a sentence.
  public var remark: (@Sendable (String) -> Void)?

  /// How long the search of a function without a manifest may take; nil: as usual.
  public var seconds: Int?

  public init(
    subject: String, jobs: Int, installation: Installation,
    progress: (@Sendable (Explorer.Progress) -> Void)? = nil,
    phase: (@Sendable (String) -> Void)? = nil
  ) {
    self.phase = phase
    self.subject = subject
    self.jobs = jobs
    self.installation = installation
    self.progress = progress
  }

  var settings: CheckSettings {
    CheckSettings(
      subject: subject, jobs: jobs, drives: drives, seconds: seconds, installation: installation,
      sharesFiles: sharesFiles)
  }

  /// Whether it is a function that no manifest describes.
  private var isFromTypes: Bool {
    FunctionName(subject) != nil
      && Subjects.domain(of: subject, in: installation) == ManifestDomain.self
  }

  /// - Parameter found: called when something breaks.
  func perform<W: Work>(
    _ work: W, found: @escaping @Sendable () -> Void = {}
  ) async throws -> W.Product where W.Note == CheckNote {
    try await worker.perform(work) { note in
      switch note {
      case .phase(let words): phase?(words)
      case .progress(let now): progress?(now)
      case .found: found()
      }
    }
  }

  /// What a check says, and what that was made from.
  public struct Answer: Sendable {
    public var verdict: Verdict
    /// The revision, and its base where that was needed.
    var parts: [Part]

    /// Whether it was looked into any of these files.
    public func reads(anyOf files: [String]) -> Bool {
      parts.contains { !Set($0.reading.files).isDisjoint(with: files) }
    }

    struct Part: Sendable {
      let revision: Revision
      /// Of this revision alone.
      let verdict: Verdict
      let reading: Reading
      /// When nothing of it had been read yet; nil where it is known from an earlier check.
      let began: timespec?
      /// What came of scenarios of other revisions, by their spelling.
      var reruns: [String: Rerun] = [:]
      /// What it does in its simplest scenarios, where it is held against its base.
      var conducts: [Conduct] = []

      /// The same once it is kept.
      var kept: Part { .init(revision: revision, verdict: verdict, reading: reading, began: nil) }
    }
  }

  /// The same check of the base.
  private var ofBase: Check {
    var check = self
    check.installation.isOfBase = true
    return check
  }

  /// As ``answer(of:base:)``, and keeps it.
  public func verdict(of revision: Revision, base: Revision?) async throws -> Verdict {
    let answer = try await answer(of: revision, base: base)
    await keep(answer)
    return answer.verdict
  }

  /// Checks a revision; when it has patches and findings, its base too, to tell what is new.
  /// What is unchanged since an earlier check is not searched again. ``keep(_:as:)`` is the caller's,
  /// before the revisions are closed.
  public func answer(of revision: Revision, base: Revision?) async throws -> Answer {
    var answer = try await judged(revision, base)
    answer.verdict = await shown(answer)
    return answer
  }

  private func judged(_ revision: Revision, _ base: Revision?) async throws -> Answer {
    // Read beside the search.
    async let read = revision.contents
    let ahead = base.flatMap { AheadSearch(of: $0, by: ofBase) }
    let part = try await part(revision, conducting: base != nil && isFromTypes) { ahead?.begin() }
    var answer = Answer(verdict: part.verdict, parts: [part])
    let contents = await read
    answer.verdict.revision.contains = contents.isEmpty ? nil : contents
    guard let base else { return answer }
    let lapses = try await lapses(part, over: base)
    let assumed = part.verdict.assumed ?? []
    guard !(part.verdict.findings.isEmpty && part.verdict.notes.isEmpty && assumed.isEmpty) else {
      answer.verdict.add(lapses)
      return answer
    }
    // The base may be the same text; and what was found is not lost where the base fails.
    await keep(part)
    let other = try await ofBase.part(
      base, rerunning: part.verdict.findings + assumed, ahead: ahead)
    answer.parts = [part.kept, other]
    let evidence = evidence(part, over: other)
    Self.tell(&answer.verdict, from: [(other.verdict, evidence)])
    answer.verdict.takeOn(assumed, over: other.verdict, by: evidence)
    answer.verdict.add(lapses)
    return answer
  }

  /// Keeps an answer for later checks.
  ///
  /// - Parameter request: what it answers; nil where the answer is more than that of a request.
  public func keep(_ answer: Answer, as request: Request? = nil) async {
    for part in answer.parts { await keep(part) }
    // What only a page shows is made again.
    if let request, !isDetailed { await results?.keep(answer, as: request) }
  }

  func keep(_ part: Answer.Part) async {
    guard drives == nil, let began = part.began else { return }
    await results?.keep(
      part.verdict, of: part.revision, reading: part.reading, began: began)
  }

  /// Judges one revision on its own; an earlier result of the same text serves.
  func verdict(of revision: Revision) async throws -> Verdict {
    let part = try await part(revision)
    await keep(part)
    return part.verdict
  }

  /// - Parameters:
  ///   - others: another revision's findings. Scenarios of those that may be here too are run again.
  ///   - ahead: a search of it that may have begun.
  ///   - found: called when something breaks.
  func part(
    _ revision: Revision, rerunning others: [Verdict.Finding] = [], conducting: Bool = false,
    ahead: AheadSearch? = nil, found: @escaping @Sendable () -> Void = {}
  ) async throws -> Answer.Part {
    var part: Answer.Part
    if let searched = try await ahead?.part {
      part = searched
    } else if drives == nil, let known = await results?.known(of: subject, in: revision) {
      part = Answer.Part(
        revision: revision, verdict: known.verdict, reading: known.reading, began: nil)
    } else {
      let work = SearchWork(
        settings: settings, revision: revision, rerunning: others, conducting: conducting)
      let searched = try await perform(work, found: found)
      return Answer.Part(
        revision: revision, verdict: searched.verdict, reading: searched.reading,
        began: searched.began.time, reruns: searched.reruns, conducts: searched.conducts)
    }
    part.reruns = try await rerun(Rerun.scenarios(of: others, in: part.verdict), revision)
    if conducting {
      part.conducts = try await perform(ConductsWork(settings: settings, revision: revision))
    }
    return part
  }

  /// Runs scenarios of another revision.
  func rerun(_ scenarios: Set<String>, _ revision: Revision) async throws -> [String: Rerun] {
    guard !scenarios.isEmpty else { return [:] }
    return try await perform(
      RerunWork(settings: settings, scenarios: scenarios, revision: revision))
  }

  /// What the revision does worse than its base in the same scenario: what it no longer gives back, and
  /// failures that it no longer passes on.
  private func lapses(_ part: Answer.Part, over base: Revision) async throws -> ToldLapses {
    guard !part.conducts.isEmpty else { return ToldLapses(findings: [], causes: []) }
    let lapses = try await perform(
      LapsesWork(settings: settings.ofBase, conducts: part.conducts, base: base))
    guard !lapses.isEmpty else { return ToldLapses(findings: [], causes: []) }
    return try await perform(
      ToldLapsesWork(settings: settings, lapses: lapses, revision: part.revision))
  }

  /// Runs one scenario again, and says what it breaks.
  ///
  /// - Parameter base: what a function that no manifest describes is held against where the scenario
  ///   alone shows nothing.
  public func replay(
    _ scenario: Scenario, of revision: Revision, base: Revision? = nil
  ) async throws -> Replay {
    try await perform(
      ReplayWork(settings: settings, scenario: scenario, revision: revision, base: base))
  }

  /// Says what several revisions do differently.
  ///
  /// - Parameter candidates: at least two, in the order in which they are compared.
  public func comparison(of candidates: [Compare.Candidate]) async throws -> Comparison {
    try await perform(CompareWork(settings: settings, candidates: candidates))
  }

  /// What tells which findings of a part another has too.
  func evidence(_ part: Answer.Part, over base: Answer.Part) -> Evidence {
    let (mine, others) = (part.verdict.told, base.verdict.told)
    let properties = Set(mine.map(\.property))
    guard others.contains(where: { properties.contains($0.property) }) || !base.reruns.isEmpty
    else { return .none }
    var evidence = Evidence(mine + others, of: part.revision, over: base.revision)
    evidence.reruns = base.reruns
    return evidence
  }

  /// Says what a revision introduces: what none of those that it is made from has.
  ///
  /// - Returns: of each base, which of its findings the revision has too.
  @discardableResult
  static func tell(
    _ verdict: inout Verdict, from bases: [(verdict: Verdict, evidence: Evidence)]
  ) -> [Set<Int>] {
    var kept: [Set<Int>] = []
    let told = bases.map { base, evidence in
      let matches = FindingMatch.matches(of: verdict.findings, in: base.findings, by: evidence)
      kept.append(Set(matches.compactMap(\.self)))
      var notes = verdict.notes
      tell(&notes, from: base.notes)
      return (findings: matches.map { $0 == nil }, notes: notes.map(\.introduced))
    }
    for index in verdict.findings.indices {
      verdict.findings[index].introduced = told.allSatisfy { $0.findings[index] }
    }
    for index in verdict.notes.indices {
      verdict.notes[index].introduced = told.allSatisfy { $0.notes[index] }
    }
    return kept
  }

  /// Says which findings the patches introduce: those that the base has not got, one for one.
  static func tell(_ findings: inout [Verdict.Finding], from base: [Verdict.Finding]) {
    // What a patch touched is matched last.
    let order = findings.indices.sorted { !findings[$0].introduced && findings[$1].introduced }
    let matches = FindingMatch.matches(of: findings, in: base, order: order)
    for index in findings.indices { findings[index].introduced = matches[index] == nil }
  }
}

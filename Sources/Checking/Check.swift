// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import Failures
import Foundation
import KernelSource
import Reporting

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

  /// What several checks have read of the same files.
  public var files = SourceFiles()

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

  /// Whether branches are counted: where nothing but types says what the inputs can be, a branch that
  /// none of them takes says nothing.
  var counts: Bool { drives == nil && FunctionName(subject) == nil }

  private var domain: any ObservedDomain.Type {
    Subjects.domain(of: subject, in: installation)
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
    let part = try await part(revision, conducting: base != nil && isFromTypes)
    var answer = Answer(verdict: part.verdict, parts: [part])
    let contents = revision.contents
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
    let other = try await ofBase.part(base, rerunning: part.verdict.findings + assumed)
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
    if let request { await results?.keep(answer, as: request) }
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

  /// - Parameter others: another revision's findings. Scenarios of those that may be here too are
  ///   run again.
  func part(
    _ revision: Revision, rerunning others: [Verdict.Finding] = [], conducting: Bool = false
  ) async throws -> Answer.Part {
    guard drives == nil, let known = await results?.known(of: subject, in: revision) else {
      return try await search(domain, revision, rerunning: others, conducting: conducting)
    }
    var part = Answer.Part(
      revision: revision, verdict: known.verdict, reading: known.reading, began: nil)
    let scenarios = Self.scenarios(of: others, in: known.verdict)
    if !scenarios.isEmpty { part.reruns = try await rerun(domain, scenarios, revision) }
    if conducting {
      part.conducts = try await build(revision) { builds in try Self.conducts(builds) }
    }
    return part
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

  // MARK: Held against the base

  /// Whether it is a function that no manifest describes.
  private var isFromTypes: Bool { FunctionName(subject) != nil && domain == ManifestDomain.self }

  private func build<Made>(
    _ revision: Revision, _ use: (Builds) async throws -> Made
  ) async throws -> Made {
    let work = try WorkDirectory()
    defer { work.remove() }
    return try await use(
      try await Builds.make(
        subject, revision, jobs: 1, counting: false, installation: installation, sharing: files,
        in: work.path))
  }

  private static func conducts(_ builds: Builds) throws -> [Conduct] {
    let subject = try builds.load(0)
    var judge = try ManifestDomain(subject)
    return Explorer.conducts(in: &judge, subject: subject)
  }

  private func lapses(_ conducts: [Conduct], over base: Revision) async throws -> [Lapse] {
    guard !conducts.isEmpty else { return [] }
    return try await ofBase.build(base) { builds in
      let subject = try builds.load(0)
      var judge = try ManifestDomain(subject)
      let known = Explorer.conducts(as: conducts, in: &judge, subject: subject)
      return Lapse.all(conducts, over: known, in: judge)
    }
  }

  /// What the revision does worse than its base in the same scenario: what it no longer gives back, and
  /// failures that it no longer passes on.
  private func lapses(
    _ part: Answer.Part, over base: Revision
  ) async throws -> (findings: [Verdict.Finding], causes: [Verdict.Cause]) {
    guard !part.conducts.isEmpty else { return ([], []) }
    let lapses = try await lapses(part.conducts, over: base)
    guard !lapses.isEmpty else { return ([], []) }
    return try await build(part.revision) { builds in
      let subject = try builds.load(0)
      var judge = try ManifestDomain(subject)
      return try await tell(
        Explorer.findings(of: lapses, subject: subject), &judge, subject, builds)
    }
  }

  private func search<D: Domain>(
    _ domain: D.Type, _ revision: Revision, rerunning others: [Verdict.Finding], conducting: Bool
  ) async throws -> Answer.Part {
    var began = FileStamp.now()
    let work = try WorkDirectory()
    defer { work.remove() }
    phase?("extracting and compiling \(subject) of Linux \(revision.tree.version)")
    let builds = try await Builds.make(
      subject, revision, jobs: jobs, counting: counts || countsLines(of: revision),
      installation: installation, sharing: files,
      in: work.path)
    let shared = builds.extraction.began
    if (shared.tv_sec, shared.tv_nsec) < (began.tv_sec, began.tv_nsec) { began = shared }
    let (verdict, _) = try await judge(domain, builds, in: work.path)
    var part = Answer.Part(
      revision: revision, verdict: verdict, reading: builds.extraction.reading, began: began,
      reruns: try await rerun(domain, Self.scenarios(of: others, in: verdict), builds))
    if conducting { part.conducts = try Self.conducts(builds) }
    return part
  }

  /// The scenarios of findings that a verdict may have too.
  private static func scenarios(of findings: [Verdict.Finding], in verdict: Verdict) -> Set<String>
  {
    let properties = Set(verdict.told.map(\.property))
    return Set(
      findings.filter { properties.contains($0.property) || $0.isImmediate }.map(\.scenario))
  }

  /// Runs scenarios of another revision.
  func rerun(_ scenarios: Set<String>, _ revision: Revision) async throws -> [String: Rerun] {
    try await rerun(domain, scenarios, revision)
  }

  private func rerun<D: Domain>(
    _ domain: D.Type, _ scenarios: Set<String>, _ revision: Revision
  ) async throws -> [String: Rerun] {
    let work = try WorkDirectory()
    defer { work.remove() }
    let builds = try await Builds.make(
      subject, revision, jobs: 1, counting: false, installation: installation, sharing: files,
      in: work.path)
    return try await rerun(domain, scenarios, builds)
  }

  private func rerun<D: Domain>(
    _ domain: D.Type, _ scenarios: Set<String>, _ builds: Builds
  ) async throws -> [String: Rerun] {
    guard !scenarios.isEmpty else { return [:] }
    let subject = try builds.load(0)
    var judge = try D(subject)
    var found: [String: (findings: Report.Findings, isWhole: Bool)] = [:]
    for spelling in scenarios {
      found[spelling] = Explorer.rerun(try Scenario(spelling), in: &judge, subject: subject)
    }
    var offsets: Set<UInt64> = []
    for (breach, entry) in found.values.flatMap(\.findings.entries) {
      if breach.offset != 0 { offsets.insert(breach.offset) }
      offsets.formUnion(entry.path)
    }
    let source = try await builds.source(of: offsets)
    return found.mapValues { findings, isWhole in
      Rerun(
        isWhole: isWhole,
        broken: findings.entries.map { breach, entry in
          let place = source.place(of: breach, by: entry.path)
          return Verdict.Finding(
            property: breach.property.id, function: place.function,
            file: source.provenance.file(of: place.function), line: place.line, introduced: false,
            message: entry.message, scenario: "", failing: 0, trace: [])
        })
    }
  }

  /// Searches what was built.
  ///
  /// - Parameters:
  ///   - work: a directory of this revision's own.
  ///   - silent: asks for what came of every scenario, see ``Explorer/search``.
  func judge<D: Domain>(
    _ domain: D.Type, _ builds: Builds, in work: String, observing silent: Set<String>? = nil
  ) async throws -> (Verdict, Outcomes?) {
    let result = try Explorer.search(
      domain, jobs: jobs, seconds: seconds, load: builds.load, drives: drives, observing: silent,
      progress: progress)
    let subject = try builds.load(0)
    var judge = try D(subject)
    let (findings, causes) = try await tell(result.findings, &judge, subject, builds)
    let provenance = builds.extraction.provenance
    // What lies beyond a limit may take any branch.
    var notes =
      counts && result.isExhaustive && result.most == nil
      ? try await notes(domain, builds, result.covering, in: work) : []
    // Which way a branch goes is not known where what it depends on was never set.
    notes.removeAll { note in
      findings.contains { $0.property == Property.uninitialised.id && $0.line == note.line }
    }
    let time = seconds ?? Explorer.mostSeconds
    var limits = result.findings.limits.keys.map { limit in
      limit == .seconds ? "\(time) second\(time == 1 ? "" : "s") of search" : limit.words
    }.sorted()
    let unreached =
      builds.isCounting && !counts
      ? try await unreached(domain, builds, result.covering, in: work) : nil
    if let lines = unreached?.lines, !lines.isEmpty {
      limits.append("lines of the patch that no run comes to (\(unreached!.places))")
    }
    if let missing = provenance.missing {
      limits.append("what the kernel's build generates (\(missing.joined(separator: ", ")))")
    }
    let (assumed, _) = try await tell(result.assumed, &judge, subject, builds)
    var verdict = Verdict(
      revision: .init(
        kernel: provenance.kernel, version: provenance.version,
        patches: provenance.patches.map { .init(file: $0.file, subject: $0.subject) }),
      subject: self.subject, findings: findings, causes: causes, notes: notes,
      exploration: .init(
        scenarios: result.scenarios, runs: result.runs, seconds: result.seconds,
        exhaustive: result.isExhaustive && drives == nil && limits.isEmpty,
        limits: limits.isEmpty ? nil : limits,
        bound: result.most.map {
          "with at most \($0) answers of a run that are not the ordinary ones"
        } ?? D.bound, functions: subject.entries, coverage: D.coverage),
      properties: properties(domain, result.findings, notes))
    if let unreached {
      verdict.exploration.unreached = unreached.lines
      verdict.exploration.isPatchRun = unreached.isReached
    }
    verdict.exploration.extracted = provenance.functions.map {
      .init(
        file: $0.file ?? provenance.source, function: $0.name, firstLine: $0.firstLine,
        lastLine: $0.lastLine)
    }
    verdict.assume(assumed)
    if verdict.whyNotJudged != nil, let name = FunctionName(self.subject) {
      verdict.exploration.answeredBy = installation.service(answering: name.function)
    }
    let followed = builds.extraction.followed
    verdict.followed = followed.isEmpty ? nil : followed
    return (verdict, result.outcomes)
  }

  /// Whether it is looked at which lines of a patch are run at all.
  private func countsLines(of revision: Revision) -> Bool {
    guard drives == nil, let name = FunctionName(subject) else { return false }
    return revision.touched[name.file] != nil
  }

  /// Lines of the judged function that a patch touched and that no run comes to.
  private func unreached<D: Domain>(
    _ domain: D.Type, _ builds: Builds, _ covering: [Covering], in work: String
  ) async throws -> (lines: [Int], places: String, isReached: Bool)? {
    guard let name = FunctionName(subject) else { return nil }
    let counting = try builds.loadCounting(0)
    try Explorer.makeAgain(covering, domain, in: counting)
    let coverage = Coverage(
      extraction: builds.extraction, module: builds.countingPath,
      profiles: [builds.writeProfile(of: counting, worker: 0)], work: work)
    guard let found = try await coverage.unreached(in: name.function, of: name.file) else {
      return nil
    }
    return (found.lines, "\(name.file):\(Lines.ranges(found.lines))", found.isReached)
  }

  /// Branches that no scenario takes. The runs that cover every way through the code tell which may be
  /// dead; every scenario tells which are.
  private func notes<D: Domain>(
    _ domain: D.Type, _ builds: Builds, _ covering: [Covering], in work: String
  ) async throws -> [Verdict.Finding] {
    func notes(_ profiles: [String]) async throws -> [Verdict.Finding] {
      try await BranchNotes(
        coverage: .init(
          extraction: builds.extraction, module: builds.countingPath, profiles: profiles, work: work
        )
      ).notes()
    }
    let first = try builds.loadCounting(0)
    try Explorer.makeAgain(covering, domain, in: first)
    let candidates = try await notes([builds.writeProfile(of: first, worker: 0)])
    guard !candidates.isEmpty else { return [] }
    phase?("making sure that \(candidates.count) branches are dead")
    _ = try Explorer.search(
      domain, jobs: jobs, load: builds.loadCounting,
      finish: { worker, subject in builds.writeProfile(of: subject, worker: worker) },
      progress: progress)
    return try await notes(builds.profiles)
  }

  /// Runs the smallest scenario of each finding again, finds its lines, and puts the findings
  /// together by cause.
  private func tell<D: Domain>(
    _ found: Report.Findings, _ judge: inout D, _ subject: Subject, _ builds: Builds
  ) async throws -> ([Verdict.Finding], [Verdict.Cause]) {
    var drafts: [Draft] = []
    for (breach, entry) in found.entries {
      let needed = Explorer.needed(breach, entry, in: &judge, subject: subject)
      let scenario = Explorer.scenario(
        state: entry.state, choices: entry.choices, in: &judge, subject: subject)
      drafts.append(
        Draft(
          breach: breach, entry: entry, scenario: scenario, trace: RawTrace(subject),
          needed: needed,
          place: ("", 0), assumes: Assumptions(subject).text))
    }
    var offsets = Set(drafts.map(\.breach.offset).filter { $0 != 0 })
    for draft in drafts { offsets.formUnion(draft.trace.offsets.union(draft.entry.path)) }
    let source = try await builds.source(of: offsets)
    for index in drafts.indices {
      drafts[index].place = source.place(of: drafts[index].breach, by: drafts[index].entry.path)
    }
    drafts.sort {
      ($0.place.line, $0.property.id, "\($0.scenario)", $0.breach.offset)
        < ($1.place.line, $1.property.id, "\($1.scenario)", $1.breach.offset)
    }
    let sentences = drafts.map { Sentence(draft: $0, source: source) }
    var findings = drafts.map { $0.finding(source) }
    var causes: [Verdict.Cause] = []
    for index in findings.indices { findings[index].sentence = sentences[index].text }
    for (number, group) in Causes(drafts, sentences).groups.enumerated() {
      for index in group { findings[index].cause = number }
      let head = findings[group[0]]
      causes.append(
        .init(
          sentence: sentences[group[0]].text, findings: group, scenario: head.scenario,
          file: head.file, line: head.line))
    }
    return (findings, causes)
  }

  private func properties(
    _ domain: any Domain.Type, _ found: Report.Findings, _ notes: [Verdict.Finding]
  ) -> [Verdict.Property] {
    domain.properties.map { property in
      let broken = found.entries.filter { $0.key.property == property }.map(\.value.failing)
      return Verdict.Property(
        id: property.id, checked: found.checked(property), broken: broken.reduce(0, +))
    } + [
      .init(
        id: Property.deadBranch.id, checked: found.checked(.crash), broken: notes.count)
    ]
  }

  /// Runs one scenario again, and says what it breaks.
  ///
  /// - Parameter base: what a function that no manifest describes is held against where the scenario
  ///   alone shows nothing.
  public func replay(
    _ scenario: Scenario, of revision: Revision, base: Revision? = nil
  ) async throws -> Replay {
    try await replay(domain, scenario, revision, base)
  }

  private func replay<D: Domain>(
    _ domain: D.Type, _ scenario: Scenario, _ revision: Revision, _ base: Revision?
  ) async throws -> Replay {
    let work = try WorkDirectory()
    defer { work.remove() }
    let builds = try await Builds.make(
      subject, revision, jobs: 1, counting: false, installation: installation, sharing: files,
      in: work.path)
    let built = try builds.load(0)
    var judge = try D(built)
    var findings = try Explorer.replay(scenario, in: &judge, subject: built)
    let raw = RawTrace(built)
    var isAgainstBase = false
    if findings.entries.isEmpty, isFromTypes, let base {
      var judge = try ManifestDomain(built)
      let conducts = Explorer.conducts(of: scenario, in: &judge, subject: built)
      let lapses = try await lapses(conducts, over: base)
      findings = Explorer.findings(of: lapses, subject: built)
      isAgainstBase = !findings.entries.isEmpty
    }
    var offsets = raw.offsets
    for (breach, entry) in findings.entries {
      if breach.offset != 0 { offsets.insert(breach.offset) }
      offsets.formUnion(entry.path)
    }
    let source = try await builds.source(of: offsets)
    let provenance = builds.extraction.provenance
    let broken = findings.entries.map { breach, entry in
      let place = source.place(of: breach, by: entry.path)
      return Replay.Broken(
        property: breach.property.id, message: entry.message, function: place.function,
        line: place.line, thread: raw.thread(of: breach))
    }
    let spellings = builds.extraction.slots
    var replay = Replay(
      scenario: "\(scenario)", subject: subject,
      revision: .init(
        kernel: provenance.kernel, version: provenance.version,
        patches: provenance.patches.map { .init(file: $0.file, subject: $0.subject) }),
      source: provenance.source,
      setUp: D.setUp(drive: scenario.drive, spelled: scenario.state).compactMap { line in
        switch line {
        case .words(let words): words
        // A kernel that has no such field has nothing to set.
        case .slot(let slot, let value): spellings[slot].map { "\($0) = \(value);" }
        }
      },
      trace: raw.read(source),
      broken: broken.sorted { ($0.property, $0.line) < ($1.property, $1.line) },
      domain: String(reflecting: D.self))
    replay.isAgainstBase = isAgainstBase
    return replay
  }
}

/// Where a check compiles: gone when it ends, or swept by the next one after a crash or Ctrl-C.
package struct WorkDirectory {
  private static let prefix = ScratchDirectory.check
  private let scratch: ScratchDirectory

  package var path: String { scratch.path }

  package init() throws {
    let parent = FileManager.default.temporaryDirectory.path
    ScratchDirectory.sweep()
    do {
      scratch = try ScratchDirectory(prefix: Self.prefix, in: parent)
    } catch {
      throw DiskTrouble.failure(asked: "compile the subject", temporary: parent, error)
    }
  }

  package func remove() { scratch.remove() }
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import Failures
import Foundation
import KernelSource
import Reporting

/// What is checked and how, of whatever revision.
struct CheckSettings: Codable, Sendable {
  var subject: String
  var jobs: Int
  var drives: Set<String>?
  var seconds: Int?
  var installation: Installation
  /// Whether a source file's parse is kept for other subjects.
  var sharesFiles = false

  /// The same of a patch's base.
  var ofBase: CheckSettings {
    var settings = self
    settings.installation.isOfBase = true
    return settings
  }
}

/// What a check tells on its way.
public enum CheckNote: Codable, Sendable {
  /// What begins, in a few words.
  case phase(String)
  case progress(Explorer.Progress)
  /// Something breaks a property; what, the verdict says.
  case found
}

/// Where a subject of a revision is extracted, compiled, run and judged: all of a check that a
/// stranger's code takes part in.
struct Bench: Sendable {
  let settings: CheckSettings
  /// What several checks have read of the same files.
  let files: SourceFiles
  let note: @Sendable (CheckNote) -> Void

  var subject: String { settings.subject }
  var jobs: Int { settings.jobs }
  private var drives: Set<String>? { settings.drives }
  private var seconds: Int? { settings.seconds }
  var installation: Installation { settings.installation }

  var domain: any ObservedDomain.Type { Subjects.domain(of: subject, in: installation) }

  func phase(_ words: String) { note(.phase(words)) }
  @Sendable func progress(_ now: Explorer.Progress) { note(.progress(now)) }

  /// Whether branches are counted: where nothing but types says what the inputs can be, a branch that
  /// none of them takes says nothing.
  var counts: Bool { drives == nil && FunctionName(subject) == nil }

  /// Whether it is a function that no manifest describes.
  private var isFromTypes: Bool { FunctionName(subject) != nil && domain == ManifestDomain.self }

  private var ofBase: Bench { Bench(settings: settings.ofBase, files: files, note: note) }

  // MARK: Held against the base

  private func build<Made>(
    _ revision: Revision, _ use: (Builds) async throws -> Made
  ) async throws -> Made {
    let work = try WorkDirectory()
    defer { work.remove() }
    return try await use(try await builds(of: revision, in: work.path))
  }

  /// Of a revision there is one kind of object: lines are told alike, whatever it is for.
  private func builds(
    of revision: Revision, jobs: Int = 1, isAlone: Bool = false, in work: String
  ) async throws -> Builds {
    try await Builds.make(
      subject, revision, jobs: jobs, counting: counts || countsLines(of: revision),
      installation: installation, sharing: files, isAlone: isAlone, in: work)
  }

  /// What a revision does in its simplest scenarios.
  func conducts(of revision: Revision) async throws -> [Conduct] {
    try await build(revision) { builds in try Self.conducts(builds) }
  }

  private static func conducts(_ builds: Builds) throws -> [Conduct] {
    let subject = try builds.load(0)
    var judge = try ManifestDomain(subject)
    return Explorer.conducts(in: &judge, subject: subject)
  }

  /// What those scenarios show of a revision that is worse than what this one, its base, does in them.
  func lapses(_ conducts: [Conduct], over base: Revision) async throws -> [Lapse] {
    guard !conducts.isEmpty else { return [] }
    return try await build(base) { builds in
      let subject = try builds.load(0)
      var judge = try ManifestDomain(subject)
      let known = Explorer.conducts(as: conducts, in: &judge, subject: subject)
      return Lapse.all(conducts, over: known, in: judge)
    }
  }

  /// Tells of lapses as of findings.
  func told(_ lapses: [Lapse], of revision: Revision) async throws -> ToldLapses {
    try await build(revision) { builds in
      let subject = try builds.load(0)
      var judge = try ManifestDomain(subject)
      let (findings, causes) = try await tell(
        Explorer.findings(of: lapses, subject: subject), &judge, subject, builds)
      return ToldLapses(findings: findings, causes: causes)
    }
  }

  // MARK: Search

  /// - Parameters:
  ///   - others: another revision's findings. Scenarios of those that may be here too are run again.
  ///   - conducting: whether it will be held against its base.
  func search(
    _ revision: Revision, rerunning others: [Verdict.Finding], conducting: Bool
  ) async throws -> Searched {
    try await search(domain, revision, rerunning: others, conducting: conducting)
  }

  private func search<D: Domain>(
    _ domain: D.Type, _ revision: Revision, rerunning others: [Verdict.Finding], conducting: Bool
  ) async throws -> Searched {
    var began = FileStamp.now()
    let work = try WorkDirectory()
    defer { work.remove() }
    phase("extracting and compiling \(subject) of Linux \(revision.tree.version)")
    let builds = try await builds(
      of: revision, jobs: jobs,
      isAlone: jobs > 1 && ProcessInfo.processInfo.activeProcessorCount > 1, in: work.path)
    let shared = builds.extraction.began
    if (shared.tv_sec, shared.tv_nsec) < (began.tv_sec, began.tv_nsec) { began = shared }
    let (verdict, _) = try await judge(domain, builds, in: work.path)
    var searched = Searched(
      verdict: verdict, reading: builds.extraction.reading, began: Moment(began),
      reruns: try await rerun(domain, Rerun.scenarios(of: others, in: verdict), builds))
    if conducting { searched.conducts = try Self.conducts(builds) }
    return searched
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
    let builds = try await builds(of: revision, in: work.path)
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
    let source = try await builds.source(of: offsets, in: subject)
    return found.mapValues { findings, isWhole in
      Rerun(
        isWhole: isWhole,
        broken: findings.entries.sorted { $0.key < $1.key }.map { breach, entry in
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
      finish: builds.writeProfile(_:of:), found: { note(.found) }, progress: progress)
    let subject = try builds.load(0)
    var judge = try D(subject)
    let (findings, causes) = try await tell(result.findings, &judge, subject, builds)
    let provenance = builds.extraction.provenance
    // What lies beyond a limit may take any branch.
    var notes =
      counts && result.isExhaustive && result.most == nil
      ? try await BranchNotes(coverage: builds.coverage(in: work)).notes() : []
    // Which way a branch goes is not known where what it depends on was never set.
    notes.removeAll { note in
      findings.contains { $0.property == Property.uninitialised.id && $0.line == note.line }
    }
    let time = seconds ?? Explorer.mostSeconds
    var limits = result.findings.limits.keys.map { limit in
      limit == .seconds ? "\(time) second\(time == 1 ? "" : "s") of search" : limit.words
    }.sorted()
    let unreached =
      builds.isCounting && !counts ? try await unreached(builds.coverage(in: work)) : nil
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

  /// Whether it is looked at which lines of a patch are run at all, or it is the base of one.
  private func countsLines(of revision: Revision) -> Bool {
    guard drives == nil, let name = FunctionName(subject) else { return false }
    return installation.isOfBase || revision.touched[name.file] != nil
  }

  /// Lines of the judged function that a patch touched and that no run comes to.
  private func unreached(
    _ coverage: Coverage
  ) async throws -> (lines: [Int], places: String, isReached: Bool)? {
    guard let name = FunctionName(subject),
      let found = try await coverage.unreached(in: name.function, of: name.file)
    else { return nil }
    return (found.lines, "\(name.file):\(Lines.ranges(found.lines))", found.isReached)
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
      var entry = entry
      // A search that resumed may not have had all that came before.
      let place = breach.offset &+ subject.moduleStart
      if breach.offset != 0, subject.world.events.count(where: { $0.pc == place }) == 1,
        let blocks = subject.world.blocks(to: place, from: subject.moduleStart)
      {
        entry.path = blocks
      }
      drafts.append(
        Draft(
          breach: breach, entry: entry, scenario: scenario, trace: RawTrace(subject),
          needed: needed,
          place: ("", 0), assumes: Assumptions(subject).text))
    }
    var offsets = Set(drafts.map(\.breach.offset).filter { $0 != 0 })
    for draft in drafts { offsets.formUnion(draft.trace.offsets.union(draft.entry.path)) }
    let source = try await builds.source(of: offsets, in: subject)
    for index in drafts.indices {
      drafts[index].place = source.place(of: drafts[index].breach, by: drafts[index].entry.path)
    }
    drafts.sort {
      ($0.place.line, $0.property.id, "\($0.scenario)", $0.breach)
        < ($1.place.line, $1.property.id, "\($1.scenario)", $1.breach)
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
  func replay(
    _ scenario: Scenario, of revision: Revision, base: Revision?
  ) async throws -> Replay {
    try await replay(domain, scenario, revision, base)
  }

  private func replay<D: Domain>(
    _ domain: D.Type, _ scenario: Scenario, _ revision: Revision, _ base: Revision?
  ) async throws -> Replay {
    if let spaces = D.knownSpaces { try scenario.check(among: spaces, of: subject) }
    let work = try WorkDirectory()
    defer { work.remove() }
    let builds = try await builds(of: revision, in: work.path)
    let built = try builds.load(0)
    var judge = try D(built)
    var findings = try Explorer.replay(scenario, in: &judge, subject: built)
    let raw = RawTrace(built)
    var isAgainstBase = false
    if findings.entries.isEmpty, isFromTypes, let base {
      var judge = try ManifestDomain(built)
      let conducts = Explorer.conducts(of: scenario, in: &judge, subject: built)
      let lapses = try await ofBase.lapses(conducts, over: base)
      findings = Explorer.findings(of: lapses, subject: built)
      isAgainstBase = !findings.entries.isEmpty
    }
    var offsets = raw.offsets
    for (breach, entry) in findings.entries {
      if breach.offset != 0 { offsets.insert(breach.offset) }
      offsets.formUnion(entry.path)
    }
    let source = try await builds.source(of: offsets, in: built)
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
      broken: broken.sorted {
        ($0.property, $0.line, $0.function, $0.message)
          < ($1.property, $1.line, $1.function, $1.message)
      },
      domain: String(reflecting: D.self))
    replay.isAgainstBase = isAgainstBase
    return replay
  }
}

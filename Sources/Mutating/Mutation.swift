// SPDX-License-Identifier: GPL-2.0-only
import Checking
import Exploration
import Extraction
import Failures
import Foundation
import KernelSource
import Reporting
import Synchronization
import Workers

/// The works of mutation.
public enum MutationWorks {
  public static let all: [any Work.Type] = [MutateWork.self, MutantsWork.self]
}

/// Measures how much the properties notice: each mutant of a revision's functions is searched until
/// it breaks one.
///
/// ``report(of:)`` and ``list(of:)`` are done by a worker.
public struct Mutation: Sendable {
  /// How far a run is.
  public struct Progress: Sendable, Codable {
    public var done: Int
    public var mutants: Int
    public var survived: Int
  }

  public var subject: String
  public var jobs: Int
  public var installation: Installation
  public var selection: MutantSelection
  /// Called whenever a mutant is done.
  public var progress: (@Sendable (Progress) -> Void)?
  /// Told what begins, in a few words.
  public var phase: (@Sendable (String) -> Void)?

  public init(
    subject: String, jobs: Int, installation: Installation, selection: MutantSelection,
    progress: (@Sendable (Progress) -> Void)? = nil,
    phase: (@Sendable (String) -> Void)? = nil
  ) {
    self.subject = subject
    self.jobs = max(1, jobs)
    self.installation = installation
    self.selection = selection
    self.progress = progress
    self.phase = phase
  }

  private var equivalents: String { installation.equivalentsPath(of: subject) }

  /// Who compiles and runs.
  public var worker: any Worker = LocalWorker()

  /// The selected mutants, none compiled and none run.
  public func list(of revision: Revision) async throws -> (file: String, mutants: [Mutant]) {
    let found = try await worker.perform(MutantsWork(settings: settings, revision: revision))
    return (found.file, found.mutants)
  }

  /// - Throws: ``Failure`` of kind request when the revision breaks a property without any mutant.
  public func report(of revision: Revision) async throws -> MutationReport {
    try await worker.perform(MutateWork(settings: settings, revision: revision)) { note in
      switch note {
      case .phase(let words): phase?(words)
      case .progress(let now): progress?(now)
      }
    }
  }

  private var settings: MutationSettings {
    MutationSettings(
      subject: subject, jobs: jobs, installation: installation, selection: selection)
  }

  fileprivate init(
    _ settings: MutationSettings, in shop: Workshop,
    note: @escaping @Sendable (MutationNote) -> Void
  ) {
    self.init(
      subject: settings.subject, jobs: settings.jobs,
      installation: shop.of(settings.installation),
      selection: settings.selection, progress: { note(.progress($0)) },
      phase: { note(.phase($0)) })
  }

  fileprivate func found(in revision: Revision) async throws -> MutantsWork.Product {
    let work = try WorkDirectory()
    defer { work.remove() }
    let found = try await Extraction.mutated(
      subject, from: revision, installation: installation, selection: selection,
      jobs: 0, into: "\(work.path)/extracted")
    return .init(file: found.extraction.provenance.source, mutants: found.mutants)
  }

  fileprivate func made(of revision: Revision) async throws -> MutationReport {
    try await report(Subjects.domain(of: subject, in: installation), revision)
  }

  private func report<D: Domain>(
    _ domain: D.Type, _ revision: Revision
  ) async throws -> MutationReport {
    let equivalents = try Equivalents(path: equivalents)
    let work = try WorkDirectory()
    defer { work.remove() }
    let start = ContinuousClock.now
    phase?("finding and compiling mutants of Linux \(revision.tree.version)")
    let parts = Mutex<[Int: Builds]>([:])
    let mutated = try await Extraction.mutated(
      subject, from: revision, installation: installation, selection: selection, jobs: jobs,
      into: "\(work.path)/extracted"
    ) { part, extraction in
      let directory = "\(work.path)/part-\(part)"
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true)
      let builds = try await Builds.make(
        extraction, jobs: jobs, installation: installation, in: directory)
      parts.withLock { $0[part] = builds }
    }
    let builds = parts.withLock { parts in parts.keys.sorted().map { parts[$0]! } }
    phase?("searching the original")
    let base = try original(domain, mutated, builds[0], revision)
    let ready = mutated.mutants.filter { $0.state == .ready }
    // Those that break nothing are searched whole: the longest first.
    func isListed(_ mutant: Mutant) -> Bool { equivalents.entries[mutant.key] != nil }
    let ordered = ready.filter(isListed) + ready.filter { !isListed($0) }
    var ran = try run(domain, ordered, base, mutated, builds)
    for mutant in try await sameCode(among: ordered, ran, mutated, isListed) {
      let scenarios = ran[mutant.number]!.scenarios
      ran[mutant.number] = Self.outcome(of: mutant)
      ran[mutant.number]!.scenarios = scenarios
    }
    let isFromTypes = try D(builds[0].load(0)).most != nil && domain == ManifestDomain.self
    let missed =
      isFromTypes
      ? try await ReachedLines.missed(
        by: subject, revision, installation: installation, in: "\(work.path)/lines") : [:]
    let file = mutated.extraction.provenance.source
    var contradictions: [MutationReport.Contradiction] = []
    var unlisted: [MutationReport.Unlisted] = []
    let outcomes = mutated.mutants.map { mutant in
      var outcome = ran[mutant.number] ?? Self.outcome(of: mutant)
      (outcome.before, outcome.after) = mutated.lines(of: mutant)
      if outcome.status == .survived, missed[file]?.contains(mutant.start.line) ?? false {
        outcome.status = .unreached
      }
      guard let entry = equivalents.entries[mutant.key] else {
        if case .sameCode(let same?) = outcome.status, let entry = equivalents.entries[same] {
          let place = "\(equivalents.path):\(entry.line)"
          unlisted.append(.init(key: mutant.key, same: same, place: place))
        }
        return outcome
      }
      if outcome.isUndetected { outcome.status = .equivalent(reason: entry.reason) }
      if outcome.status == .killed {
        contradictions.append(
          .init(
            place: "\(equivalents.path):\(entry.line)", key: mutant.key,
            killedBy: outcome.killedBy))
      }
      return outcome
    }
    let provenance = mutated.extraction.provenance
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return MutationReport(
      revision: .init(
        kernel: provenance.kernel, version: provenance.version,
        patches: provenance.patches.map { .init(file: $0.file, subject: $0.subject) }),
      subject: subject, file: provenance.source, source: mutated.source, outcomes: outcomes,
      contradictions: contradictions, unlisted: unlisted, selection: selection,
      properties: domain.properties.filter(base.properties.contains).map(\.id).sorted(),
      scenarios: ran.values.reduce(base.runs) { $0 + $1.scenarios },
      seconds: Double(seconds) + Double(attoseconds) * 1e-18)
  }

  /// Those that survive, are not listed, and are after all the same code as the original or as another
  /// that survives.
  private func sameCode(
    among mutants: [Mutant], _ ran: [Int: MutationReport.Outcome], _ mutated: MutatedExtraction,
    _ isListed: (Mutant) -> Bool
  ) async throws -> [Mutant] {
    let survived = mutants.filter { ran[$0.number]?.status == .survived }
    let unlisted = survived.filter { !isListed($0) }
    guard !unlisted.isEmpty else { return [] }
    phase?("comparing what survived")
    return try await mutated.sameCode(survived.filter(isListed) + unlisted)
      .filter { !isListed($0) }
  }

  private static func outcome(of mutant: Mutant) -> MutationReport.Outcome {
    let status: MutationReport.Status =
      switch mutant.state {
      case .ready: .unreached
      case .doesNotCompile(let message): .doesNotCompile(message)
      case .sameCode(let same): .sameCode(as: same)
      }
    return .init(mutant: mutant, status: status)
  }

  /// A finding of the original would count as every mutant's.
  private func refuse(broken findings: Report.Findings, by revision: Revision) throws {
    guard !findings.entries.isEmpty else { return }
    let broken = findings.entries.map { "\($0.key.property) in \($0.key.function)()" }
    throw Failure(
      .request, asked: "judge mutants of \(revision.tree.spec)",
      cause: "the revision breaks properties without any mutant",
      evidence: Array(Set(broken).sorted().prefix(5)),
      remedy: "run 'kshim check' with the same options, and mend what it finds")
  }

  /// Where no run comes to its end nothing of a mutant is judged.
  private func refuse(endless findings: Report.Findings, of revision: Revision) throws {
    throw Failure(
      .build, asked: "judge mutants of \(subject) of \(revision.tree.spec)",
      cause: "no run of it comes to its end, by what is assumed of the inputs or at a limit",
      evidence: Array(Set(findings.entries.values.map(\.message)).sorted().prefix(5)),
      remedy: "take the mutants of a function that calls it, or describe it in a manifest")
  }

  /// Searches the original. For each mark the drivers with a scenario that makes it.
  private func original<D: Domain>(
    _ domain: D.Type, _ mutated: MutatedExtraction, _ builds: Builds, _ revision: Revision
  ) throws -> Original {
    // Each with its function.
    var marks: [Int: String] = [:]
    for mutant in mutated.mutants {
      let (function, difference) = mutated.marks.of(mutant)
      marks[function] = mutant.function
      marks[difference] = mutant.function
    }
    let functionOf = marks
    let next = Atomic<Int>(0)
    let found = Mutex(Original())
    try concurrently {
      let worker = try MutantRunner(domain, builds, $0)
      // The longest first.
      let spaces = worker.domain.spaces
      let order = spaces.indices.sorted { spaces[$0].count > spaces[$1].count }
      var own = Original()
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < order.count else { break }
        let driver = order[index]
        let (findings, runs) = worker.original(driver, watched: mutated.marks.watched)
        own.runs += runs
        for mark in functionOf.keys where worker.take(mark) {
          own.drivers[mark, default: []].append(driver)
        }
        // A change of what no manifest describes is held against the original.
        if !worker.isFromTypes {
          try refuse(broken: findings, by: revision)
        } else if FunctionName(self.subject) != nil, !worker.returns() {
          try refuse(endless: findings, of: revision)
        }
      }
      own.properties = worker.properties
      let mine = own
      found.withLock {
        $0.drivers.merge(mine.drivers, uniquingKeysWith: +)
        $0.runs += mine.runs
        $0.properties.formUnion(mine.properties)
      }
    }
    // The function on its own first, then other functions on their own: what calls many of them has
    // many more scenarios.
    let subject = try builds.load(0)
    let names = try D(subject).spaces.map(\.name)
    return found.withLock { found in
      for (mark, drivers) in found.drivers {
        func order(_ driver: Int) -> (Int, Int) {
          let name = names[driver]
          return (name == functionOf[mark] ? 0 : subject.entry(name) != nil ? 1 : 2, driver)
        }
        found.drivers[mark] = drivers.sorted { order($0) < order($1) }
      }
      return found
    }
  }

  /// Each worker takes the next mutant, and searches it until its first finding.
  private func run<D: Domain>(
    _ domain: D.Type, _ mutants: [Mutant], _ base: Original, _ mutated: MutatedExtraction,
    _ builds: [Builds]
  ) throws -> [Int: MutationReport.Outcome] {
    let next = Atomic<Int>(0)
    let outcomes = Mutex<[Int: MutationReport.Outcome]>([:])
    progress?(Progress(done: 0, mutants: mutants.count, survived: 0))
    try concurrently {
      let number = $0
      let workers = try builds.map { try MutantRunner(domain, $0, number) }
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < mutants.count else { break }
        let mutant = mutants[index]
        let (function, difference) = mutated.marks.of(mutant)
        let outcome: MutationReport.Outcome
        if base.drivers[function] == nil {
          outcome = .init(mutant: mutant, status: .unreached)
        } else if let drivers = base.drivers[difference] {
          outcome = workers[mutated.part[mutant.function]!].judge(mutant, drivers)
        } else {
          outcome = .init(mutant: mutant, status: .survived, isSame: true)
        }
        let now = outcomes.withLock { outcomes in
          outcomes[mutant.number] = outcome
          return Progress(
            done: outcomes.count, mutants: mutants.count,
            survived: outcomes.values.count(where: \.isUndetected))
        }
        progress?(now)
      }
    }
    return outcomes.withLock { $0 }
  }

  private func concurrently(_ work: @escaping @Sendable (Int) throws -> Void) throws {
    let failure = Mutex<(any Error)?>(nil)
    DispatchQueue.concurrentPerform(iterations: jobs) { worker in
      do {
        try work(worker)
      } catch {
        failure.withLock { $0 = error }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }
}

struct MutationSettings: Codable, Sendable {
  var subject: String
  var jobs: Int
  var installation: Installation
  var selection: MutantSelection
}

/// What is told on the way.
enum MutationNote: Codable, Sendable {
  case phase(String)
  case progress(Mutation.Progress)
}

struct MutateWork: Work {
  var settings: MutationSettings
  var revision: Revision
  var group: String { revision.id }

  func run(
    in shop: Workshop, note: @escaping @Sendable (MutationNote) -> Void
  ) async throws -> MutationReport {
    try await Mutation(settings, in: shop, note: note).made(of: revision)
  }
}

struct MutantsWork: Work {
  struct Product: Codable, Sendable {
    var file: String
    var mutants: [Mutant]
  }
  var settings: MutationSettings
  var revision: Revision
  var group: String { revision.id }

  func run(
    in shop: Workshop, note: @escaping @Sendable (MutationNote) -> Void
  ) async throws -> Product {
    try await Mutation(settings, in: shop, note: note).found(in: revision)
  }
}

/// What the search of the original says.
private struct Original: Sendable {
  /// For each mark the drivers that make it.
  var drivers: [Int: [Int]] = [:]
  var runs = 0
  /// Those that were looked at.
  var properties: PropertySet = []
}

/// One worker's build and what judges it.
private final class MutantRunner<D: Domain> {
  private let subject: Subject
  private(set) var properties: PropertySet = []
  var domain: D
  /// Judge the mutants and the original of a function that no manifest describes; nil where one does.
  private var mutants: ManifestDomain?
  private var originals: ManifestDomain?
  var isFromTypes: Bool { mutants != nil }

  init(_ domain: D.Type, _ builds: Builds, _ number: Int) throws {
    subject = try builds.load(number)
    self.domain = try D(subject)
    if domain == ManifestDomain.self, self.domain.most != nil {
      mutants = try ManifestDomain(subject)
      originals = try ManifestDomain(subject)
    }
  }

  /// Searches a driver of the original.
  ///
  /// - Parameter watched: chooses the copies that tell where mutants would make a difference.
  func original(_ driver: Int, watched: Int?) -> (findings: Report.Findings, runs: Int) {
    guard isFromTypes else { return first(of: watched ?? 0, in: [driver]) }
    subject.world.choose(mutant: 0)
    let found = Explorer.simplest(in: &originals!, subject)
    properties.formUnion(found.findings.properties)
    return found
  }

  /// Searches drivers with a mutant in its function's place until a property is broken.
  func first(
    of number: Int, in drivers: [Int]
  ) -> (findings: Report.Findings, runs: Int) {
    subject.world.choose(mutant: number)
    defer { subject.world.choose(mutant: 0) }
    let found = Explorer.first(in: &domain, subject, drivers: drivers)
    properties.formUnion(found.findings.properties)
    return found
  }

  /// Whether a run of the original of a function that no manifest describes comes to its return.
  func returns() -> Bool {
    subject.world.choose(mutant: 0)
    return Explorer.returns(in: &originals!, subject)
  }

  func take(_ mark: Int) -> Bool { subject.world.take(mark: mark) }

  func judge(_ mutant: Mutant, _ drivers: [Int]) -> MutationReport.Outcome {
    let findings: Report.Findings
    let runs: Int
    var isSame = false
    if isFromTypes {
      (findings, runs, isSame) = Explorer.worse(
        mutant: mutant.number, in: &mutants!, than: &originals!, subject)
    } else {
      (findings, runs) = first(of: mutant.number, in: drivers)
    }
    var outcome = MutationReport.Outcome(mutant: mutant, status: .survived, scenarios: runs)
    let broken = findings.entries.sorted {
      ($0.key.property, $0.value.message) < ($1.key.property, $1.value.message)
    }
    guard let (cause, entry) = broken.first else {
      outcome.isSame = isSame
      return outcome
    }
    subject.world.choose(mutant: mutant.number)
    defer { subject.world.choose(mutant: 0) }
    let scenario = Explorer.scenario(
      state: entry.state, choices: entry.choices, in: &domain, subject: subject)
    outcome.status = .killed
    outcome.killedBy = Set(findings.entries.keys.map(\.property.id)).sorted()
    outcome.evidence = "\(cause.property): \(entry.message): \(scenario)"
    return outcome
  }
}

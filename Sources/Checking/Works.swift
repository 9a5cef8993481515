// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import Foundation
import KernelSource
import Reporting
import Workers

/// The works of checks: what a ``Check`` and a ``Compare`` leave to a worker.
public enum CheckWorks {
  public static let all: [any Work.Type] = [
    SearchWork.self, RerunWork.self, ConductsWork.self, LapsesWork.self, ToldLapsesWork.self,
    ReplayWork.self, CompareWork.self, ForgetWork.self, ExtractWork.self, ManifestWork.self,
    DetailsWork.self, ReadyWork.self,
  ]
}

/// When something was read.
struct Moment: Codable, Sendable {
  var seconds: Int
  var nanoseconds: Int

  init(_ time: timespec) { (seconds, nanoseconds) = (time.tv_sec, time.tv_nsec) }
  var time: timespec { timespec(tv_sec: seconds, tv_nsec: nanoseconds) }
}

/// What a search says.
struct Searched: Codable, Sendable {
  /// Of this revision alone.
  var verdict: Verdict
  var reading: Reading
  /// When nothing of it had been read yet.
  var began: Moment
  /// What came of scenarios of other revisions, by their spelling.
  var reruns: [String: Rerun]
  /// What it does in its simplest scenarios, where it is held against its base.
  var conducts: [Conduct] = []
}

struct ToldLapses: Codable, Sendable {
  var findings: [Verdict.Finding]
  var causes: [Verdict.Cause]
}

extension Workshop {
  fileprivate var files: SourceFiles { one { SourceFiles(isKeeping: true) } }

  func bench(
    _ settings: CheckSettings, _ note: @escaping @Sendable (CheckNote) -> Void = { _ in }
  ) -> Bench {
    var settings = settings
    settings.installation = of(settings.installation)
    return Bench(
      settings: settings, files: settings.sharesFiles ? files : SourceFiles(), note: note)
  }

  /// The installation as it is seen here: where another process keeps, that does.
  package func of(_ installation: Installation) -> Installation {
    guard isRemote else { return installation }
    var installation = installation
    installation.keeper = RemoteKeeper(shop: self)
    return installation
  }
}

/// Reads what all works of a subject read, before there is a revision. Nothing of a patch is read.
public struct ReadyWork: Work {
  var subject: String
  var installation: Installation
  public var group: String { "" }

  public init(_ subject: String, _ installation: Installation) {
    self.subject = subject
    self.installation = installation
  }

  public struct Nothing: Codable, Sendable {}

  public func run(
    in shop: Workshop, note: @escaping @Sendable (CheckNote) -> Void
  ) async throws -> Nothing {
    _ = try shop.of(installation).manifest(subject)
    return Nothing()
  }
}

struct SearchWork: Work {
  var settings: CheckSettings
  var revision: Revision
  var rerunning: [Verdict.Finding]
  var conducting: Bool
  var group: String { revision.id }

  func run(
    in shop: Workshop, note: @escaping @Sendable (CheckNote) -> Void
  ) async throws -> Searched {
    try await shop.bench(settings, note)
      .search(revision, rerunning: rerunning, conducting: conducting)
  }
}

struct RerunWork: Work {
  var settings: CheckSettings
  var scenarios: Set<String>
  var revision: Revision
  var group: String { revision.id }

  func run(
    in shop: Workshop, note: @escaping @Sendable (CheckNote) -> Void
  ) async throws -> [String: Rerun] {
    try await shop.bench(settings, note).rerun(scenarios, revision)
  }
}

struct ConductsWork: Work {
  var settings: CheckSettings
  var revision: Revision
  var group: String { revision.id }

  func run(
    in shop: Workshop, note: @escaping @Sendable (CheckNote) -> Void
  ) async throws -> [Conduct] {
    try await shop.bench(settings, note).conducts(of: revision)
  }
}

struct LapsesWork: Work {
  var settings: CheckSettings
  var conducts: [Conduct]
  var base: Revision
  var group: String { base.id }

  func run(
    in shop: Workshop, note: @escaping @Sendable (CheckNote) -> Void
  ) async throws -> [Lapse] {
    try await shop.bench(settings, note).lapses(conducts, over: base)
  }
}

struct ToldLapsesWork: Work {
  var settings: CheckSettings
  var lapses: [Lapse]
  var revision: Revision
  var group: String { revision.id }

  func run(
    in shop: Workshop, note: @escaping @Sendable (CheckNote) -> Void
  ) async throws -> ToldLapses {
    try await shop.bench(settings, note).told(lapses, of: revision)
  }
}

struct ReplayWork: Work {
  var settings: CheckSettings
  var scenario: Scenario
  var revision: Revision
  var base: Revision?
  var group: String { revision.id }

  func run(
    in shop: Workshop, note: @escaping @Sendable (CheckNote) -> Void
  ) async throws -> Replay {
    try await shop.bench(settings, note).replay(scenario, of: revision, base: base)
  }
}

struct CompareWork: Work {
  var settings: CheckSettings
  var candidates: [Compare.Candidate]
  var group: String { candidates.map(\.revision.id).joined(separator: " ") }

  func run(
    in shop: Workshop, note: @escaping @Sendable (CheckNote) -> Void
  ) async throws -> Comparison {
    try await Comparing(bench: shop.bench(settings, note)).comparison(of: candidates)
  }
}

/// Lets go of a file's parse.
struct ForgetWork: Work {
  var file: String
  var revision: Revision
  var group: String { revision.id }

  func run(in shop: Workshop, note: @escaping @Sendable (Bool) -> Void) async throws -> Bool {
    shop.files.forget(file)
    return true
  }
}

/// Takes a subject out of a revision.
public struct ExtractWork: Work {
  var subject: String
  var revision: Revision
  var installation: Installation
  public var group: String { revision.id }

  public init(_ subject: String, of revision: Revision, installation: Installation) {
    self.subject = subject
    self.revision = revision
    self.installation = installation
  }

  public struct Product: Codable, Sendable {
    public var provenance: Provenance
    /// What was written, by its name.
    public var files: [String: Data]
  }

  public func run(
    in shop: Workshop, note: @escaping @Sendable (Bool) -> Void
  ) async throws -> Product {
    let work = try WorkDirectory()
    defer { work.remove() }
    let extraction = try await Extraction.extract(
      subject, from: revision, installation: shop.of(installation),
      into: "\(work.path)/extracted")
    return Product(
      provenance: extraction.provenance, files: try extraction.files())
  }
}

/// Writes down the manifest that a function's check uses.
public struct ManifestWork: Work {
  var function: FunctionName
  var subject: String
  var revision: Revision
  var installation: Installation
  public var group: String { revision.id }

  public init(
    of function: FunctionName, called subject: String, from revision: Revision,
    installation: Installation
  ) {
    self.function = function
    self.subject = subject
    self.revision = revision
    self.installation = installation
  }

  public func run(
    in shop: Workshop, note: @escaping @Sendable (Bool) -> Void
  ) async throws -> String {
    let work = try WorkDirectory()
    defer { work.remove() }
    return try await Extraction.manifest(
      of: function, called: subject, from: revision, installation: shop.of(installation),
      scratch: "\(work.path)/read")
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// What several revisions do differently, and which finding came and went with which. Its JSON form
/// is a contract: keys are added, never changed.
public struct Comparison: Codable, Sendable, Equatable {
  /// One revision that takes part.
  public struct Revision: Codable, Sendable, Equatable {
    /// What the user calls it: `v2`.
    public var label: String
    public var revision: Verdict.Revision
    /// "clean" or "findings".
    public var verdict: String
    public var exploration: Verdict.Exploration
    public init(
      label: String, revision: Verdict.Revision, verdict: String,
      exploration: Verdict.Exploration
    ) {
      self.label = label
      self.revision = revision
      self.verdict = verdict
      self.exploration = exploration
    }
  }

  /// Scenarios in which two neighbours part in one way.
  public struct Group: Codable, Sendable, Equatable {
    /// What happens in the smallest of them, and how it differs.
    public var sentence: String
    /// How many scenarios there are.
    public var count: Int
    /// The smallest, as each revision spells it for `kshim replay`.
    public var oldScenario: String
    public var newScenario: String
    /// Where the two traces part, a line of the newer revision; 0 where only the older does more.
    public var file: String
    public var line: Int
    public var oldTrace: [Verdict.Event]
    public var newTrace: [Verdict.Event]
    public init(
      sentence: String, count: Int, oldScenario: String, newScenario: String, file: String,
      line: Int, oldTrace: [Verdict.Event], newTrace: [Verdict.Event]
    ) {
      self.sentence = sentence
      self.count = count
      self.oldScenario = oldScenario
      self.newScenario = newScenario
      self.file = file
      self.line = line
      self.oldTrace = oldTrace
      self.newTrace = newTrace
    }
  }

  /// Two neighbours.
  public struct Pair: Codable, Sendable, Equatable {
    /// Labels.
    public var old: String
    public var new: String
    /// Scenarios that both know.
    public var scenarios: Int
    /// In how many of them the outcome differs.
    public var differing: Int
    /// "trace": all that happens counts. "model": two kernels, of which only what they return and
    /// leave behind counts.
    public var compares: String
    /// The simplest first.
    public var groups: [Group]
    public init(
      old: String, new: String, scenarios: Int, compares: String, groups: [Group]
    ) {
      self.old = old
      self.new = new
      self.scenarios = scenarios
      self.differing = groups.reduce(0) { $0 + $1.count }
      self.compares = compares
      self.groups = groups
    }
  }

  /// What became of a finding in one revision.
  public enum Status: String, Codable, Sendable {
    /// It is not there.
    case absent
    /// It is there, and was not in the revision before.
    case introduced
    /// It is there, and was before, or this is the first revision.
    case there
    /// It is not there, and was in the revision before.
    case fixed
  }

  /// A finding or a note, through all revisions.
  public struct Row: Codable, Sendable, Equatable {
    public var property: String
    public var function: String
    public var message: String
    public var isNote: Bool
    /// What its cause says in the first revision that has it; nil for a note.
    public var cause: String?
    /// One for each revision.
    public var statuses: [Status]
    /// The line in each revision, 0 where it is not there.
    public var lines: [Int]
    /// The smallest scenario in each revision, empty where there is none.
    public var scenarios: [String]
    public init(
      property: String, function: String, message: String, isNote: Bool, cause: String?,
      statuses: [Status], lines: [Int], scenarios: [String]
    ) {
      self.property = property
      self.function = function
      self.message = message
      self.isNote = isNote
      self.cause = cause
      self.statuses = statuses
      self.lines = lines
      self.scenarios = scenarios
    }
  }

  public var schema = 1
  public var tool = Verdict.Tool()
  public var subject: String
  /// The kernel's file that is judged.
  public var file: String
  /// In the order given.
  public var revisions: [Revision]
  /// Each revision with the one before.
  public var pairs: [Pair]
  public var findings: [Row]
  /// Of all revisions together.
  public var scenarios: Int
  /// Of the whole comparison.
  public var seconds: Double

  public init(
    subject: String, file: String, revisions: [Revision], pairs: [Pair], findings: [Row],
    scenarios: Int, seconds: Double
  ) {
    self.subject = subject
    self.file = file
    self.revisions = revisions
    self.pairs = pairs
    self.findings = findings
    self.scenarios = scenarios
    self.seconds = seconds
  }

  /// 1 when the last revision has a finding that the first has not, else 0; `isStrict` counts every
  /// finding and note of the last revision, and every difference between two neighbours.
  public func exitCode(isStrict: Bool) -> Int32 {
    let last = findings.filter { [.introduced, .there].contains($0.statuses.last) }
    if isStrict { return last.isEmpty && pairs.allSatisfy { $0.differing == 0 } ? 0 : 1 }
    return last.contains { !$0.isNote && $0.statuses.first == .absent } ? 1 : 0
  }

  /// As JSON, one object, keys sorted, with a newline at the end.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}

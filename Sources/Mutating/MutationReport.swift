// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Reporting

/// What became of every selected mutant of one revision.
public struct MutationReport: Sendable, Codable {
  public enum Status: Sendable, Hashable, Codable {
    case killed, survived
    /// No scenario reaches its function, or no run its line.
    case unreached
    /// It survives, and somebody wrote down why it must.
    case equivalent(reason: String)
    /// The compiler makes the same of it as of the original, or as of the mutant with this key.
    case sameCode(as: String?)
    case doesNotCompile(String)
  }

  public struct Outcome: Sendable, Codable {
    public var mutant: Mutant
    public var status: Status
    /// Ids of the properties that the first failing scenario breaks, sorted.
    public var killedBy: [String] = []
    /// What it breaks in a sentence, and the scenario.
    public var evidence = ""
    /// Whether the simplest runs call the same with the same as the original's, and end as those; told of
    /// functions that no manifest describes, and where the original's runs show it of all.
    public var isSame = false
    public var scenarios = 0
    /// The mutant's lines before and after, without the edit and with it.
    public var before: [String] = []
    public var after: [String] = []

    /// Whether the original's runs show that none of them would be another one: it is not run itself.
    var makesNoDifference: Bool { isSame && scenarios == 0 }
    var isUndetected: Bool { status == .survived || status == .unreached }
  }

  /// An entry of the equivalents whose mutant is killed.
  public struct Contradiction: Sendable, Codable {
    /// `file:line` of the entry.
    public var place: String
    public var key: String
    public var killedBy: [String]
  }

  /// A mutant that is not listed though the compiler makes the same of it as of a listed one: a sample
  /// that holds it alone would call it a survivor.
  public struct Unlisted: Sendable, Codable {
    public var key: String
    /// The listed one's.
    public var same: String
    /// `file:line` of its entry.
    public var place: String
  }

  public var revision: Verdict.Revision
  public var subject: String
  /// Relative to the kernel's top directory.
  public var file: String
  /// Its text, patches applied.
  public var source: String
  public var outcomes: [Outcome]
  public var contradictions: [Contradiction]
  public var unlisted: [Unlisted]
  public var selection: MutantSelection
  /// Ids of what every scenario is judged by, sorted.
  public var properties: [String]
  public var scenarios: Int
  public var seconds: Double

  public func count(_ operatorID: String? = nil, _ isWanted: (Outcome) -> Bool) -> Int {
    outcomes.count {
      (operatorID == nil || $0.mutant.operatorID == operatorID) && isWanted($0)
    }
  }

  /// Mutants that count: compiled, and of a code of their own.
  public func compiled(_ operatorID: String? = nil) -> Int {
    count(operatorID) {
      switch $0.status {
      case .killed, .survived, .unreached, .equivalent: true
      case .sameCode, .doesNotCompile: false
      }
    }
  }

  public func killed(_ operatorID: String? = nil) -> Int {
    count(operatorID) { $0.status == .killed }
  }
  public func survived(_ operatorID: String? = nil) -> Int {
    count(operatorID) { $0.status == .survived }
  }
  public func unreached(_ operatorID: String? = nil) -> Int {
    count(operatorID) { $0.status == .unreached }
  }
  public func equivalent(_ operatorID: String? = nil) -> Int {
    count(operatorID) {
      if case .equivalent = $0.status { return true }
      return false
    }
  }

  /// 0 when every mutant that is no equivalent is killed, no equivalent is, and all that are the same
  /// are listed.
  public var exitCode: Int32 {
    survived() + unreached() == 0 && contradictions.isEmpty && unlisted.isEmpty ? 0 : 1
  }
}

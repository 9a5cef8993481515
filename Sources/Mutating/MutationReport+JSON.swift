// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting

/// The report in the form of mutation-testing-elements, schema 2, which Stryker's HTML viewer takes.
/// Tests are the properties: what kills a mutant is a property's id.
private struct Elements: Encodable {
  struct Position: Encodable { var line: Int, column: Int }
  struct Location: Encodable { var start: Position, end: Position }
  struct Mutant: Encodable {
    var id: String, mutatorName: String, replacement: String, description: String
    var location: Location
    var status: String, statusReason: String?
    var killedBy: [String]?, coveredBy: [String]?
  }
  struct File: Encodable { var language: String, source: String, mutants: [Mutant] }
  struct Test: Encodable { var id: String, name: String }
  struct TestFile: Encodable { var tests: [Test] }
  struct Thresholds: Encodable { var high: Int, low: Int }
  struct Framework: Encodable { var name: String, version: String }
  struct Config: Encodable {
    var subject: String, kernel: String, patches: [String], sample: Int, seed: String
  }
  var schemaVersion = "2.0"
  var thresholds = Thresholds(high: 100, low: 80)
  var files: [String: File]
  var testFiles: [String: TestFile]
  var framework: Framework
  var config: Config
}

extension MutationReport {
  /// One JSON object, keys sorted, with a newline at the end.
  public func json() throws -> String {
    let killers = Set(outcomes.flatMap(\.killedBy)).union(properties).sorted()
    let report = Elements(
      files: [file: .init(language: "c", source: source, mutants: outcomes.map(element))],
      testFiles: [
        "properties": .init(tests: killers.map { .init(id: $0, name: $0) })
      ],
      framework: .init(name: Verdict.Tool().name, version: Verdict.Tool().version),
      config: .init(
        subject: subject, kernel: "\(revision.kernel) (\(revision.version))",
        patches: revision.patches.map(\.file), sample: selection.sample,
        seed: "\(selection.seed)"))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
  }

  private func element(_ outcome: Outcome) -> Elements.Mutant {
    let mutant = outcome.mutant
    let (status, reason): (String, String?) =
      switch outcome.status {
      case .killed: ("Killed", outcome.evidence)
      case .survived where outcome.makesNoDifference:
        ("Survived", "no scenario in which it makes a difference")
      case .survived: ("Survived", "\(outcome.scenarios) scenarios keep every property")
      case .unreached:
        (
          "NoCoverage",
          outcome.scenarios == 0
            ? "no scenario reaches \(mutant.function)()"
            : "no run comes to line \(mutant.start.line)"
        )
      case .equivalent(let reason): ("Ignored", "equivalent: \(reason)")
      case .sameCode(nil): ("Ignored", "the same code as the original")
      case .sameCode(let other?): ("Ignored", "the same code as \(other)")
      case .doesNotCompile(let message): ("CompileError", message)
      }
    let isRun = outcome.scenarios > 0 && outcome.status != .unreached
    return .init(
      id: mutant.key, mutatorName: mutant.operatorID, replacement: mutant.replacement,
      description: mutant.description,
      location: .init(
        start: .init(line: mutant.start.line, column: mutant.start.column),
        end: .init(line: mutant.end.line, column: mutant.end.column)),
      status: status, statusReason: reason, killedBy: isRun ? outcome.killedBy : nil,
      coveredBy: isRun ? properties : nil)
  }
}

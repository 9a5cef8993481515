// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A report as the paragraph of a cover letter: what was tested, how far, what it stands in for,
/// and what was found. Lines have at most 75 columns where words allow it.
struct NoteReport {
  static let width = 75
  var report: CheckReport

  var text: String {
    let texts: [[String]] = report.entries.map { entry in
      let told = paragraphs(entry)
      return report.entries.count == 1 ? told : ["\(entry.name):"] + told
    }
    return texts.joined().map { Self.wrapped($0) }.joined(separator: "\n")
  }

  private func paragraphs(_ entry: CheckReport.Entry) -> [String] {
    guard case .verdict(let verdict) = entry.outcome else {
      guard case .failure(let why, _) = entry.outcome else { return [] }
      let first = why.split(whereSeparator: \.isNewline).first ?? ""
      return ["This could not be tested with kshim \(Verdict.Tool().version): \(first)."]
    }
    return [Self.tested(verdict)] + Self.found(verdict)
  }

  private static func tested(_ verdict: Verdict) -> String {
    let exploration = verdict.exploration
    let patches = verdict.revision.patches.count
    let with =
      patches == 0 ? "" : patches == 1 ? " with this patch" : " with these \(patches) patches"
    let functions = exploration.functions.map { listed($0.map { "\($0)()" }) } ?? verdict.subject
    var sentences = [
      "Tested with \(verdict.tool.name) \(verdict.tool.version): \(functions) of "
        + "Linux \(verdict.revision.version)\(with), extracted and run in userspace.",
      "\(exploration.scenarios) scenarios, each a starting state with one combination of the "
        + "failures that the functions can meet"
        + (exploration.exhaustive ? ", and none left out" : ", but not all of them") + ".",
    ]
    if let bound = exploration.bound { sentences.append("Beside single calls: \(bound).") }
    if let coverage = exploration.coverage, !coverage.isEmpty {
      sentences.append(
        "The states stand in for \(listed(coverage)). No such hardware was used, and no kernel "
          + "was booted.")
    }
    return sentences.joined(separator: " ")
  }

  private static func found(_ verdict: Verdict) -> [String] {
    let properties = verdict.properties.count { $0.checked > 0 && $0.broken == 0 }
    guard !verdict.findings.isEmpty else {
      let notes = verdict.notes.count
      let noted = notes == 0 ? "" : ", \(notes) note\(notes == 1 ? "" : "s")"
      return ["Nothing was found: \(properties) properties hold\(noted)."]
    }
    let count = verdict.findings.count
    let introduced = verdict.findings.count(where: \.introduced)
    let split = verdict.revision.patches.isEmpty ? "" : ", \(introduced) of them introduced"
    let causes = verdict.causes.count
    return [
      "\(count) finding\(count == 1 ? "" : "s")\(split), \(causes) cause\(causes == 1 ? "" : "s"):"
    ]
      + verdict.causes.map { "- \($0.sentence)" }
  }

  private static func listed(_ words: [String]) -> String {
    guard words.count > 1 else { return words.first ?? "" }
    // A phrase may have commas of its own.
    let comma = words.contains { $0.contains(",") } ? "; " : ", "
    return words.dropLast().joined(separator: comma) + (comma == ", " ? " and " : "; and ")
      + words[words.count - 1]
  }

  /// Lines of a width, a newline at each end; those after a `- ` are indented.
  static func wrapped(_ text: String) -> String {
    let indent = text.hasPrefix("- ") ? "  " : ""
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = indent + word
      } else {
        line += line.isEmpty ? String(word) : " \(word)"
      }
    }
    return (lines + [line]).map { "\($0)\n" }.joined()
  }
}

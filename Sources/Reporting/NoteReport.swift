// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A report as the paragraph of a cover letter: what was tested, how far, what it stands in for,
/// and what was found. Lines have at most 75 columns where words allow it.
struct NoteReport {
  static let width = 75
  var report: CheckReport

  var text: String {
    let blocks = report.entries.count == 1 ? alone(report.entries[0]) : series
    return blocks.joined(separator: "\n")
  }

  private func alone(_ entry: CheckReport.Entry) -> [String] {
    guard case .verdict(let verdict) = entry.outcome else { return [Self.found(entry)] }
    return [Self.wrapped(Self.tested(verdict)), Self.found(entry)]
  }

  /// What was tested is told once, of the last step that could be judged.
  private var series: [String] {
    let last = report.entries.reversed().lazy.compactMap { entry -> Verdict? in
      guard case .verdict(let verdict) = entry.outcome else { return nil }
      return verdict
    }.first
    return (last.map { [Self.wrapped(Self.tested($0))] } ?? [])
      + report.entries.map { Self.wrapped("\($0.name):") + Self.found($0) }
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

  private static func found(_ entry: CheckReport.Entry) -> String {
    guard case .verdict(let verdict) = entry.outcome else {
      guard case .failure(let why, _) = entry.outcome else { return "" }
      let first = why.split(whereSeparator: \.isNewline).first ?? ""
      return wrapped("This could not be tested with kshim \(Verdict.Tool().version): \(first).")
    }
    func counted(_ count: Int, _ what: String) -> String {
      "\(count) \(what)\(count == 1 ? "" : "s")"
    }
    let notes = verdict.notes.isEmpty ? "" : ", \(counted(verdict.notes.count, "note"))"
    guard !verdict.findings.isEmpty else {
      let properties = verdict.properties.count { $0.checked > 0 && $0.broken == 0 }
      return wrapped("Nothing was found: \(properties) properties hold\(notes).")
    }
    let introduced = verdict.findings.count(where: \.introduced)
    let split = verdict.revision.isCompared ? " (\(introduced) introduced)" : ""
    let head =
      "\(counted(verdict.findings.count, "finding"))\(split), "
      + "\(counted(verdict.causes.count, "cause"))\(notes):"
    return wrapped(head) + verdict.causes.map { wrapped("- \($0.sentence)") }.joined()
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

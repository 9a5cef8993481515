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
    return [Self.wrapped(Self.tested([verdict], Self.with(verdict.revision))), Self.found(entry)]
  }

  /// What was tested is told once, of all steps that could be judged.
  private var series: [String] {
    let verdicts = report.entries.compactMap { entry -> Verdict? in
      guard case .verdict(let verdict) = entry.outcome else { return nil }
      return verdict
    }
    let steps = report.series?.count ?? "\(report.entries.count) steps"
    // The directory is no concern of those who read it.
    let name =
      report.series.flatMap { series in
        series.steps.contains { $0.file == nil }
          ? series.name.lastIndex(of: "@").map { " of \(series.name[$0...].dropFirst())" } : nil
      } ?? ""
    let all = report.entries.count
    let judged =
      verdicts.count == all
      ? ", each of the \(steps)\(name) on top of those before it"
      : ", \(verdicts.count) of the \(steps)\(name), each on top of those before it"
    return
      (verdicts.isEmpty
      ? [] : [Self.wrapped(Self.tested(verdicts, judged, missing: all - verdicts.count))])
      + report.entries.map { Self.wrapped("\($0.name):") + Self.found($0) }
  }

  /// What a revision is with: ` with this patch ("…")`, the commits of a range, nothing.
  private static func with(_ revision: Verdict.Revision) -> String {
    let commits = revision.range.map { range in
      "the commits \(range)" + (revision.commits.map { " (\($0))" } ?? "")
    }
    let names = revision.patches.map { patch in
      "\"\(patch.subject ?? String(patch.file.split(separator: "/").last ?? ""))\""
    }
    // Of many the first and the last tell enough.
    let named = names.count > 4 ? "\(names[0]) to \(names[names.count - 1])" : listed(names)
    let patches =
      names.isEmpty
      ? nil : "\(names.count == 1 ? "this patch" : "these \(names.count) patches") (\(named))"
    let parts = [commits, patches].compactMap(\.self)
    return parts.isEmpty
      ? " as it is, without patches" : " with \(parts.joined(separator: " and "))"
  }

  /// - Parameters:
  ///   - verdicts: those of all steps, at least one.
  ///   - with: what tells the revision from its kernel, as a clause.
  ///   - missing: how many steps have no verdict.
  private static func tested(
    _ verdicts: [Verdict], _ with: String, missing: Int = 0
  ) -> String {
    let verdict = verdicts[verdicts.count - 1]
    let exploration = verdict.exploration
    let functions = exploration.functions.map { listed($0.map { "\($0)()" }) } ?? verdict.subject
    var versions: [String] = []
    for version in verdicts.map(\.revision.version) where !versions.contains(version) {
      versions.append(version)
    }
    let counts = verdicts.map(\.exploration.scenarios)
    let (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
    let isWhole = verdicts.allSatisfy(\.exploration.exhaustive)
    var sentences = [
      "Tested with \(verdict.tool.name) \(verdict.tool.version): \(functions) of "
        + "Linux \(listed(versions))\(with), extracted and run in userspace.",
      (least == most ? "\(least)" : "\(least) to \(most)")
        + " scenarios\(verdicts.count > 1 ? " for each" : ""), each a starting state with one "
        + "combination of the failures that the functions can meet"
        + (!isWhole ? ", but not all of them" : missing == 0 ? ", and none left out" : "") + ".",
    ]
    let unjudged = verdict.functions?.filter { $0.status == .notJudged } ?? []
    if !unjudged.isEmpty {
      sentences.append(
        "Not judged: \(listed(unjudged.map { "\($0.function)() (\($0.why ?? "no reason is known"))" }))."
      )
    }
    if let left = exploration.notJudged {
      sentences.append("\(left.prefix(1).uppercased())\(left.dropFirst()).")
    }
    if missing > 0 {
      sentences.append("\(missing) step\(missing == 1 ? "" : "s") could not be tested at all.")
    }
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
    let new = verdict.news
    let notes = new.notes.isEmpty ? "" : ", \(counted(new.notes.count, "note"))"
    let fixed =
      entry.fixed.isEmpty ? "" : ", \(counted(entry.fixed.count, "finding")) of before fixed"
    let before = verdict.findings.count - new.findings.count
    let old =
      before == 0
      ? ""
      : wrapped(
        "\(counted(before, "finding")) \(before == 1 ? "was" : "were") there without the "
          + "\(verdict.revision.change) and \(before == 1 ? "is" : "are") not listed.")
    let mended = entry.fixed.map { wrapped("- fixed: \($0.sentence ?? $0.message)") }.joined()
    guard !new.findings.isEmpty else {
      let properties = verdict.properties.count { $0.checked > 0 && $0.broken == 0 }
      let nothing = before == 0 ? "Nothing was found" : "Nothing new was found"
      return wrapped("\(nothing): \(properties) properties hold\(fixed)\(notes).") + mended + old
    }
    let head =
      "\(counted(new.findings.count, "finding"))"
      + (verdict.revision.isCompared ? " introduced" : "")
      + ", \(counted(new.causes.count, "cause"))\(fixed)\(notes):"
    return wrapped(head) + new.causes.map { wrapped("- \($0.sentence)") }.joined() + mended + old
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

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

extension CheckReport {
  /// What the entries of a report are steps of.
  public struct Series: Sendable {
    public struct Step: Sendable {
      /// The commit's id, the number of the patch.
      public var id: String
      /// The patch's file; nil for a commit.
      public var file: String?
      public var subject: String?

      public init(id: String, file: String?, subject: String?) {
        self.id = id
        self.file = file
        self.subject = subject
      }
    }

    /// As the user named it.
    public var name: String
    /// One for each entry, in the same order.
    public var steps: [Step]

    public init(name: String, steps: [Step]) {
      self.name = name
      self.steps = steps
    }

    /// "20 commits"
    public var count: String {
      let word =
        steps.allSatisfy { $0.file == nil }
        ? "commit"
        : steps.contains { $0.file == nil } ? "step" : "patch"
      let ending = steps.count == 1 ? "" : word == "patch" ? "es" : "s"
      return "\(steps.count) \(word)\(ending)"
    }
  }

  // MARK: Text

  /// A line for each step, below it what the step fixes and introduces, and a line for all together.
  ///
  func text(of series: Series, _ style: TextStyle) -> String {
    var lines: [String] = []
    var told: [Verdict.Finding] = []
    var hasCauses = false
    for entry in entries {
      lines.append("\(Self.name(entry)): \(Self.word(entry, style.usesColour))")
      lines += entry.fixed.map { "  fixed: \($0.told)" }
      guard case .verdict(let verdict) = entry.outcome else { continue }
      let shown = style.showsOld ? verdict : verdict.introducedOnly
      guard !(shown.findings.isEmpty && shown.notes.isEmpty) else { continue }
      var report = TextReport(shown, replayOptions: entry.replayOptions, style)
      // The step's own lines are indented.
      report.columns = style.columns.map { max(20, $0 - 2) }
      told += report.heads
      hasCauses = hasCauses || report.hasCauses
      lines += report.details.map { $0.isEmpty ? "" : "  \($0)" }
    }
    let width = min(style.columns ?? Wrapping.width, Wrapping.width)
    lines += Legend(told, hasCauses: hasCauses).lines(width: width)
    return (lines + summary(of: series, width: width)).joined(separator: "\n") + "\n"
  }

  private static func name(_ entry: Entry) -> String {
    [entry.label, entry.title].compactMap(\.self).joined(separator: " ")
  }

  private static func word(_ entry: Entry, _ usesColour: Bool) -> String {
    func coloured(_ text: String, _ colour: Int) -> String {
      usesColour ? "\u{1b}[1;\(colour)m\(text)\u{1b}[0m" : text
    }
    switch entry.outcome {
    case .failure(let message, _): return "\(coloured("cannot be judged", 33)): \(message)"
    case .verdict(let verdict):
      let findings = verdict.findings.count
      let introduced = verdict.findings.count(where: \.introduced)
      let notes = verdict.notes.count
      let word =
        findings == 0
        ? coloured("clean", 32)
        : coloured("\(findings) finding\(findings == 1 ? "" : "s")", introduced > 0 ? 31 : 33)
          + verdict.since
      return word + (entry.fixed.isEmpty ? "" : ", \(entry.fixed.count) fixed")
        + (notes == 0 ? "" : ", \(notes) note\(notes == 1 ? "" : "s")")
    }
  }

  private func summary(of series: Series, width: Int) -> [String] {
    let verdicts = entries.compactMap { entry -> Verdict? in
      if case .verdict(let verdict) = entry.outcome { verdict } else { nil }
    }
    let reused = verdicts.count { $0.exploration.reused == true }
    // Each step may change other functions.
    let subjects = Set(verdicts.map(\.subject))
    let subject = subjects.count == 1 ? "\(subjects.first!) on " : ""
    var facts = introductions
    let failed = entries.count - verdicts.count
    if failed > 0 {
      let isLast = if case .failure = entries.last?.outcome { true } else { false }
      facts.append("\(failed) cannot be judged\(isLast ? ", the last among them" : "")")
    }
    if let end { facts.append(end) }
    if reused > 0 { facts.append("\(reused) reused from earlier searches") }
    return Wrapping.phrases(
      "\(subject)\(series.name): \(series.count)", [facts], separator: "; ", width: width)
  }

  /// Which steps introduce findings, and which fix them.
  private var introductions: [String] {
    /// Findings that a step introduces: the step, and the one that fixes it.
    var found: [(finding: Fixed, by: Int, fixedBy: Int?)] = []
    for (number, entry) in entries.enumerated() {
      for gone in entry.fixed {
        // What came back is another one than what was fixed before.
        if let index = found.lastIndex(where: { $0.finding.key == gone.key && $0.fixedBy == nil }) {
          found[index].fixedBy = number
        }
      }
      guard case .verdict(let verdict) = entry.outcome else { continue }
      found += verdict.findings.filter(\.introduced).map { (Fixed($0), number, nil) }
    }
    var open: [String] = []
    var mended: [String] = []
    for number in entries.indices {
      let own = found.filter { $0.by == number }
      guard !own.isEmpty else { continue }
      let fixers = entries.indices.filter { fixer in own.contains { $0.fixedBy == fixer } }
      guard !fixers.isEmpty else {
        open.append(Self.quoted(entries[number]))
        continue
      }
      let fixed = own.count { $0.fixedBy != nil }
      let part = fixed == own.count ? "" : "\(fixed) of \(own.count) "
      let by = fixers.map { Self.quoted(entries[$0]) }.joined(separator: ", ")
      mended.append("introduced by \(Self.quoted(entries[number])), \(part)fixed by \(by)")
    }
    guard !found.isEmpty else { return ["none introduces a finding"] }
    return (open.isEmpty ? [] : ["introduced by \(open.joined(separator: ", "))"]) + mended
  }

  /// How the last step is; nil where all are clean, or where it cannot be judged.
  private var end: String? {
    guard let last = entries.last else { return nil }
    guard case .verdict(let verdict) = last.outcome else { return nil }
    let isClean = entries.allSatisfy { entry in
      guard case .verdict(let verdict) = entry.outcome else { return true }
      return verdict.findings.isEmpty
    }
    if isClean { return nil }
    let count = verdict.findings.count
    return count == 0
      ? "the last is clean" : "the last has \(count) finding\(count == 1 ? "" : "s")"
  }

  /// `1a2b3c "Change it"`
  private static func quoted(_ entry: Entry) -> String {
    [entry.label, entry.title.map { "\"\($0)\"" }].compactMap(\.self).joined(separator: " ")
  }

  // MARK: JSON

  private struct Document: Encodable {
    struct Commit: Encodable {
      var id: String
      var subject: String
    }
    struct Item: Encodable {
      var commit: Commit?
      var patch: Verdict.Patch?
      var verdict: Verdict?
      /// nil where there is nothing to tell.
      var fixed: [Fixed]?
      var error: String?
      var exit: Int32?
    }
    var schema = 1
    var tool = Verdict.Tool()
    var range: String
    var commits: [Item]
  }

  /// One object with an item for each step, a newline at its end.
  func json(of series: Series) throws -> String {
    let items = zip(series.steps, entries).map { step, entry in
      var item = Document.Item()
      if let file = step.file {
        item.patch = .init(file: file, subject: step.subject)
      } else {
        item.commit = .init(id: step.id, subject: step.subject ?? "")
      }
      if !entry.fixed.isEmpty { item.fixed = entry.fixed }
      switch entry.outcome {
      case .verdict(let verdict): item.verdict = verdict
      case .failure(let message, let code): (item.error, item.exit) = (message, code)
      }
      return item
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let document = Document(range: series.name, commits: items)
    return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
  }
}

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

  /// A line for each step, what a step introduces below its line, and a line for all together.
  func text(of series: Series, usesColour: Bool) -> String {
    var lines: [String] = []
    for entry in entries {
      lines.append("\(Self.name(entry)): \(Self.word(entry, usesColour))")
      guard case .verdict(let verdict) = entry.outcome else { continue }
      let new = verdict.introducedOnly
      guard !(new.findings.isEmpty && new.notes.isEmpty) else { continue }
      let details = TextReport(
        new, replayOptions: entry.replayOptions, usesColour: usesColour
      ).details
      lines += details.map { $0.isEmpty ? "" : "  \($0)" }
    }
    return (lines + [summary(of: series)]).joined(separator: "\n") + "\n"
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
      return word + (notes == 0 ? "" : ", \(notes) note\(notes == 1 ? "" : "s")")
    }
  }

  private func summary(of series: Series) -> String {
    let verdicts = entries.compactMap { entry -> Verdict? in
      if case .verdict(let verdict) = entry.outcome { verdict } else { nil }
    }
    let guilty = entries.filter { entry in
      if case .verdict(let verdict) = entry.outcome {
        verdict.findings.contains(where: \.introduced)
      } else {
        false
      }
    }
    let names = guilty.map { entry in
      [entry.label, entry.title.map { "\"\($0)\"" }].compactMap(\.self).joined(separator: " ")
    }
    let reused = verdicts.count { $0.exploration.reused == true }
    let subject = verdicts.first.map { "\($0.subject) on " } ?? ""
    var facts = [
      names.isEmpty ? "none introduces a finding" : "introduced by \(names.joined(separator: ", "))"
    ]
    let failed = entries.count - verdicts.count
    if failed > 0 { facts.append("\(failed) cannot be judged") }
    if reused > 0 { facts.append("\(reused) reused from earlier searches") }
    return "\(subject)\(series.name): \(series.count): \(facts.joined(separator: "; "))"
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

extension Verdict {
  /// The verdict with only what the revision introduces.
  fileprivate var introducedOnly: Verdict {
    var new = self
    let kept = findings.indices.filter { findings[$0].introduced }
    let number = Dictionary(uniqueKeysWithValues: zip(kept, kept.indices))
    new.findings = kept.map { findings[$0] }
    new.causes = causes.compactMap { cause in
      var cause = cause
      cause.findings = cause.findings.compactMap { number[$0] }
      return cause.findings.isEmpty ? nil : cause
    }
    new.notes = notes.filter(\.introduced)
    return new
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A verdict for people, as a compiler's messages. For each cause: what happens in one sentence; its
/// findings, as `file:line: property: what is broken`, the first one with the kernel's lines around
/// it; the scenario that replays it and its trace. With patches what they introduce comes first, and
/// what was there before has a line each.
public struct TextReport {
  public var verdict: Verdict
  /// Options that `kshim replay` needs beside the scenario.
  public var replayOptions: String
  public var usesColour: Bool
  /// Whether what was there before is told in full too.
  public var showsOld: Bool
  /// Whether the reader has been told of each function as it ended: then not of clean ones again.
  public var hasToldFunctions = false
  /// How wide a line may be, on a terminal; nil elsewhere: then nothing is cut, and only the verdict
  /// has lines of a terminal's width.
  public var columns: Int?
  /// How many causes are told in full, simplest first, the others in a line for each finding; nil for
  /// all.
  public var shown: Int? = 10

  public init(
    _ verdict: Verdict, replayOptions: String, usesColour: Bool, showsOld: Bool = false
  ) {
    self.verdict = verdict
    self.replayOptions = replayOptions
    self.usesColour = usesColour
    self.showsOld = showsOld
  }

  private func bold(_ text: String, _ colour: Int) -> String {
    Self.bold(text, colour, usesColour: usesColour)
  }

  fileprivate static func bold(_ text: String, _ colour: Int, usesColour: Bool) -> String {
    usesColour ? "\u{1b}[1;\(colour)m\(text)\u{1b}[0m" : text
  }

  public var text: String {
    (details + legend.lines(width: width) + functionLines + contentLines + verdictLines).joined(
      separator: "\n")
      + "\n"
  }

  /// What the patches bring that the verdict does not speak of.
  private var contentLines: [String] {
    verdict.revision.contains.map {
      [
        "this patch contains \($0.joined(separator: ", ")): a clean verdict is no proof against intent"
      ]
    } ?? []
  }

  /// What is told in full, and with ``showsOld`` what was there before behind it.
  private var parts: [Verdict] {
    guard verdict.revision.isCompared else { return [verdict] }
    return [verdict.introducedOnly] + (showsOld ? [verdict.oldOnly] : [])
  }

  /// The causes of a part that are told in full.
  private func told(_ part: Verdict) -> ArraySlice<Verdict.Cause> {
    part.causes.prefix(shown ?? part.causes.count)
  }

  /// The findings whose scenarios and traces are told.
  var heads: [Verdict.Finding] {
    parts.flatMap { part in
      told(part).compactMap { $0.findings.first.map { part.findings[$0] } }
    }
  }

  /// Whether findings stand together.
  var hasCauses: Bool { parts.contains { told($0).contains { $0.findings.count > 1 } } }

  /// What lines of words are wrapped at.
  private var width: Int { min(columns ?? Wrapping.width, Wrapping.width) }

  /// A line of words on a terminal, in several where it is longer; one line elsewhere.
  private func wrapped(_ line: String) -> [String] {
    columns.map { Wrapping.words(line, more: "    ", width: $0) } ?? [line]
  }

  private var legend: Legend { Legend(heads, hasCauses: hasCauses) }

  /// All but the verdict; none where nothing was found.
  var details: [String] {
    var lines = verdict.followed ?? []
    if !lines.isEmpty { lines.append("") }
    for part in parts {
      var report = self
      report.verdict = part
      for cause in told(part) { lines += report.describe(cause) + [""] }
      lines += report.others(part.causes.dropFirst(told(part).count))
      for note in part.notes { lines += describe(note, isNote: true) }
      if !part.notes.isEmpty { lines.append("") }
    }
    guard verdict.revision.isCompared, !showsOld else { return lines }
    let old = verdict.oldOnly
    let told =
      old.findings.flatMap { brief($0, isNote: false) }
      + old.notes.flatMap { brief($0, isNote: true) }
    guard !told.isEmpty else { return lines }
    let heading = "already there without the \(verdict.revision.change) (--old tells more):"
    return lines + [heading] + told + [""]
  }

  /// What is told in a line for each finding.
  private func others(_ causes: ArraySlice<Verdict.Cause>) -> [String] {
    guard !causes.isEmpty else { return [] }
    let count = causes.count
    return [
      "\(count) more cause\(count == 1 ? "" : "s") (--all tells \(count == 1 ? "it" : "them") in full):"
    ]
      + causes.flatMap { cause in
        cause.findings.flatMap { brief(verdict.findings[$0], isNote: false) }
      } + [""]
  }

  /// One line of what is not told in full.
  private func brief(_ finding: Verdict.Finding, isNote: Bool) -> [String] {
    wrapped(
      "  \(finding.file):\(finding.line): \(isNote ? "note: " : "")\(finding.property): "
        + "\(finding.message), in \(finding.function)()")
  }

  func describe(_ cause: Verdict.Cause) -> [String] {
    let findings = cause.findings.map { verdict.findings[$0] }
    guard let first = findings.first else { return [] }
    var lines = wrapped(cause.sentence).map { usesColour ? "\u{1b}[1m\($0)\u{1b}[0m" : $0 }
    lines += describe(first, isNote: false, indent: "  ")
    for finding in findings.dropFirst() {
      let other = finding.function == first.function ? "" : ", in \(finding.function)()"
      lines += wrapped("  " + head(finding, isNote: false) + other)
    }
    lines.append(
      "  replay: kshim replay \(first.subjectOption + replayOptions)\(Shell.quoted(cause.scenario))"
    )
    lines += TraceText(events: first.trace).lines(to: first.line)
      .flatMap { Wrapping.hanging("    \($0)", indent: 14, width: columns) }
    return lines
  }

  /// `file:line: property: what is broken`
  private func head(_ finding: Verdict.Finding, isNote: Bool) -> String {
    let property = isNote ? bold("note: \(finding.property)", 36) : bold(finding.property, 31)
    return "\(finding.file):\(finding.line): \(property): \(finding.message)"
  }

  /// A finding in full: the kernel's lines around it, and what there is to say of it.
  func describe(_ finding: Verdict.Finding, isNote: Bool, indent: String = "") -> [String] {
    var facts = ["in \(finding.function)()"]
    if !isNote { facts.append("\(finding.failing) of \(verdict.scenarios(of: finding)) scenarios") }
    if verdict.revision.isCompared {
      let change = verdict.revision.change
      facts.append(
        finding.introduced ? "introduced by the \(change)" : "already there without the \(change)")
    }
    let excerpt = Excerpt(
      of: finding.file, line: finding.line, in: verdict.sources,
      columns: columns.map { $0 - indent.count - 2 }, usesColour: usesColour)
    return wrapped(indent + head(finding, isNote: isNote))
      + (excerpt?.lines.map { "\(indent)  \($0)" } ?? [])
      + wrapped("\(indent)  \(facts.joined(separator: ", "))")
      + (finding.assumes.map { wrapped("\(indent)  assuming \($0)") } ?? [])
      + also(finding).map { indent + $0 }
  }

  private func also(_ finding: Verdict.Finding) -> [String] {
    guard let also = finding.also else { return [] }
    let names = also.map { name in
      name.hasPrefix("\(finding.file):") ? "\(name.dropFirst(finding.file.count + 1))()" : name
    }
    return Wrapping.words(
      "  shown through \(names.joined(separator: ", ")) too", width: width)
  }

  /// What was found, in numbers: `clean`, or findings, causes and notes.
  private var found: [String] {
    func counted(_ count: Int, _ what: String) -> String {
      "\(count) \(what)\(count == 1 ? "" : "s")"
    }
    let unjudged =
      verdict.unjudged == 0 ? [] : [bold("\(verdict.unjudged) not judged", 33)]
    let notes = (verdict.notes.isEmpty ? [] : [counted(verdict.notes.count, "note")]) + unjudged
    if verdict.verdict == "not-judged" { return [bold("not judged", 33)] }
    if verdict.exploration.runs == 0, verdict.findings.isEmpty { return ["nothing to judge"] }
    guard !verdict.findings.isEmpty else { return [bold("clean", 32)] + notes }
    let findings = bold(counted(verdict.findings.count, "finding"), 31) + verdict.since
    return [findings, counted(verdict.causes.count, "cause")] + notes
  }

  /// How far it was searched: what belongs on one line together.
  private var facts: [[String]] {
    let exploration = verdict.exploration
    guard exploration.runs != 0 else { return exploration.notJudged.map { [[$0]] } ?? [] }
    func counted(_ count: Int, _ what: String) -> String {
      "\(count) \(what)\(count == 1 ? "" : "s")"
    }
    let runs = exploration.runs.map { "\(counted($0, "run")) for " } ?? ""
    let seconds = String(format: "%.1f", exploration.seconds)
    return [
      [
        "\(runs)\(counted(exploration.scenarios, "scenario")) in \(seconds) s",
        exploration.exhaustive ? "exhaustive" : "not exhaustive",
      ],
      [exploration.bound].compactMap(\.self),
      [
        exploration.notJudged, exploration.reused == true ? "reused from an earlier search" : nil,
      ].compactMap(\.self),
    ]
  }

  /// A line for each function, where several were checked: those that are clean last.
  private var functionLines: [String] {
    guard let functions = verdict.functions,
      functions.count > 1 || functions.contains(where: { $0.status == .notJudged })
    else { return [] }
    let order: [Verdict.Function.Status] =
      [.findings, .notJudged] + (hasToldFunctions ? [] : [.clean])
    let lines = order.flatMap { status in
      functions.filter { $0.status == status }.flatMap {
        wrapped($0.line(usesColour: usesColour))
      }
    }
    return lines.isEmpty ? [] : lines + [""]
  }

  /// The verdict, on one line where that fits.
  var verdictLines: [String] {
    let head = "\(verdict.checked): \(found.joined(separator: ", "))"
    return Wrapping.fits(head, width: width)
      ? Wrapping.phrases(head, facts, width: width)
      : Wrapping.phrases("\(verdict.checked):", [found] + facts, width: width)
  }

  /// The verdict on one line, `kvm-mmu-roots on Linux 6.12.117: clean: …`
  public var summary: String {
    [verdict.checked, found.joined(separator: ", "), facts.joined().joined(separator: ", ")]
      .filter { !$0.isEmpty }.joined(separator: ": ")
  }
}

extension Verdict {
  /// ``TextReport/summary`` without colour.
  var summary: String {
    TextReport(self, replayOptions: "", usesColour: false).summary
  }
}

extension Verdict.Function {
  /// What came of it, in a line.
  public func line(usesColour: Bool) -> String {
    func bold(_ text: String, _ colour: Int) -> String {
      TextReport.bold(text, colour, usesColour: usesColour)
    }
    let count = exploration.map { $0.runs ?? $0.scenarios }
    let runs = count.map { ", \($0) run\($0 == 1 ? "" : "s")" } ?? ""
    let limits = exploration?.notJudged.map { ", \($0)" } ?? ""
    let what =
      switch status {
      case .clean: bold("clean", 32) + runs + limits
      case .findings: bold("findings", 31) + runs + limits
      case .notJudged: bold("not judged", 33) + ": \(why ?? "")"
      }
    return "\(file): \(function): \(what)"
  }
}

extension Verdict.Exploration {
  /// What was reached, behind which nothing is known; nil where nothing was.
  var notJudged: String? {
    guard let limits, !limits.isEmpty else { return nil }
    return "not judged beyond \(limits.joined(separator: ", "))"
  }
}

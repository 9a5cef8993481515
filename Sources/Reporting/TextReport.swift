// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A verdict for people. For each cause: what happens in one sentence; its findings, as
/// `file:line: property: what is broken`; the scenario that replays it and its trace. With patches
/// what they introduce comes first, and what was there before has a line each.
public struct TextReport {
  public var verdict: Verdict
  /// Options that `kshim replay` needs beside the scenario.
  public var replayOptions: String
  public var usesColour: Bool
  /// Whether what was there before is told in full too.
  public var showsOld: Bool
  /// Whether the reader has been told of each function as it ended: then not of clean ones again.
  public var hasToldFunctions = false

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
    (details + legend.lines + functionLines + contentLines + verdictLines).joined(separator: "\n")
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

  /// The findings whose scenarios and traces are told.
  var heads: [Verdict.Finding] {
    parts.flatMap { part in part.causes.compactMap { $0.findings.first.map { part.findings[$0] } } }
  }

  /// Whether findings stand together.
  var hasCauses: Bool { parts.contains { $0.causes.contains { $0.findings.count > 1 } } }

  private var legend: Legend { Legend(heads, hasCauses: hasCauses) }

  /// All but the verdict; none where nothing was found.
  var details: [String] {
    var lines = verdict.followed ?? []
    if !lines.isEmpty { lines.append("") }
    for part in parts {
      var report = self
      report.verdict = part
      for cause in part.causes { lines += report.describe(cause) + [""] }
      for note in part.notes { lines += describe(note, isNote: true) }
      if !part.notes.isEmpty { lines.append("") }
    }
    guard verdict.revision.isCompared, !showsOld else { return lines }
    let old = verdict.oldOnly
    let told =
      old.findings.map { brief($0, isNote: false) } + old.notes.map { brief($0, isNote: true) }
    guard !told.isEmpty else { return lines }
    let heading = "already there without the \(verdict.revision.change) (--old tells more):"
    return lines + [heading] + told + [""]
  }

  /// One line of what was there before.
  private func brief(_ finding: Verdict.Finding, isNote: Bool) -> String {
    "  \(finding.file):\(finding.line): \(isNote ? "note: " : "")\(finding.property): "
      + "\(finding.message), in \(finding.function)()"
  }

  func describe(_ cause: Verdict.Cause) -> [String] {
    let findings = cause.findings.map { verdict.findings[$0] }
    var lines = [usesColour ? "\u{1b}[1m\(cause.sentence)\u{1b}[0m" : cause.sentence]
    for finding in findings { lines += describe(finding, isNote: false).map { "  \($0)" } }
    lines.append(
      "  replay: kshim replay \((findings.first?.subjectOption ?? "") + replayOptions)\(Shell.quoted(cause.scenario))"
    )
    lines += TraceText(events: findings.first?.trace ?? []).lines.map { "    \($0)" }
    return lines
  }

  func describe(_ finding: Verdict.Finding, isNote: Bool) -> [String] {
    let place = "\(finding.file):\(finding.line)"
    let property = isNote ? bold("note: \(finding.property)", 36) : bold(finding.property, 31)
    var facts = ["in \(finding.function)()"]
    if !isNote { facts.append("\(finding.failing) of \(verdict.scenarios(of: finding)) scenarios") }
    if verdict.revision.isCompared {
      let change = verdict.revision.change
      facts.append(
        finding.introduced ? "introduced by the \(change)" : "already there without the \(change)")
    }
    return ["\(place): \(property): \(finding.message)", "  \(facts.joined(separator: ", "))"]
      + (finding.assumes.map { ["  assuming \($0)"] } ?? [])
      + also(finding)
  }

  private func also(_ finding: Verdict.Finding) -> [String] {
    guard let also = finding.also else { return [] }
    let names = also.map { name in
      name.hasPrefix("\(finding.file):") ? "\(name.dropFirst(finding.file.count + 1))()" : name
    }
    return Wrapping.words("  shown through \(names.joined(separator: ", ")) too")
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
      functions.filter { $0.status == status }.map { $0.line(usesColour: usesColour) }
    }
    return lines.isEmpty ? [] : lines + [""]
  }

  /// The verdict, on one line where that fits.
  var verdictLines: [String] {
    let head = "\(verdict.checked): \(found.joined(separator: ", "))"
    return Wrapping.fits(head)
      ? Wrapping.phrases(head, facts) : Wrapping.phrases("\(verdict.checked):", [found] + facts)
  }

  /// The verdict on one line, `kvm-mmu-roots on Linux 6.12.117: clean: …`
  public var summary: String {
    "\(verdict.checked): \(found.joined(separator: ", ")): \(facts.joined().joined(separator: ", "))"
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
    let runs = exploration.map { ", \($0.runs ?? $0.scenarios) runs" } ?? ""
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

/// A trace in columns: line of the kernel's file, function, what happened.
public struct TraceText {
  public var events: [Verdict.Event]

  public init(events: [Verdict.Event]) { self.events = events }

  public var lines: [String] {
    let width = events.map(\.function.count).max() ?? 0
    let threadWidth = events.compactMap(\.thread?.count).max() ?? 0
    return events.map { event in
      let line = event.line == 0 ? "" : "\(event.line)"
      let name = event.function.padding(toLength: width, withPad: " ", startingAt: 0)
      let callee = event.callee.map { " \($0)" } ?? ""
      let detail = event.detail.isEmpty ? "" : " \(event.detail)"
      let padded = String(repeating: " ", count: max(0, 6 - line.count)) + line
      let thread =
        threadWidth == 0
        ? ""
        : (event.thread ?? "").padding(toLength: threadWidth, withPad: " ", startingAt: 0) + "  "
      return "\(padded)  \(thread)\(name)  \(event.word)\(callee)\(detail)"
    }
  }
}

extension Verdict.Event {
  /// What it is called for people.
  var word: String { event == "boundary" ? "call" : event }
}

extension Verdict.Exploration {
  /// What was reached, behind which nothing is known; nil where nothing was.
  var notJudged: String? {
    guard let limits, !limits.isEmpty else { return nil }
    return "not judged beyond \(limits.joined(separator: ", "))"
  }
}

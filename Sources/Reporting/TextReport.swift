// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A verdict for people. For each cause: what happens in one sentence; its findings, as
/// `file:line: property: what is broken`; the scenario that replays it and its trace. One line when
/// nothing was found.
public struct TextReport {
  public var verdict: Verdict
  /// Options that `kshim replay` needs beside the scenario.
  public var replayOptions: String
  public var usesColour: Bool

  public init(_ verdict: Verdict, replayOptions: String, usesColour: Bool) {
    self.verdict = verdict
    self.replayOptions = replayOptions
    self.usesColour = usesColour
  }

  private func bold(_ text: String, _ colour: Int) -> String {
    usesColour ? "\u{1b}[1;\(colour)m\(text)\u{1b}[0m" : text
  }

  public var text: String { (details + [summary]).joined(separator: "\n") + "\n" }

  /// All but the last line; none where nothing was found.
  var details: [String] {
    var lines = verdict.followed ?? []
    if !lines.isEmpty { lines.append("") }
    for cause in verdict.causes { lines += describe(cause) + [""] }
    for note in verdict.notes { lines += describe(note, isNote: true) }
    if !verdict.notes.isEmpty { lines.append("") }
    return lines
  }

  func describe(_ cause: Verdict.Cause) -> [String] {
    let findings = cause.findings.map { verdict.findings[$0] }
    var lines = [usesColour ? "\u{1b}[1m\(cause.sentence)\u{1b}[0m" : cause.sentence]
    for finding in findings { lines += describe(finding, isNote: false).map { "  \($0)" } }
    lines.append("  replay: kshim replay \(replayOptions)\(cause.scenario)")
    lines += TraceText(events: findings.first?.trace ?? []).lines.map { "    \($0)" }
    return lines
  }

  func describe(_ finding: Verdict.Finding, isNote: Bool) -> [String] {
    let place = "\(finding.file):\(finding.line)"
    let property = isNote ? bold("note: \(finding.property)", 36) : bold(finding.property, 31)
    var facts = ["in \(finding.function)()"]
    if !isNote { facts.append("\(finding.failing) of \(verdict.exploration.scenarios) scenarios") }
    if verdict.revision.isCompared {
      let change = verdict.revision.change
      facts.append(
        finding.introduced ? "introduced by the \(change)" : "already there without the \(change)")
    }
    return ["\(place): \(property): \(finding.message)", "  \(facts.joined(separator: ", "))"]
  }

  /// `kvm-mmu-roots on Linux 6.12.117: clean: …`
  public var summary: String {
    let exploration = verdict.exploration
    let word: String
    if verdict.findings.isEmpty {
      word = bold("clean", 32)
    } else {
      word =
        bold("\(verdict.findings.count) finding\(verdict.findings.count == 1 ? "" : "s")", 31)
        + verdict.since + ", \(verdict.causes.count) cause\(verdict.causes.count == 1 ? "" : "s")"
    }
    let notes =
      verdict.notes.isEmpty
      ? "" : ", \(verdict.notes.count) note\(verdict.notes.count == 1 ? "" : "s")"
    let runs = exploration.runs.map { "\($0) runs for " } ?? ""
    return "\(verdict.checked): \(word)\(notes): \(runs)\(exploration.scenarios) scenarios in "
      + "\(String(format: "%.1f", exploration.seconds)) s, "
      + "\(exploration.bound.map { "\($0), " } ?? "")\(exploration.exhaustive ? "exhaustive" : "not exhaustive")"
      + (exploration.notJudged.map { ", \($0)" } ?? "")
      + (exploration.reused == true ? ", reused from an earlier search" : "")
  }
}

extension Verdict {
  /// ``TextReport/summary`` without colour.
  var summary: String {
    TextReport(self, replayOptions: "", usesColour: false).summary
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
      return "\(padded)  \(thread)\(name)  \(event.event)\(callee)\(detail)"
    }
  }
}

extension Verdict.Exploration {
  /// What was reached, behind which nothing is known; nil where nothing was.
  var notJudged: String? {
    guard let limits, !limits.isEmpty else { return nil }
    return "not judged beyond \(limits.joined(separator: ", "))"
  }
}

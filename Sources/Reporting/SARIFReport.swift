// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A report as SARIF 2.1.0 (OASIS): a run for each entry, a rule for each property, a result for
/// each finding and note with its trace as a code flow, a notification for what was not judged.
struct SARIFReport {
  var report: CheckReport
  var isStrict: Bool

  func text() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let log = SARIFLog(runs: report.entries.map(run))
    return String(decoding: try encoder.encode(log), as: UTF8.self) + "\n"
  }

  private func run(_ entry: CheckReport.Entry) -> SARIFLog.Run {
    switch entry.outcome {
    case .verdict(let verdict):
      var seen: [String: Int] = [:]
      let told = verdict.findings.map { ($0, false) } + verdict.notes.map { ($0, true) }
      let code = verdict.exitCode(isStrict: isStrict)
      let notifications = verdict.notifications
      return run(
        entry, tool: verdict.tool, rules: verdict.properties.map { rule($0.id) },
        invocation: .init(
          executionSuccessful: code < 2, exitCode: Int(code),
          exitCodeDescription: Self.describe(code),
          toolExecutionNotifications: notifications.isEmpty ? nil : notifications),
        results: told.map { result($0, isNote: $1, verdict, entry, &seen) })
    case .failure(let why, let code):
      return run(
        entry, tool: Verdict.Tool(), rules: [],
        invocation: .init(
          executionSuccessful: false, exitCode: Int(code),
          exitCodeDescription: Self.describe(code),
          toolExecutionNotifications: [SARIFNotice.failed.notification(.error, why)]),
        results: [])
    }
  }

  private func run(
    _ entry: CheckReport.Entry, tool: Verdict.Tool, rules: [SARIFLog.Descriptor],
    invocation: SARIFLog.Invocation, results: [SARIFLog.Result]
  ) -> SARIFLog.Run {
    .init(
      tool: .init(
        driver: .init(
          name: tool.name, semanticVersion: tool.version, rules: rules,
          notifications: SARIFNotice.allCases.map(\.descriptor))),
      automationDetails: .init(id: "kshim/\(entry.name)"), invocations: [invocation],
      originalUriBaseIds: [
        "%SRCROOT%": .init(description: .init(text: "The kernel's top directory."))
      ], results: results)
  }

  /// A property, with what its page says.
  private func rule(_ id: String) -> SARIFLog.Descriptor {
    var rule = SARIFLog.Descriptor(id: id, shortDescription: .init(text: id))
    guard let page = report.page(id) else {
      rule.help = .init(text: "docs/properties/\(id).md of kshim says more")
      return rule
    }
    // A link to another page leads nowhere from where this is shown.
    let text = page.replacing(/\[([^\]]+)\]\((?!https?:)[^)]*\)/) { $0.output.1 }
    let body = text.hasPrefix("# ") ? text.drop { $0 != "\n" } : text[...]
    let paragraphs = body.split(separator: "\n\n").map {
      $0.trimmingCharacters(in: .newlines).replacing("\n", with: " ")
    }
    if let first = paragraphs.first { rule.fullDescription = .init(text: first) }
    rule.help = .init(text: text, markdown: text)
    return rule
  }

  /// What an exit status says.
  private static func describe(_ code: Int32) -> String {
    switch code {
    case 0: "nothing found"
    case 1: "findings"
    case 2: "the request is wrong"
    case 3: "something cannot be judged"
    default: "kshim failed"
    }
  }

  private func result(
    _ finding: Verdict.Finding, isNote: Bool, _ verdict: Verdict, _ entry: CheckReport.Entry,
    _ seen: inout [String: Int]
  ) -> SARIFLog.Result {
    // Without the line, which moves with each patch.
    let identity = "\(finding.property)/\(finding.function)/\(finding.message)"
    let count = (seen[identity] ?? 0) + 1
    seen[identity] = count
    let cause = finding.cause.flatMap {
      verdict.causes.indices.contains($0) ? verdict.causes[$0] : nil
    }
    let replay =
      finding.scenario.isEmpty
      ? nil
      : "kshim replay \(finding.subjectOption + entry.replayOptions)\(Shell.quoted(finding.scenario))"
    var message = finding.message
    if let cause { message += ": \(cause.sentence)" }
    if let replay { message += "\n\n\(replay)" }
    var result = SARIFLog.Result(
      ruleId: finding.property,
      ruleIndex: verdict.properties.firstIndex { $0.id == finding.property },
      level: isNote ? .note : .error, message: .init(text: message),
      locations: [verdict.location(finding.file, finding.line, finding.function)],
      partialFingerprints: ["kshim/v1": count == 1 ? identity : "\(identity)/\(count)"])
    if let cause, (cause.file, cause.line) != (finding.file, finding.line) {
      var place = verdict.location(cause.file, cause.line, nil)
      place.id = 1
      place.message = .init(text: cause.sentence)
      result.relatedLocations = [place]
    }
    if verdict.revision.isCompared {
      result.baselineState = finding.introduced ? "new" : "unchanged"
    }
    if finding.failing > 0 { result.occurrenceCount = finding.failing }
    if !finding.trace.isEmpty { result.codeFlows = [flow(finding, verdict)] }
    if let replay {
      result.properties = .init(
        assumes: finding.assumes, replay: replay, scenario: finding.scenario)
    }
    return result
  }

  /// One thread flow, or one for each thread; the numbers tell the order across them.
  private func flow(_ finding: Verdict.Finding, _ verdict: Verdict) -> SARIFLog.CodeFlow {
    var threads: [String] = []
    var places: [String: [SARIFLog.ThreadFlowLocation]] = [:]
    var entered: [String: String] = [:]
    for (number, event) in finding.trace.enumerated() {
      let thread = event.thread ?? ""
      if places[thread] == nil { threads.append(thread) }
      if event.event == "enter" { entered[thread] = event.function }
      let isStep = ["enter", "return"].contains(event.event)
      var place = verdict.location(finding.file, event.line, event.function)
      let words = [event.word, event.callee, event.detail.isEmpty ? nil : event.detail]
      place.message = .init(text: words.compactMap(\.self).joined(separator: " "))
      places[thread, default: []].append(
        .init(
          executionOrder: number + 1, importance: event.importance(at: finding.line),
          kinds: event.kinds, location: place,
          nestingLevel: isStep ? 0 : event.function == entered[thread] ? 1 : 2))
    }
    return .init(
      message: finding.sentence.map { .init(text: $0) },
      threadFlows: threads.map {
        .init(id: $0.isEmpty ? nil : $0, locations: places[$0] ?? [])
      })
  }
}

extension Verdict.Event {
  /// In the standard's words; nil where it has none.
  fileprivate var kinds: [String]? {
    switch event {
    case "enter": ["enter", "function"]
    case "return": ["return", "function"]
    case "alloc": ["acquire", "memory"]
    case "free": ["release", "memory"]
    case "lock": ["acquire", "lock"]
    case "unlock": ["release", "lock"]
    case "boundary": ["call", "function"]
    case "input": ["value"]
    default: isTrouble ? ["danger"] : nil
    }
  }

  /// Something that does not happen where all is well.
  private var isTrouble: Bool {
    ["WARN", "BUG", "assert", "deadlock", "fault", "hang", "index", "overflow", "sleep"]
      .contains(event)
  }

  /// What failed and what went wrong is essential; what was only read is not important.
  fileprivate func importance(at line: Int) -> SARIFLog.ThreadFlowLocation.Importance {
    let isFailure =
      ["alloc", "boundary"].contains(event)
      && (detail == "= NULL" || detail.hasPrefix("= -"))
    if isTrouble || isFailure || line > 0 && self.line == line { return .essential }
    return ["input", "section", "__pa"].contains(event) ? .unimportant : .important
  }
}

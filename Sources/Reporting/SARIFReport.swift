// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A report as SARIF 2.1.0 (OASIS): a run for each entry, a rule for each property, a result for
/// each finding and note, its trace as a code flow.
struct SARIFReport {
  var report: CheckReport

  func text() throws -> String {
    let log: [String: Any] = [
      "$schema":
        "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
      "version": "2.1.0",
      "runs": report.entries.map(run),
    ]
    let data = try JSONSerialization.data(
      withJSONObject: log, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self) + "\n"
  }

  private func run(_ entry: CheckReport.Entry) -> [String: Any] {
    guard case .verdict(let verdict) = entry.outcome else {
      guard case .failure(let why, let code) = entry.outcome else { return [:] }
      return run(
        entry, tool: Verdict.Tool(), rules: [], results: [],
        invocation: [
          "executionSuccessful": false, "exitCode": Int(code),
          "toolExecutionNotifications": [["level": "error", "message": ["text": why]]],
        ])
    }
    let rules = verdict.properties.map(\.id)
    var seen: [String: Int] = [:]
    let told = verdict.findings.map { ($0, "error") } + verdict.notes.map { ($0, "note") }
    let results = told.map { finding, level in
      result(finding, level, verdict, entry, rules, &seen)
    }
    return run(
      entry, tool: verdict.tool, rules: rules, results: results,
      invocation: ["executionSuccessful": true])
  }

  private func run(
    _ entry: CheckReport.Entry, tool: Verdict.Tool, rules: [String], results: [[String: Any]],
    invocation: [String: Any]
  ) -> [String: Any] {
    [
      "tool": [
        "driver": [
          "name": tool.name, "semanticVersion": tool.version,
          "rules": rules.map { rule -> [String: Any] in
            [
              "id": rule, "shortDescription": ["text": rule],
              "help": ["text": "docs/properties/\(rule).md of kshim says more"],
            ]
          },
        ]
      ],
      "automationDetails": ["id": "kshim/\(entry.name)"],
      "columnKind": "utf16CodeUnits", "invocations": [invocation], "results": results,
    ]
  }

  private func result(
    _ finding: Verdict.Finding, _ level: String, _ verdict: Verdict, _ entry: CheckReport.Entry,
    _ rules: [String], _ seen: inout [String: Int]
  ) -> [String: Any] {
    // Without the line, which moves with each patch.
    let identity = "\(finding.property)/\(finding.function)/\(finding.message)"
    let count = (seen[identity] ?? 0) + 1
    seen[identity] = count
    var message = finding.message
    if let cause = finding.cause, cause < verdict.causes.count {
      message += ": \(verdict.causes[cause].sentence)"
    }
    if !finding.scenario.isEmpty {
      message +=
        "\n\nkshim replay \(finding.subjectOption + entry.replayOptions)\(Shell.quoted(finding.scenario))"
    }
    var result: [String: Any] = [
      "ruleId": finding.property, "level": level, "message": ["text": message],
      "locations": [location(finding.file, finding.line, finding.function)],
      "partialFingerprints": ["kshim/v1": count == 1 ? identity : "\(identity)/\(count)"],
    ]
    if let index = rules.firstIndex(of: finding.property) { result["ruleIndex"] = index }
    if verdict.revision.isCompared {
      result["baselineState"] = finding.introduced ? "new" : "unchanged"
    }
    if !finding.trace.isEmpty { result["codeFlows"] = [flow(finding)] }
    return result
  }

  private func location(_ file: String, _ line: Int, _ function: String) -> [String: Any] {
    var physical: [String: Any] = ["artifactLocation": ["uri": file, "uriBaseId": "%SRCROOT%"]]
    if line > 0 { physical["region"] = ["startLine": line] }
    return [
      "physicalLocation": physical,
      "logicalLocations": [["name": function, "kind": "function"]],
    ]
  }

  /// One thread flow, or one for each thread; the numbers tell the order across them.
  private func flow(_ finding: Verdict.Finding) -> [String: Any] {
    var threads: [String] = []
    var places: [String: [[String: Any]]] = [:]
    for (number, event) in finding.trace.enumerated() {
      let thread = event.thread ?? ""
      if places[thread] == nil { threads.append(thread) }
      var place = location(finding.file, event.line, event.function)
      let words = [event.event, event.callee, event.detail.isEmpty ? nil : event.detail]
      place["message"] = ["text": words.compactMap { $0 }.joined(separator: " ")]
      places[thread, default: []].append(["executionOrder": number + 1, "location": place])
    }
    return [
      "threadFlows": threads.map { thread -> [String: Any] in
        let locations = places[thread] ?? []
        return thread.isEmpty ? ["locations": locations] : ["id": thread, "locations": locations]
      }
    ]
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A report as JUnit's XML: a test suite for each entry, a test case for each property.
struct JUnitReport {
  var report: CheckReport
  var isStrict: Bool

  var text: String {
    let suites = report.entries.map(suite)
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="kshim">
      \(suites.joined(separator: "\n"))
      </testsuites>

      """
  }

  private func suite(_ entry: CheckReport.Entry) -> String {
    let name = Markup.escaped(entry.name)
    guard case .verdict(let verdict) = entry.outcome else {
      guard case .failure(let why, _) = entry.outcome else { return "" }
      let first = why.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
      return """
          <testsuite name="\(name)" tests="1" failures="0" errors="1" skipped="0">
            <testcase classname="kshim" name="check">
              <error message="\(Markup.escaped(first))">\(Markup.escaped(why))</error>
            </testcase>
          </testsuite>
        """
    }
    var cases: [String] = []
    var failures = 0
    var skipped = 0
    for property in verdict.properties {
      let broken = verdict.broken(property.id)
      let failing = broken.filter {
        verdict.counts($0.finding, isNote: $0.isNote, isStrict: isStrict)
      }.map(\.finding)
      let others = broken.map(\.finding).filter { !failing.contains($0) }
      var inside: [String] = []
      if let first = failing.first {
        failures += 1
        let told = failing.map { Self.told($0, verdict, entry) }.joined(separator: "\n\n")
        inside.append(
          "      <failure message=\"\(Markup.escaped(first.message))\" type=\"\(property.id)\">"
            + Markup.escaped(told) + "</failure>")
      } else if property.checked == 0 {
        skipped += 1
        inside.append("      <skipped message=\"no scenario asks for it\"/>")
      }
      if !others.isEmpty {
        let told = others.map { Self.told($0, verdict, entry) }.joined(separator: "\n\n")
        inside.append("      <system-out>\(Markup.escaped(told))</system-out>")
      }
      let head =
        "    <testcase classname=\"\(Markup.escaped(verdict.subject))\" name=\"\(property.id)\""
      cases.append(
        inside.isEmpty
          ? head + "/>" : ([head + ">"] + inside + ["    </testcase>"]).joined(separator: "\n"))
    }
    let seconds = String(format: "%.3f", verdict.exploration.seconds)
    return """
        <testsuite name="\(name)" tests="\(verdict.properties.count)" failures="\(failures)" \
      errors="0" skipped="\(skipped)" time="\(seconds)">
      \(cases.joined(separator: "\n"))
          <system-out>\(Markup.escaped(verdict.summary))</system-out>
        </testsuite>
      """
  }

  private static func told(
    _ finding: Verdict.Finding, _ verdict: Verdict, _ entry: CheckReport.Entry
  ) -> String {
    var lines = [verdict.told(finding)]
    if !finding.scenario.isEmpty {
      lines.append(
        "replay: kshim replay \(finding.subjectOption + entry.replayOptions)\(Shell.quoted(finding.scenario))"
      )
    }
    return (lines + TraceText(events: finding.trace).lines).joined(separator: "\n")
  }
}

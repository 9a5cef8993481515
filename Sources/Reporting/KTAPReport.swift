// SPDX-License-Identifier: GPL-2.0-only

/// A report in KTAP version 1 (Documentation/dev-tools/ktap.rst): one test for each property, its
/// findings as diagnostic lines before it, and a skipped one for each function that was not judged;
/// each of several entries is a test with subtests.
struct KTAPReport {
  var report: CheckReport
  var isStrict: Bool

  var text: String {
    let lines =
      report.entries.count == 1 ? tests(of: report.entries[0]).lines : nested()
    return (["KTAP version 1"] + lines).joined(separator: "\n") + "\n"
  }

  private func nested() -> [String] {
    var lines = ["1..\(report.entries.count)"]
    for (number, entry) in report.entries.enumerated() {
      let name = Self.description(entry.name)
      let (inner, isOK) = tests(of: entry)
      lines += (["KTAP version 1", "# Subtest: \(name)"] + inner).map { "  \($0)" }
      lines.append("\(isOK ? "ok" : "not ok") \(number + 1) \(name)")
    }
    return lines
  }

  /// The plan and the results of one entry, and whether none failed.
  private func tests(of entry: CheckReport.Entry) -> (lines: [String], isOK: Bool) {
    guard case .verdict(let verdict) = entry.outcome else {
      guard case .failure(let why, _) = entry.outcome else { return ([], true) }
      return (["1..1"] + Self.diagnostics(why) + ["not ok 1 check"], false)
    }
    let unjudged = (verdict.functions ?? []).filter { $0.status == .notJudged }
    let count = verdict.properties.count + unjudged.count
    var lines = ["1..\(count)"] + Self.diagnostics(verdict.summary)
    var isWhole = true
    for (number, property) in verdict.properties.enumerated() {
      var isOK = true
      for (finding, isNote) in verdict.broken(property.id) {
        if verdict.counts(finding, isNote: isNote, isStrict: isStrict) { isOK = false }
        lines += Self.diagnostics("\(property.id): \(verdict.told(finding))")
        if !finding.scenario.isEmpty {
          lines += Self.diagnostics(
            "replay: kshim replay \(finding.subjectOption + entry.replayOptions)\(Shell.quoted(finding.scenario))"
          )
        }
      }
      let skip = property.checked == 0 && isOK ? " # SKIP no scenario asks for it" : ""
      lines.append("\(isOK ? "ok" : "not ok") \(number + 1) \(property.id)\(skip)")
      if !isOK { isWhole = false }
    }
    for (number, function) in unjudged.enumerated() {
      let why = function.why.map { " \(Self.description($0))" } ?? ""
      lines.append(
        "ok \(verdict.properties.count + number + 1) "
          + "\(Self.description("\(function.file):\(function.function)")) # SKIP\(why)")
    }
    return (lines, isWhole)
  }

  private static func diagnostics(_ text: String) -> [String] {
    text.split(whereSeparator: \.isNewline).map { "# \($0)" }
  }

  /// A test's description is one line, and a number sign would begin a directive.
  private static func description(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ").filter { $0 != "#" }
  }
}

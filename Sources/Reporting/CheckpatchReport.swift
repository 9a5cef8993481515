// SPDX-License-Identifier: GPL-2.0-only

/// A report in lines as `checkpatch.pl --terse` prints them, for what reads checkpatch:
/// `b4 prep --check` and `b4 am --check`. Nothing at all when nothing counts.
struct CheckpatchReport {
  var report: CheckReport
  var isStrict: Bool

  var text: String { report.entries.flatMap(lines).map { "\($0)\n" }.joined() }

  private func lines(_ entry: CheckReport.Entry) -> [String] {
    guard case .verdict(let verdict) = entry.outcome else {
      guard case .failure(let why, _) = entry.outcome else { return [] }
      return why.split(whereSeparator: \.isNewline).prefix(1).map { "ERROR: \($0)" }
    }
    let told = isStrict ? verdict : verdict.news
    let errors = told.causes.map { cause -> String in
      let counting = cause.findings.map { told.findings[$0] }
      var properties: [String] = []
      for id in counting.map(\.property) where !properties.contains(id) { properties.append(id) }
      return "\(cause.file):\(cause.line): ERROR: \(cause.sentence) "
        + "[\(properties.joined(separator: ", "))]"
    }
    return errors
      + verdict.notes.filter { verdict.counts($0, isStrict: isStrict) }.map {
        "\($0.file):\($0.line): \(isStrict ? "ERROR" : "WARNING"): \($0.message) [\($0.property)]"
      }
  }
}

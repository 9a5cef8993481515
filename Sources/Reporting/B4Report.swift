// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A report as b4 takes it from `b4.review-perpatch-check-cmd`: a JSON array of results. b4 0.16
/// knows the statuses pass, warn and fail.
struct B4Report {
  var report: CheckReport
  var isStrict: Bool

  private struct Result: Encodable {
    var tool = "kshim"
    var status: String
    var summary: String
    var url = ""
    var details: String
  }

  func text() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let results = report.entries.flatMap(results)
    return String(decoding: try encoder.encode(results), as: UTF8.self) + "\n"
  }

  private func results(_ entry: CheckReport.Entry) -> [Result] {
    let prefix = entry.label.map { "\($0): " } ?? ""
    guard case .verdict(let verdict) = entry.outcome else {
      guard case .failure(let why, _) = entry.outcome else { return [] }
      let first = why.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
      return [Result(status: "fail", summary: prefix + first, details: why)]
    }
    let told = isStrict ? verdict : verdict.news
    let text = TextReport(told, replayOptions: entry.replayOptions, usesColour: false)
    var results: [Result] = []
    for cause in told.causes {
      results.append(
        Result(
          status: "fail", summary: prefix + cause.sentence,
          details: text.describe(cause).joined(separator: "\n")))
    }
    for note in verdict.notes where verdict.counts(note, isStrict: isStrict) {
      results.append(
        Result(
          status: isStrict ? "fail" : "warn",
          summary: "\(prefix)\(note.message) (\(note.file):\(note.line))",
          details: text.describe(note, isNote: true).joined(separator: "\n")))
    }
    guard results.isEmpty else { return results }
    // What was there before is no reproach to the patch, but is told.
    return [
      Result(
        status: "pass", summary: prefix + verdict.summary,
        details: verdict.causes.isEmpty && verdict.notes.isEmpty
          ? ""
          : TextReport(verdict, replayOptions: entry.replayOptions, usesColour: false).text)
    ]
  }
}

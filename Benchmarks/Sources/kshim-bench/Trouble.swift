// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// Why something cannot be measured, and what to do about it.
struct Trouble: Error, CustomStringConvertible {
  var description: String

  /// - Parameters:
  ///   - cause: what is wrong, in one clause.
  ///   - evidence: what a program wrote; its first and last lines are told.
  ///   - remedy: what to do next.
  init(_ cause: String, evidence: String = "", remedy: String? = nil) {
    var told = evidence.split(separator: "\n").map {
      $0.trimmingCharacters(in: .whitespaces)
    }.filter { !$0.isEmpty }
    if told.count > 5 { told = told.prefix(2) + ["…"] + told.suffix(2) }
    let lines = told.joined(separator: " | ")
    description =
      cause + (lines.isEmpty ? "" : " (\(lines))") + (remedy.map { "; \($0)" } ?? "")
  }
}

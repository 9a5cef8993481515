// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting

/// The parser's help with all lines of a terminal's width: it leaves the usage on one.
enum HelpText {
  static func wrapped(_ text: String, columns: Int) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      guard line.hasPrefix("USAGE: "), line.count > columns else { return String(line) }
      return usage(line.dropFirst("USAGE: ".count), columns)
    }.joined(separator: "\n")
  }

  /// What is in brackets stays together.
  private static func usage(_ line: Substring, _ columns: Int) -> String {
    var words: [String] = []
    var depth = 0
    for word in line.split(separator: " ") {
      if depth > 0 { words[words.count - 1] += " \(word)" } else { words.append(String(word)) }
      depth += word.count { "[<(".contains($0) } - word.count { "]>)".contains($0) }
    }
    // An option and what it takes.
    var together: [String] = []
    for word in words {
      if word.hasPrefix("<"), let last = together.last, last.hasPrefix("-") {
        together[together.count - 1] += " \(word)"
      } else {
        together.append(word)
      }
    }
    var lines: [String] = []
    var now = "USAGE:"
    for word in together {
      if now.count + 1 + word.count > columns, now.count > 7 {
        lines.append(now)
        now = "       " + word
      } else {
        now += " \(word)"
      }
    }
    return (lines + [now]).joined(separator: "\n")
  }
}

// SPDX-License-Identifier: GPL-2.0-only

/// Text in lines of a terminal's width.
enum Wrapping {
  static let width = 80

  /// A head and what is to be said of it: on one line where that fits, else the head on its own and each
  /// group of facts on further lines, indented. The head stays whole, for it may name a path.
  static func phrases(
    _ head: String, _ facts: [[String]], separator: String = ", "
  ) -> [String] {
    let facts = facts.filter { !$0.isEmpty }
    let line = "\(head): \(facts.joined().joined(separator: separator))"
    if columns(line) <= width { return [line] }
    return [head]
      + facts.flatMap { group -> [String] in
        var lines: [String] = []
        for (number, fact) in group.enumerated() {
          let phrase = fact + (number + 1 < group.count ? separator.trimmed : "")
          if let last = lines.last, columns(last) + 1 + columns(phrase) <= width {
            lines[lines.count - 1] = "\(last) \(phrase)"
          } else {
            lines += words("  " + phrase)
          }
        }
        return lines
      }
  }

  static func fits(_ line: String) -> Bool { columns(line) <= width }

  /// Words in lines; those behind the first are indented more.
  static func words(_ text: String, more: String = "  ") -> [String] {
    let indent = String(text.prefix { $0 == " " })
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, columns(line) + 1 + columns(String(word)) > width {
        lines.append(line)
        line = "\(indent)\(more)\(word)"
      } else {
        line += line.isEmpty ? "\(indent)\(word)" : " \(word)"
      }
    }
    return lines + [line]
  }

  /// How wide a text is: signs that only colour it are not counted.
  private static func columns(_ text: String) -> Int {
    text.replacing(/\u{1b}\[[0-9;]*m/, with: "").count
  }
}

extension String {
  /// Without spaces at its end.
  fileprivate var trimmed: String { String(reversed().drop { $0 == " " }.reversed()) }
}

// SPDX-License-Identifier: GPL-2.0-only

/// Text in lines of a terminal's width.
package enum Wrapping {
  /// What everybody's terminal has.
  package static let width = 80

  /// A head and what is to be said of it: on one line where that fits, else the head on its own and each
  /// group of facts on further lines, indented.
  static func phrases(
    _ head: String, _ facts: [[String]], separator: String = ", ", width: Int = width
  ) -> [String] {
    let facts = facts.filter { !$0.isEmpty }
    let line = "\(head): \(facts.joined().joined(separator: separator))"
    if columns(line) <= width { return [line] }
    return words(head, more: "    ", width: width)
      + facts.flatMap { group -> [String] in
        var lines: [String] = []
        for (number, fact) in group.enumerated() {
          let phrase = fact + (number + 1 < group.count ? separator.trimmed : "")
          if let last = lines.last, columns(last) + 1 + columns(phrase) <= width {
            lines[lines.count - 1] = "\(last) \(phrase)"
          } else {
            lines += words("  " + phrase, width: width)
          }
        }
        return lines
      }
  }

  static func fits(_ line: String, width: Int = width) -> Bool { columns(line) <= width }

  /// Words in lines; those behind the first are indented more.
  package static func words(
    _ text: String, more: String = "  ", width: Int = width
  ) -> [String] {
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

  /// A line of columns on a terminal: what is beyond its end stands below, indented. Whole where nobody
  /// says how wide that is.
  static func hanging(_ line: String, indent: Int, width: Int?) -> [String] {
    guard let width, columns(line) > width, indent < width / 2 else { return [line] }
    let room = line.prefix(width + 1)
    // Blanks in front are no place to part it.
    let end =
      room.dropFirst(indent).lastIndex(of: " ") ?? line.index(line.startIndex, offsetBy: width)
    let rest = line[end...].drop { $0 == " " }
    return [String(line[..<end])]
      + hanging(String(repeating: " ", count: indent) + rest, indent: indent, width: width)
  }

  /// How wide a text is: signs that only colour it are not counted.
  package static func columns(_ text: String) -> Int {
    text.replacing(/\u{1b}\[[0-9;]*m/, with: "").count
  }
}

extension String {
  /// Without spaces at its end.
  fileprivate var trimmed: String { String(reversed().drop { $0 == " " }.reversed()) }
}

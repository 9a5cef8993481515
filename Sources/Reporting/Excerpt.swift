// SPDX-License-Identifier: GPL-2.0-only

/// The kernel's own lines around a place, as compilers show them: numbers in a gutter, and a caret
/// below what the place is about.
///
///      41 |         if (!page)
///      42 |                 return -ENOMEM;
///         |                 ^~~~~~~~~~~~~~~
///      43 |         list_add(&page->lru, head);
public struct Excerpt {
  /// What stands in a line of the report. Tabs are spelled out.
  public let lines: [String]

  /// How many lines are shown on each side of the place.
  static let around = 2
  /// What nobody wrote by hand is not shown to its end.
  static let longest = 500

  /// - Parameters:
  ///   - file: relative to the kernel's top directory.
  ///   - line: from 1.
  ///   - columns: how wide a line may be; nil where that is no matter.
  /// - Returns: nil where the text of that place is not known.
  public init?(
    of file: String, line: Int, in sources: [Verdict.Source]?, columns: Int? = nil,
    usesColour: Bool = false
  ) {
    let source = sources?.first {
      $0.file == file && $0.firstLine <= line && line <= $0.lastLine
    }
    guard let source else { return nil }
    let first = max(source.firstLine, line - Self.around)
    let last = min(source.lastLine, line + Self.around)
    let width = "\(last)".count
    let room = columns.map { max(10, $0 - width - 3) } ?? Self.longest
    var lines: [String] = []
    for number in first...last {
      let text = Self.spelled(source.lines[number - source.firstLine])
      let gutter = String(repeating: " ", count: width - "\(number)".count) + "\(number) |"
      lines.append(text.isEmpty ? gutter : "\(gutter) \(Self.cut(text, room))")
      guard number == line, let mark = Self.mark(under: text) else { continue }
      let blank = String(repeating: " ", count: width) + " | "
      let shown = Self.cut(mark, room, ending: "")
      lines.append(blank + (usesColour ? "\u{1b}[1;32m\(shown)\u{1b}[0m" : shown))
    }
    self.lines = lines
  }

  /// Without blanks at its end, each tab as the spaces that it stands for, nothing in it that acts
  /// on a terminal.
  private static func spelled(_ line: String) -> String {
    var result = ""
    var column = 0
    for character in line {
      if character == "\t" {
        let spaces = 8 - column % 8
        result += String(repeating: " ", count: spaces)
        column += spaces
      } else {
        let shown = String(character).shown()
        result += shown
        column += shown.count
      }
      if column > 2 * longest { break }
    }
    return String(result.reversed().drop { $0 == " " || $0 == "\r" }.reversed())
  }

  /// `^~~~` below what is no blank; nil below an empty line.
  private static func mark(under text: String) -> String? {
    let indent = text.prefix { $0 == " " }.count
    guard indent < text.count else { return nil }
    return String(repeating: " ", count: indent) + "^"
      + String(repeating: "~", count: text.count - indent - 1)
  }

  private static func cut(_ text: String, _ room: Int, ending: String = "…") -> String {
    text.count <= room ? text : text.prefix(room - ending.count) + ending
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A page of the documentation for a terminal: what is written in Markdown there, without its marks,
/// in lines of the terminal's width.
///
/// It knows what those pages have: headings, paragraphs, lists, tables, and text that is indented.
public struct PropertyText {
  let page: String
  let columns: Int
  let usesColour: Bool

  public init(_ page: String, columns: Int, usesColour: Bool) {
    self.page = page
    self.columns = columns
    self.usesColour = usesColour
  }

  public var text: String {
    var lines: [String] = []
    var paragraph: [String] = []
    func end() {
      if !paragraph.isEmpty {
        let text = Self.plain(paragraph.joined(separator: " "))
        lines += Wrapping.words(text, more: text.hasPrefix("- ") ? "  " : "", width: columns)
      }
      paragraph = []
    }
    for line in page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if line.hasPrefix("#") {
        end()
        let title = Self.plain(String(line.drop { $0 == "#" }.dropFirst()))
        lines.append(usesColour ? "\u{1b}[1m\(title)\u{1b}[0m" : title)
      } else if line.hasPrefix("    ") || line.hasPrefix("|") {
        end()
        lines += Wrapping.hanging(
          line, indent: line.prefix { $0 == " " }.count + 4, width: columns)
      } else if line.isEmpty {
        end()
        lines.append("")
      } else {
        if line.hasPrefix("- ") { end() }
        paragraph.append(line)
      }
    }
    end()
    while lines.last?.isEmpty ?? false { lines.removeLast() }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What the first sentence below a page's title says, without its full stop.
  public static func firstSentence(of page: String) -> String {
    let paragraphs = page.components(separatedBy: "\n\n").dropFirst()
    let words = plain((paragraphs.first ?? "").replacing("\n", with: " "))
    let end = words.firstRange(of: /\.( |$)/)?.lowerBound ?? words.endIndex
    return String(words[..<end])
  }

  /// Links as their text, code and emphasis without their marks.
  private static func plain(_ text: String) -> String {
    text.replacing(/\[([^\]]*)\]\([^)]*\)/) { String($0.output.1) }
      .replacing("`", with: "").replacing("**", with: "")
      .trimmingCharacters(in: .whitespaces)
  }
}

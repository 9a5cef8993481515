// SPDX-License-Identifier: GPL-2.0-only
import KernelSource

/// What a source file begins with: its leading `#include`s, with the comments and the directives
/// between them. A compiler that has read it once need not do so again.
struct Preamble: Equatable {
  /// Byte offset behind the last line; 0 where the file begins with something else.
  let end: Int

  /// Headers define tracepoints where this is defined, which what is extracted must not.
  private static let ends = "CREATE_TRACE_POINTS"

  init(of text: [UInt8]) {
    var scanner = Scanner(text: text)
    var depth = 0
    var hasInclude = false
    var end = 0
    while let word = scanner.nextDirective() {
      switch word.name {
      case "if", "ifdef", "ifndef": depth += 1
      case "endif": depth -= 1
      case "include": hasInclude = true
      default: break
      }
      if word.line.contains(Self.ends) { break }
      if depth < 0 { break }
      if depth == 0, hasInclude {
        end = scanner.position
        hasInclude = false
      }
    }
    self.end = end
  }

  func text(of source: [UInt8]) -> String { String(bytes: source[..<end]) }

  /// The source with spaces in place of the preamble: offsets and lines stay.
  func blanked(_ source: [UInt8]) -> [UInt8] {
    source[..<end].map { $0 == UInt8(ascii: "\n") ? $0 : UInt8(ascii: " ") } + source[end...]
  }

  /// Reads directives until something else comes.
  private struct Scanner {
    let text: [UInt8]
    /// Behind the last directive that was read.
    private(set) var position = 0

    init(text: [UInt8]) { self.text = text }

    mutating func nextDirective() -> (name: String, line: String)? {
      var start = position
      while start < text.count {
        switch text[start] {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
          start += 1
        case UInt8(ascii: "/"):
          guard let end = commentEnd(from: start) else { return nil }
          start = end
        case UInt8(ascii: "#"): return directive(from: start)
        default: return nil
        }
      }
      return nil
    }

    private mutating func directive(from start: Int) -> (name: String, line: String)? {
      var end = start
      while end < text.count {
        if text[end] == UInt8(ascii: "/"), let comment = commentEnd(from: end) {
          end = comment
        } else if text[end] == UInt8(ascii: "\n"), text[end - 1] != UInt8(ascii: "\\") {
          break
        } else {
          end += 1
        }
      }
      position = min(end + 1, text.count)
      let line = String(bytes: text[start..<min(end, text.count)])
      let name = line.dropFirst().drop { $0 == " " || $0 == "\t" }.prefix { $0.isLetter }
      return (String(name), line)
    }

    /// nil where no comment begins, or where it does not end.
    private func commentEnd(from start: Int) -> Int? {
      guard start + 1 < text.count else { return nil }
      if text[start + 1] == UInt8(ascii: "/") {
        return text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
      }
      guard text[start + 1] == UInt8(ascii: "*") else { return nil }
      var end = start + 2
      while end + 1 < text.count {
        if text[end] == UInt8(ascii: "*"), text[end + 1] == UInt8(ascii: "/") { return end + 2 }
        end += 1
      }
      return nil
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only

/// The preprocessor's conditionals in a stretch of C.
enum Conditionals {
  private enum Directive { case opens, divides, closes }

  /// A range, made so much longer that it holds each of its `#if`, `#else` and `#endif` with its
  /// partners: a function may begin differently in each branch and share its body.
  static func balanced(_ range: Range<Int>, in text: [UInt8]) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    var depth = 0
    var missing = 0
    for line in lines(from: start, to: end, in: text) {
      switch directive(text[line]) {
      case .opens: depth += 1
      case .divides: missing = max(missing, 1 - depth)
      case .closes:
        missing = max(missing, 1 - depth)
        depth -= 1
      case nil: break
      }
    }
    var inner = 0
    while missing > 0, start > 0 {
      let line = lineStart(before: start, in: text)
      switch directive(text[line..<start]) {
      case .closes: inner += 1
      case .opens where inner > 0: inner -= 1
      case .opens:
        missing -= 1
        depth += 1
      default: break
      }
      start = line
    }
    inner = 0
    while depth > 0, end < text.count {
      let next = lineEnd(from: end, in: text)
      switch directive(text[end..<next]) {
      case .opens: inner += 1
      case .closes where inner > 0: inner -= 1
      case .closes: depth -= 1
      default: break
      }
      end = next
    }
    return start..<end
  }

  private static let newline = UInt8(ascii: "\n")

  /// The whole lines that begin inside a range.
  private static func lines(from: Int, to: Int, in text: [UInt8]) -> [Range<Int>] {
    var lines: [Range<Int>] = []
    var position = from
    while position < to {
      let end = min(to, lineEnd(from: position, in: text))
      lines.append(position..<end)
      position = end
    }
    return lines
  }

  private static func lineEnd(from position: Int, in text: [UInt8]) -> Int {
    (text[position...].firstIndex(of: newline) ?? text.count - 1) + 1
  }

  /// Where the line before a position begins, or the position's own line if it stands inside one.
  private static func lineStart(before position: Int, in text: [UInt8]) -> Int {
    (text[..<(position - 1)].lastIndex(of: newline) ?? -1) + 1
  }

  private static func directive(_ line: ArraySlice<UInt8>) -> Directive? {
    func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    let rest = line.drop(while: isBlank)
    guard rest.first == UInt8(ascii: "#") else { return nil }
    let word = rest.dropFirst().drop(while: isBlank).prefix { (97...122).contains($0) }
    switch String(decoding: word, as: UTF8.self) {
    case "if", "ifdef", "ifndef": return .opens
    case "else", "elif", "elifdef", "elifndef": return .divides
    case "endif": return .closes
    default: return nil
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only

/// C as the preprocessor reads it: lines that a backslash continues are one, a comment is a space.
package enum CodeText {
  package struct Line {
    package var bytes: [UInt8] = []
    /// Of the file, where it begins.
    package var number: Int
    /// Where it ends.
    package var last = 0

    package var text: String { String(bytes: bytes) }

    /// Its words.
    package var words: [String] {
      bytes.split { !CodeText.isPart($0) }.map { String(bytes: $0) }
    }
  }

  private static let newline = UInt8(ascii: "\n")
  private static let backslash = UInt8(ascii: "\\")

  /// Whether it may stand in a name.
  package static func isPart(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || byte >= 0x80
      || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
      || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
  }

  /// Behind the backslash and the end of a line that is continued; nil where none stands here.
  package static func spliceEnd(_ text: [UInt8], _ position: Int) -> Int? {
    guard text[position] == backslash else { return nil }
    var end = position + 1
    while end < text.count, [0x20, 0x09, 0x0B, 0x0C, 0x0D].contains(text[end]) { end += 1 }
    return end < text.count && text[end] == newline ? end + 1 : nil
  }

  private enum State {
    case code
    case literal(UInt8)
    case comment, lineComment
  }

  /// - Parameter touched: lines of the file; of the text's those that hold any of them. nil: all.
  package static func lines(of text: [UInt8], touched: [ClosedRange<Int>]? = nil) -> [Line] {
    var lines: [Line] = []
    var (state, number, position) = (State.code, 1, 0)
    var line = Line(number: 1)
    func end() {
      let all = line.number...number
      line.last = number
      if !line.bytes.isEmpty, touched?.contains(where: { $0.overlaps(all) }) ?? true {
        lines.append(line)
      }
    }
    while position < text.count {
      if let behind = spliceEnd(text, position) {
        number += 1
        position = behind
        continue
      }
      let byte = text[position]
      // What follows, lines put together.
      var next = position + 1
      while next < text.count, let behind = spliceEnd(text, next) { next = behind }
      let following = next < text.count ? text[next] : 0
      position += 1
      func skipPair() {
        while position <= next {
          if text[min(position, text.count - 1)] == newline { number += 1 }
          position += 1
        }
      }
      switch (state, byte) {
      case (.comment, UInt8(ascii: "*")) where following == UInt8(ascii: "/"):
        skipPair()
        line.bytes.append(UInt8(ascii: " "))
        state = .code
      case (.comment, newline): number += 1
      case (_, newline):
        end()
        number += 1
        line = Line(number: number)
        state = .code
      case (.comment, _), (.lineComment, _): break
      case (.code, UInt8(ascii: "/")) where following == UInt8(ascii: "*"):
        skipPair()
        state = .comment
      case (.code, UInt8(ascii: "/")) where following == UInt8(ascii: "/"): state = .lineComment
      case (.literal, backslash):
        line.bytes.append(byte)
        if following != newline, next < text.count {
          line.bytes.append(following)
          skipPair()
        }
      case (.literal(let quote), _) where byte == quote:
        line.bytes.append(byte)
        state = .code
      case (.code, UInt8(ascii: "\"")), (.code, UInt8(ascii: "'")):
        line.bytes.append(byte)
        state = .literal(byte)
      default: line.bytes.append(byte)
      }
    }
    end()
    return lines
  }
}

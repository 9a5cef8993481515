// SPDX-License-Identifier: GPL-2.0-only

/// C as the preprocessor reads it, byte by byte, each with its line.
package enum CodeText {
  package typealias Character = (byte: UInt8, line: Int)
  private static let newline = UInt8(ascii: "\n")

  /// Lines that a backslash continues are one.
  package static func characters(of text: [UInt8]) -> [Character] {
    withoutComments(unspliced(text))
  }

  /// The same line by line; what is continued is of its first one.
  package static func lines(of text: [UInt8]) -> [(text: String, number: Int)] {
    characters(of: text).split(whereSeparator: { $0.byte == newline }).compactMap { line in
      line.first.map { (String(bytes: line.map(\.byte)), $0.line) }
    }
  }

  /// Whether it may stand in a name.
  package static func isPart(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || byte >= 0x80
      || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
      || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
  }

  /// Behind the backslash and the end of a line that is continued; nil where none stands here.
  package static func spliceEnd(_ text: [UInt8], _ position: Int) -> Int? {
    guard text[position] == UInt8(ascii: "\\") else { return nil }
    var end = position + 1
    while end < text.count, [0x20, 0x09, 0x0B, 0x0C, 0x0D].contains(text[end]) { end += 1 }
    return end < text.count && text[end] == newline ? end + 1 : nil
  }

  /// The text as the preprocessor reads it: lines that a backslash continues are one, comments are gone.
  private static func unspliced(_ text: [UInt8]) -> [Character] {
    var code: [Character] = []
    code.reserveCapacity(text.count)
    var line = 1
    var position = 0
    while position < text.count {
      if let end = spliceEnd(text, position) {
        line += 1
        position = end
        continue
      }
      let byte = text[position]
      code.append((byte, line))
      if byte == newline { line += 1 }
      position += 1
    }
    return code
  }

  private static func withoutComments(
    _ text: [Character]
  ) -> [Character] {
    var code: [Character] = []
    code.reserveCapacity(text.count)
    var position = 0
    func at(_ offset: Int) -> UInt8? {
      position + offset < text.count ? text[position + offset].byte : nil
    }
    while let byte = at(0) {
      switch (byte, at(1)) {
      case (UInt8(ascii: "/"), UInt8(ascii: "*")):
        position += 2
        while at(0) != nil, !(at(0) == UInt8(ascii: "*") && at(1) == UInt8(ascii: "/")) {
          position += 1
        }
        position += 2
        code.append((UInt8(ascii: " "), 0))
      case (UInt8(ascii: "/"), UInt8(ascii: "/")):
        while at(0) != nil, at(0) != newline { position += 1 }
      case (UInt8(ascii: "\""), _), (UInt8(ascii: "'"), _):
        code.append(text[position])
        position += 1
        while let inner = at(0), inner != byte, inner != newline {
          code.append(text[position])
          position += 1
          if inner == UInt8(ascii: "\\"), at(0) != nil {
            code.append(text[position])
            position += 1
          }
        }
        if at(0) != nil {
          code.append(text[position])
          position += 1
        }
      default:
        code.append(text[position])
        position += 1
      }
    }
    return code
  }
}

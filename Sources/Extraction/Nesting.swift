// SPDX-License-Identifier: GPL-2.0-only
import Failures

/// How deep a text may be nested before a compiler gives up, or its stack does.
enum Nesting {
  /// As clang's -fbracket-depth.
  static let mostBrackets = 256
  /// Bytes of code without a comma, a semicolon or a brace: an operator can stand in another without
  /// any bracket.
  static let mostUnbroken = 10_000

  /// Each else can hold the next one.
  static let mostElses = 2000

  enum Excess: Equatable {
    case brackets(line: Int)
    case expression(line: Int)
    case branches(line: Int)
  }

  /// Refuses a text that is nested deeper.
  static func check(_ text: [UInt8], of file: String, asked: String) throws {
    guard let excess = excess(in: text) else { return }
    let (cause, line): (String, Int) =
      switch excess {
      case .brackets(let line):
        (
          "more than \(mostBrackets) brackets stand in one another, and no compiler takes that",
          line
        )
      case .expression(let line):
        (
          "more than \(mostUnbroken) bytes of code have no comma, semicolon or brace among them, and"
            + " no compiler takes an expression that long", line
        )
      case .branches(let line):
        ("more than \(mostElses) times else stands in one function", line)
      }
    throw Failure(
      .build, asked: asked, cause: cause, place: "\(file):\(line)",
      remedy: "write it in several statements")
  }

  private static let word = Array("else".utf8)

  static func excess(in text: [UInt8]) -> Excess? {
    var (depth, unbroken, elses, line, begin) = (0, 0, 0, 1, 1)
    var isDirective = false
    var position = 0
    func next(_ offset: Int = 1) -> UInt8 {
      position + offset < text.count ? text[position + offset] : 0
    }
    while position < text.count {
      let byte = text[position]
      switch byte {
      case UInt8(ascii: "\n"):
        line += 1
        // A directive ends with its line.
        if isDirective, position == 0 || text[position - 1] != UInt8(ascii: "\\") {
          (unbroken, begin, isDirective) = (0, line, false)
        }
      case UInt8(ascii: "#"): isDirective = true
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\\"): break
      case UInt8(ascii: "/") where next() == UInt8(ascii: "*"):
        position += 2
        while position < text.count,
          !(text[position] == UInt8(ascii: "*") && next() == UInt8(ascii: "/"))
        {
          if text[position] == UInt8(ascii: "\n") { line += 1 }
          position += 1
        }
        position += 1
      case UInt8(ascii: "/") where next() == UInt8(ascii: "/"):
        while position + 1 < text.count, next() != UInt8(ascii: "\n") { position += 1 }
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        position += 1
        while position < text.count, text[position] != byte, text[position] != UInt8(ascii: "\n") {
          // What a backslash escapes, an end of line among it.
          if text[position] == UInt8(ascii: "\\") {
            position += 1
            if position < text.count, text[position] == UInt8(ascii: "\n") { line += 1 }
          }
          position += 1
        }
        if position < text.count, text[position] == UInt8(ascii: "\n") { line += 1 }
        unbroken += 1
      case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"):
        depth += 1
        if depth > mostBrackets { return .brackets(line: line) }
        if byte == UInt8(ascii: "{") { (unbroken, begin) = (0, line) }
      case UInt8(ascii: ")"), UInt8(ascii: "]"): depth = max(0, depth - 1)
      case UInt8(ascii: "}"):
        // One in the first column ends a function: where #if has a bracket twice, they do not add up.
        if position == 0 || text[position - 1] == UInt8(ascii: "\n") {
          (depth, elses) = (0, 0)
        } else {
          depth = max(0, depth - 1)
        }
        (unbroken, begin) = (0, line)
      case UInt8(ascii: ","), UInt8(ascii: ";"): (unbroken, begin) = (0, line)
      default:
        if byte == UInt8(ascii: "e"), text[position...].starts(with: word) {
          elses += 1
          if elses > mostElses { return .branches(line: line) }
        }
        unbroken += 1
        if unbroken > mostUnbroken { return .expression(line: begin) }
      }
      position += 1
    }
    return nil
  }
}

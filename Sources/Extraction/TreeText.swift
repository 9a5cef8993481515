// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource

/// A tree's source file as it is before any patch: what the kernel promises is read there, and a
/// patch is held to it.
struct TreeText {
  private let text: [UInt8]
  /// Without the ends of lines.
  private let lines: [Range<Int>]

  init(path: String) {
    let text = FileManager.default.contents(atPath: path).map(Array.init) ?? []
    var lines: [Range<Int>] = []
    var start = 0
    text.withUnsafeBufferPointer { text in
      for index in text.indices where text[index] == UInt8(ascii: "\n") {
        lines.append(start..<index)
        start = index + 1
      }
    }
    self.lines = lines + [start..<text.count]
    self.text = text
  }

  /// All words of a file.
  static func words(path: String) -> Set<String> {
    Set(Closure.words((FileManager.default.contents(atPath: path).map(Array.init) ?? [])[...]))
  }

  /// Whether a function's definition uses one of some names.
  func mentions(_ slot: Manifest.Mention) -> Bool {
    guard let body = body(of: slot.function) else { return false }
    return !Closure.words(Array(Self.code(body).utf8)[...]).isDisjoint(with: slot.names)
  }

  /// From its head to the line of its closing brace, as the kernel's style has it.
  private func body(of function: String) -> String? {
    let call = Array("\(function)(".utf8)
    func has(_ byte: Character, _ line: Range<Int>) -> Bool {
      text[line].contains(byte.asciiValue!)
    }
    for start in lines.indices where names(call, lines[start]) {
      guard let head = lines[start...].firstIndex(where: { has("{", $0) || has(";", $0) }),
        !has(";", lines[head]),
        let end = lines[head...].firstIndex(where: { text[$0].first == UInt8(ascii: "}") })
      else { continue }
      return String(bytes: text[lines[start].lowerBound..<lines[end].upperBound])
    }
    return nil
  }

  /// Whether a line begins with a word, and has a function's name and the parenthesis behind it.
  private func names(_ call: [UInt8], _ line: Range<Int>) -> Bool {
    guard let first = text[line].first, CodeText.isPart(first),
      !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first), line.count >= call.count
    else { return false }
    return (line.lowerBound...line.upperBound - call.count).contains { place in
      text[place] == call[0] && text[place...].starts(with: call)
        && (place == line.lowerBound || !CodeText.isPart(text[place - 1]))
    }
  }

  /// Without comments.
  private static func code(_ text: String) -> String {
    var parts = text.components(separatedBy: "/*")
    let first = parts.removeFirst()
    return parts.reduce(into: first) { code, part in
      code += part.range(of: "*/").map { " " + part[$0.upperBound...] } ?? ""
    }
  }
}

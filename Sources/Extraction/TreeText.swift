// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource

/// A tree's source file as it is before any patch: what the kernel promises is read there, and a
/// patch is held to it.
struct TreeText {
  private let lines: [Substring]

  init(path: String) {
    let data = FileManager.default.contents(atPath: path) ?? Data()
    lines = String(bytes: data)
      .split(separator: "\n", omittingEmptySubsequences: false)
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
    for start in lines.indices where Self.names(function, lines[start]) {
      let head = lines[start...].prefix { !$0.contains("{") && !$0.contains(";") }
      guard head.endIndex < lines.endIndex, !lines[head.endIndex].contains(";"),
        let end = lines[head.endIndex...].firstIndex(where: { $0.hasPrefix("}") })
      else { continue }
      return lines[start...end].joined(separator: "\n")
    }
    return nil
  }

  private static func names(_ function: String, _ line: Substring) -> Bool {
    guard let first = line.first, first.isLetter || first == "_",
      let place = line.range(of: "\(function)(")
    else { return false }
    let before = line[..<place.lowerBound].last
    return before.map { !($0.isLetter || $0.isNumber || $0 == "_") } ?? true
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

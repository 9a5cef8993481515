// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource

/// Makefiles as bytes: most of their lines say nothing of flags.
extension Makefile {
  /// What a makefile says.
  struct Text: Sendable {
    var lines: [Line]
    /// What it includes: `include $(src)/x/Kbuild`.
    var includes: [String]
  }

  /// An assignment.
  struct Line: Sendable {
    var name: String
    /// Its value's words.
    var words: [String]
    /// The switches that must be on for it.
    var conditions: [String]

    /// Whether a word of it is a name; `$(call …)` may end behind it.
    func has(_ name: String) -> Bool {
      words.contains { word in
        word.hasPrefix(name)
          && word.utf8.dropFirst(name.utf8.count).allSatisfy { $0 == UInt8(ascii: ")") }
      }
    }
  }

  private static let texts = FileMemo<Text>()
  private static let allDefined = FileMemo<Set<String>>()

  static func text(at path: String) -> Text {
    texts.content(of: path) {
      let text = FileManager.default.contents(atPath: path) ?? Data()
      return Text(lines: lines(of: text), includes: includes(of: text))
    }
  }

  /// What a header of the configuration defines.
  static func defined(at path: String) -> Set<String> {
    allDefined.content(of: path) {
      let text = FileManager.default.contents(atPath: path) ?? Data()
      let lines = Array(text).split(separator: UInt8(ascii: "\n"))
      return Set(
        lines.compactMap { line in
          let words = line.split(separator: UInt8(ascii: " "))
          let isOne = words.count > 2 && words[0].elementsEqual("#define".utf8)
          return isOne ? String(decoding: words[1], as: UTF8.self) : nil
        })
    }
  }

  /// Lines that go on are one.
  private static func lines(of text: Data) -> [Line] {
    let (newline, backslash) = (UInt8(ascii: "\n"), UInt8(ascii: "\\"))
    var text = Array(text)
    for place in text.indices.dropLast()
    where text[place] == backslash && text[place + 1] == newline {
      text[place] = UInt8(ascii: " ")
      text[place + 1] = UInt8(ascii: " ")
    }
    // Of each condition around it the switch that it asks for; "" where it asks for another thing.
    var conditions: [String] = []
    return text.split(separator: newline).compactMap { line in
      let first = line.drop(while: isBlank).prefix { !isBlank($0) }
      if first.starts(with: "if".utf8) {
        conditions.append(asked(by: line, first) ?? "")
      } else if first.elementsEqual("else".utf8) {
        if !conditions.isEmpty { conditions[conditions.count - 1] = "" }
      } else if first.elementsEqual("endif".utf8) {
        _ = conditions.popLast()
      }
      guard let sign = line.firstIndex(of: UInt8(ascii: "=")) else { return nil }
      let name = line[..<sign].filter { !isBlank($0) && !":+?".utf8.contains($0) }
      let value = line[(sign + 1)...].prefix { $0 != UInt8(ascii: "#") }
      return Line(
        name: String(decoding: name, as: UTF8.self),
        words: value.split(whereSeparator: isBlank).map { String(decoding: $0, as: UTF8.self) },
        conditions: conditions.filter { !$0.isEmpty })
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

  /// The switch that has to be on for what stands behind a condition.
  private static func asked(by line: ArraySlice<UInt8>, _ first: ArraySlice<UInt8>) -> String? {
    let text = String(decoding: line, as: UTF8.self)
    let isOn =
      first.elementsEqual("ifdef".utf8)
      || first.elementsEqual("ifeq".utf8) && text.contains(",y)")
      || first.elementsEqual("ifneq".utf8) && text.contains(",)")
    return isOn ? text.firstMatch(of: /CONFIG_\w+/).map { String($0.output) } : nil
  }

  private static func includes(of text: Data) -> [String] {
    let includes = ["include", "-include"].map { Array($0.utf8) }
    return Array(text).split(separator: UInt8(ascii: "\n")).compactMap { line in
      guard includes.contains(where: { line.starts(with: $0) }) else { return nil }
      return String(decoding: line, as: UTF8.self)
        .firstMatch(of: /^-?include\s+(\$\((?:src|srctree)\)\/\S+)/).map { String($0.1) }
    }
  }

  /// What a text includes by name, in its order, and whether between quotes.
  static func included(by text: Data) -> [(name: String, isQuoted: Bool)] {
    let (newline, quote) = (UInt8(ascii: "\n"), UInt8(ascii: "\""))
    let blanks = [UInt8(ascii: " "), UInt8(ascii: "\t")]
    let directive = Array("include".utf8)
    return Array(text).split(separator: newline).compactMap { line in
      guard line.first == UInt8(ascii: "#") else { return nil }
      let words = line.dropFirst().drop { blanks.contains($0) }
      guard words.starts(with: directive) else { return nil }
      let rest = words.dropFirst(directive.count).drop { blanks.contains($0) }
      guard let open = rest.first, open == quote || open == UInt8(ascii: "<") else { return nil }
      let closing = open == quote ? quote : UInt8(ascii: ">")
      let name = rest.dropFirst().prefix { $0 != closing }
      guard !name.isEmpty, name.endIndex < rest.endIndex else { return nil }
      return (String(decoding: name, as: UTF8.self), open == quote)
    }
  }
}

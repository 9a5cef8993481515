// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource

/// Makefiles as bytes: most of their lines say nothing of flags.
extension Makefile {
  /// What a makefile says.
  struct Text: Sendable {
    /// The lines that assign something or depend on something, those that go on in one.
    var statements: [String]
    /// What it includes: `include $(src)/x/Kbuild`.
    var includes: [String]
  }

  private static let texts = FileMemo<Text>()
  private static let allDefined = FileMemo<Set<String>>()

  static func text(at path: String) -> Text {
    texts.content(of: path) {
      let text = FileManager.default.contents(atPath: path) ?? Data()
      return Text(statements: statements(of: text), includes: includes(of: text))
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

  private static func statements(of text: Data) -> [String] {
    let (newline, backslash) = (UInt8(ascii: "\n"), UInt8(ascii: "\\"))
    var text = Array(text)
    for place in text.indices.dropLast()
    where text[place] == backslash && text[place + 1] == newline {
      text[place] = UInt8(ascii: " ")
      text[place + 1] = UInt8(ascii: " ")
    }
    let conditionals = ["if", "else", "endif"].map { Array($0.utf8) }
    return text.split(separator: newline).filter { line in
      let words = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      return line.contains(UInt8(ascii: "=")) || conditionals.contains { words.starts(with: $0) }
    }.map { String(decoding: $0, as: UTF8.self) }
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

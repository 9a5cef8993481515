// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// What kshim itself reads out of a unified diff; git does the rest.
enum PlainDiff {
  /// The first `Subject:` line ahead of the first diff without its `[PATCH …]`, folded lines
  /// joined; nil where there is none.
  static func subject(of content: Data) -> String? {
    var subject: String?
    for line in header(of: content) {
      if let begun = subject {
        guard line.first == " " || line.first == "\t" else { break }
        subject = begun + " " + line.trimmingCharacters(in: .whitespaces)
      } else if line.hasPrefix("Subject:") {
        subject = line.dropFirst("Subject:".count).trimmingCharacters(in: .whitespaces)
      }
    }
    guard let subject else { return nil }
    let bare = subject.replacing(/^(?:\[[^\]]*\]\s*|[Rr][Ee]:\s*)+/, with: "")
    return bare.isEmpty ? nil : bare
  }

  /// The lines ahead of the first diff.
  private static func header(of content: Data) -> [String] {
    let text = String(decoding: content.prefix(64 * 1024), as: UTF8.self)
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    return lines.prefix { !$0.hasPrefix("diff ") && !$0.hasPrefix("--- ") }.map(String.init)
  }

  /// Whether the lines that name the new files end in CR LF. In a diff of files with such line ends
  /// they do not.
  static func endsInCarriageReturns(_ content: Data) -> Bool {
    let named = Hunk.lines(of: content).filter { $0.starts(with: "+++ ".utf8) }
    return !named.isEmpty && named.allSatisfy { $0.last == UInt8(ascii: "\r") }
  }

  /// The paths that git's extended headers rename or copy from.
  ///
  /// `git apply --numstat` names only what a file is called afterwards.
  static func renameOrigins(of content: Data) -> [String] {
    var origins: [String] = []
    var inHeader = false
    for bytes in content.split(separator: UInt8(ascii: "\n")) {
      if bytes.starts(with: "diff --git ".utf8) {
        inHeader = true
      } else if bytes.starts(with: "@@ ".utf8) {
        inHeader = false
      } else if inHeader {
        for key in ["rename from ", "copy from "] where bytes.starts(with: key.utf8) {
          origins.append(unquoted(bytes.dropFirst(key.utf8.count)))
        }
      }
    }
    return origins
  }

  /// A path as git writes it into a diff: in quotes, with C's escapes, where it has bytes that
  /// would be misread.
  static func unquoted(_ bytes: Data.SubSequence) -> String {
    let quote = UInt8(ascii: "\"")
    guard bytes.count >= 2, bytes.first == quote, bytes.last == quote else {
      return String(decoding: bytes, as: UTF8.self)
    }
    let escapes: [Character: UInt8] = [
      "a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13,
    ]
    var rest = bytes.dropFirst().dropLast()
    var path: [UInt8] = []
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let escaped = rest.first else {
        path.append(byte)
        continue
      }
      let digits = rest.prefix(3)
      if digits.count == 3, let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8) {
        path.append(code)
        rest = rest.dropFirst(3)
      } else {
        path.append(escapes[Character(Unicode.Scalar(escaped))] ?? escaped)
        rest = rest.dropFirst()
      }
    }
    return String(decoding: path, as: UTF8.self)
  }
}

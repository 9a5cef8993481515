// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A command as README.md and docs/*.md show it, in a block of code.
///
/// Behind `$ ` it stands with what it prints, where a line of `…` is for any number of lines. One of a
/// list stands alone, with a remark behind three spaces.
struct DocumentedCommand {
  /// `README.md`, `docs/guide.md`
  var file: String
  /// From 1.
  var line: Int
  var text: String
  /// nil where nothing is said of what it prints.
  var expected: [String]?

  /// What a list of commands is made of.
  private static let programs: Set = [
    "b4", "git", "kshim", "make", "sed", "swift", "grep", "tools/testing/kunit/kunit.py",
  ]

  static func all(in text: String, file: String) -> [DocumentedCommand] {
    var found: [DocumentedCommand] = []
    // What belongs to the last command may follow.
    var isOpen = false
    var isFenced = false
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      if line.hasPrefix("```") {
        isFenced.toggle()
        isOpen = false
        continue
      }
      let content: String
      if isFenced {
        content = String(line)
      } else if line.hasPrefix("    ") {
        content = String(line.dropFirst(4))
      } else if line.allSatisfy({ $0 == " " }) {
        content = ""
      } else {
        isOpen = false
        continue
      }
      if content.hasPrefix("$ ") {
        found.append(
          .init(
            file: file, line: index + 1, text: command(content.dropFirst(2)), expected: []))
        isOpen = true
      } else if !isFenced, isListed(content), !(isOpen && !isAfterBlank(found)) {
        found.append(.init(file: file, line: index + 1, text: command(content[...]), expected: nil))
        isOpen = false
      } else if isOpen {
        found[found.count - 1].expected!.append(content)
      }
    }
    for index in found.indices {
      while found[index].expected?.last?.isEmpty ?? false { found[index].expected!.removeLast() }
    }
    return found
  }

  private static func isListed(_ content: String) -> Bool {
    programs.contains(String(content.prefix { $0 != " " }))
  }

  private static func isAfterBlank(_ found: [DocumentedCommand]) -> Bool {
    found.last?.expected?.last?.isEmpty ?? true
  }

  /// Without the remark.
  private static func command(_ text: Substring) -> String {
    let end = text.firstRange(of: "   ")?.lowerBound ?? text.endIndex
    return text[..<end].trimmingCharacters(in: .whitespaces)
  }

  /// Whether it printed what stands there.
  static func matches(_ expected: ArraySlice<String>, _ printed: ArraySlice<String>) -> Bool {
    guard let first = expected.first else { return printed.isEmpty }
    guard first.trimmingCharacters(in: .whitespaces) == "…" else {
      return printed.first == first && matches(expected.dropFirst(), printed.dropFirst())
    }
    let rest = expected.dropFirst()
    if rest.isEmpty { return true }
    return printed.indices.contains { matches(rest, printed[$0...]) }
  }

  /// How long something took is different each time, and so is what another test has searched before.
  static func steady(_ lines: [String]) -> [String] {
    lines.compactMap { line in
      let steady = line.replacing(/[0-9]+\.[0-9] s\b/, with: "N s")
        .replacing(/,? *reused from an earlier search/, with: "")
      return steady.isEmpty && !line.isEmpty
        ? nil : String(steady.reversed().drop { $0 == " " }.reversed())
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource
import Reporting

/// What came of a finding's scenario in another revision.
struct Rerun: Sendable, Equatable, Codable {
  /// Whether all that fails in the scenario failed there too.
  var isWhole: Bool
  /// What broke there; without scenario and trace.
  var broken: [Verdict.Finding]

  /// The scenarios of findings that a verdict may have too.
  static func scenarios(of findings: [Verdict.Finding], in verdict: Verdict) -> Set<String> {
    let properties = Set(verdict.told.map(\.property))
    // What a whole search has not found is nowhere. That of a function without a manifest leaves out
    // what it takes for an assumption's fault.
    let isWhole = verdict.exploration.exhaustive && FunctionName(verdict.subject) == nil
    return Set(
      findings.filter { properties.contains($0.property) || !isWhole && $0.isImmediate }
        .map(\.scenario))
  }
}

/// What tells whether a finding of one revision, the newer, is one of another, the older.
struct Evidence: Sendable {
  /// Scenarios of the newer revision, run in the older one.
  var reruns: [String: Rerun] = [:]
  /// By path; without what only one of them has.
  private var files: [String: Pair] = [:]
  private var oldNames: Set<Substring> = []
  private var newNames: Set<Substring> = []

  /// Nothing but the findings themselves.
  static let none = Evidence([:])

  /// The two texts of a file.
  private struct Pair: Sendable {
    let old: [Substring]
    let new: [Substring]
    /// The line of the newer text that each line of the older one is, both from 1.
    var newLines: [Int: Int] = [:]
    /// The other way round.
    var oldLines: [Int: Int] = [:]

    init(_ old: String, _ new: String) {
      self.old = old.split(separator: "\n", omittingEmptySubsequences: false)
      self.new = new.split(separator: "\n", omittingEmptySubsequences: false)
      for (left, right) in Evidence.pairs(self.old, self.new) {
        newLines[left] = right
        oldLines[right] = left
      }
    }
  }

  /// - Parameter texts: of each file its text in the older revision and in the newer one; nil where
  ///   it is not there.
  init(_ texts: [String: (old: String?, new: String?)]) {
    for (path, text) in texts {
      oldNames.formUnion(text.old.map(Self.words) ?? [])
      newNames.formUnion(text.new.map(Self.words) ?? [])
      if let old = text.old, let new = text.new { files[path] = Pair(old, new) }
    }
  }

  /// Of the files that findings of both are in.
  init(_ findings: [Verdict.Finding], of revision: Revision, over base: Revision) {
    func text(_ path: String, _ revision: Revision) -> String? {
      revision.path(of: path).flatMap { String(kernelFile: $0) }
    }
    let texts = Set(findings.map(\.file)).map { ($0, (text($0, base), text($0, revision))) }
    self.init(Dictionary(uniqueKeysWithValues: texts))
  }

  /// Lines that both texts have, by their numbers from 1.
  private static func pairs(_ old: [Substring], _ new: [Substring]) -> [(Int, Int)] {
    let head = zip(old, new).prefix { $0 == $1 }.count
    let most = min(old.count, new.count) - head
    let tail = zip(old.reversed(), new.reversed()).prefix(most).prefix { $0 == $1 }.count
    let (left, right) = (old[head..<(old.count - tail)], new[head..<(new.count - tail)])
    let difference = Array(right).difference(from: Array(left))
    var (removed, inserted) = (Set<Int>(), Set<Int>())
    for change in difference {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    let middle = zip(
      left.indices.filter { !removed.contains($0 - head) },
      right.indices.filter { !inserted.contains($0 - head) })
    return (0..<head).map { ($0 + 1, $0 + 1) } + middle.map { ($0 + 1, $1 + 1) }
      + (0..<tail).map { (old.count - $0, new.count - $0) }
  }

  // MARK: The same defect

  /// Whether two findings are of one kind: the same property is broken, in words that differ only by
  /// names that one of the texts has not got, and by numbers.
  func isOneKind(_ finding: Verdict.Finding, _ other: Verdict.Finding) -> Bool {
    finding.property == other.property && isOneFunction(finding.function, other.function)
      && says(finding.message, as: other.message)
  }

  /// A function may be renamed, or what it does put into a new one, or back.
  private func isOneFunction(_ name: String, _ other: String) -> Bool {
    name == other || isNew(name) || isGone(other)
  }

  private func isNew(_ name: some StringProtocol) -> Bool {
    newNames.contains(Substring(name)) && !oldNames.contains(Substring(name))
  }
  private func isGone(_ name: some StringProtocol) -> Bool {
    oldNames.contains(Substring(name)) && !newNames.contains(Substring(name))
  }

  private func says(_ text: String, as other: String) -> Bool {
    if text == other { return true }
    let (words, others) = (Self.words(text), Self.words(other))
    return words.count == others.count
      && zip(words, others).allSatisfy { word, other in
        word == other || Self.isNumber(word) && Self.isNumber(other)
          || isNew(word) && isGone(other)
      }
  }

  private static func isNumber(_ word: Substring) -> Bool {
    word.first.map { $0.isNumber } ?? false
  }

  private static func words(_ text: String) -> [Substring] {
    text.split { !($0.isLetter || $0.isNumber || $0 == "_") }
  }

  /// Whether two findings are at one place of the code; nil where that cannot be told.
  ///
  /// A return is no place: all of a function's returns are one.
  func isOnePlace(_ finding: Verdict.Finding, _ other: Verdict.Finding) -> Bool? {
    let isPlaced = finding.trace.contains {
      $0.line == finding.line && !["enter", "return"].contains($0.event)
    }
    guard isPlaced, finding.file == other.file, let file = files[finding.file] else { return nil }
    if file.oldLines[finding.line] == other.line { return true }
    // A statement that was moved is the same one.
    func statement(_ line: Int, _ lines: [Substring]) -> String? {
      lines.indices.contains(line - 1)
        ? lines[line - 1].trimmingCharacters(in: .whitespaces) : nil
    }
    let moved = statement(finding.line, file.new)
    let isMoved = moved != nil && moved == statement(other.line, file.old)
    let hasStayed = file.oldLines[finding.line] != nil || file.newLines[other.line] != nil
    return hasStayed && !isMoved ? false : nil
  }

  /// Whether two findings have one cause, as far as their sentences tell.
  ///
  /// - Parameter isWhole: whether under which condition it happens counts too.
  func isOneCause(_ finding: Verdict.Finding, _ other: Verdict.Finding, isWhole: Bool) -> Bool {
    guard let sentence = finding.sentence, let known = other.sentence else { return true }
    func part(_ sentence: String) -> String {
      // Without the line at its end.
      let text = sentence.lastIndex(of: "(").map { String(sentence[..<$0]) } ?? sentence
      return isWhole ? text : text.components(separatedBy: " → ").last ?? text
    }
    return says(part(sentence), as: part(known))
  }
}

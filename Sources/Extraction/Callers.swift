// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource

/// How other files call a function: those beside the subject's, and those of folders that every kernel
/// has unpacked.
final class Callers {
  /// Of a folder with more files none is read.
  private static let most = 600
  private static let folders = ["lib", "mm"]

  private let load: () -> [Data]
  private var known: [String: (taken: Int, dropped: Int)] = [:]
  private var knownTests: [String: Tests] = [:]
  private lazy var texts: [Data] = load()

  init(_ revision: Revision, _ source: String) {
    load = { Self.read(revision, source) }
  }

  init(texts: [String]) {
    load = { texts.map { Data($0.utf8) } }
  }

  private static func read(_ revision: Revision, _ source: String) -> [Data] {
    let own = (source as NSString).deletingLastPathComponent
    return Set(folders + [own]).sorted().flatMap { folder -> [Data] in
      let directory = "\(revision.tree.directory)/\(folder)"
      let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
      guard names.count <= most else { return [] }
      return names.sorted().filter { $0.hasSuffix(".c") && "\(folder)/\($0)" != source }
        .compactMap { name in
          revision.path(of: "\(folder)/\(name)").flatMap {
            try? Data(contentsOf: URL(fileURLWithPath: $0), options: .mappedIfSafe)
          }
        }
    }
  }

  /// How many calls take the answer, and how many are statements of their own.
  func count(of name: String) -> (taken: Int, dropped: Int) {
    if let found = known[name] { return found }
    var (taken, dropped) = (0, 0)
    forEachPlace(of: name) { bytes, place, _ in
      switch Self.use(at: place, in: bytes) {
      case true?: taken += 1
      case false?: dropped += 1
      case nil: break
      }
    }
    known[name] = (taken, dropped)
    return (taken, dropped)
  }

  /// Those of several functions that most files call which call one, at least three.
  func most(of others: [String], with name: String) -> [String] {
    guard !others.isEmpty else { return [] }
    let calling = texts.filter { Self.calls(name, in: $0) }
    guard calling.count >= 3 else { return [] }
    return others.filter { other in
      let both = calling.count { Self.calls(other, in: $0) }
      return both >= 3 && both * 5 >= calling.count * 3
    }
  }

  private static func calls(_ name: String, in text: Data) -> Bool {
    let word = Array("\(name)(".utf8)
    return text.withUnsafeBytes { bytes in
      var end = 0
      while let place = find(word, in: bytes, from: end) {
        if place == 0 || !isWord(bytes[place - 1]) { return true }
        end = place + word.count
      }
      return false
    }
  }

  /// How many callers ask whether a pointer is NULL, whether it is an error, and how many do not ask.
  struct Tests {
    var null = 0
    var error = 0
    var none = 0

    /// Whether next to all ask for one of them.
    func isMostly(_ count: Int) -> Bool { count >= 3 && count * 5 >= (null + error + none) * 4 }
  }

  /// How other files test what a function returns, next to the call.
  func tests(of name: String) -> Tests {
    if let found = knownTests[name] { return found }
    var tests = Tests()
    forEachPlace(of: name) { bytes, place, end in
      guard let variable = Self.assigned(at: place, in: bytes) else { return }
      let behind = String(bytes: bytes[end..<min(bytes.count, end + Self.near)])
      guard let sign = behind.firstIndex(of: ";") else { return }
      let rest = behind[sign...]
      func has(_ tests: [String]) -> Bool { tests.contains { rest.contains($0) } }
      if has(["IS_ERR", "IS_ERR_OR_NULL", "PTR_ERR_OR_ZERO"].map { "\($0)(\(variable))" }) {
        tests.error += 1
      } else if has([
        "!\(variable))", "!\(variable) ", "\(variable) == NULL", "if (\(variable))",
        "\(variable) != NULL",
      ]) {
        tests.null += 1
      } else {
        tests.none += 1
      }
    }
    knownTests[name] = tests
    return tests
  }

  /// Where a name stands in front of a parenthesis, and the end of that.
  private func forEachPlace(
    of name: String, _ take: (_ bytes: UnsafeRawBufferPointer, _ place: Int, _ end: Int) -> Void
  ) {
    let word = Array("\(name)(".utf8)
    for text in texts {
      text.withUnsafeBytes { bytes in
        var end = 0
        while let place = Self.find(word, in: bytes, from: end) {
          end = place + word.count
          take(bytes, place, end)
        }
      }
    }
  }

  /// How far from a call its test may stand.
  private static let near = 400

  /// What a call's answer is assigned to, as it is spelled.
  private static func assigned(at place: Int, in bytes: UnsafeRawBufferPointer) -> String? {
    var at = place - 1
    func skip() { while at >= 0, [9, 10, 32].contains(bytes[at]) { at -= 1 } }
    skip()
    guard at > 0, bytes[at] == 61, ![33, 43, 45, 60, 61, 62, 124].contains(bytes[at - 1]) else {
      return nil
    }
    at -= 1
    skip()
    let end = at
    while at >= 0, isWord(bytes[at]) || [45, 46, 62, 91, 93].contains(bytes[at]) { at -= 1 }
    return at < end ? String(bytes: bytes[(at + 1)...end]) : nil
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    byte == 95 || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
  }

  private static func find(_ word: [UInt8], in bytes: UnsafeRawBufferPointer, from: Int) -> Int? {
    guard let base = bytes.baseAddress else { return nil }
    // What is rare in a name is its parenthesis.
    var at = from
    while at < bytes.count, let found = memchr(base + at, 40, bytes.count - at) {
      let end = base.distance(to: found)
      let first = end - word.count + 1
      if first >= from, memcmp(base + first, word, word.count) == 0 { return first }
      at = end + 1
    }
    return nil
  }

  /// Whether the answer of a call is taken; nil where it is no call.
  private static func use(at place: Int, in bytes: UnsafeRawBufferPointer) -> Bool? {
    var at = place - 1
    guard at >= 0, !isWord(bytes[at]) else { return nil }
    var isIndented = false
    while at >= 0, [9, 10, 32].contains(bytes[at]) {
      if bytes[at] != 10 { isIndented = true } else if !isIndented { return nil }
      at -= 1
    }
    guard at >= 0 else { return nil }
    // `;`, `{`, `}`, `)`, `:` and the end of a comment.
    if [59, 123, 125, 41, 58].contains(bytes[at]) { return false }
    if bytes[at] == 47, at > 0, bytes[at - 1] == 42 { return false }
    guard isWord(bytes[at]) else {
      // In a comment.
      return bytes[at] == 42 ? nil : true
    }
    var first = at
    while first > 0, isWord(bytes[first - 1]) { first -= 1 }
    let before = String(bytes: bytes[first...at])
    if before == "return" { return true }
    return ["else", "do"].contains(before) ? false : nil
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// Which words a patch puts in the place of others, counted over its lines.
struct Substitutions {
  private var counts: [String: [String: Int]] = [:]

  /// Adds what differs between two versions of a file.
  mutating func add(_ old: [UInt8], _ new: [UInt8]) {
    let newline = UInt8(ascii: "\n")
    let (before, after) = (Self.lines(old), Self.lines(new))
    for (removed, inserted) in Self.hunks(before, after) where !removed.isEmpty && !inserted.isEmpty
    {
      add(
        CToken.all(of: Array(before[removed].joined(separator: [newline]))).map(\.text),
        CToken.all(of: Array(after[inserted].joined(separator: [newline]))).map(\.text))
    }
  }

  /// Adds what differs between two stretches of C.
  mutating func add(_ old: [String], _ new: [String]) {
    for (removed, inserted) in Self.hunks(old, new) {
      for (word, other) in zip(old[removed], new[inserted])
      where TopLevel.isWord(word) && TopLevel.isWord(other) {
        counts[word, default: [:]][other, default: 0] += 1
      }
    }
  }

  /// How often a word stands in the place of another.
  func count(_ old: String, _ new: String) -> Int { counts[old]?[new] ?? 0 }

  private static func lines(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
    text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  }

  /// The lines of a text, from 1, that another has not got.
  static func lines(_ old: [UInt8], _ new: [UInt8]) -> [ClosedRange<Int>] {
    hunks(lines(old), lines(new)).compactMap { _, inserted in
      inserted.isEmpty ? nil : inserted.lowerBound + 1...inserted.upperBound
    }
  }

  /// Beyond this many lines or words two stretches are told as one that differs.
  private static let mostCompared = 20_000

  /// The stretches that differ.
  private static func hunks<Element: Hashable>(
    _ old: [Element], _ new: [Element]
  ) -> [(removed: Range<Int>, inserted: Range<Int>)] {
    // Most of two versions is the same in front and behind.
    var first = 0
    while first < min(old.count, new.count), old[first] == new[first] { first += 1 }
    var (oldEnd, newEnd) = (old.count, new.count)
    while oldEnd > first, newEnd > first, old[oldEnd - 1] == new[newEnd - 1] {
      (oldEnd, newEnd) = (oldEnd - 1, newEnd - 1)
    }
    // To look for what is the same costs the square of what differs.
    guard first < oldEnd, first < newEnd, oldEnd - first + newEnd - first <= mostCompared else {
      return first < oldEnd || first < newEnd ? [(first..<oldEnd, first..<newEnd)] : []
    }
    var removed: Set<Int> = []
    var inserted: Set<Int> = []
    for change in new[first..<newEnd].difference(from: old[first..<oldEnd]) {
      switch change {
      case .remove(let offset, _, _): removed.insert(first + offset)
      case .insert(let offset, _, _): inserted.insert(first + offset)
      }
    }
    var hunks: [(Range<Int>, Range<Int>)] = []
    var (left, right) = (first, first)
    while left < oldEnd || right < newEnd {
      let start = (left, right)
      while removed.contains(left) { left += 1 }
      while inserted.contains(right) { right += 1 }
      if (left, right) != start {
        hunks.append((start.0..<left, start.1..<right))
      } else {
        left += 1
        right += 1
      }
    }
    return hunks
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// How the lines that a hunk has to find go with the lines of a file that are most like them.
///
/// Lines that differ only in white space go together.
struct HunkAlignment {
  /// One line, or two that go together; counted from 0.
  enum Step: Equatable {
    case both(hunk: Int, file: Int, isSame: Bool)
    /// A line of the hunk that the file does not have there.
    case missing(hunk: Int)
    /// A line of the file, amid those of the hunk, that the hunk does not have.
    case extra(file: Int)
  }

  /// In order. What is ahead of the hunk's first line in the file and behind its last is not there.
  private(set) var steps: [Step] = []
  /// Whether any line that is not blank is in both.
  private(set) var hasMatch = false
  /// Whether the hunk would fit if white space did not count.
  var differsInWhiteSpaceOnly: Bool {
    hasMatch
      && steps.allSatisfy { if case .both = $0 { true } else { false } }
      && steps.contains { if case .both(_, _, false) = $0 { true } else { false } }
  }

  private enum Way: UInt8 { case start, both, missing, extra }

  /// - Parameter stated: the line of the file, from 0, at which the hunk's header puts it; it
  ///   decides between places that are equally like the hunk.
  init(_ sought: [Data], in file: [Data], stated: Int) {
    // Numbers that stand for lines without their white space.
    var numbers: [Data: Int] = [:]
    let number = { (line: Data) in
      let key = Self.key(line)
      if let known = numbers[key] { return known }
      numbers[key] = numbers.count
      return numbers.count - 1
    }
    let soughtKeys = sought.map(number)
    let fileKeys = file.map(number)
    // Blank lines and lone braces are everywhere.
    let weights = sought.map { [0, 1].contains(Self.key($0).count) ? Self.key($0).count : 4 }
    let width = file.count + 1
    var ways = [Way](repeating: .start, count: (sought.count + 1) * width)
    // The best score of the hunk's lines so far that ends ahead of each line of the file.
    var scores = [Int](repeating: 0, count: width)
    for row in sought.indices {
      var next = scores
      next[0] = scores[0] - 1
      ways[(row + 1) * width] = .missing
      for column in file.indices {
        var best = (score: scores[column + 1] - 1, way: Way.missing)
        if next[column] - 1 >= best.score { best = (next[column] - 1, .extra) }
        if soughtKeys[row] == fileKeys[column] {
          let same = sought[row] == file[column] ? 1 : 0
          if scores[column] + weights[row] + same >= best.score {
            best = (scores[column] + weights[row] + same, .both)
          }
        }
        next[column + 1] = best.score
        ways[(row + 1) * width + column + 1] = best.way
      }
      scores = next
    }
    let most = scores.max() ?? 0
    let ends = scores.indices.filter { scores[$0] == most }
    let end = ends.min {
      abs($0 - sought.count - stated) < abs($1 - sought.count - stated)
    }
    var (row, column) = (sought.count, end ?? 0)
    while row > 0 {
      switch ways[row * width + column] {
      case .both:
        (row, column) = (row - 1, column - 1)
        steps.append(.both(hunk: row, file: column, isSame: sought[row] == file[column]))
        if !Self.key(sought[row]).isEmpty { hasMatch = true }
      case .extra:
        column -= 1
        steps.append(.extra(file: column))
      case .missing, .start:
        row -= 1
        steps.append(.missing(hunk: row))
      }
    }
    steps.reverse()
  }

  /// A line without its white space.
  private static func key(_ line: Data) -> Data {
    line.filter { !" \t\r\u{b}\u{c}".utf8.contains($0) }
  }
}

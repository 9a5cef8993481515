// SPDX-License-Identifier: GPL-2.0-only

/// What may have been meant by a misspelt name.
enum Nearest {
  /// The name that differs least, where it differs little; of equals the first by the alphabet.
  static func name(to wrong: String, in names: some Sequence<String>) -> String? {
    let most = min(3, max(1, wrong.count / 3))
    let near = Set(names).compactMap { name in
      abs(name.count - wrong.count) > most
        ? nil : (edits: edits(Array(wrong.utf8), Array(name.utf8)), name: name)
    }
    return near.filter { $0.edits <= most }.min { ($0.edits, $0.name) < ($1.edits, $1.name) }?.name
  }

  /// How many letters must be put in, left out, changed, or change places with the next.
  private static func edits(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var before: [Int] = []
    var last = Array(0...right.count)
    for row in left.indices {
      var next = [row + 1]
      for column in right.indices {
        var least = min(
          last[column + 1] + 1, next[column] + 1,
          last[column] + (left[row] == right[column] ? 0 : 1))
        if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
          least = min(least, before[column - 1] + 1)
        }
        next.append(least)
      }
      (before, last) = (last, next)
    }
    return last[right.count]
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// What may have been meant by a misspelt name. Whatever a user can name is looked up here where it is
/// not known.
package enum Nearest {
  /// The remedy for a name that nothing has: a question, where one is near.
  ///
  /// - Parameter otherwise: the remedy where none is.
  package static func remedy(
    for wrong: String, in names: some Sequence<String>, otherwise: String
  ) -> String {
    name(to: wrong, in: names).map { "did you mean \($0)?" } ?? otherwise
  }

  /// The name that differs least, where it differs little; of equals the one that is as long, then the
  /// first by the alphabet. A name that has the whole word in it, and little else, is nearer than one
  /// with another letter.
  package static func name(to wrong: String, in names: some Sequence<String>) -> String? {
    let most = min(3, max(1, wrong.count / 3))
    let letters = Array(wrong.utf8)
    let near = Set(names).compactMap { name -> (edits: Int, name: String)? in
      guard !name.isEmpty else { return nil }
      if letters.count >= 5, name.count <= letters.count * 3 / 2, name.contains(wrong) {
        return (1, name)
      }
      guard abs(name.count - wrong.count) <= most else { return nil }
      return (edits(letters, Array(name.utf8)), name)
    }
    func rank(_ near: (edits: Int, name: String)) -> (Int, Int, String) {
      (near.edits, abs(near.name.count - wrong.count), near.name)
    }
    return near.filter { $0.edits <= most }.min { rank($0) < rank($1) }?.name
  }

  /// A file or directory that there is, by a path to one that there is not.
  ///
  /// - Parameters:
  ///   - path: relative to `directory`, or absolute.
  ///   - directory: nil is the working directory.
  /// - Returns: spelled as `path` is; nil where nothing near is there.
  package static func path(to path: String, in directory: String? = nil) -> String? {
    let files = FileManager.default
    var known = path.hasPrefix("/") ? "/" : ""
    let top = directory.map { "\($0)/" } ?? ""
    func place(_ path: String) -> String {
      path.hasPrefix("/") ? path : top + (path.isEmpty ? "." : path)
    }
    var isOther = false
    for part in path.split(separator: "/").map(String.init) {
      var next = known + part
      if !files.fileExists(atPath: place(next)) {
        let names = (try? files.contentsOfDirectory(atPath: place(known))) ?? []
        guard let near = name(to: part, in: names.filter { !$0.hasPrefix(".") }) else { return nil }
        next = known + near
        isOther = true
      }
      known = next + "/"
    }
    return isOther ? String(known.dropLast()) : nil
  }

  /// The remedy for a path that leads to nothing.
  package static func remedy(
    forPath wrong: String, in directory: String? = nil, otherwise: String
  ) -> String {
    path(to: wrong, in: directory).map { "did you mean \($0)?" } ?? otherwise
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

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// Reads which lines a diff without context changes.
enum LineRanges {
  /// The lines that were added or changed, by path relative to `root`; for lines that only went
  /// away, the line that follows them, or the last line where none follows.
  ///
  /// - Parameters:
  ///   - diff: what `git diff --no-index -U0` wrote, with empty prefixes.
  ///   - root: the directory of the new files.
  ///   - copy: where the new file of a path is; nil: below `root`.
  static func changed(
    inDiff diff: Data, root: String, copy: ((String) -> String)? = nil
  ) -> [String: [ClosedRange<Int>]] {
    // Paths come out absolute but for their first slash, which git takes for an empty prefix.
    let prefix = "+++ " + root.drop { $0 == "/" } + "/"
    var result: [String: [ClosedRange<Int>]] = [:]
    var path: String?
    // Lines of a hunk still to come, so that text which looks like a header is not read as one.
    var body = 0
    for bytes in diff.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if body > 0 {
        // "\ No newline at end of file" does not count.
        if bytes.first != UInt8(ascii: "\\") { body -= 1 }
        continue
      }
      guard let first = bytes.first, "+@d".utf8.contains(first) else { continue }
      let line = String(decoding: bytes, as: UTF8.self)
      if line.hasPrefix("diff ") {
        path = nil
      } else if line.hasPrefix("+++ ") {
        let named = line.hasPrefix("+++ /") ? "+++ " + line.dropFirst(5) : line
        path =
          named.hasPrefix(prefix)
          ? String(named.dropFirst(prefix.count)).trimmingSuffix("\t") : nil
      } else if let hunk = line.prefixMatch(
        of: /@@ -[0-9]+(?:,([0-9]+))? \+([0-9]+)(?:,([0-9]+))? @@/), let start = Int(hunk.2)
      {
        let removed = hunk.1.flatMap { Int($0) } ?? 1
        let added = hunk.3.flatMap { Int($0) } ?? 1
        body = removed + added
        guard let path else { continue }
        if added > 0 {
          result[path, default: []].append(start...(start + added - 1))
        } else {
          let next = min(start + 1, max(1, lineCount(copy?(path) ?? "\(root)/\(path)")))
          result[path, default: []].append(next...next)
        }
      }
    }
    return result
  }

  private static func lineCount(_ path: String) -> Int {
    let data = FileManager.default.contents(atPath: path) ?? Data()
    let newlines = data.count { $0 == UInt8(ascii: "\n") }
    return newlines + (data.last.map { $0 != UInt8(ascii: "\n") } == true ? 1 : 0)
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// What `git apply -v` says about a hunk that is not where, or as, its header says.
struct Placement {
  /// The file as it was called before and as it is called now.
  let oldPath: String
  let path: String
  /// Which hunk of the file, from 1; nil where git does not say.
  let number: Int?
  /// The lines of context that still fitted, ahead and behind; nil where all did.
  let context: (leading: Int, trailing: Int)?
  /// The line of the patched file, from 1, of the first line that fitted.
  let line: Int
  /// For the user, as git said it.
  let remark: String

  /// The files that git looked at, by their names before.
  static func checked(_ result: Command.Result) -> [String] {
    result.errorLines.compactMap { $0.wholeMatch(of: checking) }.map { String($0.1) }
  }

  private nonisolated(unsafe) static let checking = /Checking patch (.*?)(?: => (.*))?\.\.\./

  static func read(_ lines: [String]) -> [Placement] {
    var placements: [Placement] = []
    var old = ""
    var new = ""
    for line in lines {
      if let found = line.wholeMatch(of: checking) {
        old = String(found.1)
        new = String(found.2 ?? found.1)
      } else if let found = line.prefixMatch(of: /Hunk #([0-9]+) succeeded at ([0-9]+)/) {
        placements.append(
          Placement(
            oldPath: old, path: new, number: Int(found.1), context: nil, line: Int(found.2) ?? 0,
            remark: "\(new): \(line)"))
      } else if let found = line.wholeMatch(
        of: /Context reduced to \(([0-9]+)\/([0-9]+)\) to apply fragment at ([0-9]+)/)
      {
        var number: Int?
        // git says first where the same hunk is.
        if let last = placements.last, last.context == nil, last.path == new,
          last.line == Int(found.3)
        {
          number = last.number
          placements.removeLast()
        }
        placements.append(
          Placement(
            oldPath: old, path: new, number: number,
            context: (Int(found.1) ?? 0, Int(found.2) ?? 0), line: Int(found.3) ?? 0,
            remark: "\(new): \(line)"))
      }
    }
    return placements
  }
}

extension PatchApplication {
  /// Applies a patch that git refuses with one, then two lines at each end of a hunk ignored.
  ///
  /// A hunk that may so land at a wrong place is refused: where the lines that it adds are there
  /// already, and where what is left of it fits more than one place and it would be moved.
  ///
  /// - Returns: what to tell the user, and git's option with which it fitted.
  func applyWithFuzz(
    _ patch: PatchFile, _ refused: Command.Result, _ arguments: [String]
  ) async throws -> (remarks: [String], context: String) {
    // With fewer lines to match, lines that are there already would be added again.
    if try await git(["apply", "--check", "--reverse"] + arguments).succeeded {
      throw try await alreadyThere(patch, refused, arguments)
    }
    for context in ["-C2", "-C1"] {
      let tried = try await git(["apply", "-v", "--check", context] + arguments)
      guard tried.succeeded else { continue }
      let hunks = Hunk.read(patch.content)
      let remarks = Placement.read(tried.errorLines).map {
        $0.context == nil ? $0.remark : remark(on: $0, hunks[$0.path] ?? [])
      }
      let sure = remarks.compactMap(\.self)
      guard sure.count == remarks.count else { break }
      let applied = try await git(["apply", context] + arguments)
      guard applied.succeeded else { break }
      return (sure, context)
    }
    throw try await rejection(of: patch, refused, arguments)
  }

  /// What to say about a hunk that fits with fewer lines; nil where its place is not sure.
  private func remark(on placement: Placement, _ hunks: [Hunk]) -> String? {
    guard let context = placement.context,
      let content = FileManager.default.contents(atPath: "\(after)/\(placement.oldPath)"),
      let index = placement.number.map({ $0 - 1 })
        ?? hunks.firstIndex(where: {
          // Without an offset git counts the lines that it left out twice.
          $0.newStart - ($0.leading - context.leading) == placement.line
        }),
      hunks.indices.contains(index)
    else { return nil }
    let hunk = hunks[index]
    let file = Hunk.lines(of: content)
    let less = (ahead: hunk.leading - context.leading, behind: hunk.trailing - context.trailing)
    let start = placement.line - less.ahead
    let offset = start - hunk.newStart
    let kept = hunk.preimage.dropFirst(less.ahead).dropLast(less.behind)
    if hunk.isInsertion, !Hunk.places(of: hunk.added, in: file).isEmpty { return nil }
    if offset != 0, Hunk.places(of: kept, in: file).count != 1 { return nil }
    let moved = offset == 0 ? "" : " (offset \(offset) \(abs(offset) == 1 ? "line" : "lines"))"
    return "\(placement.path): Hunk #\(index + 1) applied with fuzz \(max(less.ahead, less.behind))"
      + " at \(start)\(moved): lines around it are not as the patch has them"
  }
}

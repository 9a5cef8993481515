// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// One hunk of a unified diff.
struct Hunk {
  /// The line of the old and of the new file, from 1, at which its header puts it.
  let oldStart: Int
  let newStart: Int
  let header: Data
  /// Its lines with the sign in front, without line ends.
  fileprivate(set) var lines: [Data] = []

  private static let minus = UInt8(ascii: "-")
  private static let plus = UInt8(ascii: "+")
  private static let space = UInt8(ascii: " ")

  /// The lines that have to be in the file. A mail client may have cut an empty one's space.
  var preimage: [Data] {
    lines.filter { $0.first != Self.plus && !Self.isNote($0) }.map { Data($0.dropFirst()) }
  }
  var added: [Data] { lines.filter { $0.first == Self.plus }.map { Data($0.dropFirst()) } }
  var isInsertion: Bool { !lines.contains { $0.first == Self.minus } }
  /// How many lines of context are ahead of the first change, and behind the last.
  var leading: Int { lines.prefix(while: Self.isContext).count }
  var trailing: Int {
    lines.filter { !Self.isNote($0) }.reversed().prefix(while: Self.isContext).count
  }

  private static func isContext(_ line: Data) -> Bool { line.isEmpty || line.first == space }
  private static func isNote(_ line: Data) -> Bool { line.first == UInt8(ascii: "\\") }

  // MARK: Reading

  /// The hunks of a diff by the path that each file has afterwards; `""` where no file is named.
  static func read(_ diff: Data) -> [String: [Hunk]] {
    var hunks: [String: [Hunk]] = [:]
    var path = ""
    var oldPath = ""
    var open: Hunk?
    var left = (old: 0, new: 0)
    for line in Self.lines(of: diff) {
      if var hunk = open, left.old > 0 || left.new > 0 || isNote(line) {
        hunk.lines.append(line)
        if line.first != plus, !isNote(line) { left.old -= 1 }
        if line.first != minus, !isNote(line) { left.new -= 1 }
        open = hunk
        continue
      }
      if let hunk = open { hunks[path, default: []].append(hunk) }
      open = nil
      if line.starts(with: "--- ".utf8) {
        oldPath = Self.path(line)
      } else if line.starts(with: "+++ ".utf8) {
        path = Self.path(line)
        if path == "dev/null" { path = oldPath }
      } else if let (hunk, counts) = Self.header(line) {
        (open, left) = (hunk, counts)
      }
    }
    if let hunk = open { hunks[path, default: []].append(hunk) }
    return hunks
  }

  /// A file's lines without their ends.
  static func lines(of content: Data) -> [Data] {
    var lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { Data($0) }
  }

  private static func header(_ line: Data) -> (Hunk, (old: Int, new: Int))? {
    let text = String(decoding: line, as: UTF8.self)
    guard let found = text.prefixMatch(of: /@@ -([0-9]+)(?:,([0-9]+))? \+([0-9]+)(?:,([0-9]+))? @@/)
    else { return nil }
    let numbers = [found.1, found.2, found.3, found.4].map { $0.map { Int($0) ?? 0 } }
    let hunk = Hunk(oldStart: numbers[0] ?? 0, newStart: numbers[2] ?? 0, header: line)
    return (hunk, (numbers[1] ?? 1, numbers[3] ?? 1))
  }

  /// The path in a `--- a/FILE` line, relative to the tree's top.
  private static func path(_ line: Data) -> String {
    let named = Data(line.dropFirst(4).prefix { $0 != UInt8(ascii: "\t") })
    let path = PlainDiff.unquoted(named)
    return path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
      .joined(separator: "/")
  }

  // MARK: In a file

  /// Where some lines of a file are, counted from 0.
  static func places(of sought: some Collection<Data>, in file: [Data]) -> [Int] {
    guard !sought.isEmpty, sought.count <= file.count else { return [] }
    return (0...(file.count - sought.count)).filter { start in
      zip(sought, file[start...]).allSatisfy { $0 == $1 }
    }
  }

  /// How it goes with a file.
  func alignment(in file: [Data]) -> HunkAlignment {
    HunkAlignment(preimage, in: file, stated: stated(in: file))
  }

  private func stated(in file: [Data]) -> Int { min(max(oldStart - 1, 0), max(file.count - 1, 0)) }

  /// The hunk as it is, and the lines of the file that are most like it: those that differ are
  /// marked, those that the file does not have are named.
  func shown(nextTo file: [Data], path: String, _ alignment: HunkAlignment) -> [String] {
    ([header] + lines).map(Self.text) + neighbours(in: file, path: path, alignment)
  }

  private static func text(_ line: Data) -> String {
    String(decoding: line, as: UTF8.self).replacing("\r", with: "^M")
  }

  private func neighbours(
    in file: [Data], path: String, _ alignment: HunkAlignment
  ) -> [String] {
    guard !file.isEmpty else { return ["\(path) is empty"] }
    let heading = { (lines: Range<Int>, said: String) in
      ["\(path):\(lines.lowerBound + 1)-\(lines.upperBound) of this kernel, \(said):"]
    }
    let numbered = { (mark: String, index: Int) in
      "\(mark) \(index + 1): \(Self.text(file[index]))"
    }
    let indices: [Int] = alignment.steps.compactMap {
      switch $0 {
      case .both(_, let index, _), .extra(let index): index
      case .missing: nil
      }
    }
    guard alignment.hasMatch, let first = indices.first, let last = indices.last else {
      let start = stated(in: file)
      let around = max(0, start - 2)..<min(file.count, start + preimage.count + 2)
      return heading(around, "which has no line of the hunk near there")
        + around.map { numbered(" ", $0) }
    }
    let around = max(0, first - 2)..<min(file.count, last + 3)
    let sought = preimage
    let inside = alignment.steps.map {
      switch $0 {
      case .both(_, let index, let isSame): numbered(isSame ? " " : "!", index)
      case .extra(let index): numbered("!", index)
      case .missing(let index): "! missing: \(Self.text(sought[index]))"
      }
    }
    return heading(around, "! where it is not as the hunk has it")
      + (around.lowerBound..<first).map { numbered(" ", $0) } + inside
      + (last + 1..<around.upperBound).map { numbered(" ", $0) }
  }
}

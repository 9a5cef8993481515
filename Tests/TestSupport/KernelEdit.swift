// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource

/// One change of a kernel's file, placed by a short text that the file has: an anchor.
///
///     let patch = try await KernelEdit.patch([
///       KernelEdit(mmu, in: "mmu_alloc_special_roots", .replace("GFP_KERNEL_ACCOUNT", with: "0")),
///       KernelEdit(mmu, .insertBefore("mmu_alloc_special_roots(", "static int one = 1;")),
///     ], of: tree)
///
/// The tests hold no kernel text: what an edit means is found in the tree when the test runs.
public struct KernelEdit: Sendable {
  public enum Change: Sendable {
    /// Puts a text in the place of the anchor itself.
    case replace(String, with: String)
    /// Puts lines before the line that the anchor is in.
    case insertBefore(String, String)
    /// Puts lines behind the line that the anchor is in.
    case insertAfter(String, String)
    /// Takes out the line that the anchor is in, and all up to the line of the second anchor,
    /// which may be the same line.
    case delete(String, through: String? = nil)
    /// Puts lines behind the function, or at the end of the file.
    case append(String)
    /// Puts a word in the place of another, wherever that stands alone.
    case replaceWord(String, with: String)
    /// The same behind `->` and behind a dot.
    case replaceMember(String, with: String)
    /// Puts a text in the place of the function or of the file, which need not be there.
    case become(String)

    var anchor: String? {
      switch self {
      case .replace(let anchor, _), .insertBefore(let anchor, _), .insertAfter(let anchor, _),
        .delete(let anchor, _):
        anchor
      case .append, .replaceWord, .replaceMember, .become: nil
      }
    }
  }

  /// Relative to the tree's top.
  public var file: String
  /// Where anchors are looked for; nil: in the whole file.
  public var function: String?
  public var change: Change
  /// Which of several places with the anchor, from 1.
  public var occurrence: Int

  public init(
    _ file: String, in function: String? = nil, _ change: Change, occurrence: Int = 1
  ) {
    self.file = file
    self.function = function
    self.change = change
    self.occurrence = occurrence
  }

  /// An edit that does not fit the tree.
  public struct Misplaced: Error, CustomStringConvertible, Equatable {
    public var description: String
  }

  // MARK: Patches

  /// Applies the edits in order, each to what the one before left, and tells the difference as a
  /// patch for `git apply -p1`.
  ///
  /// - Throws: ``Misplaced`` where a file, a function or an anchor is not there, or nothing changes.
  public static func patch(
    _ edits: [KernelEdit], of tree: KernelTree, name: String = "edit.patch"
  ) async throws -> PatchFile {
    let scratch = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("kshim-edit-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    func write(_ text: String, _ path: String) throws {
      let url = URL(fileURLWithPath: "\(scratch)/\(path)")
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.bytes).write(to: url)
    }
    var texts: [String: String] = [:]
    for edit in edits {
      if texts[edit.file] == nil {
        let text = try? String(contentsOfFile: "\(tree.directory)/\(edit.file)", encoding: .utf8)
        if let text {
          try write(text, "a/\(edit.file)")
        } else if case .become = edit.change {
          try FileManager.default.createDirectory(
            atPath: "\(scratch)/a", withIntermediateDirectories: true)
        } else {
          throw Misplaced(description: "\(tree.spec) has no \(edit.file)")
        }
        texts[edit.file] = text ?? ""
      }
      texts[edit.file] = try edit.apply(to: texts[edit.file]!)
    }
    for (file, text) in texts { try write(text, "b/\(file)") }
    let diff = try await Command.run(
      "git",
      [
        "-c", "core.quotePath=false", "diff", "--no-index", "--no-color", "--no-ext-diff",
        "--no-prefix", "--no-renames", "a", "b",
      ], environment: ["GIT_CONFIG_GLOBAL": "/dev/null", "GIT_DIR": nil], directory: scratch)
    guard diff.status == 1 else {
      throw Misplaced(description: "the edits change nothing \(diff.errorText)")
    }
    return PatchFile(name: name, content: diff.output)
  }

  // MARK: One edit

  /// The text with this edit made.
  public func apply(to text: String) throws -> String {
    let scope = try scope(in: text)
    guard let anchor = change.anchor else {
      switch change {
      case .append(let added):
        return text[..<scope.upperBound] + Self.lines(added) + text[scope.upperBound...]
      case .become(let new):
        return String(text[..<scope.lowerBound]) + new + text[scope.upperBound...]
      case .replaceWord(let old, let new):
        return try replace("\\b\(old)\\b", with: new, in: text, scope)
      case .replaceMember(let old, let new):
        return try replace("(?<=->|\\.)\(old)\\b", with: new, in: text, scope)
      default: return text
      }
    }
    let found = try place(of: anchor, occurrence, in: text, scope)
    let line = text.lineRange(for: found)
    switch change {
    case .replace(_, let new): return text.replacingCharacters(in: found, with: new)
    case .insertBefore(_, let added):
      return text[..<line.lowerBound] + Self.lines(added) + text[line.lowerBound...]
    case .insertAfter(_, let added):
      return text[..<line.upperBound] + Self.lines(added) + text[line.upperBound...]
    case .delete(_, let last):
      let rest = line.lowerBound..<scope.upperBound
      let end = try last.map { try place(of: $0, 1, in: text, rest) } ?? found
      return String(text[..<line.lowerBound] + text[text.lineRange(for: end).upperBound...])
    case .append, .replaceWord, .replaceMember, .become: return text
    }
  }

  private func replace(
    _ pattern: String, with new: String, in text: String, _ scope: Range<String.Index>
  ) throws -> String {
    let changed = text.replacingOccurrences(
      of: pattern, with: new, options: .regularExpression, range: scope)
    guard changed != text else { throw Misplaced(description: "\(file) has no \(pattern)") }
    return changed
  }

  private static func lines(_ text: String) -> String { text.hasSuffix("\n") ? text : text + "\n" }

  private func place(
    of anchor: String, _ occurrence: Int, in text: String, _ scope: Range<String.Index>
  ) throws -> Range<String.Index> {
    var rest = scope
    for number in 1... {
      guard let found = text.range(of: anchor, options: .literal, range: rest) else { break }
      if number == occurrence { return found }
      rest = found.upperBound..<scope.upperBound
    }
    throw Misplaced(
      description: "\(file) has no '\(anchor)' number \(occurrence)"
        + (function.map { " in \($0)" } ?? ""))
  }

  private func scope(in text: String) throws -> Range<String.Index> {
    guard let function else { return text.startIndex..<text.endIndex }
    guard let scope = Self.scope(of: function, in: text) else {
      throw Misplaced(description: "\(file) has no function \(function)")
    }
    return scope
  }

  // MARK: Functions

  /// The first and the last line, from 1, of a function's definition; nil where there is none.
  public static func lines(of function: String, in text: String) -> ClosedRange<Int>? {
    guard let scope = scope(of: function, in: text) else { return nil }
    let first = text[..<scope.lowerBound].count { $0 == "\n" } + 1
    return first...(first + text[scope].count { $0 == "\n" } - 1)
  }

  /// A function's definition as it stands in a tree.
  public static func text(
    of function: String, in file: String, of tree: KernelTree
  ) throws -> String {
    let text = try String(contentsOfFile: "\(tree.directory)/\(file)", encoding: .utf8)
    guard let scope = scope(of: function, in: text) else {
      throw Misplaced(description: "\(file) has no function \(function)")
    }
    return String(text[scope])
  }

  /// Edits of every file below some folders that has a word.
  public static func everywhere(
    _ word: String, below folders: [String], of tree: KernelTree, _ change: Change
  ) -> [KernelEdit] {
    var edits: [KernelEdit] = []
    for folder in folders {
      let names = FileManager.default.enumerator(atPath: "\(tree.directory)/\(folder)")
      let sources = (names?.compactMap { $0 as? String } ?? []).sorted()
      for file in sources where file.hasSuffix(".c") || file.hasSuffix(".h") {
        let edit = KernelEdit("\(folder)/\(file)", change)
        guard
          let text = try? String(contentsOfFile: "\(tree.directory)/\(edit.file)", encoding: .utf8),
          text.contains(word), (try? edit.apply(to: text)) != nil
        else { continue }
        edits.append(edit)
      }
    }
    return edits
  }

  /// From the line that names the function at its definition to the `}` in the first column.
  private static func scope(of function: String, in text: String) -> Range<String.Index>? {
    var start = text.startIndex
    while let named = text.range(
      of: "\(function)(", options: .literal, range: start..<text.endIndex)
    {
      start = named.upperBound
      let line = text.lineRange(for: named)
      let before =
        named.lowerBound == text.startIndex ? " " : text[text.index(before: named.lowerBound)]
      guard !text[line.lowerBound].isWhitespace, text[line.lowerBound] != "#",
        !(before.isLetter || before.isNumber || before == "_"),
        let open = text.range(of: "\n{", options: .literal, range: start..<text.endIndex),
        !text[start..<open.lowerBound].contains(";"),
        let close = text.range(
          of: "\n}\n", options: .literal, range: open.upperBound..<text.endIndex)
      else { continue }
      return line.lowerBound..<close.upperBound
    }
    return nil
  }
}

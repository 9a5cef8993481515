// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource

/// The members of a struct or union, and of those in it.
struct Layout {
  struct Member: Equatable {
    /// From the record: `root`, `hpa`.
    var path: [String]
    /// Without typedefs.
    var type: String
    var shape: ClangCursor.ValueType.Shape
  }

  private(set) var members: [Member] = []

  /// How deep it goes: a member of a member of a member.
  private static let depth = 3

  init(of record: ClangCursor) { add(record, [], Self.depth) }

  private mutating func add(_ record: ClangCursor, _ path: [String], _ depth: Int) {
    guard depth > 0 else { return }
    for child in (record.definition ?? record).children {
      if child.kind == .structure, child.isAnonymousRecord { add(child, path, depth) }
      guard child.isField, !child.name.isEmpty else { continue }
      let type = child.valueType
      members.append(
        Member(path: path + [child.name], type: type.canonical, shape: type.shape))
      if type.shape == .record, let inner = child.record {
        add(inner, path + [child.name], depth - 1)
      }
    }
  }

  func has(_ name: String) -> Bool { members.contains { $0.path == [name] } }

  /// Its own members before and behind one.
  func neighbours(of path: [String]) -> [String] {
    let own = members.map(\.path).filter {
      $0.count == path.count && $0.dropLast() == path.dropLast()
    }
    guard let index = own.firstIndex(of: path) else { return [] }
    return [index - 1, index + 1].map { own.indices.contains($0) ? own[$0].last! : "" }
  }
}

/// What the manifest and its glue reach in the structs of a tree, and where a patch put it.
struct Members {
  /// One use of a member in the generated harness or in the glue.
  struct Use {
    var record: String
    var member: String
    /// Where the member's name is written.
    var file: String
    var offset: Int
  }

  struct Move {
    var record: String
    var member: String
    /// What it is now; nil where that is not clear, or where it is gone.
    var path: [String]?
    /// What it may be.
    var candidates: [String]
    /// Whether the files that the patch touches still reach a member of that name.
    var isElsewhere = false

    /// Whether it is only gone, as what a kernel has not got.
    var isRemoved: Bool { path == nil && candidates.isEmpty && !isElsewhere }

    var sentence: String {
      if let path { return "\(record) has '\(path.joined(separator: "."))' for '\(member)'" }
      let taken = "the patch takes '\(member)' out of \(record)"
      if !candidates.isEmpty {
        return "\(taken), and it is not clear which of these it is now: "
          + candidates.joined(separator: ", ")
      }
      return isElsewhere ? "\(taken), and reaches '\(member)' another way" : taken
    }
  }

  /// The uses of a unit behind the kernel's own text.
  ///
  /// - Parameter files: the unit and its glue.
  static func uses(in unit: ClangUnit, of files: Set<String>) -> [Use] {
    var uses: [Use] = []
    unit.root.visit { function in
      guard function.kind == .function, function.isDefinition else { return false }
      let place = function.place.file
      guard place == HarnessWriter.fileName || files.contains(place) else { return false }
      function.visit { child in
        if child.isMemberReference, let field = child.referenced, field.isField,
          let record = owner(of: field)
        {
          let (file, offset) = child.spelled
          uses.append(Use(record: record, member: field.name, file: file, offset: offset))
        }
        return true
      }
      return false
    }
    return uses
  }

  /// `struct kvm_mmu`: the record that a field is reached by directly; nil where it has no name.
  private static func owner(of field: ClangCursor) -> String? {
    var record = field.parent
    while let current = record, current.isAnonymousRecord { record = current.parent }
    guard let record, record.kind == .structure else { return nil }
    let spelling = record.valueType.canonical
    return spelling.contains("(") ? nil : spelling
  }

  /// Where the members that are no longer there are.
  static func moves(
    of uses: [Use], from old: [String: Layout], to new: [String: Layout],
    _ substitutions: Substitutions
  ) -> [Move] {
    var moves: [Move] = []
    for use in uses
    where !moves.contains(where: { $0.record == use.record && $0.member == use.member }) {
      guard let before = old[use.record], let after = new[use.record], before.has(use.member),
        !after.has(use.member)
      else { continue }
      moves.append(move(of: use, before, after, substitutions))
    }
    return moves
  }

  private static func move(
    of use: Use, _ before: Layout, _ after: Layout, _ substitutions: Substitutions
  ) -> Move {
    let member = before.members.first { $0.path == [use.member] }!
    let known = Set(before.members.map(\.path))
    let added = after.members.filter { !known.contains($0.path) }
    func move(_ found: [Layout.Member]) -> Move {
      Move(
        record: use.record, member: use.member, path: found.count == 1 ? found[0].path : nil,
        candidates: found.map { $0.path.joined(separator: ".") })
    }
    let same = added.filter { $0.type == member.type }
    let kept = same.filter { $0.path.last == use.member }
    if !kept.isEmpty { return move(kept) }
    // What the patch writes in its place.
    for candidates in [same, added.filter { $0.shape == member.shape && $0.shape != .record }] {
      let counted = candidates.map { ($0, substitutions.count(use.member, $0.path.last!)) }
      if let most = counted.map(\.1).max(), most > 0 {
        return move(counted.filter { $0.1 == most }.map(\.0))
      }
    }
    let neighbours = before.neighbours(of: member.path)
    let placed = same.filter { candidate in
      zip(after.neighbours(of: candidate.path), neighbours).contains { !$0.isEmpty && $0 == $1 }
    }
    if placed.count == 1 { return move(placed) }
    return Move(
      record: use.record, member: use.member, path: nil,
      candidates: same.map { $0.path.joined(separator: ".") })
  }
}

/// A text in which some members are written as they are now.
struct MemberRewriter {
  let moves: [Members.Move]
  let uses: [Members.Use]

  /// - Parameters:
  ///   - range: a stretch of the file, in bytes.
  ///   - text: the file.
  /// - Returns: nil where nothing in it has moved.
  func rewrite(_ range: Range<Int>, of text: [UInt8], file: String) -> String? {
    var result: [UInt8] = []
    var position = range.lowerBound
    var seen: Set<Int> = []
    let here = uses.filter { $0.file == file && range.contains($0.offset) }
      .sorted { $0.offset < $1.offset }
    for use in here {
      guard
        let path = moves.first(where: { $0.record == use.record && $0.member == use.member })?.path,
        text[use.offset...].starts(with: use.member.utf8), seen.insert(use.offset).inserted
      else { continue }
      result += text[position..<use.offset]
      result += Array(path.joined(separator: ".").utf8)
      position = use.offset + use.member.utf8.count
    }
    guard !result.isEmpty else { return nil }
    return String(bytes: result + text[position..<range.upperBound])
  }
}

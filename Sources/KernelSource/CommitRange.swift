// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// A commit of the user's repository.
public struct Commit: Sendable, Equatable, Codable {
  /// The whole id, in hexadecimal.
  public let id: String
  /// The id as git abbreviates it in this repository.
  public let abbreviated: String
  /// The first line of its message.
  public let subject: String
  /// The ids of its parents; none for a root.
  public let parents: [String]
  /// The id of its tree.
  let tree: String
}

/// The commits `BASE..HEAD` of a repository, of which only the base is unpacked: every other commit
/// is told by the files in which it differs.
///
/// The files are written to a temporary directory that is gone with the range and its revisions.
/// Made by ``KernelStore/range(_:progress:)``.
public final class CommitRange: Sendable {
  /// `DIRECTORY@BASE..`: with a commit behind it, a range that ends there.
  public let prefix: String
  /// The newest commit that the head and what was named as base have in common.
  public let base: Commit
  /// The commits that the head has and the base has not, parents before children.
  public let commits: [Commit]
  /// The last of them.
  public let head: Commit

  /// The base's tree, under the name of the range.
  let tree: KernelTree
  let reader: CommitReader
  /// In the range, their parents and the base, by id.
  private let known: [String: Commit]
  /// What differs from the base, by id of the tree.
  private let differences: [String: CommitReader.Difference]

  init(
    prefix: String, base: Commit, head: Commit, commits: [Commit], known: [String: Commit],
    tree: KernelTree, reader: CommitReader
  ) async throws {
    self.prefix = prefix
    self.base = base
    self.head = head
    self.commits = commits
    self.known = known
    self.tree = tree
    self.reader = reader
    let trees = Set(known.values.map(\.tree)).sorted()
    differences = try await reader.differences(of: trees, from: base.tree, unpacked: tree.directory)
  }

  /// The base, as a revision.
  public var baseRevision: Revision {
    Revision(tree: tree, patches: [], applied: nil, commit: base)
  }

  /// What a commit is compared with: its parents, or the base for a commit without any.
  public func parents(of commit: Commit) -> [Commit] {
    let parents = commit.parents.compactMap { known[$0] }
    return parents.isEmpty ? [base] : parents
  }

  /// A commit, or one of its parents, as a revision.
  ///
  /// - Parameter other: whose lines are not ``Revision/touched``.
  public func revision(of commit: Commit, since other: Commit) async throws -> Revision {
    let difference = differences[commit.tree] ?? .init()
    let isSame = difference == differences[other.tree] ?? .init()
    let touched =
      isSame
      ? [:]
      : try await reader.touched(from: other.tree, to: commit.tree) {
        difference.copies[$0] ?? "\(self.tree.directory)/\($0)"
      }
    let makefile = difference.copies["Makefile"].flatMap {
      String(kernelFile: $0)
    }
    return Revision(
      tree: KernelTree(tree, makefile: makefile), overlay: difference.copies,
      deleted: difference.deleted, touched: touched, commit: commit, range: self)
  }
}

extension KernelStore {
  /// Reads a range of commits; neither the repository nor its work tree is written to.
  ///
  /// - Parameters:
  ///   - spec: as ``KernelSpec`` reads it.
  ///   - paths: what is needed beside what is always unpacked; see ``need(_:of:progress:)``. A commit
  ///     is told by the files in which it differs in either.
  ///   - progress: see ``resolve(_:progress:)``.
  /// - Returns: nil where `spec` names no range.
  /// - Throws: `Failure` of kind request where an end is no commit, the range is empty, its ends
  ///   have nothing in common, or the clone lacks what is needed; else what
  ///   ``resolve(_:progress:)`` throws.
  public func range(
    _ spec: String, needing paths: [String] = [], progress: @Sendable (String) -> Void = { _ in }
  ) async throws -> CommitRange? {
    guard case .range(let directory, let from, let to) = try KernelSpec(spec) else { return nil }
    let asked = "read kernel \(spec)"
    try await checkRepository(directory, asked: asked)
    let first = try await object("\(from)^{commit}", from, in: directory, asked: asked)
    let last = try await object("\(to)^{commit}", to, in: directory, asked: asked)
    let common = try await Git.run(
      in: directory, ["merge-base", first, last], environment: environment)
    guard common.succeeded else {
      throw Failure(
        .request, asked: asked, cause: "\(from) and \(to) have no commit in common",
        place: directory, evidence: Array(common.errorLines.prefix(3)),
        remedy: "name a base that the head was made from; in a shallow clone, first run git"
          + " fetch --unshallow")
    }
    let start = common.outputText.trimmingCharacters(in: .whitespacesAndNewlines)
    let parent = Self.temporaryDirectory
    ScratchDirectory.sweep(prefix: PatchApplication.scratchPrefix, in: parent)
    var reader = CommitReader(
      directory: directory, asked: asked, environment: environment,
      scratch: try temporary(parent, spec))
    let commits = try await reader.log(["--reverse", "--topo-order", "\(first)..\(last)"])
    guard let head = commits.last else {
      throw Failure(
        .request, asked: asked, cause: "the range is empty: \(from) has every commit of \(to)",
        place: directory, remedy: "name BASE..HEAD, the older end first")
    }
    var known = Dictionary(uniqueKeysWithValues: commits.map { ($0.id, $0) })
    let outside = Set(commits.flatMap(\.parents) + [start]).filter { known[$0] == nil }
    for commit in try await reader.log(["--no-walk=unsorted"] + outside.sorted()) {
      known[commit.id] = commit
    }
    guard let base = known[start] else {
      throw reader.unreadable(["git log does not show \(start)"])
    }
    let unpacked = try await gitRevision(
      base.id, in: directory, spec: spec, refresh: false, progress)
    let tree = try await need(paths, of: unpacked, progress: progress)
    reader.kept = tree.kept
    return try await CommitRange(
      prefix: "\(spec.prefix(spec.count - Self.tail(of: spec)))..", base: base, head: head,
      commits: commits, known: known, tree: tree, reader: reader)
  }

  /// How long the end of a range is, from its dots on.
  private static func tail(of spec: String) -> Int {
    let dots = spec.range(of: "..", options: .backwards)
    return dots.map { spec.distance(from: $0.lowerBound, to: spec.endIndex) } ?? 0
  }

  private func temporary(_ parent: String, _ spec: String) throws -> ScratchDirectory {
    do {
      return try ScratchDirectory(prefix: PatchApplication.scratchPrefix, in: parent)
    } catch {
      throw DiskTrouble.failure(asked: "read kernel \(spec)", temporary: parent, error)
    }
  }
}

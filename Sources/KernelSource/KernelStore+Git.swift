// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

extension KernelStore {
  /// The tree of a revision in the user's repository, whose work tree and index are not touched.
  func gitRevision(
    _ revision: String, in directory: String, spec: String, refresh: Bool,
    _ progress: @Sendable (String) -> Void
  ) async throws -> KernelTree {
    let asked = "read kernel \(spec)"
    try await checkRepository(directory, asked: asked)
    let object = try await object("\(revision)^{tree}", revision, in: directory, asked: asked)
    let key = CacheKey(
      name: "\(Self.revisionPrefix)\(object)", key: Self.revisionKey + object, spec: spec,
      listed: "\(directory)@\(revision)")
    return try await cached(key, refresh: refresh, progress) { tree, _ in
      progress("unpacking \(spec)")
      let listed = try await Git.run(
        in: directory,
        ["ls-tree", "--full-tree", "--name-only", "-z", object, "--"] + KernelTree.keptPaths,
        environment: environment)
      let present = listed.outputText.split(separator: "\0").map(String.init)
      guard present.contains("Makefile"), present.contains("arch/x86") else {
        throw Failure(
          .request, asked: asked,
          cause: "revision \(revision) is no kernel: it has no Makefile next to an arch/x86",
          place: directory, remedy: "name a repository with a kernel tree at its top")
      }
      try await archive(object, present, from: directory, into: tree, spec: spec)
      return []
    }
  }

  /// How the keys of revisions begin; the tree's id follows.
  static let revisionKey = "git tree "

  /// Unpacks some more of a tree in a repository.
  func unpackRevision(
    _ object: String, in directory: String, _ paths: [NeededPath], spec: String, into tree: String
  ) async throws {
    try await checkRepository(directory, asked: "unpack more of kernel \(spec)")
    var present: [String] = []
    for path in paths {
      let listed = try await Git.run(
        in: directory,
        ["ls-tree", "--full-tree", "-z", object, "--", path.path + (path.isOwnFiles ? "/" : "")],
        environment: environment)
      for entry in listed.outputText.split(separator: "\0") {
        // MODE TYPE ID<tab>PATH
        guard let tab = entry.firstIndex(of: "\t") else { continue }
        let isTree = entry[..<tab].contains(" tree ")
        let name = String(entry[entry.index(after: tab)...])
        if !(isTree && path.isOwnFiles) { present.append(name) }
      }
    }
    guard !present.isEmpty else { return }
    try await archive(object, present, from: directory, into: tree, spec: spec)
  }

  /// - Throws: `Failure` of kind request where git cannot read a repository.
  func checkRepository(_ directory: String, asked: String) async throws {
    let repository = try await Git.run(
      in: directory, ["rev-parse", "--git-dir"], environment: environment)
    guard repository.succeeded else {
      throw Failure(
        .request, asked: asked, cause: "git cannot read a repository there", place: directory,
        evidence: repository.errorLines,
        remedy: "name a git repository before the @, or the directory alone")
    }
  }

  /// The id of an object, such as `v6.12^{commit}`.
  ///
  /// - Parameter revision: what the user calls it.
  func object(
    _ name: String, _ revision: String, in directory: String, asked: String
  ) async throws -> String {
    let parsed = try await Git.run(
      in: directory, ["rev-parse", "--verify", "--end-of-options", name],
      environment: environment)
    guard parsed.succeeded else {
      let names = try await Git.run(
        in: directory, ["for-each-ref", "--format=%(refname:short)"], environment: environment)
      throw Failure(
        .request, asked: asked, cause: "the repository has no revision \(revision)",
        place: directory, evidence: parsed.errorLines,
        remedy: Nearest.remedy(
          for: revision, in: names.outputText.split(separator: "\n").map(String.init),
          otherwise: "name a commit, tag or branch that git log shows, or fetch it first"))
    }
    return parsed.outputText.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func archive(
    _ object: String, _ paths: [String], from directory: String, into tree: String, spec: String
  ) async throws {
    // From the top, wherever in the work tree `directory` is; a bare repository has no top.
    let result = try await Command.script(
      """
      repository=$1 object=$2 tree=$3
      shift 3
      top=$(git -C "$repository" rev-parse --show-toplevel 2>/dev/null) || top=$repository
      git --literal-pathspecs -C "$top" -c core.autocrlf=false archive --format=tar "$object" -- "$@" |
        tar -x -C "$tree" --no-same-owner --no-same-permissions
      """,
      [directory, object, tree] + paths, needs: ["git", "tar"],
      environment: Git.here(environment))
    guard !result.succeeded else { return }
    let lines = result.errorLines
    if Self.isDiskTrouble(lines) { throw diskTrouble(spec, lines) }
    throw Failure(
      .request, asked: "unpack kernel \(spec)", cause: "git cannot archive the revision",
      place: directory, evidence: Array(lines.prefix(5)),
      remedy: "check the repository with git fsck; in a partial clone, run git archive there first:"
        + " kshim fetches nothing into it")
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// Reads commits out of a repository with git's plumbing, which writes nothing there.
struct CommitReader: Sendable {
  let directory: String
  let asked: String
  let environment: [String: String?]
  /// Holds the content of each blob, under its id.
  let scratch: ScratchDirectory

  /// What is compared: see ``KernelTree/kept``.
  var kept = KernelTree.keptPaths

  /// How a tree differs from another, in what is compared.
  struct Difference: Equatable {
    /// By relative path, where the content of a file is that is new or another.
    var copies: [String: String] = [:]
    /// Files that are gone: relative paths, sorted.
    var deleted: [String] = []
  }

  /// What is compared, from the top of the repository, wherever in it `directory` is.
  private var paths: [String] {
    kept.map(NeededPath.init).map {
      $0.isOwnFiles ? ":(top,glob)\(Self.literal($0.path))/*" : ":(top,literal)\($0.path)"
    }
  }

  private static func literal(_ path: String) -> String {
    String(path.flatMap { "*?[\\".contains($0) ? ["\\", $0] : [$0] })
  }

  private func git(_ arguments: [String], _ input: Data? = nil) async throws -> Data {
    let result = try await Git.run(
      in: directory, arguments, environment: environment, input: input)
    guard result.succeeded else { throw unreadable(Array(result.errorLines.prefix(5))) }
    return result.output
  }

  /// The failure for a repository that lacks what its commits name.
  func unreadable(_ lines: [String]) -> Failure {
    Failure(
      .request, asked: asked, cause: "git cannot read the commits", place: directory,
      evidence: lines,
      remedy: "check the repository with git fsck; a shallow or partial clone has to fetch what it"
        + " lacks first, because kshim fetches nothing into it")
  }

  /// Commits, as `git log` lists them.
  func log(_ arguments: [String]) async throws -> [Commit] {
    let output = try await git(
      [
        "log", "-z", "-s", "--no-show-signature", "--no-color", "--encoding=UTF-8",
        "--format=%H%n%h%n%T%n%P%n%s",
      ] + arguments + ["--"])
    return String(decoding: output, as: UTF8.self).split(separator: "\0").map { record in
      let lines =
        record.split(separator: "\n", maxSplits: 4, omittingEmptySubsequences: false)
        .map(String.init) + Array(repeating: "", count: 5)
      return Commit(
        id: lines[0], abbreviated: lines[1], subject: lines[4].shown(),
        parents: lines[3].split(separator: " ").map(String.init), tree: lines[2])
    }
  }

  /// How each tree differs from `base`, by id; the files are written to the scratch directory.
  ///
  /// - Parameter unpacked: where the files of `base` are.
  func differences(
    of trees: [String], from base: String, unpacked: String
  ) async throws -> [String: Difference] {
    let pairs = trees.map { "\(base) \($0)\n" }.joined()
    let output = try await git(
      ["diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--full-index", "--no-abbrev"]
        + ["--"] + paths,
      Data(pairs.utf8))
    var changes: [String: [Change]] = [:]
    var tree = ""
    var parts = output.split(separator: 0, omittingEmptySubsequences: true)[...]
    while var part = parts.popFirst().map({ String(decoding: $0, as: UTF8.self) }) {
      // The pair that follows stands on a line before its first record.
      while part.first != ":", let end = part.firstIndex(of: "\n") {
        tree = String(part[..<end].split(separator: " ").last ?? "")
        part = String(part[part.index(after: end)...])
      }
      guard part.first == ":", let path = parts.popFirst() else { continue }
      let fields = part.split(separator: " ")
      guard fields.count == 5 else { continue }
      changes[tree, default: []].append(
        Change(
          path: String(decoding: path, as: UTF8.self), oldMode: fields[0].dropFirst(),
          mode: fields[1], old: fields[2], blob: String(fields[3])))
    }
    try await write(changes.values.joined().filter { $0.kind != .gone }.map(\.blob))
    return changes.mapValues { difference($0, unpacked) }
  }

  private struct Change {
    enum Kind { case file, link, gone }
    var path: String
    var oldMode: Substring
    var mode: Substring
    var old: Substring
    var blob: String

    /// A submodule holds no file of the kernel's.
    var kind: Kind {
      mode == "120000" ? .link : mode.hasPrefix("100") ? .file : .gone
    }
    var isMode: Bool { old == blob && kind == .file && oldMode.hasPrefix("100") }
  }

  private func difference(_ changes: [Change], _ unpacked: String) -> Difference {
    var result = Difference()
    for change in changes {
      switch change.kind {
      case .file where !change.isMode: result.copies[change.path] = copy(change.blob)
      case .gone: result.deleted.append(change.path)
      default: break
      }
    }
    // A link stands for the file that it names, which may be one of the above.
    for change in changes where change.kind == .link {
      let target = (try? String(contentsOfFile: copy(change.blob), encoding: .utf8)) ?? ""
      let folder = (change.path as NSString).deletingLastPathComponent
      let named = URL(fileURLWithPath: "/\(folder)/\(target)").standardizedFileURL.path.dropFirst()
      result.copies[change.path] = result.copies[String(named)] ?? "\(unpacked)/\(named)"
    }
    result.deleted.sort()
    return result
  }

  private func copy(_ blob: String) -> String { "\(scratch.path)/\(blob)" }

  /// Writes blobs to the scratch directory.
  private func write(_ blobs: [String]) async throws {
    let ids = Set(blobs).sorted()
    for start in stride(from: 0, to: ids.count, by: 500) {
      let part = ids[start..<min(start + 500, ids.count)]
      let output = try await git(
        ["cat-file", "--batch"], Data(part.map { "\($0)\n" }.joined().utf8))
      var rest = output[...]
      for id in part {
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { break }
        let header = String(decoding: rest[..<end], as: UTF8.self).split(separator: " ")
        guard header.count == 3, let size = Int(header[2]),
          rest.count > end + size - rest.startIndex
        else { throw unreadable(["object \(id): \(header.last ?? "missing")"]) }
        let content = rest[(end + 1)..<(end + 1 + size)]
        do {
          try content.write(to: URL(fileURLWithPath: copy(id)))
        } catch {
          throw DiskTrouble.failure(asked: asked, temporary: scratch.path, error)
        }
        rest = rest[(end + 1 + size)...].dropFirst()
      }
    }
  }

  /// The lines in which a tree differs from another; see ``Revision/touched``.
  ///
  /// - Parameter copy: where a file of the second tree is.
  func touched(
    from old: String, to new: String, copy: @escaping (String) -> String
  ) async throws -> [String: [ClosedRange<Int>]] {
    let diff = try await git(
      [
        "-c", "core.quotePath=false", "diff-tree", "-r", "-p", "-U0", "--no-renames",
        "--no-ext-diff", "--no-textconv", "--no-color", "--text", "--src-prefix=old/",
        "--dst-prefix=new/", old, new, "--",
      ] + paths)
    return LineRanges.changed(inDiff: diff, root: "new", copy: copy)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Checking
import Failures
import Foundation
import KernelSource

/// A revision as `kshim compare` is told it: `base`, `v1.mbox`, `A..B`, `debian:7.3`, `v2=FILE`.
struct RevisionName {
  enum Source: Equatable {
    case base
    /// Patches on the kernel, in order.
    case patches([String])
    /// Of the kernel's repository: the end of a range.
    case range(String)
    case kernel(String)
  }

  var label: String
  var source: Source

  /// - Throws: ``Failure`` of kind request for a name of nothing, or a label that stands twice.
  static func read(_ spellings: [String]) throws -> [RevisionName] {
    let names = try spellings.map(RevisionName.init)
    for (index, name) in names.enumerated()
    where names[..<index].contains(where: { $0.label == name.label }) {
      throw Failure(
        .request, asked: "compare \(spellings.joined(separator: " "))",
        cause: "two revisions are called \(name.label)",
        remedy: "give one of them a label: LABEL=\(spellings[index])")
    }
    let readers = names.filter { $0.source == .patches(["-"]) }
    if readers.count > 1 {
      throw Failure(
        .request, asked: "compare \(spellings.joined(separator: " "))",
        cause: "standard input is named more than once", remedy: "name - once")
    }
    return names
  }

  init(_ spelling: String) throws {
    var rest = spelling
    var label: String?
    // A file of that name wins: it may have a = in it.
    if !FileManager.default.fileExists(atPath: spelling),
      let match = spelling.wholeMatch(of: /([A-Za-z0-9._-]+)=(.+)/)
    {
      label = String(match.1)
      rest = String(match.2)
    }
    source = try Self.source(rest, spelling)
    self.label = label ?? Self.label(of: rest)
  }

  private static func label(of rest: String) -> String {
    let name = (rest as NSString).lastPathComponent
    for ending in [".mbox", ".patch", ".diff", ".eml"] where name.hasSuffix(ending) {
      return String(name.dropLast(ending.count))
    }
    return rest == "-" ? "stdin" : rest.contains("..") ? rest : name
  }

  private static func source(_ rest: String, _ spelling: String) throws -> Source {
    if rest == "base" { return .base }
    if rest == "-" { return .patches(["-"]) }
    var isDirectory: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: rest, isDirectory: &isDirectory)
    if exists, isDirectory.boolValue {
      let names = ((try? FileManager.default.contentsOfDirectory(atPath: rest)) ?? []).sorted()
      if names.contains("Makefile") { return .kernel(rest) }
      // What git format-patch wrote, its cover letter aside.
      let patches = names.filter { name in
        [".patch", ".mbox", ".eml", ".diff"].contains(where: name.hasSuffix)
          && !name.hasSuffix("cover-letter.patch")
      }
      guard patches.isEmpty else { return .patches(patches.map { "\(rest)/\($0)" }) }
      throw Failure(
        .request, asked: "compare \(spelling)",
        cause: "the directory holds neither a kernel nor a patch", place: rest,
        remedy: "name a kernel tree, or a directory with *.patch files")
    }
    let isTarball = rest.contains(".tar") || rest.hasSuffix(".tgz")
    if exists { return isTarball ? .kernel(rest) : .patches([rest]) }
    if rest.hasPrefix("debian:") || rest.contains("@") { return .kernel(rest) }
    if rest.contains("..") { return .range(rest) }
    throw Failure(
      .request, asked: "compare \(spelling)", cause: "there is no file or directory \(rest)",
      remedy: (Nearest.path(to: rest) ?? Nearest.name(to: rest, in: ["base"]))
        .map { "did you mean \($0)?" }
        ?? "name base, a patch or mbox file, a git range A..B, a kernel, or LABEL=one of these")
  }

  /// The revisions, in order. What was made of them is removed when one cannot be had.
  static func resolve(_ names: [RevisionName], kernel: String) async throws -> [Compare.Candidate] {
    let store = KernelStore.own
    var candidates: [Compare.Candidate] = []
    do {
      for name in names {
        let (spec, files): (String, [String]) =
          switch name.source {
          case .base: (kernel, [])
          case .patches(let files): (kernel, files)
          case .kernel(let other): (other, [])
          case .range(let range): ("\(Self.repository(of: kernel))@\(range)", [])
          }
        let (revision, base) = try await RevisionOptions.resolve(
          spec, PatchFile.read(files), store)
        base?.close()
        candidates.append(.init(label: name.label, revision: revision))
      }
    } catch {
      for candidate in candidates { candidate.revision.close() }
      throw error
    }
    return candidates
  }

  /// The repository that a kernel is a revision of: its directory.
  private static func repository(of kernel: String) -> String {
    if case .git(let directory, _) = try? KernelSpec(kernel) { return directory }
    return kernel
  }
}

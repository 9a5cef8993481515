// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// Patches being put, one after another, on copies of the files that they touch.
struct PatchApplication {
  static let scratchPrefix = "kshim-revision-"

  let tree: KernelTree
  let scratch: ScratchDirectory
  let environment: [String: String?]

  /// See ``KernelStore/revision(tree:patches:mayChangeNothing:)``.
  var mayChangeNothing = false
  private(set) var overlay: [String: String] = [:]
  private(set) var deleted: Set<String> = []
  private(set) var touched: [String: [ClosedRange<Int>]] = [:]
  private(set) var skipped: Set<String> = []
  private(set) var remarks: [String] = []
  /// What was looked for in the tree already: a file that a patch deleted must not come back.
  private var seen: Set<String> = []

  init(tree: KernelTree, scratch: ScratchDirectory, environment: [String: String?]) {
    self.tree = tree
    self.scratch = scratch
    self.environment = environment
  }

  /// The files as the tree has them.
  private var before: String { "\(scratch.path)/old" }
  /// The files as the patches so far leave them.
  private var after: String { "\(scratch.path)/new" }

  // MARK: One patch

  /// Applies the next patch.
  mutating func apply(_ patch: PatchFile, _ index: Int) async throws {
    let file = "\(scratch.path)/\(index).patch"
    try prepare {
      for directory in [before, after] {
        try FileManager.default.createDirectory(
          atPath: directory, withIntermediateDirectories: true)
      }
      try patch.content.write(to: URL(fileURLWithPath: file))
    }
    let results = try await paths(of: patch, file)
    let outside = results.filter { !tree.holds($0) }
    let inside = results.subtracting(outside)
    try refuse(patch, strange: outside.filter { !KernelTree.mayHold($0) })
    skipped.formUnion(outside)
    guard !inside.isEmpty else { return }
    // git goes by the new name alone, so where a file comes from does not decide.
    for path in inside.union(patch.renameOrigins) { try bring(path) }

    let arguments =
      ["--whitespace=nowarn"] + outside.sorted().map { "--exclude=\(Self.literal($0))" } + [file]
    let result = try await git(["apply", "-v"] + arguments)
    guard result.succeeded else {
      throw try await rejection(of: patch, result, arguments)
    }
    var checked = ""
    for line in result.errorLines {
      if line.hasPrefix("Checking patch ") {
        checked = String(line.dropFirst("Checking patch ".count)).replacing("...", with: "")
      } else if line.hasPrefix("Hunk #") || line.hasPrefix("Context reduced") {
        remarks.append("\(checked): \(line)")
      }
    }
  }

  /// A patch whose paths are spelled for another -p must not end in a verdict.
  private func refuse(_ patch: PatchFile, strange: Set<String>) throws {
    guard let path = strange.min() else { return }
    throw Failure(
      .request, asked: "apply \(patch.title)",
      cause: "it changes \(path), which is no path of a kernel",
      remedy: "make the patch with git, or with 'diff -u a/FILE b/FILE' from the kernel's top: "
        + "the first part of each path is taken off")
  }

  /// Patches that leave out all that they change must not end in a verdict either.
  private func refuseNothing() throws {
    guard !mayChangeNothing, overlay.isEmpty, deleted.isEmpty, !skipped.isEmpty else { return }
    throw Failure(
      .request, asked: "patch kernel \(tree.spec)",
      cause: "the patches change only what was not unpacked of this kernel",
      evidence: skipped.sorted(),
      remedy: "name a whole kernel tree with --kernel DIRECTORY, or leave the patches out")
  }

  /// The paths that a patch leaves, changes or deletes, relative to the top.
  private func paths(of patch: PatchFile, _ file: String) async throws -> Set<String> {
    let result = try await git(["apply", "--numstat", "-z", file])
    guard result.succeeded else { throw Self.unreadable(patch, result.errorLines) }
    let records = result.outputText.split(separator: "\0")
    let paths = records.compactMap { $0.split(separator: "\t", maxSplits: 2).last.map(String.init) }
    for path in paths + patch.renameOrigins
    where path.hasPrefix("/") || path.split(separator: "/").contains("..") {
      throw Failure(
        .request, asked: "apply \(patch.title)",
        cause: "it touches \(path), which is outside of the kernel tree",
        remedy: "make the patch with git at the top of the tree")
    }
    return Set(paths)
  }

  /// Copies a file of the tree, once, to where it can be patched.
  private mutating func bring(_ path: String) throws {
    guard seen.insert(path).inserted else { return }
    let files = FileManager.default
    var status = stat()
    guard lstat("\(tree.directory)/\(path)", &status) == 0, status.st_mode & S_IFMT != S_IFDIR
    else { return }
    try prepare {
      for side in [before, after] {
        let target = "\(side)/\(path)"
        try files.createDirectory(
          atPath: (target as NSString).deletingLastPathComponent,
          withIntermediateDirectories: true)
        try files.copyItem(atPath: "\(tree.directory)/\(path)", toPath: target)
      }
    }
  }

  // MARK: All patches together

  /// Compares the patched files with the tree's own.
  mutating func finish() async throws {
    guard FileKind(after) == .directory else { return try refuseNothing() }
    for case let path as String in FileManager.default.enumerator(atPath: after) ?? .init()
    where FileKind("\(after)/\(path)") == .file {
      seen.insert(path)
    }
    for path in seen {
      let isThere = Self.exists("\(after)/\(path)")
      let wasThere = Self.exists("\(before)/\(path)")
      if wasThere, !isThere { deleted.insert(path) }
      let same =
        wasThere
        && FileManager.default.contentsEqual(
          atPath: "\(before)/\(path)", andPath: "\(after)/\(path)")
      if isThere, !same { overlay[path] = "\(after)/\(path)" }
    }
    try refuseNothing()
    let difference = try await git([
      "diff", "--no-index", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color",
      "--text", "-U0", "--src-prefix=", "--dst-prefix=", "--", before, after,
    ])
    // 0 and 1 are git's words for "the same" and "they differ".
    guard difference.status <= 1 else {
      throw Failure(
        .tool, asked: "compare the patched files", cause: "git diff failed",
        evidence: Array(difference.errorLines.prefix(5)), remedy: "check that git works")
    }
    let ranges = LineRanges.changed(inDiff: difference.output, root: after)
    for (path, changed) in ranges where overlay[path] != nil { touched[path] = changed }
  }

  private static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  // MARK: What goes wrong

  /// The failure for a patch that git cannot read.
  private static func unreadable(_ patch: PatchFile, _ lines: [String]) -> Failure {
    let first = lines.first ?? ""
    let noPatch = lines.contains { $0.contains("No valid patches in input") }
    let line = first.firstMatch(of: /\bline ([0-9]+)/).map { ":\($0.1)" }
    return Failure(
      .request, asked: "apply \(patch.title)",
      cause: noPatch ? "it is not a patch: git finds no diff in it" : "git cannot read it",
      place: line.map { patch.title + $0 }, evidence: noPatch ? [] : Array(lines.prefix(5)),
      remedy: noPatch
        ? "name a unified diff, as git diff or git format-patch writes it"
        : "save the patch again as it was sent, lines unwrapped and unchanged")
  }

  /// The failure for a patch that does not apply, with the hunks that do not fit.
  private func rejection(
    of patch: PatchFile, _ result: Command.Result, _ arguments: [String]
  ) async throws -> Failure {
    // The text that was searched for follows "while searching for:"; the hunk shows it better.
    let errors = result.errorLines.filter { $0.hasPrefix("error: ") }.map { $0.dropFirst(7) }
      .filter { $0 != "while searching for:" }
    let misfit = errors.lazy.compactMap { $0.wholeMatch(of: /patch failed: (.*):([0-9]+)/) }.first
    let asked = "apply \(patch.title)"
    let said = errors.prefix(5).map { "git: \($0)" }
    if try await git(["apply", "--check", "--reverse"] + arguments).succeeded {
      return Failure(
        .request, asked: asked,
        cause: "the kernel, version \(tree.version), has this patch already",
        place: misfit.map { "\($0.1):\($0.2)" }, evidence: said,
        remedy: "leave the patch out, or name the tree it was made for with --kernel")
    }
    // The copies are thrown away, so git may put the hunks that do not fit next to them.
    _ = try await git(["apply", "--reject"] + arguments)
    let rejects = Self.rejects(in: after)
    let cause: String
    let place: String?
    if let misfit {
      cause =
        "a hunk does not fit \(misfit.1) at line \(misfit.2) of this kernel,"
        + " version \(tree.version)"
      place = "\(misfit.1):\(misfit.2)"
    } else {
      let first = errors.first.map(String.init) ?? result.errorLines.first ?? "status 1"
      cause = "git refuses it for this kernel, version \(tree.version) (\(first))"
      place = nil
    }
    return Failure(
      .request, asked: asked, cause: cause, place: place, evidence: said + rejects,
      remedy: "rebase the patch onto \(tree.version), or name the tree it was made for with"
        + " --kernel")
  }

  /// What git could not apply, a screenful at most.
  private static func rejects(in directory: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: directory)?.allObjects ?? []
    let files = names.compactMap { $0 as? String }.filter { $0.hasSuffix(".rej") }.sorted()
    let lines = files.flatMap { file in
      let data = FileManager.default.contents(atPath: "\(directory)/\(file)") ?? Data()
      return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }
    let most = 60
    return lines.count <= most
      ? lines : lines.prefix(most) + ["… and \(lines.count - most) more lines"]
  }

  // MARK: Running

  private func git(_ arguments: [String]) async throws -> Command.Result {
    try await Git.runOutsideRepositories(
      arguments, directory: FileKind(after) == .directory ? after : scratch.path,
      environment: environment)
  }

  private func prepare(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      throw Failure(
        .tool, asked: "patch kernel \(tree.spec)",
        cause: "a file could not be copied (\(error.localizedDescription))", place: scratch.path,
        remedy: "check that the tree can be read, or set TMPDIR to a directory with more room")
    }
  }

  /// A path as a pattern for `git apply --exclude` that matches nothing else.
  private static func literal(_ path: String) -> String {
    String(path.flatMap { "*?[\\".contains($0) ? ["\\", $0] : [$0] })
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// Patches being put, one after another, on copies of the files that they touch.
struct PatchApplication {
  static let scratchPrefix = ScratchDirectory.revision

  /// As far as it is unpacked by now.
  private(set) var tree: KernelTree
  /// Unpacks more of it; see ``KernelStore/need(_:of:progress:)``.
  private let need: Need
  let scratch: ScratchDirectory
  let environment: [String: String?]

  /// See ``KernelStore/revision(tree:patches:mayChangeNothing:)``.
  var mayChangeNothing = false
  private(set) var overlay: [String: String] = [:]
  private(set) var deleted: Set<String> = []
  private(set) var touched: [String: [ClosedRange<Int>]] = [:]
  private(set) var skipped: Set<String> = []
  private(set) var remarks: [String] = []
  /// Why no more of the tree can be unpacked.
  private var unavailable: Failure?
  /// The patches so far, each with the arguments with which git applied it.
  private(set) var applied: [(patch: PatchFile, arguments: [String])] = []
  /// What was looked for in the tree already: a file that a patch deleted must not come back.
  private(set) var seen: Set<String> = []

  typealias Need = (_ paths: [String], _ tree: KernelTree) async throws -> KernelTree

  init(
    tree: KernelTree, scratch: ScratchDirectory, environment: [String: String?],
    need: @escaping Need
  ) {
    self.tree = tree
    self.need = need
    self.scratch = scratch
    self.environment = environment
  }

  /// The files as the tree has them.
  var before: String { "\(scratch.path)/old" }
  /// The files as the patches so far leave them.
  var after: String { "\(scratch.path)/new" }

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
    try refuse(patch, strange: results.filter { !tree.holds($0) && !KernelTree.mayHold($0) })
    let origins = PlainDiff.renameOrigins(of: patch.content)
    try await unpack(results.union(origins))
    let outside = results.filter { !tree.holds($0) }
    let inside = results.subtracting(outside)
    skipped.formUnion(outside)
    guard !inside.isEmpty else { return }
    // git goes by the new name alone, so where a file comes from does not decide.
    let brought = inside.union(origins)
    for path in brought {
      try refuseLinks(patch, path)
      try bring(path)
    }

    let arguments =
      ["--whitespace=nowarn"] + outside.sorted().map { "--exclude=\(Self.literal($0))" } + [file]
    let plain = try await git(["apply", "-v"] + arguments)
    if plain.succeeded {
      remarks += Placement.read(plain.errorLines).map(\.remark)
      applied.append((patch, arguments))
    } else {
      let fuzzy = try await applyWithFuzz(patch, plain, arguments)
      remarks += fuzzy.remarks
      applied.append((patch, [fuzzy.context] + arguments))
    }
  }

  /// Gets the folders of files that were not unpacked. Where they cannot be had, the files are left
  /// out, and a remark says why.
  private mutating func unpack(_ files: Set<String>) async throws {
    let folders = Set(
      files.filter { !tree.holds($0) && KernelTree.mayHold($0) }.map(KernelTree.folder))
    guard !folders.isEmpty, unavailable == nil else { return }
    do {
      tree = try await need(folders.sorted(), tree)
    } catch let error as Failure {
      unavailable = error
      remarks.append("no more of \(tree.spec) can be unpacked: \(error.cause)")
    }
  }

  /// No patch writes through a symbolic link or in place of a directory, as git sees to in a whole
  /// tree. The copies are no whole tree.
  private func refuseLinks(_ patch: PatchFile, _ path: String) throws {
    let parts = path.split(separator: "/")
    for count in 1...max(1, parts.count) {
      let part = parts.prefix(count).joined(separator: "/")
      var status = stat()
      let isCopied = lstat("\(after)/\(part)", &status) == 0
      if !isCopied {
        guard !seen.contains(part), lstat("\(tree.directory)/\(part)", &status) == 0 else {
          continue
        }
      }
      let kind = status.st_mode & S_IFMT
      guard count < parts.count ? kind == S_IFLNK : kind == S_IFDIR else { continue }
      throw Failure(
        .request, asked: "apply \(patch.title)",
        cause: count < parts.count
          ? "it changes \(path), and \(part) is a symbolic link"
          : "it changes \(path), which is a directory",
        remedy: "make the patch with git at the top of the tree")
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
      cause: "the patches change only what was not unpacked of this kernel, and "
        + (unavailable?.cause ?? "no more of it can be"),
      evidence: skipped.sorted(),
      remedy: "name a whole kernel tree with --kernel DIRECTORY, or leave the patches out")
  }

  /// The paths that a patch leaves, changes or deletes, relative to the top.
  private func paths(of patch: PatchFile, _ file: String) async throws -> Set<String> {
    let result = try await git(["apply", "--numstat", "-z", file])
    guard result.succeeded else { throw Self.unreadable(patch, result.errorLines) }
    let records = result.outputText.split(separator: "\0")
    let paths = records.compactMap { $0.split(separator: "\t", maxSplits: 2).last.map(String.init) }
    for path in paths + PlainDiff.renameOrigins(of: patch.content)
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
    // git counts the lines of the diff, which are not those of a mail.
    let found = first.firstMatch(of: /\bline ([0-9]+)/)
    let line = found.flatMap { Int($0.1) }.flatMap(patch.lineOfFile)
    var said = lines
    if let found, line.map(String.init) != String(found.1) {
      said[0].replaceSubrange(
        found.range, with: line.map { "line \($0)" } ?? "line \(found.1) of the mail's patch")
    }
    return Failure(
      .request, asked: "apply \(patch.title)",
      cause: noPatch ? "it is not a patch: git finds no diff in it" : "git cannot read it",
      place: line.map { "\(PatchFile.title(of: patch.name)):\($0)" },
      evidence: noPatch ? [] : Array(said.prefix(5)),
      remedy: noPatch
        ? "name a unified diff, as git diff or git format-patch writes it"
        : patch.suspicion ?? "save the patch again as it was sent, lines unwrapped and unchanged")
  }

  // MARK: Running

  /// - Parameter directory: where; nil: at the files as the patches so far leave them.
  func git(_ arguments: [String], in directory: String? = nil) async throws -> Command.Result {
    try await Git.runOutsideRepositories(
      arguments,
      directory: directory ?? (FileKind(after) == .directory ? after : scratch.path),
      environment: environment)
  }

  func prepare(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch {
      throw Failure(
        .tool, asked: "patch kernel \(tree.spec)",
        cause: "a file could not be copied (\(DiskTrouble.reason(error)))", place: scratch.path,
        remedy: "check that the tree can be read, or set TMPDIR to a directory with more room")
    }
  }

  /// A path as a pattern for `git apply --exclude` that matches nothing else.
  private static func literal(_ path: String) -> String {
    String(path.flatMap { "*?[\\".contains($0) ? ["\\", $0] : [$0] })
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Failures
import Foundation
import KernelSource

/// What a result depends on, in hashes.
enum Fingerprint {
  /// kshim itself: the running program with its libraries, the files of the installation that an
  /// extraction or a build reads, and the compiler.
  static func identity(of installation: Installation) async throws -> String {
    let toolchain = try Toolchain.locate()
    let tools = ["clang", "llvm-nm", "llvm-symbolizer", "llvm-cov", "llvm-profdata"]
      .map { URL(fileURLWithPath: toolchain.tool($0)).resolvingSymlinksInPath().path }
    let environment = ProcessInfo.processInfo.environment
    let variables = [
      "CPATH", "C_INCLUDE_PATH", "GCC_EXEC_PREFIX", "COMPILER_PATH", "LIBRARY_PATH",
      "CCC_OVERRIDE_OPTIONS",
    ].map { "\($0)=\(environment[$0] ?? "")" }
    let own = contents(of: installation)
    let program = try await program(installation.cache)
    return Digest.of(
      (["kshim results 2", installation.root] + (program + tools).map(stamp) + variables + own)
        .joined(separator: "\n"))
  }

  /// The program and the libraries that it is linked with. Not what /proc/self/maps lists: that
  /// changes with the threads that the process has, and with what else it has loaded by now.
  ///
  /// - Parameter cache: keeps what `ldd` says, which takes long, for the program as it is.
  private static func program(_ cache: String) async throws -> [String] {
    let path = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    let environment = ProcessInfo.processInfo.environment
    let asked = Digest.of(
      [stamp(path), stamp("/etc/ld.so.cache"), environment["LD_LIBRARY_PATH"] ?? ""]
        .joined(separator: "\n"))
    let kept = "\(cache)/linked-\(asked.prefix(32))"
    if let known = KeptFile.read(kept) {
      return String(decoding: known, as: UTF8.self).split(separator: "\n").map(String.init)
    }
    let program = ([path] + (try await libraries(of: path))).sorted()
    try? KeptFile.write(Data(program.joined(separator: "\n").utf8), to: kept)
    let old = KeptFile.aged(in: cache).filter { $0.hasPrefix("\(cache)/linked-") }
    for path in old.dropLast(8) { unlink(path) }
    return program
  }

  /// - Throws: ``Failure`` of kind tool where they cannot be told: half a list is no identity.
  static func libraries(of program: String) async throws -> [String] {
    let linked = try await Command.run("ldd", [program])
    if (linked.outputText + linked.errorText).contains("not a dynamic executable") { return [] }
    guard linked.succeeded else {
      throw Failure(
        .tool, asked: "tell which libraries kshim uses", cause: "ldd does not say", place: program,
        evidence: Array(linked.errorLines.prefix(3)), remedy: "check that ldd works by hand")
    }
    // `libz.so.1 => /lib/libz.so.1 (0x7f…)`, or the loader's path alone
    return linked.outputText.split(separator: "\n").compactMap { line in
      line.split(separator: " ").first { $0.hasPrefix("/") }.map(String.init)
    }
  }

  private static func stamp(_ path: String) -> String {
    FileStamp(path).text.map { "\(path) \($0)" } ?? "\(path) is gone"
  }

  /// `HASH  PATH` of each file that an extraction or a build reads.
  private static func contents(of installation: Installation) -> [String] {
    let extract = ["subjects", "services", "glue", "options", "table.inc", "runtime.inc"]
    let names = Files.below(
      ["shims"] + extract.map { "kernel-extract/\($0)" }, in: installation.root)
    let hashes = Digest.of(
      files: names.map { "\(installation.root)/\($0)" } + installation.addedFiles)
    return hashes.map { "\($0.value)  \($0.key)" }.sorted()
  }
}

/// What is known of one tree's files, so that revisions that differ little from it cost little.
struct TreeFingerprint {
  let tree: String
  let reading: Reading
  /// SHA-256 by relative path; a file that is not there has none.
  private let hashes: [String: String]
  /// Files in the include directories that are called as one that was read.
  private let candidates: Set<String>
  private let files: Set<String>
  private let names: Set<String>

  init(_ reading: Reading, in tree: String) {
    self.tree = tree
    self.reading = reading
    let prefix = tree + "/"
    let hashes = Digest.of(files: reading.files.map { prefix + $0 })
    self.hashes = Dictionary(
      uniqueKeysWithValues: hashes.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
    let names = Set(reading.names)
    files = Set(reading.files)
    candidates = Set(
      Files.below(reading.roots, in: tree) { names.contains($0) })
    self.names = names
  }

  /// - Parameter kept: what ``kept`` was; nothing of the tree is read.
  init(_ reading: Reading, in tree: String, kept: Data) {
    self.tree = tree
    self.reading = reading
    let words = kept.split(separator: 0, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    let count = min(2 * (words.first.flatMap { Int($0) } ?? 0), words.count - 1)
    hashes = Dictionary(
      stride(from: 1, to: count, by: 2).map { (words[$0], words[$0 + 1]) },
      uniquingKeysWith: { first, _ in first })
    candidates = Set(words[(count + 1)...])
    files = Set(reading.files)
    names = Set(reading.names)
  }

  /// What is known of the tree, for ``init(_:in:kept:)``: how many files have a hash, each and its
  /// hash, and the candidates.
  var kept: Data {
    Data(
      (["\(hashes.count)"] + hashes.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
        + candidates.sorted()).joined(separator: "\0").utf8)
  }

  private static func name(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  /// Of a revision of this tree, the files in which it differs and that matter: where each is, nil
  /// where it is gone.
  func changes(in revision: Revision) -> [String: String?] {
    var changes: [String: String?] = [:]
    for path in Array(revision.overlay.keys) + revision.deleted
    where files.contains(path) || names.contains(Self.name(path)) {
      changes.updateValue(revision.overlay[path], forKey: path)
    }
    return changes
  }

  /// All that the reading depends on, as text.
  ///
  /// - Parameters:
  ///   - changes: the revision's; see ``changes(in:)``.
  ///   - changed: SHA-256 of each file there is, by where it is.
  func text(_ changes: [String: String?], changed: [String: String]) -> String {
    var candidates = candidates
    var hashes = hashes
    for (path, copy) in changes {
      let isBelow = reading.roots.contains { path.hasPrefix($0 + "/") }
      if copy != nil, isBelow, names.contains(Self.name(path)) {
        candidates.insert(path)
      } else if copy == nil {
        candidates.remove(path)
      }
      hashes[path] = copy.flatMap { changed[$0] }
    }
    return reading.files.map { "\(hashes[$0] ?? "none") \($0)\n" }.joined() + "\n"
      + candidates.sorted().joined(separator: "\n")
  }

  /// Whether nothing of the tree that matters was changed since a time: a file's content cannot be
  /// changed without its change time, and no file can come or go without its directory's.
  func isOlder(than time: timespec) -> Bool {
    let paths = candidates.union(files)
    return paths.union(paths.map { ($0 as NSString).deletingLastPathComponent }).allSatisfy {
      var status = stat()
      guard lstat("\(tree)/\($0)", &status) == 0 else { return true }
      let changed = status.st_ctim
      return (changed.tv_sec, changed.tv_nsec) < (time.tv_sec, time.tv_nsec)
    }
  }
}

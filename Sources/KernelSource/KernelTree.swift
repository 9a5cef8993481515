// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// A directory with kernel source that can be read.
///
/// Either the user's own directory, which kshim never writes to, or one that a ``KernelStore``
/// unpacked.
public struct KernelTree: Sendable, Equatable, Codable {
  /// The absolute path of the tree's top, where its Makefile is.
  public let directory: String
  /// The kernel as the user named it: `debian:6.12`, `../linux`.
  public let spec: String
  /// What the top Makefile says it is, `6.12.117` or `6.13.0-rc2`: VERSION, PATCHLEVEL,
  /// SUBLEVEL and EXTRAVERSION, joined as the Makefile itself joins them into KERNELVERSION.
  public let version: String
  /// The files and directories, relative to the top, that were unpacked, and `fs/*` for a directory's
  /// own files; empty where the tree is whole.
  public let kept: [String]

  /// Stands for what was unpacked first, so that what was made of a cached tree is known to be of
  /// this one; empty where the tree is whole.
  package let identity: String

  /// Keeps `kshim kernels prune` from removing a cached tree for as long as somebody has this.
  private var use: FileLock? = nil

  private enum CodingKeys: String, CodingKey { case directory, spec, version, kept, identity }

  public static func == (left: Self, right: Self) -> Bool {
    (left.directory, left.spec, left.version, left.kept)
      == (right.directory, right.spec, right.version, right.kept)
  }

  /// Whether the tree holds only what ``kept`` lists, because it came from the cache.
  public var isPartial: Bool { !kept.isEmpty }

  /// What is unpacked of a kernel: all that extraction reads, some 90 MB of 1.5 GB.
  ///
  /// A cached tree with another list is unpacked anew, so this is the one place to change.
  public static let keptPaths = [".config"] + keptSource

  /// What of it is source, and in every kernel.
  static let keptSource = ["Makefile", "Kbuild", "arch/x86", "include", "lib", "mm", "virt"]

  /// What only a configured tree has, below ``keptPaths``.
  static let configuration = [
    ".config", "include/config/auto.conf", "include/generated", "arch/x86/include/generated",
  ]

  /// Whether the tree's headers follow a configuration: its own build made them, or Debian's.
  public var isConfigured: Bool {
    FileKind("\(directory)/include/generated/autoconf.h") == .file
  }

  /// The name of the file in a cached tree that says what it is.
  static let recordName = ".kshim.json"

  /// What tells what a tree is, relative to the top.
  package static let marks = ["Makefile", "arch/x86", recordName]

  /// Whether a file, relative to the top, is inside what was unpacked: it is there, or the kernel
  /// has none.
  package func holds(_ file: String) -> Bool {
    !isPartial || kept.contains { NeededPath($0).takes(file) }
  }

  /// Whether all of a needed path was unpacked.
  func holds(_ needed: NeededPath) -> Bool {
    if !isPartial || kept.contains(where: { NeededPath($0).covers(needed) }) { return true }
    // Of a folder whose own files were unpacked, it may be one.
    return !needed.isOwnFiles && holds(needed.path)
      && FileKind("\(directory)/\(needed.path)") == .file
  }

  /// What the top of a kernel has, for patches of trees that were unpacked in part.
  private static let topNames: Set<String> = [
    "Documentation", "LICENSES", "arch", "block", "certs", "crypto", "drivers", "fs", "include",
    "init", "io_uring", "ipc", "kernel", "lib", "mm", "net", "rust", "samples", "scripts",
    "security", "sound", "tools", "usr", "virt", "CREDITS", "COPYING", "Kbuild", "Kconfig",
    "MAINTAINERS", "Makefile", "README", ".mailmap", ".gitignore", ".clang-format",
  ]

  /// Whether a path, relative to the top, could be one of a whole kernel.
  static func mayHold(_ path: String) -> Bool {
    path.split(separator: "/").first.map { topNames.contains(String($0)) } ?? false
  }

  /// What to unpack for a file that a patch changes: its folder's own files. Those below may be many,
  /// and are not the patch's.
  static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { "\(path[..<$0])/*" } ?? path
  }

  /// Reads what the tree at `directory` is.
  ///
  /// - Parameters:
  ///   - use: a shared lock on a cached tree's record.
  ///   - changed: stands for what it is where it is no longer what was unpacked.
  /// - Throws: `Failure` of kind request where there is no kernel with an x86 part.
  init(directory: String, spec: String, use: FileLock? = nil, changed: String? = nil) throws {
    let asked = "read kernel \(spec)"
    let remedy = "name the top directory of a kernel tree, or debian:6.12"
    let makefile = "\(directory)/Makefile"
    guard FileKind(makefile) == .file else {
      throw Failure(
        .request, asked: asked, cause: "it is no kernel: it has no Makefile", place: directory,
        remedy: remedy)
    }
    guard let text = String(kernelFile: makefile),
      let version = Self.version(makefile: text)
    else {
      throw Failure(
        .request, asked: asked, cause: "it is no kernel: its Makefile sets no VERSION",
        place: makefile, remedy: remedy)
    }
    guard FileKind("\(directory)/arch/x86") == .directory else {
      throw Failure(
        .request, asked: asked, cause: "it is no kernel with an x86 part: it has no arch/x86",
        place: directory, remedy: remedy)
    }
    self.directory = directory
    self.spec = spec
    self.version = version
    let record = CacheRecord(inTree: directory)
    self.kept = record?.allKept ?? []
    self.identity = (record?.identity ?? "") + (changed ?? "")
    self.use = use
  }

  /// The same tree, with what was unpacked of it since.
  func again() -> KernelTree {
    KernelTree(self, kept: CacheRecord(inTree: directory)?.allKept ?? kept)
  }

  private init(_ tree: KernelTree, kept: [String]) {
    directory = tree.directory
    spec = tree.spec
    version = tree.version
    self.kept = kept
    identity = tree.identity
    use = tree.use
  }

  /// The same tree for a revision that is made from it.
  ///
  /// - Parameter makefile: the revision's own top Makefile; nil where it is the tree's.
  init(_ tree: KernelTree, makefile: String?) {
    directory = tree.directory
    spec = tree.spec
    kept = tree.kept
    identity = tree.identity
    use = tree.use
    version = makefile.flatMap { Self.version(makefile: $0) } ?? tree.version
  }

  /// The version that a top Makefile states; nil where it states none.
  static func version(makefile: String) -> String? {
    var values: [Substring: String] = [:]
    for line in makefile.split(separator: "\n").prefix(40) {
      let sides = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2 else { continue }
      let name = sides[0].prefix { $0.isLetter }
      let value = sides[1].trimmingCharacters(in: .whitespaces)
      if values[name] == nil { values[name] = value }
    }
    guard let major = values["VERSION"], !major.isEmpty, major.allSatisfy(\.isNumber) else {
      return nil
    }
    var version = major
    if let patchLevel = values["PATCHLEVEL"], !patchLevel.isEmpty {
      version += ".\(patchLevel)"
      if let subLevel = values["SUBLEVEL"], !subLevel.isEmpty { version += ".\(subLevel)" }
    }
    return version + (values["EXTRAVERSION"] ?? "")
  }
}

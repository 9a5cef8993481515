// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Synchronization

/// A kernel tree with zero or more patches on it, or a commit, told by how it differs from a tree.
///
/// The tree is left as it is: the files that the patches touch are copied into a temporary
/// directory and patched there; those of a commit are written there. They are gone after
/// ``close()`` or when the last reference to the revision goes.
public final class Revision: Sendable {
  /// The tree underneath, unchanged.
  public let tree: KernelTree
  /// The patches, in the order in which they were applied.
  public let patches: [PatchFile]
  /// The absolute path of the patched copy of each file that the patches changed or added, by
  /// its path relative to the tree's top.
  public let overlay: [String: String]
  /// The files of the tree that the patches delete or rename away: relative paths, sorted.
  public let deleted: [String]
  /// The files that the patches name, be they changed in the end or not: relative paths, sorted.
  package let named: [String]
  /// The lines that the patches added or changed, by relative path: lines of the patched file,
  /// counted from 1, ascending. Where lines only went away, the line that follows them.
  public let touched: [String: [ClosedRange<Int>]]
  /// The files that the patches touch outside of what a partial tree holds, and that were left alone
  /// because no more of it could be unpacked: relative paths, sorted.
  public let skipped: [String]
  /// What the patches' reader has to know: mails with a diff that were left out, hunks that fitted
  /// only at another line (`FILE: Hunk #1 succeeded at 40 (offset 3 lines).`), and hunks that
  /// fitted only with some lines around them ignored (`FILE: Hunk #2 applied with fuzz 1 at 40`).
  public let remarks: [String]

  /// The commit that it is; nil where no range named it.
  public let commit: Commit?
  /// Whether it is anything but the tree itself.
  public var isChanged: Bool { !(patches.isEmpty && overlay.isEmpty && deleted.isEmpty) }

  /// See ``suspicions``; nil until somebody asks.
  let foundSuspicions = Mutex<[Suspicion]?>(nil)

  private let scratch: ScratchDirectory?
  /// What holds the files of a commit, for as long as one of its range's revisions is there.
  private let range: CommitRange?
  /// What it is made from, whose files it needs; nil: it has all of them itself.
  private let underlying: Revision?

  /// Tells it from others. All of one tree without anything on it are one.
  public let id: String

  init(
    tree: KernelTree, patches: [PatchFile], applied: PatchApplication?, commit: Commit? = nil
  ) {
    self.tree = tree
    self.commit = commit
    self.patches = patches
    overlay = applied?.overlay ?? [:]
    deleted = applied?.deleted.sorted() ?? []
    named = applied?.seen.sorted() ?? []
    touched = applied?.touched ?? [:]
    skipped = applied?.skipped.sorted() ?? []
    remarks = patches.flatMap(\.remarks) + (applied?.remarks ?? [])
    scratch = applied?.scratch
    range = nil
    underlying = nil
    id = applied == nil ? tree.directory : UniqueName.make()
  }

  /// A commit of a range.
  init(
    tree: KernelTree, overlay: [String: String], deleted: [String],
    touched: [String: [ClosedRange<Int>]], commit: Commit, range: CommitRange
  ) {
    self.tree = tree
    self.commit = commit
    self.patches = []
    self.overlay = overlay
    self.deleted = deleted
    named = []
    self.touched = touched
    self.range = range
    skipped = []
    remarks = []
    scratch = nil
    underlying = nil
    id = overlay.isEmpty && deleted.isEmpty ? tree.directory : UniqueName.make()
  }

  /// A revision with another content of some of its files.
  private init(_ other: Revision, overlay: [String: String], scratch: ScratchDirectory) {
    tree = other.tree
    patches = other.patches
    self.overlay = overlay
    deleted = other.deleted
    named = other.named
    touched = other.touched
    skipped = other.skipped
    remarks = other.remarks
    commit = other.commit
    self.scratch = scratch
    range = other.range
    underlying = other
    id = UniqueName.make()
  }

  /// As it was written down.
  private init(_ record: Record) {
    tree = record.tree
    patches = record.patches.map { PatchFile(name: $0.name, subject: $0.subject) }
    overlay = record.overlay
    deleted = record.deleted
    named = record.named
    touched = record.touched
    skipped = record.skipped
    remarks = record.remarks
    commit = record.commit
    id = record.id
    scratch = nil
    range = nil
    underlying = nil
  }

  /// The same revision, but for the content of some files, by relative path.
  ///
  /// - Throws: `Failure` of kind tool where they cannot be written.
  public func replacing(_ files: [String: Data]) throws -> Revision {
    let parent = KernelStore.temporaryDirectory
    do {
      let scratch = try ScratchDirectory(prefix: PatchApplication.scratchPrefix, in: parent)
      var overlay = overlay
      for (number, file) in files.sorted(by: { $0.key < $1.key }).enumerated() {
        let path = "\(scratch.path)/\(number)"
        try file.value.write(to: URL(fileURLWithPath: path))
        overlay[file.key] = path
      }
      return Revision(self, overlay: overlay, scratch: scratch)
    } catch {
      throw DiskTrouble.failure(asked: "read kernel \(tree.spec)", temporary: parent, error)
    }
  }

  /// Where a file of this revision is.
  ///
  /// - Parameter relative: the path relative to the tree's top.
  /// - Returns: the absolute path of the patched copy, or of the file in the tree, which may not
  ///   exist; nil where the patches delete it.
  public func path(of relative: String) -> String? {
    if let patched = overlay[relative] { return patched }
    return deleted.contains(relative) ? nil : "\(tree.directory)/\(relative)"
  }

  /// The files below a folder, relative to the tree's top; sorted.
  public func files(below folder: String) -> [String] {
    let there = Files.below([folder], in: tree.directory)
    return Set(there + overlay.keys.filter { $0.hasPrefix("\(folder)/") })
      .subtracting(deleted).sorted()
  }

  /// The tree alone.
  public var base: Revision { Revision(alone: tree) }

  /// A tree without patches.
  package convenience init(alone tree: KernelTree) {
    self.init(tree: tree, patches: [], applied: nil)
  }

  /// Removes the patched copies; ``overlay`` names nothing then. A second call does nothing.
  public func close() { scratch?.remove() }
}

/// For another process, which reads the same files. It holds none of them: whoever wrote it down does.
/// Of the patches it has the names.
extension Revision: Codable {
  private struct Record: Codable {
    struct Patch: Codable {
      var name: String
      var subject: String?
    }
    var id: String
    var tree: KernelTree
    var patches: [Patch]
    var overlay: [String: String]
    var deleted: [String]
    var named: [String]
    var touched: [String: [ClosedRange<Int>]]
    var skipped: [String]
    var remarks: [String]
    var commit: Commit?
  }

  public convenience init(from decoder: any Decoder) throws {
    self.init(try Record(from: decoder))
  }

  public func encode(to encoder: any Encoder) throws {
    try Record(
      id: id, tree: tree, patches: patches.map { .init(name: $0.name, subject: $0.subject) },
      overlay: overlay, deleted: deleted, named: named, touched: touched, skipped: skipped,
      remarks: remarks, commit: commit
    ).encode(to: encoder)
  }
}

extension KernelStore {
  /// Puts patches on a tree, with `git apply` and as for `git apply -p1`, in a copy. Where git
  /// refuses a patch, up to two lines at each end of a hunk may differ, as for patch(1).
  ///
  /// Of a kernel from the cache, the folders of files that a patch touches are unpacked where they are
  /// not there yet; the revision's tree holds them.
  ///
  /// - Parameters:
  ///   - mayChangeNothing: whether patches are taken that change only what cannot be unpacked, as one
  ///     of a series may.
  ///   - progress: called with a line where something is unpacked.
  /// - Throws: `Failure` of kind request where a patch is no patch or does not apply: the hunk
  ///   and git's message are its evidence, and the place is the line of the kernel's file at
  ///   which the hunk belongs. Of kind tool where git is missing or there is no room.
  public func revision(
    tree: KernelTree, patches: [PatchFile], mayChangeNothing: Bool = false,
    progress: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> Revision {
    try await revision(tree: tree, patches: patches, mayChangeNothing: mayChangeNothing) {
      try await need($0, of: $1, progress: progress)
    }
  }

  private func revision(
    tree: KernelTree, patches: [PatchFile], mayChangeNothing: Bool,
    needing need: @escaping PatchApplication.Need
  ) async throws -> Revision {
    guard !patches.isEmpty else { return Revision(tree: tree, patches: [], applied: nil) }
    let parent = Self.temporaryDirectory
    ScratchDirectory.sweep(prefix: PatchApplication.scratchPrefix, in: parent)
    let scratch: ScratchDirectory
    do {
      scratch = try ScratchDirectory(prefix: PatchApplication.scratchPrefix, in: parent)
    } catch {
      throw DiskTrouble.failure(asked: "patch kernel \(tree.spec)", temporary: parent, error)
    }
    var application = PatchApplication(
      tree: tree, scratch: scratch, environment: environment, need: need)
    application.mayChangeNothing = mayChangeNothing
    do {
      for (index, patch) in patches.enumerated() { try await application.apply(patch, index) }
      try await application.finish()
    } catch {
      scratch.remove()
      throw error
    }
    return Revision(tree: application.tree, patches: patches, applied: application)
  }

  /// A revision of a cached tree that nobody has looked at yet.
  public struct Early: Sendable {
    fileprivate let revision: Revision
    /// Of the tree's seal when nothing had been read.
    fileprivate let stamp: FileStamp

    /// The revision, once its tree was looked at; nil where that is another one by now, or had to be read
    /// to know that it is what was unpacked.
    ///
    /// - Parameter tree: as it was resolved.
    public func revision(of tree: KernelTree) -> Revision? {
      revision.tree == tree && revision.tree.identity == tree.identity
        && stamp == Self.stamp(of: tree.directory) ? revision : nil
    }

    fileprivate static func stamp(of directory: String) -> FileStamp {
      FileStamp("\(directory)/\(TreeSeal.name)")
    }
  }

  /// Puts patches on a cached tree as it lies there, to be done when it was looked at. Whatever is wrong
  /// with them is told by ``revision(tree:patches:mayChangeNothing:progress:)``.
  ///
  /// - Returns: nil where the kernel is none of the cache's, or more of it is needed.
  public func early(_ spec: String, patches: [PatchFile]) async -> Early? {
    guard !patches.isEmpty, let directory = place(of: spec), isCached(directory),
      let use = try? Self.use(directory)
    else { return nil }
    let stamp = Early.stamp(of: directory)
    guard stamp.text != nil,
      let tree = try? KernelTree(directory: directory, spec: spec, use: use),
      let revision = try? await revision(
        tree: tree, patches: patches, mayChangeNothing: false,
        needing: { _, _ in throw CancellationError() })
    else { return nil }
    return Early(revision: revision, stamp: stamp)
  }

  package static var temporaryDirectory: String {
    let named = ProcessInfo.processInfo.environment["TMPDIR"] ?? ""
    return realPath(named.hasPrefix("/") ? named : "/tmp")
  }
}

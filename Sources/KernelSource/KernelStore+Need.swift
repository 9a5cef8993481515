// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

extension KernelStore {
  /// Unpacks what else is needed of a kernel, where that is not there yet: from the archive that the
  /// cache keeps of Debian's, from the tarball, or from the repository.
  ///
  ///     let tree = try await store.need(["drivers/base", "fs/*"], of: tree)
  ///
  /// It stays in the cache, and what was there before stays as it is: others may be reading it. What
  /// the kernel has not is no failure.
  ///
  /// - Parameters:
  ///   - paths: relative to the kernel's top: a file, a folder with all below it (`drivers/base`), or
  ///     a folder's own files (`fs/*`).
  ///   - progress: called with a line where something is unpacked.
  /// - Returns: the tree with what it holds now.
  /// - Throws: `Failure` of kind request where a path leads out of the tree, or where the tarball or
  ///   the repository is not there any longer; of kind tool where the cache cannot be written, or the
  ///   archive in it is damaged.
  public func need(
    _ paths: [String], of tree: KernelTree, progress: @Sendable (String) -> Void = { _ in }
  ) async throws -> KernelTree {
    let needed = try paths.map { try Self.needed($0, spec: tree.spec) }
    guard !needed.allSatisfy(tree.holds) else { return tree }
    let now = tree.again()
    if needed.allSatisfy(now.holds) { return now }
    guard isCached(tree.directory), let record = CacheRecord(inTree: tree.directory) else {
      throw Failure(
        .request, asked: "unpack more of kernel \(tree.spec)",
        cause: "it is not one of this cache's", place: tree.directory,
        remedy: "name the kernel as it was named when it was unpacked")
    }
    let key = CacheKey(
      name: (tree.directory as NSString).lastPathComponent, key: record.key, spec: tree.spec,
      listed: record.spec)
    let lock = try await lockForFilling(key, progress)
    defer { lock.release() }
    return try await add(needed, to: tree.again(), key, progress)
  }

  /// Whether more of a tree can be unpacked.
  public func isOwn(_ tree: KernelTree) -> Bool {
    tree.isPartial && isCached(tree.directory) && CacheRecord(inTree: tree.directory) != nil
  }

  private static func needed(_ path: String, spec: String) throws -> NeededPath {
    let plain = path.hasSuffix("/") ? String(path.dropLast()) : path
    let needed = NeededPath(plain)
    let parts = needed.path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let isOut = parts.contains {
      ["", ".", ".."].contains($0) || $0.hasPrefix(SourceArchive.folder)
    }
    guard !isOut else {
      throw Failure(
        .request, asked: "unpack more of kernel \(spec)",
        cause: "\"\(path)\" is no path of a kernel",
        remedy: "name a path from the kernel's top, as drivers/base")
    }
    return needed
  }

  /// With the lock on filling the tree.
  private func add(
    _ needed: [NeededPath], to tree: KernelTree, _ key: CacheKey,
    _ progress: @Sendable (String) -> Void
  ) async throws -> KernelTree {
    let missing = needed.filter { path in
      !tree.holds(path) && !needed.contains { $0 != path && $0.covers(path) }
    }
    guard !missing.isEmpty, var record = CacheRecord(inTree: tree.directory) else { return tree }
    let scratch = try writing(key.spec) {
      try ScratchDirectory(prefix: Self.fillPrefix, in: kernelsDirectory)
    }
    defer { scratch.remove() }
    let fresh = "\(scratch.path)/tree"
    try writing(key.spec) { if mkdir(fresh, 0o755) != 0 { throw lastError() } }
    let words = missing.prefix(3).map(\.spelling) + (missing.count > 3 ? ["…"] : [])
    progress("unpacking \(words.joined(separator: ", ")) of \(key.spec)")
    try await unpack(missing, record, key, into: fresh, scratch.path)
    share(key, fresh)
    var sealed = TreeSeal(inTree: tree.directory, by: seal)
    sealed?.add(missing, of: fresh, to: record)
    try writing(key.spec) {
      for path in missing { try Self.place(path, from: fresh, in: tree) }
    }
    // What is not recorded is not counted, and placed again.
    try await record.add(
      missing, in: tree.directory, hashed: Self.isDownloaded(key.name), environment)
    try writing(key.spec) {
      try sealed?.write(inTree: tree.directory, by: seal)
      try record.writeAdded(inTree: tree.directory, draft: "\(scratch.path)/added")
    }
    limit()
    return tree.again()
  }

  private func unpack(
    _ paths: [NeededPath], _ record: CacheRecord, _ key: CacheKey, into fresh: String,
    _ scratch: String
  ) async throws {
    if key.key.hasPrefix(Self.revisionKey) {
      // The repository as it is named now may be another than the one that was unpacked.
      var directory = key.listed
      for spec in [key.listed, key.spec] {
        switch try? KernelSpec(spec) {
        case .git(let path, _), .range(let path, _, _): directory = path
        default: break
        }
      }
      let object = String(key.key.dropFirst(Self.revisionKey.count))
      try await unpackRevision(object, in: directory, paths, spec: key.spec, into: fresh)
    } else if key.key.hasPrefix(Self.tarballKey) {
      try await unpackTarball(
        key.listed, key: key.key, paths, spec: key.spec, into: fresh, scratch)
    } else {
      let tree = "\(kernelsDirectory)/\(key.name)"
      let archive = SourceArchive(tree: tree, environment: environment)
      do {
        try await archive.unpack(paths, into: fresh, scratch)
      } catch is SourceArchive.Damaged {
        throw Failure(
          .tool, asked: "unpack more of kernel \(key.spec)",
          cause: "the archive that the cache keeps of it is damaged",
          place: "\(tree)/\(SourceArchive.name)",
          remedy: "fetch it again: kshim kernels fetch \(record.spec)")
      } catch let error where !(error is Failure) && !(error is CancellationError) {
        throw unwritable(key.spec, error)
      }
    }
  }

  /// Moves what was unpacked to where the tree lacks it. What the tree holds stays; what an
  /// interrupted kshim left is replaced.
  private static func place(_ path: NeededPath, from fresh: String, in tree: KernelTree) throws {
    guard path.isOwnFiles else { return try place(path.path, from: fresh, in: tree) }
    let names = try? FileManager.default.contentsOfDirectory(atPath: "\(fresh)/\(path.path)")
    for name in names ?? [] {
      var status = stat()
      let file = "\(path.path)/\(name)"
      if lstat("\(fresh)/\(file)", &status) == 0, status.st_mode & S_IFMT != S_IFDIR {
        try place(file, from: fresh, in: tree)
      }
    }
  }

  private static func place(_ path: String, from fresh: String, in tree: KernelTree) throws {
    let (source, target) = ("\(fresh)/\(path)", "\(tree.directory)/\(path)")
    var (own, there) = (stat(), stat())
    guard lstat(source, &own) == 0 else { return }
    let isDirectory = own.st_mode & S_IFMT == S_IFDIR
    if lstat(target, &there) != 0 {
      try FileManager.default.createDirectory(
        atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    } else if isDirectory {
      for name in try FileManager.default.contentsOfDirectory(atPath: source)
      where !tree.holds(NeededPath("\(path)/\(name)")) {
        try place("\(path)/\(name)", from: fresh, in: tree)
      }
      return
    }
    guard rename(source, target) == 0 else { throw lastError() }
  }
}

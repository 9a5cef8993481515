// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

extension KernelStore {
  /// What a cached tree is called and was made from.
  struct CacheKey: Sendable {
    /// The directory's name in ``kernelsDirectory``.
    let name: String
    /// Changes whenever the origin does; see ``CacheRecord/key``.
    let key: String
    /// The kernel as the user named it.
    let spec: String
    /// The same in a spelling that means it from every working directory.
    let listed: String
  }

  /// Where the unpacked trees are, next to their locks and to what is being unpacked.
  var kernelsDirectory: String { "\(cacheDirectory)/kernels" }

  static let fillPrefix = ".filling-"

  /// The cached tree of `key`, unpacked by `unpack` where it is not there or no longer whole.
  ///
  /// - Parameter unpack: fills the first directory with a tree, and may use the second for what
  ///   is not to be kept. Whatever it throws, nothing of it stays. It returns the packages that the
  ///   tree came from.
  func cached(
    _ key: CacheKey, refresh: Bool, _ progress: @Sendable (String) -> Void,
    unpack: (_ tree: String, _ scratch: String) async throws -> [String]
  ) async throws -> KernelTree {
    // What is complete is read without that lock, so that a read-only cache serves it.
    if !refresh, case .whole(let tree) = await existing(key) { return tree }
    let lock: FileLock
    do {
      lock = try await lockForFilling(key, progress)
    } catch let error as Failure {
      // Nothing can be written to a cache of somebody else's; it may serve all the same.
      if !refresh, case .unsealed(let record) = await existing(key),
        let tree = await earlier(key, record)
      {
        return tree
      }
      throw error
    }
    defer { lock.release() }
    var (isDamaged, isOutdated) = (false, false)
    if !refresh {
      switch await existing(key, isLocked: true) {
      case .whole(let tree): return tree
      case .unsealed(let record):
        if let tree = await earlier(key, record) { return tree }
        isDamaged = true
      case .untidy, .damaged: isDamaged = true
      case .outdated: isOutdated = true
      case .nothing: break
      }
    }
    if isDamaged {
      let line = "\(key.spec) in the cache is damaged"
      progress("\(line): unpacking it anew")
      remark("\(line), or is not what kshim unpacked: it is unpacked anew")
    }

    let scratch = try writing(key.spec) {
      try ScratchDirectory(prefix: Self.fillPrefix, in: kernelsDirectory)
    }
    defer { scratch.remove() }
    let fresh = "\(scratch.path)/tree"
    try writing(key.spec) { if mkdir(fresh, 0o755) != 0 { throw lastError() } }
    let packages: [String]
    do {
      packages = try await unpack(fresh, scratch.path)
    } catch let error as DebianUnavailable where isDamaged {
      throw DebianUnavailable(failure: damaged(key, error.failure))
    }
    share(key, fresh)
    seal.note(kernelsDirectory)
    let use = try await record(key, packages, fresh)
    try await replace(key, by: fresh, scratch, waits: refresh || isOutdated, progress)
    let tree = try KernelTree(
      directory: "\(kernelsDirectory)/\(key.name)", spec: key.spec, use: use)
    limit()
    return tree
  }

  /// Writes what a tree is that was just unpacked, and holds it for this process.
  private func record(
    _ key: CacheKey, _ packages: [String], _ fresh: String
  ) async throws -> FileLock? {
    let tree = try KernelTree(directory: fresh, spec: key.spec)
    let hash =
      Self.isDownloaded(key.name)
      ? try await TreeFiles.hash(of: fresh, at: KernelTree.keptPaths, environment) : nil
    return try writing(key.spec) {
      let record = CacheRecord(
        spec: key.listed, key: key.key, packages: packages, unpacked: tree, sha256: hash)
      try record.write(inTree: fresh)
      if seal.trouble() == nil {
        try TreeSeal(of: fresh, record, added: []).write(inTree: fresh, called: key.name, by: seal)
        seal.forget(key.name, in: kernelsDirectory)
      }
      return try Self.use(fresh)
    }
  }

  /// Puts a tree into its place.
  ///
  /// - Parameter waits: whether another kshim may first read the old one to its end. It need not
  ///   where that is damaged.
  private func replace(
    _ key: CacheKey, by fresh: String, _ scratch: ScratchDirectory, waits: Bool,
    _ progress: @Sendable (String) -> Void
  ) async throws {
    let final = "\(kernelsDirectory)/\(key.name)"
    let old = "\(final)/\(KernelTree.recordName)"
    var lock: FileLock?
    if waits, FileKind(old) == .file {
      lock = try await FileLock.acquire(old, create: false) {
        progress("waiting for another kshim that uses \(key.spec)")
      }
    }
    defer { lock?.release() }
    try writing(key.spec) {
      if FileKind(final) != .nothing, rename(final, "\(scratch.path)/old") != 0 {
        throw lastError()
      }
      if rename(fresh, final) != 0 { throw lastError() }
    }
  }

  enum Existing {
    case whole(KernelTree)
    case damaged, nothing
    /// Of another list of files, as an older or newer kshim unpacks: somebody may be reading it.
    case outdated
    /// Whole but for what was added to it, or with more in it than was unpacked.
    case untidy
    /// Nobody can say who made it.
    case unsealed(CacheRecord)
  }

  /// - Parameter isLocked: whether this process alone may change it.
  private func existing(_ key: CacheKey, isLocked: Bool = false) async -> Existing {
    let directory = "\(kernelsDirectory)/\(key.name)"
    guard FileKind(directory) == .directory else { return .nothing }
    // Held before anything is read, so that what is read is not removed meanwhile.
    guard let use = try? Self.use(directory), let record = CacheRecord(inTree: directory) else {
      return .damaged
    }
    guard record.key == key.key, record.kept == KernelTree.keptPaths,
      record.layout == CacheRecord.layout
    else { return .outdated }
    var state = await state(of: directory, record)
    if case .untidy = state, isLocked, tidy(directory, record, key.spec),
      let tidied = CacheRecord(inTree: directory)
    {
      state = await self.state(of: directory, tidied)
    }
    guard case .whole = state else { return state.existing(record) }
    guard let tree = try? KernelTree(directory: directory, spec: key.spec, use: use) else {
      return .damaged
    }
    return .whole(tree)
  }

  /// Holds a cached tree against removal, and makes this its last use.
  ///
  /// - Returns: nil where it is being removed or replaced.
  static func use(_ directory: String) throws -> FileLock? {
    let record = "\(directory)/\(KernelTree.recordName)"
    guard let lock = try FileLock.attempt(record, create: false, isShared: true) else {
      return nil
    }
    // The record's own time says when the tree was unpacked. A cache of somebody else's stays as
    // it is.
    utimensat(AT_FDCWD, directory, nil, 0)
    return lock
  }

  /// How the names of trees of git revisions begin.
  static let revisionPrefix = "git-"

  /// Whether getting a cached kernel back takes a download.
  static func isDownloaded(_ name: String) -> Bool { name.hasPrefix("debian-") }

  private func damaged(_ key: CacheKey, _ reason: Failure) -> Failure {
    Failure(
      .tool, asked: reason.asked,
      cause: "what the cache holds of it is damaged, and \(reason.cause)",
      place: "\(kernelsDirectory)/\(key.name)", evidence: reason.evidence, remedy: reason.remedy)
  }

  func lockForFilling(
    _ key: CacheKey, _ progress: @Sendable (String) -> Void
  ) async throws -> FileLock {
    do {
      try FileManager.default.createDirectory(
        atPath: kernelsDirectory, withIntermediateDirectories: true)
      ScratchDirectory.sweep(prefix: Self.fillPrefix, in: kernelsDirectory)
      return try await FileLock.acquire("\(kernelsDirectory)/.lock-\(key.name)") {
        progress("waiting for another process that unpacks \(key.spec)")
      }
    } catch let error as CancellationError {
      throw error
    } catch {
      throw unwritable(key.spec, error)
    }
  }

  func writing<Value>(_ spec: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch {
      throw unwritable(spec, error)
    }
  }

  /// The failure for a cache that does not take what is written to it.
  func unwritable(_ spec: String, _ error: any Error) -> Failure {
    Failure(
      .tool, asked: "unpack kernel \(spec)",
      cause: "the cache directory cannot be written (\(DiskTrouble.reason(error)))",
      place: kernelsDirectory,
      remedy: "set XDG_CACHE_HOME to a directory that can be written, or name a kernel directory")
  }

  /// Whether what a program wrote shows a full or unwritable disk rather than a wrong input.
  static func isDiskTrouble(_ lines: [String]) -> Bool {
    [ENOSPC, EDQUOT, EROFS].contains { code in
      let reason = String(cString: strerror(code))
      return lines.contains { $0.contains(reason) }
    }
  }

  /// The failure for a cache that became full while it was written.
  func diskTrouble(_ spec: String, _ lines: [String]) -> Failure {
    Failure(
      .tool, asked: "unpack kernel \(spec)", cause: "the cache directory cannot be written",
      place: kernelsDirectory, evidence: Array(lines.prefix(5)),
      remedy: "make room there, or set XDG_CACHE_HOME to a directory with 100 MB free")
  }
}

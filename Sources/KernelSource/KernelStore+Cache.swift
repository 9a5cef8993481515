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

  private static let fillPrefix = ".filling-"

  /// The cached tree of `key`, unpacked by `unpack` where it is not there.
  ///
  /// - Parameter unpack: fills the first directory with a tree, and may use the second for what
  ///   is not to be kept. Whatever it throws, nothing of it stays.
  func cached(
    _ key: CacheKey, refresh: Bool, _ progress: @Sendable (String) -> Void,
    unpack: (_ tree: String, _ scratch: String) async throws -> Void
  ) async throws -> KernelTree {
    // What is complete is read without a lock, so that a read-only cache serves it.
    if !refresh, let tree = existing(key) { return tree }
    let lock = try await lockForFilling(key, progress)
    defer { lock.release() }
    if !refresh, let tree = existing(key) { return tree }

    let scratch = try writing(key.spec) {
      try ScratchDirectory(prefix: Self.fillPrefix, in: kernelsDirectory)
    }
    defer { scratch.remove() }
    let fresh = "\(scratch.path)/tree"
    try writing(key.spec) { if mkdir(fresh, 0o755) != 0 { throw lastError() } }
    try await unpack(fresh, scratch.path)
    let tree = try KernelTree(directory: fresh, spec: key.spec)
    let final = "\(kernelsDirectory)/\(key.name)"
    try writing(key.spec) {
      try CacheRecord(spec: key.listed, key: key.key, unpacked: tree).write(inTree: fresh)
      if FileKind(final) != .nothing, rename(final, "\(scratch.path)/old") != 0 {
        throw lastError()
      }
      if rename(fresh, final) != 0 { throw lastError() }
    }
    return try KernelTree(directory: final, spec: key.spec)
  }

  private func existing(_ key: CacheKey) -> KernelTree? {
    let directory = "\(kernelsDirectory)/\(key.name)"
    guard let record = CacheRecord(inTree: directory), record.key == key.key,
      record.kept == KernelTree.keptPaths
    else { return nil }
    return try? KernelTree(directory: directory, spec: key.spec)
  }

  private func lockForFilling(
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

  private func writing<Value>(_ spec: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch {
      throw unwritable(spec, error)
    }
  }

  /// The failure for a cache that does not take what is written to it.
  private func unwritable(_ spec: String, _ error: any Error) -> Failure {
    Failure(
      .tool, asked: "unpack kernel \(spec)",
      cause: "the cache directory cannot be written (\(Self.reason(error)))",
      place: kernelsDirectory,
      remedy: "set XDG_CACHE_HOME to a directory that can be written, or name a kernel directory")
  }

  private static func reason(_ error: any Error) -> String {
    if let error = error as? POSIXError { return String(cString: strerror(error.code.rawValue)) }
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey]
    if let error = underlying as? POSIXError {
      return String(cString: strerror(error.code.rawValue))
    }
    return (error as NSError).localizedDescription
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

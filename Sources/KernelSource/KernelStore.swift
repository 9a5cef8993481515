// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// Finds the kernel tree that a user names, and keeps what had to be unpacked for it.
///
///     let store = KernelStore()
///     let tree = try await store.resolve("debian:6.12") { print($0) }
///
/// A directory is used in place. A tarball, a git revision and a Debian package are unpacked
/// once, into `CACHE/kernels/NAME`. That directory appears by a rename when it is complete, and
/// a lock lets one process at a time unpack the same kernel; what an interrupted process leaves
/// is removed by the next one. A tree that somebody has is not removed: see ``prune(_:dryRun:now:)``.
public struct KernelStore: Sendable {
  /// Where unpacked kernels are kept; made when it is first needed.
  public let cacheDirectory: String
  /// Changes to the environment of every program that is run.
  let environment: [String: String?]
  /// Options for every call of apt.
  let aptOptions: [String]
  /// What is kept when another kernel is unpacked.
  let limits: Limits
  /// Told what was removed then, and what of the cache was not as it should be, in one line.
  let remark: @Sendable (String) -> Void
  /// What unpacked trees are sealed with.
  let seal: Seal

  /// - Parameters:
  ///   - cacheDirectory: nil is `$XDG_CACHE_HOME/kshim`, or `~/.cache/kshim` where that variable
  ///     is empty or not an absolute path (XDG Base Directory Specification 0.8).
  ///   - remark: told what had to make room for a kernel that was unpacked, and what of the cache is
  ///     not as it should be, in one line.
  public init(
    cacheDirectory: String? = nil, remark: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.init(cacheDirectory: cacheDirectory, environment: [:], remark: remark)
  }

  init(
    cacheDirectory: String?, environment: [String: String?], aptOptions: [String] = [],
    limits: Limits = .standard, seal: Seal = .own,
    remark: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.limits = limits
    self.seal = seal
    self.remark = remark
    self.cacheDirectory = KernelSpec.absolute(cacheDirectory ?? Self.defaultDirectory, nil)
    self.environment = environment
    self.aptOptions = aptOptions
  }

  private static var defaultDirectory: String {
    let variables = ProcessInfo.processInfo.environment
    if let cache = variables["XDG_CACHE_HOME"], cache.hasPrefix("/") { return "\(cache)/kshim" }
    return "\(variables["HOME"] ?? NSHomeDirectory())/.cache/kshim"
  }

  /// Finds a kernel, and unpacks it where that has not been done yet.
  ///
  /// - Parameters:
  ///   - spec: as ``KernelSpec`` reads it.
  ///   - progress: called with one line about each step that takes long; never when the kernel
  ///     is there already.
  /// - Throws: `Failure` of kind request where the spelling, the directory, the tarball or the
  ///   revision is wrong, or the Debian version is not known; of kind tool where a program is
  ///   missing, the cache cannot be written, the network does not answer, or no suite carries
  ///   a known Debian version any longer.
  public func resolve(
    _ spec: String, progress: @Sendable (String) -> Void = { _ in }
  ) async throws -> KernelTree {
    do {
      return try await tree(spec, refresh: false, progress)
    } catch let error as DebianUnavailable {
      throw error.failure
    }
  }

  /// As ``resolve(_:progress:)``, for `kshim kernels fetch`.
  ///
  /// - Parameter refresh: unpacks anew even what is cached, as for a kernel that Debian has
  ///   updated since. That waits until nobody has the old tree any longer, in this process either.
  @discardableResult
  public func fetch(
    _ spec: String, refresh: Bool = false, progress: @Sendable (String) -> Void = { _ in }
  ) async throws -> KernelTree {
    do {
      return try await tree(spec, refresh: refresh, progress)
    } catch let error as DebianUnavailable {
      throw error.failure
    }
  }

  /// The directory of a kernel, for `kshim kernels path`; see ``resolve(_:progress:)``.
  public func path(
    _ spec: String, progress: @Sendable (String) -> Void = { _ in }
  ) async throws -> String {
    try await resolve(spec, progress: progress).directory
  }

  /// Why a Debian kernel cannot be had at present: the network does not answer, or no suite
  /// carries it any longer. For tests, which skip with this reason.
  ///
  /// - Returns: nil where the kernel is there; it is cached then.
  /// - Throws: what ``resolve(_:progress:)`` throws for any other reason.
  public func reasonUnavailable(
    _ spec: String, progress: @Sendable (String) -> Void = { _ in }
  ) async throws -> String? {
    do {
      _ = try await tree(spec, refresh: false, progress)
      return nil
    } catch let error as DebianUnavailable {
      return error.failure.cause
    }
  }

  /// Where the tree of a kernel lies, or will lie, whose name alone tells that: a directory, or
  /// Debian's; nil for any other.
  public func place(of spec: String) -> String? {
    switch try? KernelSpec(spec) {
    case .directory(let path): path
    case .debian(let version): "\(kernelsDirectory)/\(Self.debianName(version))"
    case .git, .range, .tarball, nil: nil
    }
  }

  /// Makes this the last use of a tree, where it is one of the cache's.
  public func use(_ directory: String) {
    if isCached(directory) { _ = try? Self.use(directory) }
  }

  func isCached(_ directory: String) -> Bool {
    realPath((directory as NSString).deletingLastPathComponent) == realPath(kernelsDirectory)
  }

  private func tree(
    _ spelling: String, refresh: Bool, _ progress: @Sendable (String) -> Void
  ) async throws -> KernelTree {
    switch try KernelSpec(spelling) {
    case .directory(let path):
      guard isCached(path) else { return try KernelTree(directory: path, spec: spelling) }
      // One of the cache's own by its path, whatever became of it.
      return try KernelTree(
        directory: path, spec: spelling, use: try? Self.use(path), changed: await changes(path))
    case .tarball(let path):
      return try await tarball(path, spec: spelling, refresh: refresh, progress)
    case .git(let directory, let revision):
      return try await gitRevision(
        revision, in: directory, spec: spelling, refresh: refresh, progress)
    case .range(let directory, _, let head):
      return try await gitRevision(
        head, in: directory, spec: spelling, refresh: refresh, progress)
    case .debian(let version):
      return try await debian(version, spec: spelling, refresh: refresh, progress)
    }
  }
}

/// A Debian kernel that cannot be had, for a reason that is neither the user's nor kshim's.
struct DebianUnavailable: Error {
  let failure: Failure
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource

/// Keeps what is compiled once for later checks, below a directory that anybody may read.
public protocol Keeper: Sendable {
  /// A record that was kept, as ``keep(record:at:)`` got it; nil where it is not there or damaged.
  func record(at path: String) async -> Data?

  /// - Returns: false where it is not kept.
  func keep(record: Data, at path: String) async -> Bool

  /// Keeps a file, or a directory of files.
  ///
  /// - Parameter files: by their path below `path`; "" is that itself.
  /// - Returns: false where they are not kept.
  func keep(files: [String: Data], at path: String) async -> Bool

  /// What is used is not old.
  func use(_ path: String)

  /// Says, once in a run, that something is not what was kept.
  func tellDamage(_ path: String)

  /// From now on a stranger's text is read, and nothing that comes of it is kept.
  func seal()
}

/// Keeps it itself.
public struct LocalKeeper: Keeper {
  public init() {}

  public func record(at path: String) async -> Data? { recordNow(at: path) }
  public func keep(record: Data, at path: String) async -> Bool {
    keepNow(record: record, at: path)
  }
  public func keep(files: [String: Data], at path: String) async -> Bool {
    keepNow(files: files, at: path)
  }

  public func recordNow(at path: String) -> Data? { KeptFile.read(path) }

  public func keepNow(record: Data, at path: String) -> Bool {
    guard (try? KeptFile.write(record, to: path)) != nil else { return false }
    prune(path)
    return true
  }

  public func keepNow(files: [String: Data], at path: String) -> Bool {
    guard KeptFile.canKeep else { return false }
    func place() -> Bool {
      (try? KeptFile.place(at: path) { fresh in
        for (name, content) in files {
          let file = name.isEmpty ? fresh : "\(fresh)/\(name)"
          try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
          try content.write(to: URL(fileURLWithPath: file))
        }
      }) != nil
    }
    /// Another process may be reading it.
    func isThere() -> Bool {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      return Files.below(names, in: path) == files.keys.sorted()
        && files.allSatisfy {
          FileManager.default.contents(atPath: "\(path)/\($0.key)") == $0.value
        }
    }
    // What is damaged stands in the way of a directory.
    guard
      place() || isThere()
        || ((try? FileManager.default.removeItem(atPath: path)) != nil && place())
    else {
      return false
    }
    prune(path)
    return true
  }

  public func use(_ path: String) { KeptFile.use(path) }
  public func tellDamage(_ path: String) { if KeptFile.canKeep { KeptFile.tellDamage(path) } }
  public func seal() {}

  /// Removes the oldest of the kind of what was kept.
  private func prune(_ path: String) {
    let directory = (path as NSString).deletingLastPathComponent
    switch (path as NSString).lastPathComponent.prefix(while: { $0 != "-" }) {
    case "preamble" where path.hasSuffix(".json"): PreambleCache.prune(directory)
    case "runtime" where path.hasSuffix(".digest"): RuntimeObject.prune(directory)
    case "standins":
      let kept = KeptFile.aged(in: directory).filter { $0.contains("/standins-") }
      for old in KeptFile.idle(kept.dropLast(32)) {
        try? FileManager.default.removeItem(atPath: old)
      }
    default: break
    }
  }
}

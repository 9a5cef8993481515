// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// What a cached tree says about itself, kept in a file in its top directory. What was added to the
/// tree later is in a file of its own, for this one carries the locks of those who use the tree.
struct CacheRecord: Codable, Sendable, Equatable {
  /// How trees are laid out; one of another layout is unpacked anew.
  static let layout = 2

  let layout: Int?
  /// The kernel as it was named when it was unpacked, any path made absolute.
  let spec: String
  /// What it was unpacked from, exactly: the cache is right as long as this is the same.
  let key: String
  /// The Debian packages that it came from, `NAME=VERSION`; nil for any other kernel.
  let packages: [String]?
  /// See ``KernelTree/isConfigured``; nil where an earlier kshim unpacked it.
  let isConfigured: Bool?
  /// See ``KernelTree/version``.
  let version: String
  /// What was unpacked first.
  let kept: [String]
  /// The sizes of its files, added up.
  let bytes: Int
  /// Its files when it was unpacked; nil where an earlier kshim unpacked it.
  let count: TreeFiles.Count?
  /// A hash of all that is in it; nil where unpacking it anew costs no download.
  let sha256: String?

  private enum CodingKeys: String, CodingKey {
    case layout, spec, key, packages, isConfigured, version, kept, bytes, count, sha256
  }

  /// What was unpacked later; see ``NeededPath``.
  struct Added: Codable, Sendable, Equatable {
    let path: String
    let count: TreeFiles.Count
    /// As for the record.
    let sha256: String?
  }
  private(set) var added: [Added] = []

  static let addedName = "\(SourceArchive.folder)/added.json"

  /// See ``KernelTree/kept``.
  var allKept: [String] { kept + added.map(\.path) }

  /// The sizes of all its files.
  var allBytes: Int { added.reduce(bytes) { $0 + $1.count.bytes } }

  /// The record of a tree; nil where the tree is none of the cache's.
  init?(inTree directory: String) {
    let path = "\(directory)/\(KernelTree.recordName)"
    guard let data = FileManager.default.contents(atPath: path),
      let record = try? JSONDecoder().decode(Self.self, from: data)
    else { return nil }
    self = record
    let more = FileManager.default.contents(atPath: "\(directory)/\(Self.addedName)")
    added = more.flatMap { try? JSONDecoder().decode([Added].self, from: $0) } ?? []
  }

  /// The record for a tree that was just unpacked.
  init(
    spec: String, key: String, packages: [String] = [], unpacked tree: KernelTree, sha256: String?
  ) {
    layout = Self.layout
    self.spec = spec
    self.key = key
    self.packages = packages.isEmpty ? nil : packages
    self.isConfigured = tree.isConfigured
    self.version = tree.version
    self.kept = KernelTree.keptPaths
    let count = TreeFiles(of: tree.directory, at: Self.counted(kept)).count
    self.bytes = count.bytes
    self.count = count
    self.sha256 = sha256
  }

  private static func counted(_ kept: [String]) -> [String] {
    kept + [SourceArchive.name, SourceArchive.listName]
  }

  func write(inTree directory: String) throws {
    try Self.text(self).write(to: URL(fileURLWithPath: "\(directory)/\(KernelTree.recordName)"))
  }

  private static func text(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
  }

  /// Another one for a tree that was unpacked from anything else, or at another time.
  var identity: String { (try? Self.text(self)).map { Digest.of($0) } ?? "" }

  // MARK: What was added

  /// Adds what is in the tree now, in place of what it covers.
  mutating func add(
    _ paths: [NeededPath], in directory: String, hashed: Bool, _ environment: [String: String?]
  ) async throws {
    for path in paths {
      let count = TreeFiles(of: directory, at: [path.spelling]).count
      let hash =
        hashed ? try await TreeFiles.hash(of: directory, at: [path.spelling], environment) : nil
      added.removeAll { path.covers(NeededPath($0.path)) }
      added.append(Added(path: path.spelling, count: count, sha256: hash))
    }
  }

  /// Lets go of what was added and is no longer whole.
  mutating func keep(_ isWhole: (String) -> Bool) { added.removeAll { !isWhole($0.path) } }

  /// Writes what was added, whole or not at all.
  ///
  /// - Parameter draft: a path for a new file, on the same file system.
  func writeAdded(inTree directory: String, draft: String) throws {
    try FileManager.default.createDirectory(
      atPath: "\(directory)/\(SourceArchive.folder)", withIntermediateDirectories: true)
    try Self.text(added).write(to: URL(fileURLWithPath: draft))
    guard rename(draft, "\(directory)/\(Self.addedName)") == 0 else { throw lastError() }
  }

  // MARK: Whether it is so

  /// Whether a tree still holds what was unpacked, as far as its files' number, sizes and times
  /// show. Where the times alone are others, as in a copy of the cache, its content decides.
  func isWhole(_ directory: String, _ environment: [String: String?]) async -> Bool {
    guard let count else {
      return TreeFiles(of: directory, at: Self.counted(kept)).count.bytes == bytes
    }
    guard
      await Self.isWhole(
        directory, Self.counted(kept), count, hashed: kept, sha256, environment)
    else { return false }
    for part in added {
      guard
        await Self.isWhole(
          directory, [part.path], part.count, hashed: [part.path], part.sha256, environment)
      else { return false }
    }
    return true
  }

  private static func isWhole(
    _ directory: String, _ paths: [String], _ count: TreeFiles.Count, hashed: [String],
    _ sha256: String?, _ environment: [String: String?]
  ) async -> Bool {
    let now = TreeFiles(of: directory, at: paths).count
    if now == count { return true }
    guard let sha256, (now.files, now.bytes) == (count.files, count.bytes) else { return false }
    return sha256 == (try? await TreeFiles.hash(of: directory, at: hashed, environment))
  }
}

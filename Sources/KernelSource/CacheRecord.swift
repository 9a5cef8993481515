// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// What a cached tree says about itself, kept in a file in its top directory.
struct CacheRecord: Codable, Sendable, Equatable {
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
  /// See ``KernelTree/kept``.
  let kept: [String]
  /// The sizes of its files, added up.
  let bytes: Int
  /// Its files when it was unpacked; nil where an earlier kshim unpacked it.
  let count: TreeFiles.Count?
  /// A hash of all that is in it; nil where unpacking it anew costs no download.
  let sha256: String?

  /// The record of a tree; nil where the tree is none of the cache's.
  init?(inTree directory: String) {
    let path = "\(directory)/\(KernelTree.recordName)"
    guard let data = FileManager.default.contents(atPath: path),
      let record = try? JSONDecoder().decode(Self.self, from: data)
    else { return nil }
    self = record
  }

  /// The record for a tree that was just unpacked.
  init(
    spec: String, key: String, packages: [String] = [], unpacked tree: KernelTree, sha256: String?
  ) {
    self.spec = spec
    self.key = key
    self.packages = packages.isEmpty ? nil : packages
    self.isConfigured = tree.isConfigured
    self.version = tree.version
    self.kept = KernelTree.keptPaths
    let count = TreeFiles(of: tree.directory).count
    self.bytes = count.bytes
    self.count = count
    self.sha256 = sha256
  }

  func write(inTree directory: String) throws {
    try text().write(to: URL(fileURLWithPath: "\(directory)/\(KernelTree.recordName)"))
  }

  private func text() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }

  /// Another one for a tree that was unpacked from anything else, or at another time.
  var identity: String { (try? text()).map { Digest.of($0) } ?? "" }

  /// Whether a tree still holds what was unpacked, as far as its files' number, sizes and times
  /// show. Where the times alone are others, as in a copy of the cache, its content decides.
  func isWhole(_ directory: String, _ environment: [String: String?]) async -> Bool {
    let now = TreeFiles(of: directory).count
    guard let count else { return now.bytes == bytes }
    if now == count { return true }
    guard let sha256, (now.files, now.bytes) == (count.files, count.bytes) else { return false }
    return sha256 == (try? await TreeFiles.hash(of: directory, environment))
  }
}

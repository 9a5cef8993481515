// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// What a cached tree says about itself, kept in a file in its top directory.
struct CacheRecord: Codable, Sendable, Equatable {
  /// The kernel as it was named when it was unpacked, any path made absolute.
  let spec: String
  /// What it was unpacked from, exactly: the cache is right as long as this is the same.
  let key: String
  /// See ``KernelTree/version``.
  let version: String
  /// See ``KernelTree/kept``.
  let kept: [String]
  /// The sizes of its files, added up.
  let bytes: Int

  /// The record of a tree; nil where the tree is none of the cache's.
  init?(inTree directory: String) {
    let path = "\(directory)/\(KernelTree.recordName)"
    guard let data = FileManager.default.contents(atPath: path),
      let record = try? JSONDecoder().decode(Self.self, from: data)
    else { return nil }
    self = record
  }

  /// The record for a tree that was just unpacked.
  init(spec: String, key: String, unpacked tree: KernelTree) {
    self.spec = spec
    self.key = key
    self.version = tree.version
    self.kept = KernelTree.keptPaths
    self.bytes = Self.size(of: tree.directory)
  }

  func write(inTree directory: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let file = URL(fileURLWithPath: "\(directory)/\(KernelTree.recordName)")
    try encoder.encode(self).write(to: file)
  }

  private static func size(of directory: String) -> Int {
    guard let names = FileManager.default.enumerator(atPath: directory) else { return 0 }
    var bytes = 0
    var status = stat()
    for case let name as String in names
    where lstat("\(directory)/\(name)", &status) == 0 && status.st_mode & S_IFMT == S_IFREG {
      bytes += Int(status.st_size)
    }
    return bytes
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// What a cached tree holds, sealed: nobody but this user's kshim can say that it is what was
/// unpacked. It lies in the tree, beside the record.
struct TreeSeal: Codable, Equatable {
  static let name = "\(SourceArchive.folder)/seal"

  /// What was unpacked at once.
  struct Part: Codable, Equatable {
    /// As ``CacheRecord/Added/path``; empty for what was unpacked first.
    var path: String
    /// See ``TreeScan/Subject/contents``.
    var contents: String
    /// See ``TreeScan/Subject/stamps``; empty where they were too young to tell.
    var stamps: String
  }

  /// Of the record's file.
  var record: String
  /// What was unpacked first, and then what was added.
  var parts: [Part]

  // MARK: The file

  /// Bound to what the tree is called, so that none passes for another.
  private static func name(_ directory: String) -> String {
    "\((directory as NSString).lastPathComponent)/\(name)"
  }

  /// - Returns: nil where there is none, or none that this user's kshim wrote.
  init?(inTree directory: String, by seal: Seal) {
    let path = "\(directory)/\(Self.name)"
    guard FileKind(path) == .file,
      let data = KeptFile.read(path, as: Self.name(directory), by: seal, isQuiet: true),
      let found = try? JSONDecoder().decode(Self.self, from: data)
    else { return nil }
    self = found
  }

  /// - Parameter name: what the tree will be called, where it is not in its place yet.
  func write(inTree directory: String, called name: String? = nil, by seal: Seal) throws {
    try KeptFile.write(
      JSONEncoder().encode(self), to: "\(directory)/\(Self.name)",
      as: name.map { Self.name($0) } ?? Self.name(directory), by: seal)
  }

  // MARK: What there is

  /// - Parameter added: what was added that is sealed, too.
  init(of directory: String, _ record: CacheRecord, added: [CacheRecord.Added]) {
    self.record = Self.digest(inTree: directory)
    let paths = added.map(\.path)
    parts = Self.parts(of: directory, record, [""] + paths, all: [""] + paths)
  }

  /// Adds what is unpacked elsewhere and not in its place yet. The seal stays good for what was there.
  mutating func add(_ paths: [NeededPath], of fresh: String, to record: CacheRecord) {
    let all = paths.map(\.spelling)
    let scan = TreeScan(of: fresh, parts: all.map { record.paths(of: $0) }, .contents)
    for (path, contents) in zip(all, scan.digests) {
      parts.removeAll { $0.path == path }
      parts.append(Part(path: path, contents: contents, stamps: ""))
    }
  }

  /// Of the record as it is on the disk.
  static func digest(inTree directory: String) -> String {
    Digest.of(file: "\(directory)/\(KernelTree.recordName)") ?? ""
  }

  /// - Parameters:
  ///   - paths: the parts that are looked at.
  ///   - all: all there are.
  static func parts(
    of directory: String, _ record: CacheRecord, _ paths: [String], all: [String]
  ) -> [Part] {
    // Nothing is told of a change that came in between.
    let began = FileStamp.now()
    let chosen = Set(paths.compactMap { all.firstIndex(of: $0) })
    let groups = all.map { record.paths(of: $0) }
    let stamps = TreeScan(of: directory, parts: groups, chosen: chosen, .stamps)
    let contents = TreeScan(of: directory, parts: groups, chosen: chosen, .contents)
    let isOld = stamps.isOlder(than: began)
    return chosen.sorted().map {
      Part(
        path: all[$0], contents: contents.digests[$0], stamps: isOld ? stamps.digests[$0] : "")
    }
  }
}

extension CacheRecord {
  /// What a part of a seal is of.
  func paths(of part: String) -> [String] {
    part.isEmpty ? kept + [SourceArchive.name, SourceArchive.listName] : [part]
  }
}

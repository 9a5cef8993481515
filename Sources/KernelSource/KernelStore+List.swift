// SPDX-License-Identifier: GPL-2.0-only
import Foundation

extension KernelStore {
  /// One line of `kshim kernels list`.
  public struct Entry: Sendable, Equatable {
    /// What to pass as `--kernel`: `debian:6.12`, a tarball's path, `DIRECTORY@REVISION`;
    /// paths are absolute, and a revision is named as it was when it was unpacked. Of a damaged
    /// one nothing but its directory's name is known.
    public let spec: String
    /// See ``KernelTree/version``; nil where the kernel is not cached.
    public let version: String?
    /// The sizes of the cached files, added up; nil where the kernel is not cached.
    public let bytes: Int?
    /// The cached tree's directory; nil where the kernel is not cached.
    public let path: String?
    /// When it was last asked for; nil where the kernel is not cached.
    public let lastUsed: Date?

    /// Whether the kernel can be used without the network.
    public var isCached: Bool { path != nil }

    /// How many whole days nobody has asked for it.
    public func age(_ now: Date = Date()) -> Int {
      lastUsed.map { max(0, Int(now.timeIntervalSince($0) / 86_400)) } ?? 0
    }
  }

  /// The Debian kernels that kshim knows, oldest first, then whatever else is cached, by name.
  public func list() -> [Entry] {
    var cached: [String: Entry] = [:]
    for (name, entry) in entries() where entry.version != nil { cached[name] = entry }
    let known = DebianKernel.known.map { kernel in
      cached.removeValue(forKey: "debian-\(kernel.version)")
        ?? Entry(spec: kernel.spec, version: nil, bytes: nil, path: nil, lastUsed: nil)
    }
    return known + cached.sorted { $0.key < $1.key }.map(\.value)
  }

  /// What is in ``kernelsDirectory``, by name; what has no record that can be read is damaged, and
  /// has no version.
  func entries() -> [String: Entry] {
    var entries: [String: Entry] = [:]
    let names = (try? FileManager.default.contentsOfDirectory(atPath: kernelsDirectory)) ?? []
    for name in names where !name.hasPrefix(".") {
      let path = "\(kernelsDirectory)/\(name)"
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
      let record = CacheRecord(inTree: path)
      entries[name] = Entry(
        spec: record?.spec ?? name, version: record?.version, bytes: record?.allBytes, path: path,
        lastUsed: Date(timeIntervalSince1970: Double(status.st_mtim.tv_sec)))
    }
    return entries
  }
}

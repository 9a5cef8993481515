// SPDX-License-Identifier: GPL-2.0-only
import Foundation

extension KernelStore {
  /// One line of `kshim kernels list`.
  public struct Entry: Sendable, Equatable {
    /// What to pass as `--kernel`: `debian:6.12`, a tarball's path, `DIRECTORY@REVISION`;
    /// paths are absolute, and a revision is named as it was when it was unpacked.
    public let spec: String
    /// See ``KernelTree/version``; nil where the kernel is not cached.
    public let version: String?
    /// The sizes of the cached files, added up; nil where the kernel is not cached.
    public let bytes: Int?
    /// The cached tree's directory; nil where the kernel is not cached.
    public let path: String?

    /// Whether the kernel can be used without the network.
    public var isCached: Bool { path != nil }
  }

  /// The Debian kernels that kshim knows, oldest first, then whatever else is cached, by name.
  public func list() -> [Entry] {
    var cached: [String: Entry] = [:]
    let names = (try? FileManager.default.contentsOfDirectory(atPath: kernelsDirectory)) ?? []
    for name in names.sorted() where !name.hasPrefix(".") {
      let path = "\(kernelsDirectory)/\(name)"
      guard let record = CacheRecord(inTree: path) else { continue }
      cached[name] = Entry(
        spec: record.spec, version: record.version, bytes: record.bytes, path: path)
    }
    let known = DebianKernel.known.map { kernel in
      cached.removeValue(forKey: "debian-\(kernel.version)")
        ?? Entry(spec: kernel.spec, version: nil, bytes: nil, path: nil)
    }
    return known + cached.sorted { $0.key < $1.key }.map(\.value)
  }
}

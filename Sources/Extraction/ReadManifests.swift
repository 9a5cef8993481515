// SPDX-License-Identifier: GPL-2.0-only
import KernelSource
import Synchronization

/// Manifests and rules that this process has read; each is read again when its file is another.
enum ReadManifests {
  private struct Kept<Content: Sendable>: Sendable {
    var stamp: FileStamp
    var content: Content
  }

  private static let manifests = Mutex<[String: Kept<Manifest>]>([:])
  private static let services = Mutex<[String: Kept<Manifest.Services>]>([:])

  static func manifest(at path: String) throws -> Manifest {
    try content(of: path, in: manifests) { try ManifestReader(path: path).manifest() }
  }

  static func services(at path: String) throws -> Manifest.Services {
    try content(of: path, in: services) { try ManifestReader(path: path).services() }
  }

  private static func content<Content>(
    of path: String, in all: borrowing Mutex<[String: Kept<Content>]>, read: () throws -> Content
  ) throws -> Content {
    let stamp = FileStamp(path)
    if let kept = all.withLock({ $0[path] }), kept.stamp == stamp { return kept.content }
    let content = try read()
    if stamp.text != nil { all.withLock { $0[path] = Kept(stamp: stamp, content: content) } }
    return content
  }
}

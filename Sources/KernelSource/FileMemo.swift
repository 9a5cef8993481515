// SPDX-License-Identifier: GPL-2.0-only
import Synchronization

/// What this process has made of files; each is read again when it is another.
package final class FileMemo<Content: Sendable>: Sendable {
  private struct Kept: Sendable {
    var stamp: FileStamp
    var content: Content
  }

  private let all = Mutex<[String: Kept]>([:])

  package init() {}

  package func content(of path: String, read: () throws -> Content) rethrows -> Content {
    let stamp = FileStamp(path)
    if let kept = all.withLock({ $0[path] }), kept.stamp == stamp { return kept.content }
    let content = try read()
    if stamp.text != nil { all.withLock { $0[path] = Kept(stamp: stamp, content: content) } }
    return content
  }
}

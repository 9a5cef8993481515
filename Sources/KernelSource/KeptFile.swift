// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A file of the cache: it is there whole or not at all, and damage shows. Its first line is the
/// digest of the rest.
package enum KeptFile {
  /// What an ended process left half done begins so.
  package static let unfinished = ".new-"

  /// - Returns: nil where it is not there, or is not what was written.
  package static func read(_ path: String) -> Data? {
    guard let data = FileManager.default.contents(atPath: path),
      let end = data.firstIndex(of: UInt8(ascii: "\n"))
    else { return nil }
    let content = data[(end + 1)...]
    guard String(decoding: data[..<end], as: UTF8.self) == Digest.of(content) else { return nil }
    return Data(content)
  }

  /// Makes the directory, too.
  package static func write(_ content: Data, to path: String) throws {
    try place(at: path) { fresh in
      try (Data("\(Digest.of(content))\n".utf8) + content).write(to: URL(fileURLWithPath: fresh))
    }
  }

  /// Puts a file or a directory in its place when `make` has made it, under another name.
  package static func place(at path: String, make: (_ fresh: String) throws -> Void) throws {
    let files = FileManager.default
    let directory = (path as NSString).deletingLastPathComponent
    try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let fresh = "\(directory)/\(unfinished)\(UniqueName.make())"
    do {
      try make(fresh)
      guard rename(fresh, path) == 0 else { throw lastError() }
    } catch {
      try? files.removeItem(atPath: fresh)
      throw error
    }
  }

  /// What is used is not old.
  package static func use(_ path: String) { utimes(path, nil) }

  /// So long after a use, in seconds, another process may still read what is kept.
  package static let busy = 60

  /// Those of some files that nobody has used for a while.
  package static func idle(_ paths: some Sequence<String>) -> [String] {
    paths.filter { path in
      var status = stat()
      return lstat(path, &status) != 0 || time(nil) - status.st_mtim.tv_sec > busy
    }
  }

  /// The files of a directory with an ending, the oldest first. What an ended process left half
  /// done is removed.
  package static func aged(in directory: String, ending: String = "") -> [String] {
    var found: [(seconds: Int, path: String)] = []
    for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
      let path = "\(directory)/\(name)"
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }
      if name.hasPrefix(unfinished) {
        if time(nil) - status.st_mtim.tv_sec > 600 {
          try? FileManager.default.removeItem(atPath: path)
        }
      } else if name.hasSuffix(ending) {
        found.append((status.st_mtim.tv_sec, path))
      }
    }
    return found.sorted { $0.seconds < $1.seconds }.map(\.path)
  }
}

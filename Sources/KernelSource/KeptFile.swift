// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A file of the cache: it is there whole or not at all, and whatever this user's kshim did not write
/// shows. Its first line is the seal of its name and of the rest.
package enum KeptFile {
  /// What an ended process left half done begins so.
  package static let unfinished = ".new-"

  /// What is not what was written is removed, and told once in a run.
  ///
  /// - Parameters:
  ///   - name: what it was written as; nil: its own name.
  ///   - isQuiet: whether it is left there, and nothing told.
  /// - Returns: nil where it is not there, or is not what was written.
  package static func read(
    _ path: String, as name: String? = nil, by seal: Seal = .own, isQuiet: Bool = false
  ) -> Data? {
    guard let data = FileManager.default.contents(atPath: path) else { return nil }
    if let end = data.firstIndex(of: UInt8(ascii: "\n")) {
      let content = Data(data[(end + 1)...])
      let code = seal.code(of: content, as: name ?? Self.name(path))
      if let code, isSame(code, data[..<end]) { return content }
    }
    guard !isQuiet, seal.trouble() == nil else { return nil }
    tellDamage(path)
    unlink(path)
    return nil
  }

  /// Whether another process may have put it there just now, and not yet what goes with it.
  package static func isYoung(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && abs(time(nil) - status.st_ctim.tv_sec) < 5
  }

  /// Says, once in a run, that something is not what was kept.
  package static func tellDamage(_ path: String) {
    CacheRemark.tell(
      .entry, "what the cache holds is damaged or not kshim's own, and is made anew: \(path)")
  }

  /// Whether what is written would be known later.
  package static var canKeep: Bool { Seal.own.trouble() == nil }

  /// Makes the directory, too. Nothing is written where it cannot be sealed.
  package static func write(
    _ content: Data, to path: String, as name: String? = nil, by seal: Seal = .own
  ) throws {
    guard let code = seal.code(of: content, as: name ?? Self.name(path), making: true) else {
      throw POSIXError(.EACCES)
    }
    try place(at: path) { fresh in
      try (Data("\(code)\n".utf8) + content).write(to: URL(fileURLWithPath: fresh))
    }
  }

  private static func name(_ path: String) -> String { (path as NSString).lastPathComponent }

  /// Takes as long wherever they differ.
  static func isSame(_ code: String, _ given: Data) -> Bool {
    let code = Array(code.utf8)
    return code.count == given.count && zip(code, given).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
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

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A directory that is gone when its owner is: on ``remove()``, on deinit, or, after a crash or
/// Ctrl-C, on the next ``sweep(prefix:in:)``.
///
/// A lock on a file inside tells a directory in use from one left behind.
package final class ScratchDirectory: Sendable {
  /// Absolute, without symbolic links.
  package let path: String
  private let lock: FileLock

  private static let lockName = ".lock"

  /// - Throws: `POSIXError` where `parent` does not take a new directory.
  package init(prefix: String, in parent: String) throws {
    while true {
      let candidate = "\(parent)/\(prefix)\(UniqueName.make())"
      guard mkdir(candidate, 0o755) == 0 else { throw lastError() }
      let lockPath = "\(candidate)/\(Self.lockName)"
      // A sweep can come between the two calls; then another name is tried.
      guard let lock = try? FileLock.attempt(lockPath), access(lockPath, F_OK) == 0 else {
        continue
      }
      self.lock = lock
      self.path = realPath(candidate)
      return
    }
  }

  /// Removes the directory with everything in it; a second call does nothing.
  package func remove() {
    Self.remove(path)
    lock.release()
  }

  deinit { remove() }

  /// Removes the directories that an ended process left in `parent`.
  package static func sweep(prefix: String, in parent: String) {
    sweep(prefixes: [prefix], in: parent)
  }

  private static func sweep(prefixes: [String], in parent: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    for name in names where prefixes.contains(where: name.hasPrefix) {
      let path = "\(parent)/\(name)"
      do {
        guard let lock = try FileLock.attempt("\(path)/\(lockName)", create: false) else {
          continue
        }
        remove(path)
        lock.release()
      } catch {
        // Without a lock file it is being made this moment, with another name then, or was left so.
        var status = stat()
        guard rmdir(path) != 0, stat(path, &status) == 0 else { continue }
        if time(nil) - status.st_mtim.tv_sec > 600 { remove(path) }
      }
    }
  }

  /// Of the directories in the temporary one: what is compiled, what patches change, mails.
  package static let check = "kshim-check-"
  package static let revision = "kshim-revision-"
  package static let mail = "kshim-mail-"
  /// Holds those of one command.
  package static let session = "kshim-session-"

  /// Removes what an ended process left of those.
  package static func sweep() {
    let parent = FileManager.default.temporaryDirectory.path
    sweep(prefixes: [check, revision, mail, session], in: parent)
  }

  private static func remove(_ path: String) {
    let files = FileManager.default
    // The lock goes last: what is interrupted is swept by the next.
    for name in (try? files.contentsOfDirectory(atPath: path)) ?? [] where name != lockName {
      try? files.removeItem(atPath: "\(path)/\(name)")
    }
    if unlink("\(path)/\(lockName)") == 0 || errno == ENOENT, rmdir(path) == 0 { return }
    // An archive may have brought directories without write permission.
    for case let name as String in files.enumerator(atPath: path) ?? .init() {
      var status = stat()
      let inside = "\(path)/\(name)"
      if lstat(inside, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
        chmod(inside, 0o700)
      }
    }
    try? files.removeItem(atPath: path)
  }
}

/// The absolute path without symbolic links; `path` itself where there is no such file.
func realPath(_ path: String) -> String {
  guard let resolved = realpath(path, nil) else { return path }
  defer { free(resolved) }
  return String(cString: resolved)
}

/// What a path names, symbolic links followed.
enum FileKind {
  case directory, file, nothing

  init(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      self = .nothing
      return
    }
    self = status.st_mode & S_IFMT == S_IFDIR ? .directory : .file
  }
}

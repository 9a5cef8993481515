// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Synchronization

/// A lock on a file, held until it is released or its process ends.
///
/// flock(2) and not a file's mere existence: the kernel drops it on Ctrl-C and on a crash.
final class FileLock: Sendable {
  private let descriptor: Mutex<Int32?>

  private init(_ descriptor: Int32) { self.descriptor = Mutex(descriptor) }

  /// Takes the lock if it is free.
  ///
  /// - Parameter isShared: whether others may share it; the file need not be writable then.
  /// - Returns: nil where another holder has it.
  /// - Throws: `POSIXError` where the file cannot be opened.
  static func attempt(
    _ path: String, create: Bool = true, isShared: Bool = false
  ) throws -> FileLock? {
    let flags = (isShared ? O_RDONLY : O_RDWR) | O_CLOEXEC | (create ? O_CREAT : 0)
    while true {
      let descriptor = open(path, flags, 0o644)
      guard descriptor >= 0 else { throw lastError() }
      if flock(descriptor, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 {
        if isNamed(path, descriptor) { return FileLock(descriptor) }
        _ = Foundation.close(descriptor)
        continue
      }
      let error = lastError()
      _ = Foundation.close(descriptor)
      if error.code == .EWOULDBLOCK { return nil }
      throw error
    }
  }

  /// Takes the lock, and waits for whoever has it for a moment.
  static func wait(_ path: String) throws -> FileLock {
    while true {
      if let lock = try attempt(path) { return lock }
      usleep(2000)
    }
  }

  /// Whether a path still names an open file: whoever held the lock before may have removed it.
  private static func isNamed(_ path: String, _ descriptor: Int32) -> Bool {
    var (open, named) = (stat(), stat())
    return fstat(descriptor, &open) == 0 && stat(path, &named) == 0
      && (open.st_dev, open.st_ino) == (named.st_dev, named.st_ino)
  }

  /// Takes the lock, and waits for it without blocking a thread.
  static func acquire(
    _ path: String, create: Bool = true, waiting: () -> Void
  ) async throws -> FileLock {
    var told = false
    while true {
      if let lock = try attempt(path, create: create) { return lock }
      if !told { waiting() }
      told = true
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  func release() {
    descriptor.withLock {
      if let open = $0 { _ = Foundation.close(open) }
      $0 = nil
    }
  }

  deinit { release() }
}

/// errno as an error.
func lastError() -> POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }

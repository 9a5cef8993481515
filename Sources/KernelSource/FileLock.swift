// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Synchronization

/// An exclusive lock on a file, held until it is released or its process ends.
///
/// flock(2) and not a file's mere existence: the kernel drops it on Ctrl-C and on a crash.
final class FileLock: Sendable {
  private let descriptor: Mutex<Int32?>

  private init(_ descriptor: Int32) { self.descriptor = Mutex(descriptor) }

  /// Takes the lock if it is free.
  ///
  /// - Returns: nil where another holder has it.
  /// - Throws: `POSIXError` where the file cannot be opened.
  static func attempt(_ path: String, create: Bool = true) throws -> FileLock? {
    let flags = O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0)
    let descriptor = open(path, flags, 0o644)
    guard descriptor >= 0 else { throw lastError() }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return FileLock(descriptor) }
    let error = lastError()
    _ = Foundation.close(descriptor)
    if error.code == .EWOULDBLOCK { return nil }
    throw error
  }

  /// Takes the lock, and waits for it without blocking a thread.
  static func acquire(_ path: String, waiting: () -> Void) async throws -> FileLock {
    var told = false
    while true {
      if let lock = try attempt(path) { return lock }
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

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// Tells, without reading it, whether a file is still what it was: one that is replaced or changed
/// gets another stamp.
package struct FileStamp: Equatable, Sendable {
  /// In one line; nil where there is no such file.
  package let text: String?

  package init(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      text = nil
      return
    }
    let (modified, changed) = (status.st_mtim, status.st_ctim)
    text =
      "\(status.st_dev) \(status.st_ino) \(status.st_size) "
      + "\(modified.tv_sec).\(modified.tv_nsec) \(changed.tv_sec).\(changed.tv_nsec)"
  }

  /// Now, and a little before: a file system's clock may lag.
  package static func now() -> timespec {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    time.tv_nsec -= 20_000_000
    if time.tv_nsec < 0 {
      (time.tv_sec, time.tv_nsec) = (time.tv_sec - 1, time.tv_nsec + 1_000_000_000)
    }
    return time
  }
}

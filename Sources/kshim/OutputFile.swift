// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A file that the user named for a result.
///
/// A regular file appears whole or not at all. What else there is, a device or a pipe, is written to;
/// a link stays one, and the file that it names is written.
struct OutputFile {
  enum Trouble: Error {
    /// There is no such place, or it may not be written.
    case place(String)
    /// It took no more: the disk is full.
    case room(String)
  }

  /// As the user named it.
  let path: String

  private enum Kind { case regular, directory, other, nothing }

  private var kind: Kind {
    var status = stat()
    guard stat(path, &status) == 0 else { return .nothing }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .regular
    case S_IFDIR: return .directory
    default: return .other
    }
  }

  /// Where the file itself is; nil for a link to nothing.
  private var target: String? {
    if let real = realpath(path, nil) {
      defer { free(real) }
      return String(cString: real)
    }
    var status = stat()
    return lstat(path, &status) == 0 ? nil : path
  }

  /// Standard output or error, where it is that: /dev/stdout, and whatever a shell redirected there.
  private var standard: Int32? {
    var (named, open) = (stat(), stat())
    guard stat(path, &named) == 0 else { return nil }
    return [1, 2].first {
      fstat($0, &open) == 0 && (open.st_dev, open.st_ino) == (named.st_dev, named.st_ino)
    }
  }

  /// Whether it can be written, as far as that shows beforehand.
  var isWritable: Bool {
    if path.isEmpty { return false }
    switch kind {
    case .directory: return false
    case .other: return access(path, W_OK) == 0
    case .regular, .nothing:
      let file = URL(fileURLWithPath: target ?? path).standardizedFileURL
      return Self.takesFiles(file.deletingLastPathComponent().path)
    }
  }

  /// Whether a file can be made in a directory. Of /proc nothing but a try tells.
  private static func takesFiles(_ directory: String) -> Bool {
    guard access(directory, W_OK | X_OK) == 0 else { return false }
    let probe = "\(directory)/.kshim-\(UUID().uuidString)"
    let descriptor = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return errno == ENOSPC }
    close(descriptor)
    unlink(probe)
    return true
  }

  /// - Throws: ``Trouble``.
  func write(_ text: String) throws {
    let data = Data(text.utf8)
    if let standard {
      if let reason = Self.write(data, to: standard) { throw Trouble.room(reason) }
      return
    }
    if kind != .other, let target {
      do {
        try data.write(to: URL(fileURLWithPath: target), options: .atomic)
      } catch let error as CocoaError where error.code == .fileWriteOutOfSpace {
        throw Trouble.room(error.localizedDescription)
      } catch {
        throw Trouble.place(error.localizedDescription)
      }
      return
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Trouble.place(String(cString: strerror(errno))) }
    let reason = Self.write(data, to: descriptor)
    let isClosed = close(descriptor) == 0
    if let reason { throw Trouble.room(reason) }
    if !isClosed { throw Trouble.room(String(cString: strerror(errno))) }
  }

  /// Writes all of it to a descriptor.
  ///
  /// - Returns: why not; nil where all is written.
  static func write(_ data: Data, to descriptor: Int32) -> String? {
    data.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Foundation.write(
          descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count > 0 {
          rest = rest.dropFirst(count)
        } else if count < 0, errno != EINTR {
          if errno == EAGAIN {
            // A pipe that somebody made non-blocking, and whose reader is slow.
            var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&wait, 1, -1)
            continue
          }
          // Who reads it has enough: it ends as a program does whom the signal ends.
          if errno == EPIPE, Session.endsByPipe { Session.end(by: SIGPIPE) }
          return String(cString: strerror(errno))
        }
      }
      return nil
    }
  }
}

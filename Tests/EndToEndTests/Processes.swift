// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Synchronization

/// A process in a session of its own, with its streams in files.
final class Spawned: Sendable {
  let process: pid_t
  private let ended = Mutex<Int32?>(nil)

  init(
    _ command: [String], environment: [String: String], directory: String, output: String,
    errors: String, input: String
  ) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDWR | O_NOCTTY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK) | 0x80 /* POSIX_SPAWN_SETSID */)
    // It becomes the command, in that directory.
    let command = ["/usr/bin/env", "-C", directory] + command
    let arguments = command.map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + variables { free(text) } }
    var process: pid_t = 0
    let error = posix_spawn(&process, command[0], &actions, &attributes, arguments, variables)
    guard error == 0 else { throw POSIXError(POSIXErrorCode(rawValue: error) ?? .EIO) }
    self.process = process
  }

  /// The exit status, 128 and the signal's number where one ended it; nil while it runs.
  var status: Int32? {
    ended.withLock { ended in
      if let ended { return ended }
      var status: Int32 = 0
      guard waitpid(process, &status, WNOHANG) == process else { return nil }
      ended = status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
      return ended
    }
  }

  /// Kills it.
  func end() {
    guard status == nil else { return }
    kill(process, SIGKILL)
    while status == nil { usleep(1000) }
  }
}

/// What /proc tells.
enum Processes {
  private static var all: [pid_t] {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.compactMap { pid_t($0) } ?? []
  }

  private static func read(_ process: pid_t, _ file: String) -> String {
    let descriptor = open("/proc/\(process)/\(file)", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while true {
      let count = Foundation.read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      text += buffer[..<count]
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// How many a process has started, itself counted, and what they hold alone: where a hundred forks
  /// share it, the most that one holds.
  static func below(_ process: pid_t) -> (count: Int, memory: Int) {
    var children: [pid_t: [pid_t]] = [:]
    for one in all {
      let fields = read(one, "stat").split(separator: ")").last?.split(separator: " ") ?? []
      if fields.count > 1, let parent = pid_t(fields[1]) {
        children[parent, default: []].append(one)
      }
    }
    var (found, queue): ([pid_t], [pid_t]) = ([], [process])
    while let one = queue.popLast() {
      found.append(one)
      queue += children[one] ?? []
    }
    let pages = found.map { one -> Int in
      let fields = read(one, "statm").split(separator: " ").compactMap { Int($0) }
      return fields.count > 2 ? fields[1] - fields[2] : 0
    }
    return (
      found.count, 4096 * (found.count > 20 ? pages.max() ?? 0 : pages.reduce(0, +))
    )
  }

  /// Those that have a text among their arguments or in their environment.
  static func marked(_ mark: String) -> [pid_t] {
    all.filter { one in
      one != getpid() && !read(one, "stat").contains(") Z ")
        && (read(one, "cmdline").contains(mark) || read(one, "environ").contains(mark))
    }
  }

  /// Kills them, and what they start meanwhile.
  static func end(_ mark: String) {
    for _ in 0..<50 {
      let left = marked(mark)
      if left.isEmpty { return }
      for one in left { kill(one, SIGKILL) }
      usleep(20_000)
    }
  }

  static func isTraced(_ process: pid_t) -> Bool {
    let status = read(process, "status")
    return status.contains("State:\tt") || status.contains("State:\tT")
  }
}

/// Takes down what is sent to a port of the loopback.
final class Listener: Sendable {
  let port: UInt16
  private let socket: Int32
  private let text = Mutex("")

  var received: String { text.withLock { $0 } }

  init() throws {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { place in
      place.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, size) == 0 && listen(socket, 64) == 0
          && getsockname(socket, $0, &size) == 0
      }
    }
    guard isBound else { throw POSIXError(.EADDRNOTAVAIL) }
    self.socket = socket
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [self] in
      while true {
        let connection = accept(socket, nil, nil)
        guard connection >= 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 1 << 17)
        var wait = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(
          connection, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        let count = recv(connection, &buffer, buffer.count, 0)
        if count > 0 {
          text.withLock { $0 += String(decoding: buffer[..<count], as: UTF8.self) }
        }
        Glibc.close(connection)
      }
    }
  }

  func close() {
    // Wakes the one that waits.
    shutdown(socket, Int32(SHUT_RDWR))
    Glibc.close(socket)
  }
}

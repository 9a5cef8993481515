// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// One program that was run to its end, and what it took.
struct Measured {
  /// The exit status; 128 and the signal's number where a signal ended it.
  var status: Int32
  /// From before it was started to when it was reaped.
  var seconds: Double
  /// The most memory that it had, and the largest program below it, in bytes; nil where that was
  /// not asked for.
  var peak: (own: Int, child: Int)?
  var output: String
  var errors: String

  /// - Parameters:
  ///   - command: a program's name or path, and its arguments.
  ///   - changes: what differs from this process's environment.
  ///   - isWatched: whether memory is read while it runs, every two milliseconds, which costs it
  ///     some time. wait4() does not serve: what it says begins with the memory of this process,
  ///     which the program had until it was executed.
  ///   - scratch: a directory for what it writes.
  /// - Throws: ``Trouble`` where it cannot be started.
  static func run(
    _ command: [String], changes: [String: String] = [:],
    isWatched: Bool = false, scratch: String
  ) throws -> Measured {
    let (output, errors) = ("\(scratch)/stdout", "\(scratch)/stderr")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    let create = O_WRONLY | O_CREAT | O_TRUNC
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, create, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, errors, create, 0o644)

    var variables = ProcessInfo.processInfo.environment
    for name in SetUp.dropped { variables[name] = nil }
    variables["LC_ALL"] = "C"
    variables.merge(changes) { _, new in new }
    let arguments = command.map { strdup($0) } + [nil]
    let environment = variables.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in arguments + environment { free(text) } }

    var child = pid_t()
    let clock = ContinuousClock()
    let start = clock.now
    let error = posix_spawnp(&child, command[0], &actions, nil, arguments, environment)
    guard error == 0 else {
      throw Trouble("\(command[0]) cannot be started (\(String(cString: strerror(error))))")
    }
    var status = Int32()
    var peak: (own: Int, child: Int)?
    if isWatched {
      var most = (own: 0, child: 0)
      let program = Self.program(of: child)
      while waitpid(child, &status, WNOHANG) == 0 {
        most.own = max(most.own, Self.highWater(of: child))
        // One that has not executed its own program yet shares its parent's memory.
        for each in Self.below(child) where Self.program(of: each) != program {
          most.child = max(most.child, Self.highWater(of: each))
        }
        usleep(2_000)
      }
      peak = most
    } else {
      while waitpid(child, &status, 0) < 0, errno == EINTR {}
    }
    let (seconds, attoseconds) = (clock.now - start).components
    func written(_ path: String) -> String {
      String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
    let signal = status & 0x7f
    return Measured(
      status: signal == 0 ? status >> 8 & 0xff : 128 + signal,
      seconds: Double(seconds) + Double(attoseconds) * 1e-18, peak: peak, output: written(output),
      errors: written(errors))
  }

  private static func program(of process: pid_t) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { path in
      let count = readlink("/proc/\(process)/exe", path.baseAddress!, path.count)
      return count > 0
        ? String(decoding: path[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }
  }

  /// `VmHWM` of a process, in bytes.
  private static func highWater(of process: pid_t) -> Int {
    let line = text("/proc/\(process)/status").split(separator: "\n").first {
      $0.hasPrefix("VmHWM:")
    }
    return (line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) * 1024
  }

  /// Every process below one.
  private static func below(_ process: pid_t) -> [pid_t] {
    let tasks = "/proc/\(process)/task"
    guard let folder = opendir(tasks) else { return [] }
    defer { closedir(folder) }
    var children: [pid_t] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard Int(name) != nil else { continue }
      children += text("\(tasks)/\(name)/children").split(separator: " ").compactMap { pid_t($0) }
    }
    return children + children.flatMap(below)
  }

  /// The first 4096 bytes of a file of /proc: read hundreds of times a second, so without Foundation.
  private static func text(_ path: String) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
      let count = read(file, buffer.baseAddress!, buffer.count)
      return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    }
  }
}

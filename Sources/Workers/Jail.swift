// SPDX-License-Identifier: GPL-2.0-only
import CLinux
import Failures
import Foundation

/// What a worker may see, and how much it may take: bubblewrap's arguments, and limits that the one
/// who waits for it looks after.
public struct Jail: Sendable {
  /// Files and directories that can be read, each where it is.
  public var readable: Set<String>

  /// - Parameter readable: absolute paths; those that are not there are left out.
  public init(readable: Set<String>) { self.readable = readable }

  /// How large the directory for temporary files can become, in memory.
  static let scratch = 1 << 30

  /// Of the system: libraries and the programs that come with it.
  private static let system = [
    "/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d", "/etc/alternatives",
  ]

  /// The program, and its arguments in front of those of what it runs.
  ///
  /// - Parameter filter: the descriptor that the filter of system calls is read from.
  func arguments(filter: Int32) -> [String] {
    var arguments = [
      "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session",
      "--cap-drop", "ALL",
      "--hostname", "kshim", "--clearenv", "--setenv", "PATH",
      ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
      "--setenv", "HOME", "/nonexistent", "--setenv", "TMPDIR", "/tmp", "--setenv", "LC_ALL", "C",
      "--proc", "/proc", "--dev-bind", "/dev/null", "/dev/null",
      "--size", "\(Self.scratch)", "--tmpfs", "/tmp",
    ]
    for path in Self.system {
      // A link stays one.
      if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
        arguments += ["--symlink", target, path]
      } else if access(path, F_OK) == 0 {
        arguments += ["--ro-bind", path, path]
      }
    }
    // What lies in another comes after it.
    for path in readable.sorted() where access(path, F_OK) == 0 {
      arguments += ["--ro-bind", path, path]
    }
    return arguments + ["--seccomp", "\(filter)", "--chdir", "/tmp", "--"]
  }

  /// Where bubblewrap is.
  ///
  /// - Throws: `Failure` of kind tool where there is none.
  static func program() throws -> String {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let found = path.split(separator: ":").map { (folder: Substring) in "\(folder)/bwrap" }
      .first { (file: String) in access(file, X_OK) == 0 }
    if let found { return found }
    throw unavailable("there is no bwrap on PATH", [], "install the Debian package bubblewrap")
  }

  /// Makes a jail for a program that does nothing.
  ///
  /// - Throws: `Failure` of kind tool where that fails.
  public func probe() throws {
    let filter = linux_worker_filter()
    defer { if filter >= 0 { close(filter) } }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try Self.program())
    process.arguments =
      Self.plain(arguments(filter: 3)) + [
        FileManager.default.fileExists(atPath: "/usr/bin/true") ? "/usr/bin/true" : "true"
      ]
    let output = Pipe()
    process.standardError = output
    process.standardOutput = FileHandle.nullDevice
    do {
      try process.run()
    } catch {
      throw Self.unavailable("bwrap cannot be started", ["\(error)"], "mend that")
    }
    let said = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus != 0 else { return }
    let lines = String(decoding: said, as: UTF8.self).split(separator: "\n").map(String.init)
    throw Self.unavailable(
      "bwrap cannot make one here", Array(lines.prefix(4)),
      "allow user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone; in a container its options)"
    )
  }

  /// Without the filter of system calls, whose descriptor a process of its own has not got.
  private static func plain(_ arguments: [String]) -> [String] {
    guard let index = arguments.firstIndex(of: "--seccomp") else { return arguments }
    return Array(arguments[..<index] + arguments[(index + 2)...])
  }

  /// A jail cannot be had.
  static func unavailable(_ cause: String, _ evidence: [String], _ remedy: String) -> Failure {
    Failure(
      .tool, asked: "put the code under test into a jail", cause: cause, evidence: evidence,
      remedy:
        "\(remedy), or run it without a jail by --no-jail, as you would run code that you trust"
    )
  }
}

/// How much a worker may take before it is ended.
public struct WorkerLimits: Sendable {
  /// Of all of its processes, in bytes.
  public var memory: Int
  /// Processor seconds for which nothing is heard of it.
  public var busy = 30.0
  /// Seconds in which it does nothing and nothing is heard of it.
  public var idle = 45.0
  public var processes = 200

  public init() {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    let all = pages > 0 ? pages * Int(getpagesize()) : 8 << 30
    memory = max(1 << 30, min(4 << 30, all / 2))
  }
}

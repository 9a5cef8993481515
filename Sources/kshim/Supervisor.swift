// SPDX-License-Identifier: GPL-2.0-only
import CLinux
import Failures
import Foundation
import KernelSource

/// Two processes: one compiles and runs a stranger's code, the other waits for it and believes only an
/// end that was told. Code that ends its process, with whatever status, gives no verdict.
enum Supervisor {
  /// Where the end is told; nothing that is started inherits it.
  nonisolated(unsafe) private static var record: Int32 = -1
  nonisolated(unsafe) private static var worker: pid_t = 0

  private static let passedOn = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]

  /// Comes back in the process that works. Before anything else was started: no thread is left behind.
  static func begin() {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    _ = linux_adopt_orphans()
    let parent = getpid()
    switch fork() {
    case -1:
      close(ends[0])
      close(ends[1])
    case 0:
      close(ends[0])
      record = ends[1]
      _ = linux_die_with_parent()
      // It may have gone in between.
      if getppid() != parent { _exit(4) }
    case let child:
      close(ends[1])
      worker = child
      for number in passedOn { signal(number) { kill(Supervisor.worker, $0) } }
      exit(code(of: child, told: ends[0]))
    }
  }

  /// Ends the process that works.
  static func end(_ code: Int32) -> Never {
    if record >= 0 {
      var byte = UInt8(truncatingIfNeeded: code)
      while write(record, &byte, 1) < 0, errno == EINTR {}
    }
    exit(code)
  }

  private static func code(of child: pid_t, told: Int32) -> Int32 {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    endOrphans()
    // Nobody holds the other end any more.
    var byte: UInt8 = 0
    let count = read(told, &byte, 1)
    let number = status & 0x7F
    if number != 0 {
      ScratchDirectory.sweep()
      if passedOn.contains(number) || number == SIGPIPE {
        signal(number, SIG_DFL)
        kill(getpid(), number)
      }
      return unfinished("was ended by signal \(number) (\(String(cString: strsignal(number))))")
    }
    let code = (status >> 8) & 0xFF
    guard count == 1, Int32(byte) == code else {
      return unfinished("ended by itself, with status \(code)")
    }
    return code
  }

  /// Ends what the worker started and left: compilers, and what the code started behind its back.
  private static func endOrphans() {
    // Each may leave others.
    for _ in 0..<1000 {
      guard
        let list = try? String(
          contentsOfFile: "/proc/self/task/\(getpid())/children", encoding: .utf8)
      else { return }
      let children = list.split(separator: " ").compactMap { pid_t($0) }
      if children.isEmpty { return }
      for child in children {
        kill(child, SIGKILL)
        while waitpid(child, nil, 0) < 0, errno == EINTR {}
      }
    }
  }

  private static func unfinished(_ what: String) -> Int32 {
    ScratchDirectory.sweep()
    let failure = Failure(
      .build, asked: "come to a verdict",
      cause: "the process that compiles and runs the code \(what) before it told one",
      remedy:
        "look in the patch for what ends a process or crashes the compiler; without a patch, report it"
    )
    Terminal.error("kshim: \(failure)")
    return failure.kind.exitCode
  }
}

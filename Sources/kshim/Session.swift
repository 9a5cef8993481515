// SPDX-License-Identifier: GPL-2.0-only
import CLinux
import Foundation
import KernelSource
import Synchronization
import Workers

/// From the beginning of this process to its end: what it makes in the temporary directory and what it
/// starts goes with it, also after Ctrl-C.
enum Session {
  private static let scratch = Mutex<ScratchDirectory?>(nil)
  private static let pool = Mutex<WorkerPool?>(nil)
  /// Where a signal's number goes.
  nonisolated(unsafe) private static var signalled: Int32 = -1

  /// Whether a reader that is gone ends this process, as it does unless somebody said otherwise.
  nonisolated(unsafe) private(set) static var endsByPipe = false

  private static let endings = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

  static func begin() {
    _ = linux_adopt_orphans()
    handleSignals()
    makeScratch()
  }

  private static func handleSignals() {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    signalled = ends[1]
    // Whoever writes is told; what is started has it as ever.
    endsByPipe = unsafeBitCast(signal(SIGPIPE) { _ in }, to: Int.self) != 1
    if !endsByPipe { signal(SIGPIPE, SIG_IGN) }
    for number in endings {
      let before = signal(number) { number in
        var byte = UInt8(truncatingIfNeeded: number)
        _ = write(Session.signalled, &byte, 1)
      }
      // What is ignored stays so, as under nohup.
      if unsafeBitCast(before, to: Int.self) == 1 { signal(number, SIG_IGN) }
    }
    let wait = ends[0]
    Thread {
      var byte: UInt8 = 0
      while read(wait, &byte, 1) != 1 {}
      end(by: Int32(byte))
    }.start()
  }

  /// All that is temporary goes into one directory of its own, which workers may read.
  private static func makeScratch() {
    ScratchDirectory.sweep()
    guard
      let made = try? ScratchDirectory(
        prefix: ScratchDirectory.session, in: FileManager.default.temporaryDirectory.path)
    else { return }
    scratch.withLock { $0 = made }
    setenv("TMPDIR", made.path, 1)
  }

  /// Where that is; nil where it could not be made.
  static var directory: String? { scratch.withLock { $0?.path } }

  /// Who compiles and runs for this command; one for all that it asks for.
  static func worker(_ make: () -> WorkerPool) -> WorkerPool {
    pool.withLock { pool in
      if let pool { return pool }
      let made = make()
      pool = made
      return made
    }
  }

  /// Ends who compiles and runs, where nothing is left to do.
  static func endWorkers() { pool.withLock { $0 }?.end() }

  /// Whether a signal ends it: what fails now fails for that, and nothing is told of it.
  static var isEnding: Bool { ending.load(ordering: .relaxed) }
  private static let ending = Atomic(false)

  static func end(_ code: Int32) -> Never {
    while isEnding { sleep(1) }
    tidy()
    exit(code)
  }

  /// Ends as the signal ends a program, and tidies up first.
  static func end(by number: Int32) -> Never {
    ending.store(true, ordering: .relaxed)
    tidy()
    signal(number, SIG_DFL)
    kill(getpid(), number)
    exit(128 + number)
  }

  private static func tidy() {
    // Each may leave others.
    for _ in 0..<1000 {
      let children = ProcessTree.children(of: getpid())
      if children.isEmpty { break }
      for child in children {
        ProcessTree.end(child)
        while waitpid(child, nil, 0) < 0, errno == EINTR {}
      }
    }
    // Others of its threads may be writing there.
    for _ in 0..<50 {
      scratch.withLock { $0?.remove() }
      guard let directory, access(directory, F_OK) == 0 else { break }
      usleep(2_000)
    }
  }
}

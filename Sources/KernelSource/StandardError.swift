// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Synchronization

/// Standard error, which a library in this process may write to on its own.
public enum StandardError {
  private struct State {
    var silent = 0
    /// What standard error was before it was silenced first; open from then on.
    var kept: Int32 = -1
  }

  private static let state = Mutex(State())

  /// Where it is now; for what kshim itself has to say.
  public static var descriptor: Int32 {
    state.withLock { $0.kept >= 0 ? $0.kept : STDERR_FILENO }
  }

  /// Nobody sees what the body writes there without ``descriptor``, nor what others do meanwhile.
  public static func silenced<Result>(_ body: () throws -> Result) rethrows -> Result {
    begin()
    defer { end() }
    return try body()
  }

  private static func begin() {
    state.withLock { state in
      state.silent += 1
      guard state.silent == 1 else { return }
      let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
      guard null >= 0 else { return }
      defer { close(null) }
      // Above those that a program is begun with.
      if state.kept < 0 { state.kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) }
      if state.kept >= 0 { dup2(null, STDERR_FILENO) }
    }
  }

  private static func end() {
    state.withLock { state in
      state.silent -= 1
      if state.silent == 0, state.kept >= 0 { dup2(state.kept, STDERR_FILENO) }
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import KernelSource
import Synchronization

/// The search of a base, begun while its revision is still searched: when something breaks there, the
/// base will be asked.
final class AheadSearch: Sendable {
  private let check: Check
  private let base: Revision
  private let task = Mutex<Task<Check.Answer.Part, any Error>?>(nil)
  /// Whether somebody waits for it; until then it tells nothing.
  private let isAwaited = Atomic<Bool>(false)

  /// nil where nothing runs beside a search.
  init?(of base: Revision, by check: Check) {
    guard check.jobs > 1 else { return nil }
    self.check = check
    self.base = base
  }

  func begin() {
    task.withLock { task in
      if task == nil { task = Task { try await quiet.part(base) } }
    }
  }

  /// The check, told of only once somebody waits.
  private var quiet: Check {
    var quiet = check
    quiet.phase = { [self] in if isHeard { check.phase?($0) } }
    quiet.progress = { [self] in if isHeard { check.progress?($0) } }
    return quiet
  }

  private var isHeard: Bool { isAwaited.load(ordering: .relaxed) }

  /// What it says; nil where it has not begun.
  var part: Check.Answer.Part? {
    get async throws {
      isAwaited.store(true, ordering: .relaxed)
      return try await task.withLock { $0 }?.value
    }
  }
}

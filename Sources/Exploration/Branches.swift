// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Synchronization

/// The branches that wait for a worker. Who has none left gets half of another's.
final class Branches<Branch: Sendable>: Sendable {
  private struct State {
    var waiting: [Branch] = []
    var isOpen = false
    /// Workers that walk.
    var busy = 0
  }

  private enum Answer {
    case branch(Branch)
    case wait, notOpen, done
  }

  private let state = Mutex(State())
  private let hungry = Atomic<Int>(0)

  /// Begins with some branches.
  func open(_ branches: [Branch]) {
    state.withLock {
      guard !$0.isOpen else { return }
      $0.waiting = branches.reversed()
      $0.isOpen = true
    }
  }

  /// Gives up: no worker gets another.
  func close() {
    state.withLock {
      $0.waiting = []
      $0.isOpen = true
    }
  }

  var isHungry: Bool { hungry.load(ordering: .relaxed) > 0 }

  func add(_ branch: Branch) { state.withLock { $0.waiting.append(branch) } }

  /// Hands a worker one branch after the other until all is done. A worker that comes late, or never,
  /// keeps nobody waiting: there may be fewer threads than workers.
  func walk(_ body: (Branch) throws -> Void) rethrows {
    while let branch = next() {
      defer { state.withLock { $0.busy -= 1 } }
      try body(branch)
    }
  }

  /// The next branch for a worker that has none; nil when all is done.
  private func next() -> Branch? {
    var isWaiting = false
    defer { if isWaiting { hungry.subtract(1, ordering: .relaxed) } }
    while true {
      let answer = state.withLock { state -> Answer in
        guard state.isOpen else { return .notOpen }
        if let branch = state.waiting.popLast() {
          state.busy += 1
          return .branch(branch)
        }
        return state.busy == 0 ? .done : .wait
      }
      switch answer {
      case .branch(let branch): return branch
      case .done: return nil
      case .notOpen: usleep(50)
      case .wait:
        if !isWaiting { hungry.add(1, ordering: .relaxed) }
        isWaiting = true
        usleep(50)
      }
    }
  }
}

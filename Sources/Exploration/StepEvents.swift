// SPDX-License-Identifier: GPL-2.0-only

/// The events of one step, sorted by what they are. Its storage is used again for every step.
public final class StepEvents {
  public private(set) var allocated: [Event] = []
  public private(set) var freed: [Event] = []
  public private(set) var warned: [Event] = []
  public private(set) var calls: [Event] = []
  public private(set) var assertions: [Event] = []
  /// The last event that answered with a failure: a refused page, a negative number.
  public private(set) var failure: Event?
  /// The errno that the failure stands for, negative.
  public private(set) var failureErrno: Int32 = 0
  /// The event that ended the step before its return.
  public private(set) var fatal: Event?
  /// Whether the step, or one that raced with it, was stopped because it did not come to an end.
  public private(set) var isEndless = false
  /// The step's return, nil when an event ended it.
  public private(set) var returned: Event?
  /// Locks taken minus locks released.
  public private(set) var lockBalance = 0

  public init() {}

  public static let enomem: Int32 = -12

  /// What is looked at in every step, and in every step that returns.
  private static let looked = PropertySet(
    .doubleFree, .wildFree, .useAfterFree, .outOfBounds, .uninitialised, .doubleLock,
    .sleepUnderLock, .crash, .hang)
  private static let lookedAtReturn = PropertySet(.lockImbalance)

  private func clear() {
    allocated.removeAll(keepingCapacity: true)
    freed.removeAll(keepingCapacity: true)
    warned.removeAll(keepingCapacity: true)
    calls.removeAll(keepingCapacity: true)
    assertions.removeAll(keepingCapacity: true)
    failure = nil
    failureErrno = 0
    fatal = nil
    isEndless = false
    returned = nil
    lockBalance = 0
  }

  /// Sorts the events from a position on, up to the end of that step, and judges those that are
  /// wrong whatever the subject: accesses, frees, locks, sleeping.
  ///
  /// - Parameters:
  ///   - thread: whose events; those of two steps that race are mixed.
  ///   - isRefused: whether BUG() is the right end of this step.
  /// - Returns: the position behind the step, or behind both.
  public func take(
    _ events: UnsafeBufferPointer<Event>, from start: Int, thread: Int = 0, function: String,
    isRefused: Bool = false, into report: inout Report
  ) -> Int {
    clear()
    report.look(at: Self.looked)
    var position = start
    var isRace = false
    let step = events[start].step
    while position < events.count, events[position].step == step {
      let event = events[position]
      position += 1
      if event.what == .hang || event.what == .overflow { isEndless = true }
      if event.thread != 0 { isRace = true }
      guard event.thread == thread else { continue }
      switch event.what {
      case .returned: returned = event
      case .bug where isRefused: fatal = event
      case .call:
        calls.append(event)
        let value = Int64(bitPattern: event.value)
        if value < 0, value >= -4095 {
          failure = event
          failureErrno = Int32(value)
        } else if let errno = Self.errno32(event.value) {
          failure = event
          failureErrno = errno
        }
      case .allocation:
        allocated.append(event)
        if event.value == 0 {
          failure = event
          failureErrno = Self.enomem
        }
      case .free: free(event, function, &report)
      case .warning: warned.append(event)
      case .assertion: assertions.append(event)
      case .lock: lock(event, function, &report)
      case .unlock: unlock(event, function, &report)
      case .sleep:
        report.broken(
          .sleepUnderLock, in: function, at: event.pc,
          "a function that may sleep is called with a spinning lock held")
      default: end(event, function, &report)
      }
    }
    if isRace { report.look(at: .init(.deadlock)) }
    if returned != nil { report.look(at: Self.lookedAtReturn) }
    if let returned, lockBalance != 0 {
      report.broken(
        .lockImbalance, in: function, at: returned.pc,
        "the function returns with a lock that it took still held")
    }
    return position
  }

  /// A 32-bit result that is a negative errno.
  private static func errno32(_ value: UInt64) -> Int32? {
    guard value >> 32 == 0 else { return nil }
    let number = Int32(truncatingIfNeeded: value)
    return number < 0 && number >= -4095 ? number : nil
  }

  private func free(_ event: Event, _ function: String, _ report: inout Report) {
    freed.append(event)
    switch event.freed {
    case .live: break
    case .freed:
      report.broken(
        .doubleFree, in: function, at: event.pc, "a page is freed that was freed before")
    case .poison:
      report.broken(
        .wildFree, in: function, at: event.pc, "a variable that was never set is freed as a page")
    default:
      report.broken(.wildFree, in: function, at: event.pc, "what is freed was never allocated")
    }
  }

  private func lock(_ event: Event, _ function: String, _ report: inout Report) {
    if event.isLockMisuse {
      report.broken(
        .doubleLock, in: function, at: event.pc, "a lock is taken that is already held")
    }
    lockBalance += 1
  }

  private func unlock(_ event: Event, _ function: String, _ report: inout Report) {
    if event.isLockMisuse {
      report.broken(
        .lockImbalance, in: function, at: event.pc, "a lock is released that is not held this way")
    } else {
      lockBalance -= 1
    }
  }

  private func end(_ event: Event, _ function: String, _ report: inout Report) {
    switch event.what {
    case .access:
      fatal = event
      let what = event.isWrite ? "write to" : "read of"
      switch event.met {
      case .freed:
        report.broken(.useAfterFree, in: function, at: event.pc, "\(what) a page that was freed")
      case .guardPage:
        report.broken(.outOfBounds, in: function, at: event.pc, "\(what) memory past a page's end")
      case .null:
        report.broken(.crash, in: function, at: event.pc, "\(what) memory through NULL")
      case .poison:
        report.broken(
          .crash, in: function, at: event.pc, "\(what) memory through a variable never set")
      case .index:
        report.broken(
          .outOfBounds, in: function, at: event.pc,
          "element \(event.arg.0) of an array that has fewer is used")
      case .readOnly:
        report.broken(.crash, in: function, at: event.pc, "write to read-only memory")
      default:
        report.broken(.crash, in: function, at: event.pc, "\(what) memory through a wild pointer")
      }
    case .address:
      report.broken(
        .crash, in: function, at: event.pc, "__pa() is asked for what is no page of the direct map")
    case .bug:
      fatal = event
      report.broken(
        .crash, in: function, at: event.pc,
        event.hasCallee ? "a function is called that never comes back" : "BUG() is reached")
    case .fault:
      fatal = event
      report.broken(.crash, in: function, at: event.pc, Self.sentence(of: event.fault))
    case .deadlock:
      fatal = event
      // A holder that has returned is told of where it returns.
      guard !event.isLockMisuse else { return }
      report.broken(
        .deadlock, in: function, at: event.pc,
        "a lock is waited for whose holder waits for one that is held here")
    case .hang:
      fatal = event
      report.broken(.hang, in: function, at: event.pc, "the function does not come to an end")
    case .overflow:
      fatal = event
      report.cut(by: Limit(event), in: function)
    default: break
    }
  }

  private static func sentence(of fault: Fault) -> String {
    switch fault {
    case .instruction: "an illegal instruction is reached"
    case .division: "a number is divided by zero"
    case .stack: "the stack is used up"
    default: "code or memory is reached through a wild pointer"
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only

/// The events of one step that are of one kind, in order; a view of what the runtime recorded, valid
/// until the next run.
public struct EventList: Sequence {
  public private(set) var count = 0
  fileprivate let kind: EventKind
  fileprivate var thread = 0
  /// Of calls, whose; nil: anybody's.
  private var callee: UInt16?
  fileprivate var events = UnsafeBufferPointer<Event>(start: nil, count: 0)

  fileprivate init(_ kind: EventKind) { self.kind = kind }

  fileprivate mutating func begin(_ events: UnsafeBufferPointer<Event>, thread: Int) {
    self.events = events
    self.thread = thread
    count = 0
  }

  fileprivate mutating func add() { count += 1 }

  public struct Iterator: IteratorProtocol {
    fileprivate let list: EventList
    fileprivate var left: Int
    fileprivate var position = 0

    public mutating func next() -> Event? {
      guard left > 0 else { return nil }
      var event = list.events.baseAddress! + position
      while !list.has(event) { event += 1 }
      position = event - list.events.baseAddress! + 1
      left -= 1
      return event.pointee
    }
  }

  /// By its place: an event is long, and most are passed over.
  private func has(_ event: UnsafePointer<Event>) -> Bool {
    event.pointee.kind == kind.rawValue && event.pointee.thread == thread
      && (callee == nil || event.pointee.call == callee)
  }

  /// The calls of one callee; none where there is no such callee.
  public func of(_ callee: UInt16?) -> EventList {
    var list = self
    list.callee = callee
    list.count = 0
    guard let callee else { return list }
    for event in self where event.call == callee { list.count += 1 }
    return list
  }

  public func makeIterator() -> Iterator { Iterator(list: self, left: count) }

  public var isEmpty: Bool { count == 0 }
  public var first: Event? { count == 0 ? nil : first { _ in true } }
  public var last: Event? { last { _ in true } }

  public func last(where isWanted: (Event) -> Bool) -> Event? {
    guard count > 0 else { return nil }
    return events.indices.last { has(events.baseAddress! + $0) && isWanted(events[$0]) }
      .map { events[$0] }
  }

  public subscript(index: Int) -> Event { dropFirst(index).first { _ in true }! }
}

/// The events of one step, by what they are.
public struct StepEvents {
  public private(set) var allocated = EventList(.allocation)
  public private(set) var warned = EventList(.warning)
  public private(set) var calls = EventList(.call)
  public private(set) var assertions = EventList(.assertion)
  /// The last event that answered with a failure: a refused page, a negative number.
  public private(set) var failure: Event?
  /// Whether an answer says no and not why, as one that a lock was not had.
  public private(set) var isRefused = false
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
  /// Sections entered minus sections left, a byte for each from the lowest, 0x80 being none.
  private var contexts = noContexts
  private static let noContexts: UInt64 = 0x80_8080_8080_8080
  /// All of the step, and of one that raced with it.
  private var all = UnsafeBufferPointer<Event>(start: nil, count: 0)
  private var thread = 0

  public init() {}

  public static let enomem: Int32 = -12

  /// What is looked at in every step, and in every step that returns.
  private static let looked = PropertySet(
    .doubleFree, .wildFree, .useAfterFree, .outOfBounds, .uninitialised, .doubleLock,
    .sleepUnderLock, .crash, .hang)
  private static let lookedAtReturn = PropertySet(.lockImbalance)

  private mutating func begin(_ events: UnsafeBufferPointer<Event>, thread: Int) {
    allocated.begin(events, thread: thread)
    warned.begin(events, thread: thread)
    calls.begin(events, thread: thread)
    assertions.begin(events, thread: thread)
    failure = nil
    failureErrno = 0
    isRefused = false
    all = events
    self.thread = thread
    fatal = nil
    isEndless = false
    returned = nil
    lockBalance = 0
    contexts = Self.noContexts
  }

  /// Sorts the events from a position on, up to the end of that step, and judges those that are
  /// wrong whatever the subject: accesses, frees, locks, sleeping.
  ///
  /// - Parameters:
  ///   - thread: whose events; those of two steps that race are mixed.
  ///   - mayEndInBug: whether BUG() is the right end of this step.
  /// - Returns: the position behind the step, or behind both.
  public mutating func take(
    _ events: UnsafeBufferPointer<Event>, from start: Int, thread: Int = 0, function: String,
    isRefused mayEndInBug: Bool = false, into report: inout Report
  ) -> Int {
    let events = UnsafeBufferPointer(rebasing: events[start...])
    begin(events, thread: thread)
    report.look(at: Self.looked)
    var position = 0
    var isRace = false
    let first = events.baseAddress!
    let step = first.pointee.step
    while position < events.count, first[position].step == step {
      // An event is long; of most a few fields count.
      let place = first + position
      position += 1
      if place.pointee.thread != 0 { isRace = true }
      if place.pointee.is(.hang) || place.pointee.is(.overflow) { isEndless = true }
      guard place.pointee.thread == thread else { continue }
      if place.pointee.is(.call) {
        calls.add()
        if place.pointee.isRefused { self.isRefused = true }
        if let errno = Self.errno(place.pointee.value) {
          failure = place.pointee
          failureErrno = errno
        }
        continue
      }
      let event = place.pointee
      switch event.what {
      case .returned: returned = event
      case .bug where mayEndInBug: fatal = event
      case .allocation:
        allocated.add()
        if event.value == 0 {
          failure = event
          failureErrno = Self.enomem
        }
      case .free: free(event, function, &report)
      case .warning: warned.add()
      case .assertion: assertions.add()
      case .lock: lock(event, function, &report)
      case .unlock: unlock(event, function, &report)
      case .sleep:
        report.broken(
          .sleepUnderLock, in: function, at: event.pc,
          "a function that may sleep is called \(event.context?.inWords ?? "with a spinning lock held")"
        )
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
    if let returned {
      if contexts != Self.noContexts { unbalanced(returned, function, &report) }
      left(by: returned, function, &report)
    }
    all = UnsafeBufferPointer(rebasing: events[..<position])
    return start + position
  }

  /// Whether the code may have got over all that failed: after each failure the same callee gave an
  /// answer without one, or it was memory that was refused, which may be had elsewhere or not be
  /// needed. Only what is left behind can tell.
  ///
  /// - Parameter needsMemory: whether memory that was refused must have been had elsewhere.
  public func isMadeGood(needsMemory: Bool) -> Bool {
    guard failure != nil else { return false }
    return all.indices.allSatisfy { index in
      let event = all[index]
      guard event.thread == thread else { return true }
      func isFollowed(by isWanted: (Event) -> Bool) -> Bool {
        all[(index + 1)...].contains { $0.thread == thread && isWanted($0) }
      }
      if event.is(.allocation), event.value == 0, needsMemory {
        return isFollowed { $0.is(.allocation) && $0.value != 0 }
      }
      if event.is(.call), Self.errno(event.value) != nil {
        return isFollowed {
          $0.is(.call) && $0.call == event.call && Self.errno($0.value) == nil
        }
      }
      return true
    }
  }

  /// NULL, or an errno.
  static func isFailure(_ value: UInt64) -> Bool { value == 0 || errno(value) != nil }

  /// A result that is a negative errno, of 64 or of 32 bits.
  static func errno(_ value: UInt64) -> Int32? {
    let number = Int64(bitPattern: value)
    return (-4095..<0).contains(number) ? Int32(number) : errno32(value)
  }

  /// A 32-bit result that is a negative errno.
  private static func errno32(_ value: UInt64) -> Int32? {
    guard value >> 32 == 0 else { return nil }
    let number = Int32(truncatingIfNeeded: value)
    return number < 0 && number >= -4095 ? number : nil
  }

  private func free(_ event: Event, _ function: String, _ report: inout Report) {
    switch event.freed {
    case .live: break
    case .freed:
      report.broken(
        .doubleFree, in: function, at: event.pc, "a page is freed that was freed before")
    case .poison:
      report.broken(
        .wildFree, in: function, at: event.pc, "a variable that was never set is freed as a page")
    case .foreign:
      report.broken(
        .wildFree, in: function, at: event.pc, "what is freed came from another allocator")
    case .busy:
      report.broken(
        .useAfterFree, in: function, at: event.pc,
        "memory is freed in which a timer is armed or work is queued")
    default:
      report.broken(.wildFree, in: function, at: event.pc, "what is freed was never allocated")
    }
  }

  /// Where a section was entered and not left, or left and not entered.
  private func unbalanced(_ returned: Event, _ function: String, _ report: inout Report) {
    for context in Context.allCases {
      let count = contexts >> (8 * context.rawValue) & 0xff
      guard count != 0x80 else { continue }
      report.broken(
        .lockImbalance, in: function, at: returned.pc,
        count > 0x80
          ? "the function returns \(context.inWords), as it was not called"
          : "the function leaves a section that it did not enter: it was called \(context.inWords)")
    }
  }

  /// What the return itself tells.
  private func left(
    by returned: Event, _ function: String, _ report: inout Report
  ) {
    let left = returned.left
    guard !left.isEmpty || returned.lostNumber != 0 else { return }
    for (what, sentence) in [
      (Left.pageFaults, "with page faults switched otherwise than it was called"),
      (.memoryFlags, "with memory allocated otherwise than it was called: memalloc_…_save()"),
    ] where left.contains(what) {
      report.broken(
        .lockImbalance, in: function, at: returned.pc, "the function returns \(sentence)")
    }
    if returned.lostNumber != 0 {
      report.broken(
        .leak, in: function, at: returned.lostNumber,
        "the function fails, and a number that it took is not given back")
    }
    if left.contains(.stack) {
      report.broken(
        .useAfterFree, in: function, at: returned.pc,
        "the function returns while a timer is armed or work is queued on its stack")
    }
  }

  private mutating func lock(_ event: Event, _ function: String, _ report: inout Report) {
    if let context = event.context {
      contexts += 1 << (8 * context.rawValue)
      return
    }
    if event.isLockMisuse {
      report.broken(
        .doubleLock, in: function, at: event.pc, "a lock is taken that is already held")
    }
    lockBalance += 1
  }

  private mutating func unlock(_ event: Event, _ function: String, _ report: inout Report) {
    if let context = event.context {
      if event.exposesLock {
        report.broken(
          .lockImbalance, in: function, at: event.pc,
          "interrupts are switched on inside of a section or below a lock that has them off")
      } else if event.hasOtherIndex {
        report.broken(
          .lockImbalance, in: function, at: event.pc,
          "an SRCU read section is left with the index of another")
      } else if event.isLockMisuse {
        report.broken(
          .lockImbalance, in: function, at: event.pc,
          "a section is left that was not entered: it does not run \(context.inWords)")
        return
      }
      contexts -= 1 << (8 * context.rawValue)
    } else if event.isLockMisuse {
      report.broken(
        .lockImbalance, in: function, at: event.pc, "a lock is released that is not held this way")
    } else {
      lockBalance -= 1
    }
  }

  private mutating func end(_ event: Event, _ function: String, _ report: inout Report) {
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
      case .between:
        report.broken(
          .outOfBounds, in: function, at: event.pc,
          "\(what) memory beside a variable, which is part of none")
      case .scope:
        report.broken(
          .useAfterFree, in: function, at: event.pc,
          "\(what) a variable of a block that was left")
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
      // To give up at boot is no mistake.
      if report.inputs != nil, event.hasCallee { return }
      report.broken(
        .crash, in: function, at: event.pc,
        event.hasCallee ? "a function is called that never comes back" : "BUG() is reached")
    case .fault:
      fatal = event
      report.broken(
        event.fault == .count ? .uninitialised : .crash, in: function, at: event.pc,
        Self.sentence(of: event.fault))
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
    case .call: "the code makes a system call of its own, which ends the run"
    case .division: "a number is divided by zero"
    case .null: "a function is called through NULL"
    case .stack: "the stack is used up"
    case .count: "a reference is dropped of what was allocated and never initialised"
    default: "code or memory is reached through a wild pointer"
    }
  }
}

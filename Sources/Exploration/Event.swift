// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// One event of a run, as the runtime recorded it: `struct kshim_event` of shims/public/kshim.h.
public typealias Event = kshim_event

extension Event {
  public var what: EventKind { EventKind(rawValue: kind)! }
  /// Whether it is of a kind: quicker than to ask which.
  @inlinable public func `is`(_ what: EventKind) -> Bool { kind == what.rawValue }
  /// What was freed, for ``EventKind/free``.
  public var freed: Whereabouts { Whereabouts(rawValue: UInt64(at))! }
  /// What an ``EventKind/call`` was asked, as far as it is kept.
  public var arguments: [UInt64] { Array([arg.0, arg.1, arg.2, arg.3].prefix(Int(at & 0xff))) }
  /// Whether a ``EventKind/call`` was answered out of the ordinary, without an errno: any may follow.
  public var isRefused: Bool { at & UInt16(KSHIM_CALL_REFUSED) != 0 }
  /// What a function leaves that it was not called with, for ``EventKind/returned``.
  public var left: Left { Left(rawValue: UInt32(truncatingIfNeeded: arg.0)) }
  /// Where a number was taken out of a table that nothing names; 0: nowhere.
  public var lostNumber: UInt64 { arg.1 }
  /// What an ``EventKind/access`` met.
  public var met: Whereabouts { Whereabouts(rawValue: arg.3)! }
  /// Whether an ``EventKind/access`` wrote.
  public var isWrite: Bool { arg.2 != 0 }
  /// The section of a lock event whose mode is ``LockMode/context``; nil for a lock.
  public var context: Context? { lockMode == .context ? Context(rawValue: arg.0) : nil }
  /// What a place asks for that is not so, for ``EventKind/assertion``.
  public var demand: String {
    guard let context else { return "a lock is not held as this place demands" }
    return isLockMisuse
      ? "the place demands to run \(context.inWords), and it does not"
      : "the place demands not to run \(context.inWords), and it does"
  }
  /// Whether interrupts go on below a lock that was taken with them off.
  public var exposesLock: Bool { arg.2 == 2 }
  /// Whether a section of SRCU is left with an index that is another's.
  public var hasOtherIndex: Bool { arg.2 == 3 }
  /// Whether a lock was held already, or an unlocked one was not, or its holder has returned.
  public var isLockMisuse: Bool { arg.2 != 0 }
  /// How a page was asked for, for ``EventKind/allocation``.
  public var allocation: AllocationFlags {
    AllocationFlags(rawValue: UInt32(truncatingIfNeeded: arg.0))
  }
  public var lockMode: LockMode { LockMode(rawValue: arg.1) }
  public var fault: Fault { Fault(rawValue: arg.0) }
  /// Whether the event belongs to a callee; ``call`` is its number then.
  public var hasCallee: Bool { call != 0xffff }
}

/// What an event says happened. The numbers are the runtime's, `enum kshim_event_kind`.
public enum EventKind: UInt16, Sendable {
  case step = 1
  case returned, call, allocation, free, warning, bug, lock, unlock, assertion, sleep, access
  case address, fault, hang, overflow, wait, deadlock
}

/// What is at an address, or what became of a freed one: `enum kshim_at`.
public enum Whereabouts: UInt64, Sendable {
  case live = 0
  case null, poison, freed, guardPage, wild, readOnly, index, between, scope, foreign, busy
}

/// What a function leaves behind that it was not called with, or lets go on.
public struct Left: OptionSet, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  private init(_ flag: kshim_left) { rawValue = flag.rawValue }

  public static let pageFaults = Left(KSHIM_LEFT_PAGEFAULTS)
  public static let memoryFlags = Left(KSHIM_LEFT_MEMALLOC)
  public static let stack = Left(KSHIM_LEFT_STACK)
}

/// How a page was asked for.
public struct AllocationFlags: OptionSet, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  private init(_ flag: kshim_alloc_flag) { rawValue = flag.rawValue }

  public static let zeroed = AllocationFlags(KSHIM_ALLOC_ZEROED)
  public static let accounted = AllocationFlags(KSHIM_ALLOC_ACCOUNTED)
  public static let below4G = AllocationFlags(KSHIM_ALLOC_DMA32)
  public static let maySleep = AllocationFlags(KSHIM_ALLOC_SLEEPS)
}

/// How a lock is held.
public struct LockMode: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  private init(_ mode: kshim_lock_mode) { rawValue = UInt64(mode.rawValue) }

  public static let read = LockMode(KSHIM_LOCK_READ)
  public static let write = LockMode(KSHIM_LOCK_WRITE)
  public static let mutex = LockMode(KSHIM_LOCK_MUTEX)
  public static let shared = LockMode(KSHIM_LOCK_SHARED)
  /// No lock, but a section that the thread is in; see ``Context``.
  public static let context = LockMode(KSHIM_LOCK_CONTEXT)

  var isSection: Bool { self == .context }
}

/// A section that a thread is in: `enum kshim_context`.
public enum Context: UInt64, Sendable, CaseIterable {
  case irq, bh, preempt, rcu, srcu, cpus, migrate

  /// As in "the function returns …", "is called …".
  public var inWords: String {
    switch self {
    case .irq: "with interrupts off"
    case .bh: "with softirqs off"
    case .preempt: "with preemption off"
    case .rcu: "in an RCU read section"
    case .srcu: "in an SRCU read section"
    case .cpus: "with CPU hotplug held off"
    case .migrate: "with migration off"
    }
  }
}

/// Why the processor refused an instruction.
public struct Fault: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  private init(_ fault: kshim_fault) { rawValue = UInt64(fault.rawValue) }

  public static let address = Fault(KSHIM_FAULT_ADDRESS)
  public static let instruction = Fault(KSHIM_FAULT_INSTRUCTION)
  public static let division = Fault(KSHIM_FAULT_DIVISION)
  public static let stack = Fault(KSHIM_FAULT_STACK)
  public static let count = Fault(KSHIM_FAULT_COUNT)
  public static let call = Fault(KSHIM_FAULT_CALL)
  public static let null = Fault(KSHIM_FAULT_NULL)
}

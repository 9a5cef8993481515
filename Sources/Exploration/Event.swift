// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// One event of a run, as the runtime recorded it: `struct kshim_event` of shims/public/kshim.h.
public typealias Event = kshim_event

extension Event {
  public var what: EventKind { EventKind(rawValue: kind) }
  /// What was freed, for ``EventKind/free``.
  public var freed: Whereabouts { Whereabouts(rawValue: UInt64(at)) }
  /// What an ``EventKind/call`` was asked, as far as it is kept.
  public var arguments: [UInt64] { Array([arg.0, arg.1, arg.2, arg.3].prefix(Int(at))) }
  /// What an ``EventKind/access`` met.
  public var met: Whereabouts { Whereabouts(rawValue: arg.3) }
  /// Whether an ``EventKind/access`` wrote.
  public var isWrite: Bool { arg.2 != 0 }
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

/// What an event says happened. The numbers are the runtime's.
public struct EventKind: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  private init(_ kind: kshim_event_kind) { rawValue = UInt16(kind.rawValue) }

  public static let step = EventKind(KSHIM_EVENT_STEP)
  public static let returned = EventKind(KSHIM_EVENT_RETURN)
  public static let call = EventKind(KSHIM_EVENT_CALL)
  public static let allocation = EventKind(KSHIM_EVENT_ALLOC)
  public static let free = EventKind(KSHIM_EVENT_FREE)
  public static let warning = EventKind(KSHIM_EVENT_WARN)
  public static let bug = EventKind(KSHIM_EVENT_BUG)
  public static let lock = EventKind(KSHIM_EVENT_LOCK)
  public static let unlock = EventKind(KSHIM_EVENT_UNLOCK)
  public static let assertion = EventKind(KSHIM_EVENT_ASSERT)
  public static let sleep = EventKind(KSHIM_EVENT_SLEEP)
  public static let access = EventKind(KSHIM_EVENT_ACCESS)
  public static let address = EventKind(KSHIM_EVENT_ADDRESS)
  public static let fault = EventKind(KSHIM_EVENT_FAULT)
  public static let hang = EventKind(KSHIM_EVENT_HANG)
  public static let overflow = EventKind(KSHIM_EVENT_OVERFLOW)
  public static let wait = EventKind(KSHIM_EVENT_WAIT)
  public static let deadlock = EventKind(KSHIM_EVENT_DEADLOCK)
}

/// What is at an address, or what became of a freed one.
public struct Whereabouts: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  private init(_ at: kshim_at) { rawValue = UInt64(at.rawValue) }

  public static let live = Whereabouts(KSHIM_AT_LIVE)
  public static let null = Whereabouts(KSHIM_AT_NULL)
  public static let poison = Whereabouts(KSHIM_AT_POISON)
  public static let freed = Whereabouts(KSHIM_AT_FREED)
  public static let guardPage = Whereabouts(KSHIM_AT_GUARD)
  public static let wild = Whereabouts(KSHIM_AT_WILD)
  public static let readOnly = Whereabouts(KSHIM_AT_READ_ONLY)
  public static let index = Whereabouts(KSHIM_AT_INDEX)
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
}

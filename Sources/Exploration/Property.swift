// SPDX-License-Identifier: GPL-2.0-only

/// A rule that every outcome must keep. Its id is stable: reports and documentation use it.
public struct Property: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
  public let id: String
  /// Its bit in a ``PropertySet``: below 32 what any subject keeps, from 32 on a model's own.
  public let number: Int
  /// A note tells something about the code without calling it wrong.
  public let isNote: Bool

  public init(_ id: String, _ number: Int, isNote: Bool = false) {
    self.id = id
    self.number = number
    self.isNote = isNote
  }

  public var description: String { id }
  public static func < (left: Property, right: Property) -> Bool { left.id < right.id }
}

/// Which properties were looked at.
public struct PropertySet: OptionSet, Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  public init(_ properties: Property...) {
    rawValue = properties.reduce(0) { $0 | 1 << UInt64($1.number) }
  }
  /// Of one, without a list: this is asked for in every run.
  public init(_ property: Property) { rawValue = 1 << UInt64(property.number) }
  public func contains(_ property: Property) -> Bool {
    rawValue >> UInt64(property.number) & 1 != 0
  }
}

extension Property {
  public static let leak = Property("leak", 0)
  public static let doubleFree = Property("double-free", 1)
  public static let wildFree = Property("wild-free", 2)
  public static let useAfterFree = Property("use-after-free", 3)
  public static let outOfBounds = Property("out-of-bounds", 4)
  public static let uninitialised = Property("uninitialised", 5)
  public static let errorSwallowed = Property("error-swallowed", 6)
  public static let wrongErrno = Property("wrong-errno", 7)
  public static let partialState = Property("partial-state", 8)
  public static let lockImbalance = Property("lock-imbalance", 9)
  public static let doubleLock = Property("double-lock", 10)
  public static let deadlock = Property("deadlock", 11)
  public static let sleepUnderLock = Property("sleep-under-lock", 12)
  public static let warnUnexpected = Property("warn-unexpected", 13)
  public static let warnMissing = Property("warn-missing", 14)
  public static let crash = Property("crash", 15)
  public static let hang = Property("hang", 16)
  public static let deadBranch = Property("dead-branch", 17, isNote: true)

  public static let unreleased = Property("unreleased", 18)
  public static let unchecked = Property("unchecked", 19)

  /// What any subject is judged by, in the order of reports.
  public static let universal: [Property] = [
    .leak, .doubleFree, .wildFree, .useAfterFree, .outOfBounds, .uninitialised, .errorSwallowed,
    .wrongErrno, .partialState, .lockImbalance, .doubleLock, .deadlock, .sleepUnderLock,
    .warnUnexpected, .warnMissing, .crash, .hang,
  ]

  /// What goes wrong at once: where nothing has failed before, it may be what was assumed of the inputs.
  static let immediate = PropertySet(
    .doubleFree, .wildFree, .useAfterFree, .outOfBounds, .uninitialised, .doubleLock, .crash, .hang,
    .lockImbalance, .sleepUnderLock, .warnUnexpected)
  public static let immediateIDs = Set(universal.filter { immediate.contains($0) }.map(\.id))
}

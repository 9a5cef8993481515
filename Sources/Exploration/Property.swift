// SPDX-License-Identifier: GPL-2.0-only

/// A rule that every outcome must keep. Its id is stable: reports and documentation use it.
public struct Property: Hashable, Sendable, Comparable, CustomStringConvertible {
  public let id: String
  /// A note tells something about the code without calling it wrong.
  public let isNote: Bool

  public init(_ id: String, isNote: Bool = false) {
    self.id = id
    self.isNote = isNote
  }

  public var description: String { id }
  public static func < (left: Property, right: Property) -> Bool { left.id < right.id }
}

extension Property {
  public static let leak = Property("leak")
  public static let doubleFree = Property("double-free")
  public static let wildFree = Property("wild-free")
  public static let useAfterFree = Property("use-after-free")
  public static let outOfBounds = Property("out-of-bounds")
  public static let uninitialised = Property("uninitialised")
  public static let errorSwallowed = Property("error-swallowed")
  public static let wrongErrno = Property("wrong-errno")
  public static let partialState = Property("partial-state")
  public static let lockImbalance = Property("lock-imbalance")
  public static let doubleLock = Property("double-lock")
  public static let deadlock = Property("deadlock")
  public static let sleepUnderLock = Property("sleep-under-lock")
  public static let warnUnexpected = Property("warn-unexpected")
  public static let warnMissing = Property("warn-missing")
  public static let crash = Property("crash")
  public static let hang = Property("hang")
  public static let deadBranch = Property("dead-branch", isNote: true)
}

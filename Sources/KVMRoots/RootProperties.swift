// SPDX-License-Identifier: GPL-2.0-only
import Exploration

extension Property {
  /// Exactly the tables that the level needs, accounted and zeroed.
  public static let allocationSet = Property("allocation-set")
  /// A second call changes nothing.
  public static let idempotent = Property("idempotent")
  /// The walk from the root reaches the right table for each quarter, and nothing else.
  public static let rootChain = Property("root-chain")
  /// Each entry has the bits that the processor demands of its level.
  public static let entryBits = Property("entry-bits")
  /// The shadow walk starts at the table that the processor's walk reaches.
  public static let walkStart = Property("walk-start")
  /// What another vCPU may use is complete before it can see it.
  public static let earlyPublication = Property("early-publication")
  /// `root.hpa` and `root.pgd` name what was loaded.
  public static let rootIdentity = Property("root-identity")
  /// Callees get the right frame, level and quadrant.
  public static let boundaryArguments = Property("boundary-arguments")
  /// Every reference that was taken is given back; nothing is left at the end.
  public static let lifecycle = Property("lifecycle")
}

/// Every property that this subject is judged by, in the order of reports.
public let rootProperties: [Property] = [
  .leak, .doubleFree, .wildFree, .useAfterFree, .outOfBounds, .uninitialised, .errorSwallowed,
  .wrongErrno, .partialState, .lockImbalance, .doubleLock, .deadlock, .sleepUnderLock,
  .warnUnexpected, .warnMissing, .crash, .hang, .allocationSet, .idempotent, .rootChain, .entryBits,
  .walkStart, .earlyPublication, .rootIdentity, .boundaryArguments, .lifecycle,
]

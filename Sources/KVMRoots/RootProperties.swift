// SPDX-License-Identifier: GPL-2.0-only
import Exploration

extension Property {
  /// Exactly the tables that the level needs, accounted and zeroed.
  public static let allocationSet = Property("allocation-set", 32)
  /// A second call changes nothing.
  public static let idempotent = Property("idempotent", 33)
  /// The walk from the root reaches the right table for each quarter, and nothing else.
  public static let rootChain = Property("root-chain", 34)
  /// Each entry has the bits that the processor demands of its level.
  public static let entryBits = Property("entry-bits", 35)
  /// The shadow walk starts at the table that the processor's walk reaches.
  public static let walkStart = Property("walk-start", 36)
  /// What another vCPU may use is complete before it can see it.
  public static let earlyPublication = Property("early-publication", 37)
  /// `root.hpa` and `root.pgd` name what was loaded.
  public static let rootIdentity = Property("root-identity", 38)
  /// Callees get the right frame, level and quadrant.
  public static let boundaryArguments = Property("boundary-arguments", 39)
  /// Every reference that was taken is given back; nothing is left at the end.
  public static let lifecycle = Property("lifecycle", 40)
}

extension RootDomain {
  public static let properties: [Property] =
    Property.universal + [
      .allocationSet, .idempotent, .rootChain, .entryBits, .walkStart, .earlyPublication,
      .rootIdentity, .boundaryArguments, .lifecycle,
    ]
}

// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// What the code under test may do of itself.
public enum Confinement {
  /// From now on a system call that the code makes while it runs is a fault of its, in this process.
  public static func begin() { kshim_confine() }
}

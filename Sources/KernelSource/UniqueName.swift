// SPDX-License-Identifier: GPL-2.0-only

/// A name that nothing else has.
package enum UniqueName {
  /// From the kernel itself: a worker in a jail has no device to read random bytes from, and
  /// Foundation's UUIDs repeat themselves then.
  package static func make() -> String {
    let number = String(UInt64.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 16 - number.count) + number
  }
}

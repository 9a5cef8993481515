// SPDX-License-Identifier: GPL-2.0-only

/// Where two builds of one scenario part: the one filled uninitialised variables with a pattern,
/// the other with zero, so whatever differs came from such a variable.
public enum Difference {
  /// - Returns: return address of the first sign of it and a sentence; nil when they agree.
  public static func first(_ pattern: World, _ zero: World, slots: [String]) -> (UInt64, String)? {
    guard pattern.digest != zero.digest else { return nil }
    let left = pattern.events
    let right = zero.events
    for index in 0..<min(left.count, right.count) where !same(left[index], right[index]) {
      let pc = left[index].pc != 0 ? left[index].pc : right[index].pc
      return (pc, "what happens depends on a variable or memory that was never set")
    }
    if left.count != right.count {
      let longer = left.count > right.count ? left : right
      return (
        longer[min(left.count, right.count)].pc,
        "what happens depends on a variable or memory that was never set"
      )
    }
    for (number, name) in slots.enumerated() {
      let slot = UInt32(number)
      for index in 0..<Int(pattern.table.pointee.slot_sizes[number])
      where pattern.get(slot, at: index) != zero.get(slot, at: index) {
        return (
          pattern.lastStore(slot: slot, at: index),
          "\(name) is set from a variable or memory that was never set"
        )
      }
    }
    return (0, "memory is written from a variable or memory that was never set")
  }

  private static func same(_ left: Event, _ right: Event) -> Bool {
    left.kind == right.kind && left.thread == right.thread && left.call == right.call
      && left.at == right.at
      && left.value == right.value && left.arg == right.arg
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Shims

extension World {
  /// Gives an input of the plan its value; who looks at the slot asks for the inputs of the mask.
  /// Of an argument it returns the value.
  @discardableResult
  func choose(_ input: UInt32, _ value: Int, asking mask: UInt32 = 0) -> UInt64 {
    table.pointee.choose(input, UInt32(value), mask)
  }

  /// Calls a target with up to `KSHIM_MAX_ARGS` arguments for what are no objects.
  func call(_ entry: UInt32, with arguments: [UInt64]) -> UInt64? {
    precondition(arguments.count == Int(KSHIM_MAX_ARGS))
    var result: UInt64 = 0
    kshim_run_in(table)
    defer { kshim_run_in(nil) }
    return table.pointee.call(entry, arguments, &result) ? result : nil
  }

  /// The events of allocations that are in use and that nothing names any more.
  ///
  /// - Parameters:
  ///   - held: what the caller has.
  ///   - isReleased: whether the targets' objects are given back.
  func lost(held: [UInt64], isReleased: Bool) -> [Event] {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { numbers in
      let count = table.pointee.lost(
        held, UInt32(held.count), isReleased, numbers.baseAddress, UInt32(numbers.count))
      return numbers[..<Int(count)].map { events[Int($0)] }
    }
  }

  /// Whether the subject's own data names an allocation, by way of others that it names.
  ///
  /// - Parameter withObjects: or what the harness gives to targets.
  public func keeps(_ hpa: UInt64, withObjects: Bool = false) -> Bool {
    table.pointee.keeps(hpa, withObjects)
  }

  /// Return address of the last write to where the subject's own data names memory that was
  /// freed; nil where it names none.
  var dangling: UInt64? {
    let address = table.pointee.dangling()
    return address == 0 ? nil : lastStore(to: address)
  }

  /// Return address of where a count was raised that others lower, and still is; 0 where none is.
  var raised: UInt64 { table.pointee.raised() }

  /// Return address of where what a target was handed was put into a list in which it still is; 0 where none is.
  var listed: UInt64 { table.pointee.listed() }
}

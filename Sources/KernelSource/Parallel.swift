// SPDX-License-Identifier: GPL-2.0-only
import Foundation

package enum Parallel {
  /// What becomes of each element, made on all cores, in their order.
  package static func map<Element: Sendable, Result>(
    _ elements: [Element], _ make: @Sendable (Element) -> Result
  ) -> [Result] {
    var results = [Result?](repeating: nil, count: elements.count)
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      DispatchQueue.concurrentPerform(iterations: elements.count) {
        results[$0] = make(elements[$0])
      }
    }
    return results.map { $0! }
  }
}

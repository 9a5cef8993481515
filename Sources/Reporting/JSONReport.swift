// SPDX-License-Identifier: GPL-2.0-only
import Foundation

extension Verdict {
  /// The verdict as JSON, one object, keys sorted, with a newline at the end.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}

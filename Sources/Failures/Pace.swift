// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// How far a long work is, for one line of a terminal: `40 of 120 mutants, 8/s, 10 s left`.
package struct Pace: Sendable {
  private let began: ContinuousClock.Instant
  private let what: String

  /// - Parameter what: what is counted, in the plural.
  package init(_ what: String) {
    began = .now
    self.what = what
  }

  package func text(_ done: Int, of all: Int) -> String {
    let passed = ContinuousClock.now - began
    return Self.text(
      done, of: all, what,
      seconds: Double(passed.components.seconds) + Double(passed.components.attoseconds) / 1e18)
  }

  /// - Parameter seconds: how long it took so far.
  package static func text(_ done: Int, of all: Int, _ what: String, seconds: Double) -> String {
    let head = "\(done) of \(all) \(what)"
    // Of the first few nothing can be told.
    guard done > 0, done <= all, seconds >= 0.5 else { return head }
    let rate = Double(done) / seconds
    return "\(head), \(rounded(rate))/s" + left(Double(all - done) / rate)
  }

  /// `, 10 s left`; nothing where nothing is.
  package static func left(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0.5 else { return "" }
    let whole = Int(seconds.rounded())
    return whole < 120 ? ", \(whole) s left" : ", \((whole + 30) / 60) min left"
  }

  /// `1234`, `12`, `1.2`, and thousands as `85k`.
  package static func rounded(_ rate: Double) -> String {
    rate >= 10_000
      ? "\(Int(rate / 1000))k"
      : rate >= 10 ? "\(Int(rate.rounded()))" : String(format: "%.1f", rate)
  }
}

// SPDX-License-Identifier: GPL-2.0-only

/// One line of the table: a ratio of two quantities, or one quantity, and what it must be.
struct Row: Sendable {
  enum Bound: Sendable {
    case atLeast(Double)
    case atMost(Double)
    /// Told beside another row; nothing is demanded.
    case none

    func holds(_ value: Double) -> Bool? {
      switch self {
      case .atLeast(let bound): value >= bound
      case .atMost(let bound): value <= bound
      case .none: nil
      }
    }

    /// The value that is farther from what is demanded.
    func worse(_ a: Double, _ b: Double) -> Double {
      if case .atMost = self { max(a, b) } else { min(a, b) }
    }
  }

  var id: String
  var title: String
  /// Divided by ``divisor``, where there is one.
  var dividend: Quantity
  var divisor: Quantity?
  var bound: Bound
  /// What is told beside it.
  var also: [Quantity] = []

  var quantities: [Quantity] { [dividend] + (divisor.map { [$0] } ?? []) + also }

  /// The table of what is promised, in its order.
  static let all = [
    Row(
      id: "memblock", title: "edit to verdict, against the kernel's memblock tests",
      dividend: .memblock, divisor: .edit, bound: .atLeast(4)),
    Row(
      id: "syntax", title: "edit to verdict, in times of one clang -fsyntax-only",
      dividend: .edit, divisor: .syntax, bound: .atMost(1.5)),
    Row(
      id: "edit", title: "edit to verdict, against the baseline",
      dividend: .editBefore, divisor: .edit, bound: .atLeast(10)),
    Row(
      id: "jail", title: "edit to verdict, in times of one without a jail",
      dividend: .edit, divisor: .editFree, bound: .atMost(1.1)),
    Row(
      id: "broken", title: "broken edit to verdict, against the baseline",
      dividend: .brokenBefore, divisor: .broken, bound: .atLeast(15)),
    Row(
      id: "broken-known", title: "the same where the base was checked before",
      dividend: .brokenKnownBefore, divisor: .brokenKnown, bound: .none),
    Row(
      id: "states", title: "states a second on one core, against the baseline",
      dividend: .states, divisor: .statesBefore, bound: .atLeast(25)),
    Row(
      id: "repeat", title: "unchanged repeat, against the first check",
      dividend: .first, divisor: .again, bound: .atLeast(20)),
    Row(
      id: "cores", title: "search on two cores, against one",
      dividend: .searchOne, divisor: .searchTwo, bound: .atLeast(1.8)),
    Row(
      id: "mutants", title: "mutants a second, against the baseline",
      dividend: .mutants, divisor: .mutantsBefore, bound: .atLeast(8)),
    Row(
      id: "compare", title: "compare of four revisions, in times of four checks",
      dividend: .compare, divisor: .fourChecks, bound: .atMost(1.2)),
    Row(
      id: "check-memory", title: "peak memory of a check",
      dividend: .checkPeak, bound: .atMost(300), also: [.checkOwn, .checkChild]),
    Row(
      id: "compare-memory", title: "peak memory of a compare of four revisions",
      dividend: .comparePeak, bound: .atMost(400), also: [.compareOwn, .compareChild]),
  ]
}

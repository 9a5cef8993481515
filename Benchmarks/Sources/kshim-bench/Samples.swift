// SPDX-License-Identifier: GPL-2.0-only

/// What one run measured: for each quantity a value a round, or why there is none.
struct Samples {
  private(set) var values: [Quantity: [Double]] = [:]
  private(set) var reasons: [Quantity: String] = [:]

  mutating func add(_ measured: [Quantity: Double]) {
    for (quantity, value) in measured { values[quantity, default: []].append(value) }
  }

  mutating func drop(_ quantities: [Quantity], _ reason: String) {
    for quantity in quantities { reasons[quantity] = reason }
  }

  /// What a row comes to.
  struct Outcome {
    /// Of the medians.
    var value: Double
    /// The worst of the rounds, each taken for itself.
    var worst: Double
  }

  /// - Returns: nil where a quantity of the row is missing.
  func outcome(of row: Row) -> Outcome? {
    guard reason(for: row) == nil, let top = values[row.dividend] else { return nil }
    // Memory is what the worst round took.
    guard let divisor = row.divisor else {
      let worst = top.reduce(top[0], row.bound.worse)
      return Outcome(value: worst, worst: worst)
    }
    guard let bottom = values[divisor] else { return nil }
    let rounds = zip(top, bottom).map { $0 / $1 }
    return Outcome(
      value: median(top) / median(bottom), worst: rounds.reduce(rounds[0], row.bound.worse))
  }

  func reason(for row: Row) -> String? {
    row.quantities.compactMap { quantity in
      reasons[quantity] ?? (values[quantity] == nil ? "it was not measured" : nil)
    }.first
  }
}

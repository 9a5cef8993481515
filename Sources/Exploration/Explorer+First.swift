// SPDX-License-Identifier: GPL-2.0-only

extension Explorer {
  /// Searches states, in the order given, until a scenario breaks a property.
  ///
  /// - Returns: what that scenario breaks, empty when none does, its state, and how many scenarios
  ///   were run.
  public static func first<D: Domain>(
    in domain: inout D, _ subject: Subject, states: some Sequence<Int>
  ) -> (findings: Report.Findings, state: Int?, scenarios: Int) {
    var search = Search(subject, domain.spaces)
    for number in states {
      var isFound = false
      search.walk(Branch(only: domain.state(number)), in: &domain) {
        isFound = $0.isBroken
        return !isFound
      }
      if isFound { return (search.report.findings, number, search.runs) }
    }
    return (search.report.findings, nil, search.runs)
  }

  /// How many lists of decisions a state has.
  public static func scenarios<D: Domain>(
    of state: StartingState, in domain: inout D, _ subject: Subject
  ) -> Int {
    var search = Search(subject, domain.spaces)
    search.walk(Branch(only: state), in: &domain) { _ in true }
    return search.runs
  }

  /// Every number below a count once, neighbours far apart: states of one kind have many scenarios
  /// and those of another few, and workers and the time that is left should see a fair mixture.
  struct Order {
    private let count: Int
    private let stride: Int

    init(count: Int) {
      func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
      self.count = count
      var stride = max(1, Int(Double(count) * 0.618))
      while divisor(stride, count) > 1 { stride += 1 }
      self.stride = stride
    }

    subscript(position: Int) -> Int { position * stride % count }
  }

  /// Numbers below a count in the order of a search: neighbours far apart.
  public static func order(below count: Int) -> [Int] {
    let order = Order(count: count)
    return (0..<count).map { order[$0] }
  }
}

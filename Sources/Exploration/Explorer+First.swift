// SPDX-License-Identifier: GPL-2.0-only

extension Explorer {
  /// Searches states, in the order given, until a scenario breaks a property.
  ///
  /// - Returns: what that scenario breaks, empty when none does, its state, and how many scenarios
  ///   were run.
  public static func first<D: Domain>(
    in domain: inout D, pattern: Subject, states: some Sequence<Int>
  ) -> (findings: Report.Findings, state: Int?, scenarios: Int) {
    var report = Report(pattern)
    var scenarios = 0
    for state in states {
      scenarios +=
        search(state, in: &domain, world: pattern.world, untilFound: true, &report).scenarios
      if !report.findings.entries.isEmpty { return (report.findings, state, scenarios) }
    }
    return (report.findings, nil, scenarios)
  }

  /// Numbers below a count in the order of a search: neighbours far apart.
  public static func order(below count: Int) -> [Int] {
    let order = Order(count: count)
    return (0..<count).map { order[$0] }
  }
}

// SPDX-License-Identifier: GPL-2.0-only

extension Explorer {
  /// Searches drivers, by their numbers in the order given, until a scenario breaks a property.
  ///
  /// - Parameter each: called after each run with its driver.
  /// - Returns: what that scenario breaks, empty when none does, and how many were run.
  public static func first<D: Domain>(
    in domain: inout D, _ subject: Subject, drivers: some Sequence<Int>,
    each: (Int) -> Void = { _ in }
  ) -> (findings: Report.Findings, runs: Int) {
    var search = Search(subject, domain.spaces)
    for driver in drivers {
      var isFound = false
      search.walk(Batch([Branch(space: driver)]), in: &domain) {
        each(driver)
        isFound = $0.isBroken
        return !isFound
      }
      if isFound { break }
    }
    return (search.report.findings, search.runs)
  }

  /// How many lists of decisions a state has.
  public static func scenarios<D: Domain>(
    of state: StartingState, in domain: inout D, _ subject: Subject
  ) -> Int {
    var search = Search(subject, domain.spaces)
    search.walk(Batch([Branch(only: state)]), in: &domain) { _ in true }
    return search.runs
  }
}

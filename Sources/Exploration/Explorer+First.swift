// SPDX-License-Identifier: GPL-2.0-only

extension Explorer {
  /// How many runs of a driver are made before the next one has its turn, in the first round.
  private static let turn = 256

  /// Searches drivers, by their numbers in the order given, until a scenario breaks a property: of each
  /// some runs, in the next round twice as many. What breaks soon in one of them need not wait for
  /// the end of another.
  ///
  /// - Returns: what that scenario breaks, empty when none does, and how many were run.
  public static func first<D: Domain>(
    in domain: inout D, _ subject: Subject, drivers: some Sequence<Int>
  ) -> (findings: Report.Findings, runs: Int) {
    var searches = drivers.map { driver in
      var search = Search(subject, domain.spaces)
      search.begin(Batch([Branch(space: driver)]))
      return (search: search, isOpen: true)
    }
    var turn = turn
    var isFound = false
    while !isFound, searches.contains(where: \.isOpen) {
      for index in searches.indices where searches[index].isOpen && !isFound {
        searches[index].search.interrupt()
        var left = turn
        while left > 0, !isFound {
          guard searches[index].search.next(in: &domain) else {
            searches[index].isOpen = false
            break
          }
          left -= 1
          isFound = searches[index].search.isBroken
        }
      }
      turn *= 2
    }
    var findings = Report.Findings()
    for one in searches { findings.merge(one.search.report.findings) }
    return (findings, searches.reduce(0) { $0 + $1.search.runs })
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

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
    // What breaks in the first one needs no other.
    var searches: [Search] = []
    let drivers = Array(drivers)
    var isOpen = drivers.map { _ in true }
    var turn = turn
    var isFound = false
    while !isFound, isOpen.contains(true) {
      for index in drivers.indices where isOpen[index] && !isFound {
        if index == searches.count {
          searches.append(Search(subject, domain.spaces))
          searches[index].begin(Batch([Branch(space: drivers[index])]))
        }
        searches[index].interrupt()
        var left = turn
        while left > 0, !isFound {
          guard searches[index].next(in: &domain) else {
            isOpen[index] = false
            break
          }
          left -= 1
          isFound = searches[index].isBroken
        }
      }
      turn *= 2
    }
    var findings = Report.Findings()
    for search in searches { findings.merge(search.report.findings) }
    return (findings, searches.reduce(0) { $0 + $1.runs })
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

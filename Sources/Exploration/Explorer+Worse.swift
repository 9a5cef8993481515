// SPDX-License-Identifier: GPL-2.0-only
import Shims

extension Explorer {
  /// How many runs a change of a function that no manifest describes is looked at in.
  private static let mostRunsOfChange = 1_000

  /// Makes the simplest runs of a function that no manifest describes, to their end.
  public static func simplest(
    in domain: inout ManifestDomain, _ subject: Subject
  ) -> (findings: Report.Findings, runs: Int) {
    var search = Search(subject, domain.spaces, most: 2)
    for driver in domain.spaces.indices {
      search.walk(Batch([Branch(space: driver)]), in: &domain) {
        $0.runs < mostRunsOfChange
      }
    }
    return (search.report.findings, search.runs)
  }

  /// Makes all the runs by which a change is judged, of the original.
  public static func runAsChanged(in domain: inout ManifestDomain, _ subject: Subject) {
    _ = simplest(in: &domain, subject)
    _ = conducts(in: &domain, subject: subject, most: mostRunsOfChange / 2)
  }

  /// Whether any run of the original by which a change is judged comes to its return.
  public static func returns(in domain: inout ManifestDomain, _ subject: Subject) -> Bool {
    !conducts(in: &domain, subject: subject, most: mostRunsOfChange / 2).isEmpty
  }

  /// What a mutant breaks, and the original does not in the same scenario.
  ///
  /// - Parameter original: judges the original, as `domain` does the mutant.
  /// - Returns: the simplest of it, empty where there is nothing; how many runs were made; and whether
  ///   it does the same as the original in those of them that are the simplest and return.
  public static func worse(
    mutant: Int, in domain: inout ManifestDomain, than original: inout ManifestDomain,
    _ subject: Subject
  ) -> (findings: Report.Findings, runs: Int, isSame: Bool) {
    subject.world.choose(mutant: mutant)
    defer { subject.world.choose(mutant: 0) }
    let (found, runs) = simplest(in: &domain, subject)
    for (breach, entry) in found.entries.sorted(by: {
      ($0.value.size, $0.key) < ($1.value.size, $1.key)
    }) {
      let scenario = scenario(
        state: entry.state, choices: entry.choices, in: &domain, subject: subject)
      subject.world.choose(mutant: 0)
      let known = rerun(scenario, in: &original, subject: subject)
      subject.world.choose(mutant: mutant)
      guard let known, known.isWhole,
        !known.findings.entries.keys.contains(where: {
          $0.property == breach.property || Property.immediate.contains($0.property)
        })
      else { continue }
      var findings = Report.Findings()
      findings.add(breach, entry)
      return (findings, runs, false)
    }
    let conducts = conducts(in: &domain, subject: subject, most: mostRunsOfChange / 2)
    subject.world.choose(mutant: 0)
    let known = self.conducts(as: conducts, in: &original, subject: subject)
    guard let lapse = Lapse.all(conducts, over: known, in: domain).first else {
      let isSame =
        !conducts.isEmpty
        && zip(conducts, known).allSatisfy { mine, other in
          other.map { mine.isSame(as: $0) } ?? false
        }
      return (.init(), runs + conducts.count, isSame)
    }
    return (findings(of: [lapse], subject: subject), runs + conducts.count, false)
  }
}

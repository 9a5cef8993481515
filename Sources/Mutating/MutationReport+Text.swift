// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation

extension MutationReport {
  /// For people: each survivor with its place and its change, a table by operator, the score.
  public func text() -> String {
    var lines: [String] = []
    // Who names one wants to know of it.
    for outcome in outcomes where outcome.isUndetected || selection.key != nil {
      lines += describe(outcome) + [""]
    }
    for entry in contradictions {
      lines += [
        "\(entry.place): \(entry.key) is no equivalent: killed by "
          + entry.killedBy.joined(separator: ", "), "",
      ]
    }
    for entry in unlisted {
      lines += [
        "\(entry.place): \(entry.key) is the same code as \(entry.same), which is listed here: "
          + "list it too", "",
      ]
    }
    lines += table + ["", summary]
    return lines.joined(separator: "\n") + "\n"
  }

  private func describe(_ outcome: Outcome) -> [String] {
    let mutant = outcome.mutant
    let word =
      switch outcome.status {
      case .killed: "killed"
      case .survived: "survived"
      case .unreached: "not reached"
      case .equivalent(let reason): "equivalent (\(reason))"
      case .sameCode(nil): "the same code as the original"
      case .sameCode(let other?): "the same code as \(other)"
      case .doesNotCompile(let message): "does not compile (\(message))"
      }
    let ran =
      if outcome.makesNoDifference {
        "no run in which it makes a difference, "
      } else if outcome.scenarios > 0 || outcome.isUndetected {
        "\(outcome.scenarios) runs, "
          + (outcome.isSame ? "the simplest with the original's calls and results, " : "")
      } else {
        ""
      }
    return [
      "\(file):\(mutant.start.line):\(mutant.start.column): \(word): \(mutant.operatorID): "
        + mutant.description,
      "  in \(mutant.function)(), \(ran)--mutant \(mutant.key)",
    ] + (outcome.evidence.isEmpty ? [] : ["  \(outcome.evidence)"])
      + outcome.before.map { "  -\($0)" } + outcome.after.map { "  +\($0)" }
  }

  private var table: [String] {
    let used = Set(outcomes.map(\.mutant.operatorID))
    let ids = MutationOperators.all.map { $0.id }.filter(used.contains)
    func row(_ name: String, _ cells: [String]) -> String {
      name.padding(toLength: 18, withPad: " ", startingAt: 0)
        + cells.map { String(repeating: " ", count: max(1, 12 - $0.count)) + $0 }.joined()
    }
    func numbers(_ id: String?) -> [String] {
      [compiled(id), killed(id), survived(id), unreached(id), equivalent(id)].map(String.init)
    }
    return [row("operator", ["mutants", "killed", "survived", "not reached", "equivalent"])]
      + ids.map { row($0, numbers($0)) } + [row("all", numbers(nil))]
  }

  /// `kvm-mmu-roots on Linux 6.12.117: 290 of 300 mutants killed (96.7 %): …`
  public var summary: String {
    let counted = compiled() - equivalent()
    let share = Double(killed()) / Double(counted) * 100
    let reached = counted - unreached()
    let reachedShare = Double(killed()) / Double(reached) * 100
    let same = count { if case .sameCode(as: nil) = $0.status { true } else { false } }
    let twice = count { if case .sameCode(as: .some) = $0.status { true } else { false } }
    let refused = count { if case .doesNotCompile = $0.status { true } else { false } }
    let patches = revision.patches.count
    let on = patches == 0 ? "" : " with \(patches) patch\(patches == 1 ? "" : "es")"
    let alike = count { $0.status == .survived && $0.isSame }
    let sampled =
      selection.sample > 1 ? ", a sample of 1 in \(selection.sample), seed \(selection.seed)" : ""
    let ofReached =
      unreached() == 0 || reached == 0
      ? "" : String(format: ", %.1f", reachedShare) + " % of the \(reached) that are reached"
    let scored =
      counted == 0
      ? "no mutant to kill"
      : "\(killed()) of \(counted) mutants killed (\(String(format: "%.1f", share)) %\(ofReached))"
    return "\(subject) on Linux \(revision.version)\(on): \(scored), \(survived()) survived"
      + (alike == 0 ? "" : " (\(alike) with the original's calls and results in the simplest runs)")
      + (unreached() == 0 ? "" : ", \(unreached()) not reached")
      + ", \(equivalent()) equivalent"
      + sampled + "; left out: \(same) the same code as the original, \(twice) as another mutant, "
      + "\(refused) that do not compile; \(scenarios) runs in "
      + "\(String(format: "%.0f", seconds)) s"
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Reporting

/// Which findings of one verdict are those of another. Lines move with a patch, and so does the
/// smallest scenario; where it is the same it decides first.
enum FindingMatch {
  /// - Parameters:
  ///   - findings: the newer ones.
  ///   - others: the older ones.
  ///   - order: which findings may choose first; nil for the order given.
  /// - Returns: for each finding the index of its match among `others`; nil for none. One for one,
  ///   but where the scenario itself breaks one of the others.
  static func matches(
    of findings: [Verdict.Finding], in others: [Verdict.Finding],
    by evidence: Evidence = .none, order: [Int]? = nil
  ) -> [Int?] {
    let order = order ?? Array(findings.indices)
    var free = Array(others.indices)
    var matches: [Int?] = Array(repeating: nil, count: findings.count)
    func isOne(_ finding: Verdict.Finding, _ other: Verdict.Finding) -> Bool {
      evidence.isOneKind(finding, other) && evidence.isOnePlace(finding, other) != false
    }
    func take(_ wanted: (Verdict.Finding, Verdict.Finding) -> Bool) {
      for index in order where matches[index] == nil {
        let finding = findings[index]
        guard
          let match = free.firstIndex(where: {
            isOne(finding, others[$0]) && wanted(finding, others[$0])
          })
        else { continue }
        matches[index] = free.remove(at: match)
      }
    }
    take { $0.scenario == $1.scenario }
    for index in order where matches[index] == nil {
      let finding = findings[index]
      guard
        let broken = evidence.reruns[finding.scenario]?.broken.first(where: { isOne(finding, $0) })
      else { continue }
      // What one scenario breaks there, the search there found.
      let known = others.indices.filter { others[$0].isSameBreach(as: broken) }
      guard let match = known.first(where: free.contains) ?? known.first else { continue }
      matches[index] = match
      free.removeAll { $0 == match }
    }
    take { finding, other in
      // Where nothing breaks in its own scenario the condition has to be the same.
      let isWhole = evidence.reruns[finding.scenario]?.isWhole ?? false
      return evidence.isOneCause(finding, other, isWhole: isWhole)
    }
    return matches
  }
}

extension Verdict.Finding {
  /// Whether two findings of one build are one.
  fileprivate func isSameBreach(as other: Verdict.Finding) -> Bool {
    (property, function, line, message) == (
      other.property, other.function, other.line, other.message
    )
  }
}

/// Findings and notes through several revisions.
struct FindingHistory {
  private struct Line {
    var found: [Verdict.Finding?]
    var isNote: Bool
    var cause: String?
  }

  let rows: [Comparison.Row]

  init(_ verdicts: [Verdict]) {
    var lines: [Line] = []
    for (number, verdict) in verdicts.enumerated() {
      for isNote in [false, true] {
        let findings = isNote ? verdict.notes : verdict.findings
        // Those of the revision before stand first, then what an earlier one had.
        let known = lines.indices.filter { lines[$0].isNote == isNote }.sorted {
          (lines[$0].found[number - 1] != nil ? 0 : 1, $0)
            < (lines[$1].found[number - 1] != nil ? 0 : 1, $1)
        }
        let latest = known.map { lines[$0].found.last { $0 != nil }!! }
        let matches = FindingMatch.matches(of: findings, in: latest)
        for index in known { lines[index].found.append(nil) }
        for (index, finding) in findings.enumerated() {
          if let match = matches[index] {
            lines[known[match]].found[number] = finding
          } else {
            lines.append(
              Line(
                found: Array(repeating: nil, count: number) + [finding], isNote: isNote,
                cause: finding.cause.map { verdict.causes[$0].sentence }))
          }
        }
      }
    }
    rows = lines.enumerated().sorted { left, right in
      func order(_ entry: (offset: Int, element: Line)) -> (Int, Int, Int, Int) {
        let first = entry.element.found.firstIndex { $0 != nil }!
        let finding = entry.element.found[first]!
        return (first, entry.element.isNote ? 1 : 0, finding.cause ?? 0, entry.offset)
      }
      return order(left) < order(right)
    }.map { Self.row($0.element) }
  }

  private static func row(_ line: Line) -> Comparison.Row {
    let finding = line.found.lazy.compactMap { $0 }.first!
    let statuses = line.found.indices.map { index -> Comparison.Status in
      let wasThere = index > 0 && line.found[index - 1] != nil
      if line.found[index] != nil { return index == 0 || wasThere ? .there : .introduced }
      return wasThere ? .fixed : .absent
    }
    return Comparison.Row(
      property: finding.property, function: finding.function, message: finding.message,
      isNote: line.isNote, cause: line.cause, statuses: statuses,
      lines: line.found.map { $0?.line ?? 0 }, scenarios: line.found.map { $0?.scenario ?? "" })
  }
}

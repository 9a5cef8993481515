// SPDX-License-Identifier: GPL-2.0-only
import Reporting

/// Which findings of one verdict are those of another. Lines move with a patch, and so does the
/// smallest scenario; where it is the same it decides first.
enum FindingMatch {
  /// - Parameter order: which findings may choose first; nil for the order given.
  /// - Returns: for each finding the index of its match among `others`, one for one; nil for none.
  static func matches(
    of findings: [Verdict.Finding], in others: [Verdict.Finding], order: [Int]? = nil
  ) -> [Int?] {
    func identity(_ finding: Verdict.Finding, _ scenario: Bool) -> [String] {
      [finding.property, finding.function, finding.message] + (scenario ? [finding.scenario] : [])
    }
    var free = Array(others.indices)
    var matches: [Int?] = Array(repeating: nil, count: findings.count)
    for isExact in [true, false] {
      for index in order ?? Array(findings.indices) where matches[index] == nil {
        guard
          let match = free.firstIndex(where: {
            identity(others[$0], isExact) == identity(findings[index], isExact)
          })
        else { continue }
        matches[index] = free.remove(at: match)
      }
    }
    return matches
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

// SPDX-License-Identifier: GPL-2.0-only
import Reporting

/// A page of docs/properties: what is broken, an example that a defect gives, and what to do.
struct PropertyPage {
  private let before: String
  private let after: String
  /// The defect that the example is of.
  let defect: String
  /// Lines of the finding and its trace, each indented by four.
  var example: String

  /// A page whose example begins with "The defect `NAME` of".
  init(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let start = lines.firstIndex { $0.hasPrefix("The defect `") } ?? 0
    let end = lines[start...].firstIndex { $0.hasPrefix("## ") } ?? lines.count
    before = lines[...start].joined(separator: "\n")
    after = lines[end...].joined(separator: "\n")
    let words = lines[start].split(separator: "`")
    defect = words.count > 1 ? String(words[1]) : ""
    example = lines[(start + 1)..<end].joined(separator: "\n")
      .trimmingCharacters(in: .newlines)
  }

  var text: String { "\(before)\n\n\(example)\n\n\(after)" }

  /// What the tool says where a change breaks a property; nil when it does not.
  static func example(of property: String, in judgement: Judgement) -> String? {
    let verdict = judgement.verdict
    let cause = verdict.causes.first { cause in
      cause.findings.contains { verdict.findings[$0].property == property }
    }
    let findings = cause?.findings.map { verdict.findings[$0] } ?? verdict.notes
    guard let finding = findings.first(where: { $0.property == property }) else { return nil }
    let place = "\(finding.file):\(finding.line): "
    guard let cause else {
      return "    \(place)note: \(property): \(finding.message)\n      in \(finding.function)()"
    }
    let lines =
      [
        cause.sentence, "  \(place)\(property): \(finding.message)", "    in \(finding.function)()",
        "  replay: kshim replay \(finding.scenario)",
      ] + TraceText(events: finding.trace).lines.map { "    \($0)" }
    return lines.map { "    \($0)" }.joined(separator: "\n")
  }
}

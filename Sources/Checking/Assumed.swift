// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Reporting

private let (leaks, unreleased): (Property, Property) = (.leak, .unreleased)

extension Verdict {
  /// What it found, and what it left out.
  var told: [Finding] { findings + (assumed ?? []) }

  /// Leaves out what goes wrong by what is assumed of the inputs, and says where.
  mutating func assume(_ findings: [Finding]) {
    assumed = findings.isEmpty ? nil : findings
    exploration.limits?.removeAll { $0.hasPrefix(Limit.assumed.words) }
    if !findings.isEmpty {
      let places = findings.prefix(3).map { "\($0.file):\($0.line): \($0.message)" }
      exploration.limits =
        ((exploration.limits ?? [])
        + ["\(Limit.assumed.words) (\(places.joined(separator: "; ")))"]).sorted()
    }
    if exploration.limits?.isEmpty == true { exploration.limits = nil }
  }

  /// Takes what goes wrong by what is assumed for a finding where the same inputs and answers do no
  /// harm in the base: then it is not what was assumed that is wrong.
  ///
  /// - Parameter evidence: has come of each of them in the base.
  mutating func takeOn(_ found: [Finding], over base: Verdict, by evidence: Evidence) {
    let matches = FindingMatch.matches(of: found, in: base.told, by: evidence)
    var left: [Finding] = []
    for (finding, match) in zip(found, matches) {
      guard match == nil, let rerun = evidence.reruns[finding.scenario], rerun.isWhole,
        !rerun.broken.contains(where: \.isImmediate)
      else {
        left.append(finding)
        continue
      }
      var finding = finding
      finding.introduced = true
      let sentence = finding.sentence ?? finding.message
      finding.cause = causes.firstIndex { $0.sentence == sentence }
      if let cause = finding.cause {
        causes[cause].findings.append(findings.count)
      } else {
        finding.cause = causes.count
        causes.append(
          .init(
            sentence: sentence, findings: [findings.count], scenario: finding.scenario,
            file: finding.file, line: finding.line))
      }
      findings.append(finding)
      if let index = properties.firstIndex(where: { $0.id == finding.property }) {
        properties[index].broken += finding.failing
      }
    }
    guard left.count < found.count else { return }
    verdict = "findings"
    assume(left)
    exploration.exhaustive = exploration.limits == nil
  }
}

extension Verdict {
  /// Adds what is worse than in the base, where nothing of its kind is told already.
  mutating func add(_ lapses: ToldLapses) {
    func kind(_ property: String) -> String {
      property == leaks.id ? unreleased.id : property
    }
    let told = Set(findings.filter(\.introduced).map { kind($0.property) })
    for cause in lapses.causes {
      let new = cause.findings.map { lapses.findings[$0] }.filter {
        !told.contains(kind($0.property))
      }
      guard !new.isEmpty else { continue }
      var cause = cause
      cause.findings = Array(findings.count..<(findings.count + new.count))
      for finding in new {
        var finding = finding
        finding.introduced = true
        finding.cause = causes.count
        findings.append(finding)
        if let index = properties.firstIndex(where: { $0.id == finding.property }) {
          properties[index].broken += finding.failing
        }
      }
      causes.append(cause)
    }
    if !findings.isEmpty { verdict = "findings" }
  }
}

extension Verdict.Finding {
  /// Whether it is wrong at once.
  var isImmediate: Bool { Property.immediateIDs.contains(property) }
}

// SPDX-License-Identifier: GPL-2.0-only

extension CheckReport.Entry {
  /// What the entry is called in a list: its label and title, else what was checked.
  var name: String {
    let named = [label, title].compactMap { $0 }.joined(separator: " ")
    guard named.isEmpty else { return named }
    return switch outcome {
    case .verdict(let verdict): verdict.checked
    case .failure: "check"
    }
  }
}

extension Verdict {
  /// `kvm-mmu-roots on Linux 6.12.117 with base..v2 and 1 patch`
  var checked: String {
    let patches = revision.patches.count
    let with = [revision.range, patches == 0 ? nil : "\(patches) patch\(patches == 1 ? "" : "es")"]
      .compactMap(\.self).joined(separator: " and ")
    return "\(subject) on Linux \(revision.version)\(with.isEmpty ? "" : " with \(with)")"
  }

  /// ` (1 introduced, 2 there before)` behind the number of findings; nothing where there is nothing
  /// to compare with.
  var since: String {
    guard revision.isCompared, !findings.isEmpty else { return "" }
    let introduced = findings.count(where: \.introduced)
    let old = findings.count - introduced
    let words = [
      introduced == 0 ? nil : "\(introduced) introduced",
      old == 0 ? nil : introduced == 0 ? "there before" : "\(old) there before",
    ]
    return " (\(words.compactMap(\.self).joined(separator: ", ")))"
  }

  /// What a report of the change tells: what it introduces; all where there is nothing to compare with.
  var news: Verdict { revision.isCompared ? introducedOnly : self }

  /// The verdict with only what the revision introduces. A cause that had more findings is told by the
  /// first that is left.
  var introducedOnly: Verdict { only(\.introduced) }

  /// The verdict with only what was there before.
  var oldOnly: Verdict { only { !$0.introduced } }

  private func only(_ isWanted: (Finding) -> Bool) -> Verdict {
    var part = keeping(findings.indices.filter { isWanted(findings[$0]) })
    part.notes = notes.filter(isWanted)
    return part
  }

  /// The verdict with some of its findings, by their indexes, and the causes of these.
  public func keeping(_ kept: [Int]) -> Verdict {
    var part = self
    let number = Dictionary(uniqueKeysWithValues: zip(kept, kept.indices))
    part.findings = kept.map { findings[$0] }
    part.causes = causes.compactMap { cause in
      var cause = cause
      cause.findings = cause.findings.compactMap { number[$0] }
      guard let first = cause.findings.first else { return nil }
      let head = part.findings[first]
      cause.sentence = head.sentence ?? cause.sentence
      (cause.scenario, cause.file, cause.line) = (head.scenario, head.file, head.line)
      return cause
    }
    for (index, cause) in part.causes.enumerated() {
      for finding in cause.findings { part.findings[finding].cause = index }
    }
    return part
  }

  /// Whether a finding or a note lets the check fail: see ``exitCode(isStrict:)``.
  func counts(_ finding: Finding, isNote: Bool = false, isStrict: Bool) -> Bool {
    isStrict || !isNote && (!revision.isCompared || finding.introduced)
  }

  /// The findings and notes of a property.
  func broken(_ property: String) -> [(finding: Finding, isNote: Bool)] {
    (findings.map { ($0, false) } + notes.map { ($0, true) }).filter { $0.0.property == property }
  }

  /// `arch/x86/kvm/mmu/mmu.c:4039: a page is lost`, with what the patches have to do with it.
  func told(_ finding: Finding) -> String {
    let since =
      !revision.isCompared
      ? ""
      : finding.introduced
        ? ", introduced by the \(revision.change)"
        : ", already there without the \(revision.change)"
    return "\(finding.file):\(finding.line): \(finding.message)\(since)"
  }
}

// SPDX-License-Identifier: GPL-2.0-only

/// What a reader who sees a scenario for the first time has to know, in a few lines.
struct Legend {
  /// Nothing where no scenario is told.
  let lines: [String]

  /// - Parameters:
  ///   - findings: those whose scenarios and traces are told.
  ///   - hasCauses: whether several stand together.
  init(_ findings: [Verdict.Finding], hasCauses: Bool) {
    let told = findings.filter { !$0.scenario.isEmpty }
    guard !told.isEmpty else {
      lines = []
      return
    }
    var meanings: [String] = []
    for finding in told {
      for meaning in Self.meanings(of: finding) where !meanings.contains(meaning) {
        meanings.append(meaning)
      }
    }
    let scenario =
      "A scenario is what is called, the state that it starts from, and each callee's answer in "
      + "order, 0 being the ordinary one"
    let answers =
      meanings.isEmpty
      ? [] : [meanings.prefix(4).joined(separator: ", ") + (meanings.count > 4 ? ", …" : "")]
    let causes = hasCauses ? " Findings under one sentence have one cause." : ""
    lines =
      Wrapping.words(([scenario] + answers).joined(separator: "; ") + "." + causes, more: "") + [""]
  }

  /// `gzp1: get_zeroed_page() fails` for each answer of a scenario that is not the ordinary one.
  private static func meanings(of finding: Verdict.Finding) -> [String] {
    let path = finding.scenario.split(separator: ":").last ?? ""
    var meanings: [String] = []
    for word in path.split(separator: ".") where word != "-" && !word.hasSuffix("0") {
      let initials = word.prefix { !$0.isNumber }
      guard let meaning = meaning(String(initials), in: finding.trace) else { continue }
      let told = "\(word): \(meaning)"
      if !meanings.contains(told) { meanings.append(told) }
    }
    return meanings
  }

  /// What a callee's other answer is; nil where the trace does not show which callee it is.
  private static func meaning(_ initials: String, in trace: [Verdict.Event]) -> String? {
    if initials == "s", trace.contains(where: { $0.thread != nil }) { return "the other goes on" }
    for event in trace {
      guard let name = event.callee?.prefix(while: { $0 != "(" }) else { continue }
      let words = name.split(separator: "_").filter { $0 != "noprof" }
      guard words.compactMap(\.first).filter(\.isLetter).map(String.init).joined() == initials
      else {
        continue
      }
      let what = event.event == "alloc" ? "fails" : "gives another answer than the ordinary one"
      return "\(words.joined(separator: "_"))() \(what)"
    }
    return nil
  }
}

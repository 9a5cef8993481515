// SPDX-License-Identifier: GPL-2.0-only

/// What a reader who sees a scenario for the first time has to know, in a few lines.
struct Legend {
  /// Nothing where no scenario is told.
  private let text: String?

  func lines(width: Int = Wrapping.width) -> [String] {
    text.map { Wrapping.words($0, more: "", width: width) + [""] } ?? []
  }

  /// - Parameters:
  ///   - findings: those whose scenarios and traces are told.
  ///   - hasCauses: whether several stand together.
  init(_ findings: [Verdict.Finding], hasCauses: Bool) {
    let told = findings.filter { !$0.scenario.isEmpty }
    guard !told.isEmpty else {
      text = nil
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
    text = ([scenario] + answers).joined(separator: "; ") + "." + causes
  }

  /// `gzp1: get_zeroed_page() fails` for each answer of a scenario that is not the ordinary one.
  private static func meanings(of finding: Verdict.Finding) -> [String] {
    let words = (finding.scenario.split(separator: ":").last ?? "").split(separator: ".")
    let initials = words.map { String($0.prefix { !$0.isNumber }) }
    var meanings: [String] = []
    for (index, word) in words.enumerated() where word != "-" && !word.hasSuffix("0") {
      let same = initials.indices.filter { initials[$0] == initials[index] }
      let number = same.firstIndex(of: index) ?? 0
      guard let meaning = meaning(initials[index], number, of: same.count, in: finding.trace) else {
        continue
      }
      let told = "\(word): \(meaning)"
      if !meanings.contains(told) { meanings.append(told) }
    }
    return meanings
  }

  /// What a callee's other answer is; nil where the trace does not show which callee it is.
  ///
  /// - Parameters:
  ///   - number: which of its answers, from 0.
  ///   - count: how many it gives.
  private static func meaning(
    _ initials: String, _ number: Int, of count: Int, in trace: [Verdict.Event]
  ) -> String? {
    if initials == "s", trace.contains(where: { $0.thread != nil }) { return "the other goes on" }
    func words(_ event: Verdict.Event) -> [Substring] {
      (event.callee?.prefix { $0 != "(" } ?? "").split(separator: "_").filter { $0 != "noprof" }
    }
    let calls = trace.filter { event in
      words(event).compactMap(\.first).filter(\.isLetter).map(String.init).joined() == initials
    }
    guard let first = calls.first else { return nil }
    if first.event == "input" {
      let input = calls.count == count ? calls[number] : first
      let value =
        input.detail.hasPrefix("= ") ? " is \(input.detail.dropFirst(2))" : " has another value"
      return "\(input.callee ?? "an input")\(value)"
    }
    let name = "\(words(first).joined(separator: "_"))()"
    if first.event == "alloc" { return "\(name) fails" }
    let answer = calls.count == count ? calls[number].detail : ""
    if answer.hasPrefix("= -E") { return "\(name) fails with \(answer.dropFirst(2))" }
    return answer.hasPrefix("= ")
      ? "\(name) returns \(answer.dropFirst(2))" : "\(name) gives another answer"
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

extension Page {
  init(_ report: CheckReport, _ data: inout PageData) {
    let isSeries = report.series != nil || report.entries.count > 1
    let name =
      report.entries.count == 1
      ? report.entries[0].name
      : report.series.map { "\($0.name): \($0.count)" } ?? "\(report.entries.count) steps"
    title = name
    let tool = Verdict.Tool()
    self.tool = "\(tool.name) \(tool.version)"
    for (number, entry) in report.entries.enumerated() {
      let section = Section(entry, number: number, isStep: isSeries, &data)
      if isSeries { steps.append(Step(entry, section)) }
      sections.append(section)
    }
    if isSeries { series = name }
    hasFilter = !data.findings.isEmpty
  }
}

extension Page.Step {
  fileprivate init(_ entry: CheckReport.Entry, _ section: Page.Section) {
    target = section.id
    label = entry.label ?? ""
    title = entry.title ?? (entry.label == nil ? entry.name : "")
    (state, word) = (section.state, section.word)
    fixed = entry.fixed.isEmpty ? "" : "\(entry.fixed.count)"
    guard case .verdict(let verdict) = entry.outcome else {
      (introduced, notes) = ("", "")
      return
    }
    let new = verdict.revision.isCompared ? verdict.findings.count(where: \.introduced) : 0
    introduced = new == 0 ? "" : "\(new)"
    notes = verdict.notes.isEmpty ? "" : "\(verdict.notes.count)"
  }
}

extension Page.Section {
  fileprivate init(
    _ entry: CheckReport.Entry, number: Int, isStep: Bool, _ data: inout PageData
  ) {
    id = "step-\(number + 1)"
    name = entry.name
    self.isStep = isStep
    fixed = entry.fixed.map(\.told)
    guard case .verdict(let verdict) = entry.outcome else {
      state = "not-judged"
      word = "cannot be judged"
      summary = ""
      if case .failure(let why, _) = entry.outcome { failure = why }
      data.entries.append(.init(sources: [], change: "patch"))
      return
    }
    state = verdict.verdict
    word = verdict.badge
    summary = verdict.summary
    facts = verdict.facts
    warnings = verdict.warnings
    let sources = (verdict.sources ?? []).map { data.source($0) }
    data.entries.append(.init(sources: sources, change: verdict.revision.change))
    causes = Self.causes(verdict, entry, number, &data)
    functions = (verdict.functions ?? []).map(Page.Function.init)
    covered = zip(verdict.sources ?? [], sources).compactMap { source, index in
      Page.Covered(source, index)
    }.sorted { ($0.isWhole ? 1 : 0, $0.place) < ($1.isWhole ? 1 : 0, $1.place) }
    properties = verdict.properties.map(Page.Property.init)
  }

  /// What is new comes first.
  private static func causes(
    _ verdict: Verdict, _ entry: CheckReport.Entry, _ number: Int, _ data: inout PageData
  ) -> [Page.Cause] {
    func items(_ findings: [Verdict.Finding], _ kind: String?) -> [Page.Finding] {
      (findings.filter(\.introduced) + findings.filter { !$0.introduced }).map {
        data.add($0, verdict, entry, number, kind: kind)
        return Page.Finding($0, verdict, number: data.findings.count - 1, kind: kind)
      }
    }
    let ordered = [true, false].flatMap { isNew in
      verdict.causes.filter { cause in
        cause.findings.contains { verdict.findings[$0].introduced } == isNew
      }
    }
    var causes = ordered.map { cause in
      Page.Cause(
        heading: cause.sentence, findings: items(cause.findings.map { verdict.findings[$0] }, nil))
    }
    if !verdict.notes.isEmpty {
      causes.append(.init(heading: "Notes", findings: items(verdict.notes, "note")))
    }
    if let assumed = verdict.assumed, !assumed.isEmpty {
      causes.append(
        .init(
          heading: "Does not count: it hangs on what is assumed of the inputs",
          findings: items(assumed, "assumed")))
    }
    return causes
  }
}

extension PageData {
  fileprivate mutating func add(
    _ finding: Verdict.Finding, _ verdict: Verdict, _ entry: CheckReport.Entry, _ number: Int,
    kind: String?
  ) {
    let command = "kshim replay \(finding.subjectOption + entry.replayOptions)"
    let base = finding.base.map {
      Walkthrough(
        trace: trace($0.trace), executed: executed($0.executed), picture: picture($0.picture))
    }
    findings.append(
      Finding(
        entry: number, kind: verdict.kind(of: finding, kind), property: text(finding.property),
        function: text(finding.function), file: text(finding.file), line: finding.line,
        message: text(finding.message), sentence: text(finding.sentence),
        scenario: text(finding.scenario),
        replay: finding.scenario.isEmpty
          ? nil : [text(command), text(Shell.quoted(finding.scenario))],
        assumes: text(finding.assumes),
        also: finding.also?.map { text($0) }, trace: trace(finding.trace),
        executed: executed(finding.executed), picture: picture(finding.picture), base: base))
  }
}

extension Page.Finding {
  fileprivate init(_ finding: Verdict.Finding, _ verdict: Verdict, number: Int, kind: String?) {
    self.number = number
    self.kind = verdict.kind(of: finding, kind)
    property = finding.property
    told = finding.message
    let change = verdict.revision.change
    let since =
      !verdict.revision.isCompared
      ? ""
      : finding.introduced
        ? ", introduced by the \(change)" : ", already there without the \(change)"
    let scenarios = Page.grouped(verdict.scenarios(of: finding))
    extent =
      "\(finding.file):\(finding.line) in \(finding.function)()"
      + (kind == "note"
        ? "" : ", \(Page.grouped(finding.failing)) of \(scenarios) scenarios") + since
  }
}

extension Page.Function {
  fileprivate init(_ function: Verdict.Function) {
    place = "\(function.file): \(function.function)()"
    state = function.status.rawValue
    word = function.status == .notJudged ? "not judged" : function.status.rawValue
    let runs = function.exploration.map { Page.counted($0.runs ?? $0.scenarios, "run") }
    what = [function.why, runs, function.exploration?.notJudged].compactMap(\.self)
      .joined(separator: ", ")
  }
}

extension Page.Covered {
  /// nil where nothing was counted.
  fileprivate init?(_ source: Verdict.Source, _ index: Int) {
    guard let function = source.function, let counts = source.counts else { return nil }
    let code = counts.compactMap(\.self)
    guard !code.isEmpty else { return nil }
    self.source = index
    name = "\(function)()"
    place = "\(source.file):\(source.firstLine)-\(source.lastLine)"
    lines = code.count
    run = code.count { $0 > 0 }
    share = "\(run * 100 / lines) %"
    isWhole = run == lines
  }
}

extension Page.Property {
  fileprivate init(_ property: Verdict.Property) {
    id = property.id
    checked = Page.grouped(property.checked)
    broken = Page.grouped(property.broken)
    isBroken = property.broken > 0
    isUnseen = property.checked == 0
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

extension Page {
  init(_ comparison: Comparison, _ data: inout PageData) {
    let labels = comparison.revisions.map(\.label)
    title = "\(comparison.subject): \(labels.joined(separator: ", "))"
    tool = "\(comparison.tool.name) \(comparison.tool.version)"
    var compared = PageData.Compared(
      labels: labels.map { data.text($0) }, file: data.text(comparison.file))
    compared.rows = comparison.findings.map { row in
      PageData.Row(
        property: data.text(row.property), function: data.text(row.function),
        message: data.text(row.message), kind: row.isNote ? "note" : "finding",
        cause: data.text(row.cause), statuses: row.statuses, lines: row.lines,
        scenarios: row.scenarios.map { data.text($0) })
    }
    let pairs = comparison.pairs.map { pair in
      Pair(
        name: "\(pair.old) → \(pair.new)", what: pair.told, isSame: pair.differing == 0,
        groups: pair.groups.map { group in
          compared.groups.append(.init(group, pair, comparison, &data))
          return Group(
            number: compared.groups.count - 1, sentence: group.sentence,
            extent: Page.counted(group.count, "scenario"))
        })
    }
    var cause: String?
    let rows = comparison.findings.enumerated().map { number, row in
      let heading = row.cause ?? "Notes"
      defer { cause = heading }
      return Row(row, number, heading: heading == cause ? nil : heading, labels)
    }
    self.compared = Compared(comparison, labels, rows, pairs)
    data.compared = compared
    hasFilter = !rows.isEmpty
  }
}

extension Page.Compared {
  fileprivate init(
    _ comparison: Comparison, _ labels: [String], _ rows: [Page.Row], _ pairs: [Page.Pair]
  ) {
    name = "\(comparison.subject): \(labels.joined(separator: ", "))"
    let last = comparison.findings.count {
      [.introduced, .there].contains($0.statuses.last) && !$0.isNote
    }
    let newest = labels.last ?? ""
    state = last == 0 ? "clean" : "findings"
    word = last == 0 ? "\(newest) is clean" : "\(newest) has \(Page.counted(last, "finding"))"
    let seconds = String(format: "%.1f", comparison.seconds)
    summary =
      "Every scenario ran in all revisions: \(Page.counted(comparison.scenarios, "scenario")) in \(seconds) s."
    facts = comparison.revisions.map { revision in
      let patches = revision.revision.patches.map { $0.subject ?? $0.file }
      let what =
        [
          "\(revision.revision.kernel), Linux \(revision.revision.version)",
          revision.verdict == "not-judged" ? "not judged" : revision.verdict,
        ] + [revision.exploration.notJudged].compactMap(\.self)
      return Page.Fact(name: revision.label, values: [what.joined(separator: ": ")] + patches)
    }
    self.labels = labels
    self.rows = rows
    self.pairs = pairs
  }
}

extension Page.Row {
  fileprivate init(
    _ row: Comparison.Row, _ number: Int, heading: String?, _ labels: [String]
  ) {
    self.number = number
    self.heading = heading
    columns = labels.count + 1
    property = row.property
    function = "\(row.function)()"
    message = row.message
    isNote = row.isNote
    cells = zip(labels, row.statuses).enumerated().map { column, cell in
      let (label, status) = cell
      let line = row.lines.indices.contains(column) ? row.lines[column] : 0
      return Page.Cell(
        row: number, column: column, state: status.rawValue,
        word: status == .absent ? "not there" : status.rawValue,
        line: line == 0 ? "" : "line \(line)",
        isAbsent: status == .absent, label: "\(row.property) in \(row.function)(), \(label)")
    }
  }
}

extension PageData.Group {
  fileprivate init(
    _ group: Comparison.Group, _ pair: Comparison.Pair, _ comparison: Comparison,
    _ data: inout PageData
  ) {
    let column = { label in comparison.revisions.firstIndex { $0.label == label } ?? 0 }
    (old, new) = (column(pair.old), column(pair.new))
    oldTrace = data.trace(group.oldTrace)
    newTrace = data.trace(group.newTrace)
    oldScenario = data.text(group.oldScenario)
    newScenario = data.text(group.newScenario)
    sentence = data.text(group.sentence)
    (file, line, count) = (data.text(group.file), group.line, group.count)
    var (left, right) = (-1, -1)
    rows = SideBySide(group.oldTrace, group.newTrace).rows.map { row in
      if row.old != nil { left += 1 }
      if row.new != nil { right += 1 }
      return Row(
        old: row.old == nil ? -1 : left, new: row.new == nil ? -1 : right, mark: String(row.mark))
    }
  }
}

extension Comparison.Pair {
  /// `outcome differs in 3 of 9 scenarios, in 2 ways`
  fileprivate var told: String {
    let what = compares == "model" ? " (two kernels: what is returned and left behind)" : ""
    guard differing > 0 else {
      return "same outcome in all \(Page.counted(scenarios, "scenario"))\(what)"
    }
    let ways = groups.count == 1 ? "one way" : "\(groups.count) ways"
    return
      "outcome differs in \(Page.grouped(differing)) of \(Page.counted(scenarios, "scenario")), in \(ways)\(what)"
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// A comparison for people: for each pair of neighbours the groups of differing scenarios, simplest
/// first, then what became of each finding.
public struct ComparisonText {
  public var comparison: Comparison
  public var usesColour: Bool
  /// How many groups of a pair are shown with their traces; nil for all.
  public var shown: Int?
  /// How wide a line may be, on a terminal; nil elsewhere.
  public var columns: Int?

  public init(
    _ comparison: Comparison, usesColour: Bool, shown: Int? = 10, columns: Int? = nil
  ) {
    self.comparison = comparison
    self.columns = columns
    self.usesColour = usesColour
    self.shown = shown
  }

  private func styled(_ text: String, _ codes: String) -> String {
    usesColour ? "\u{1b}[\(codes)m\(text)\u{1b}[0m" : text
  }

  public var text: String {
    let lines = comparison.pairs.flatMap(describe) + matrix + [""] + summary
    return lines.joined(separator: "\n") + "\n"
  }

  /// `kvm-mmu-roots: base, v1, v2 on Linux 6.12.117: 604181 scenarios in 12.3 s`
  private var summary: [String] {
    var versions: [String] = []
    for revision in comparison.revisions where !versions.contains(revision.revision.version) {
      versions.append(revision.revision.version)
    }
    let labels = comparison.revisions.map(\.label).joined(separator: ", ")
    let limits = comparison.revisions.compactMap { revision in
      revision.exploration.notJudged.map { "\(revision.label) \($0)" }
    }
    return Wrapping.phrases(
      "\(comparison.subject): \(labels) on Linux \(versions.joined(separator: ", "))",
      [
        [
          "\(comparison.scenarios) scenarios in \(String(format: "%.1f", comparison.seconds)) s"
        ], limits,
      ], width: min(columns ?? Wrapping.width, Wrapping.width))
  }

  // MARK: Differences

  private func describe(_ pair: Comparison.Pair) -> [String] {
    let names = styled("\(pair.old) → \(pair.new)", "1")
    let what =
      pair.compares == "model" ? " (two kernels: what is returned and left behind)" : ""
    guard pair.differing > 0 else {
      return ["\(names): same outcome in all \(pair.scenarios) scenarios\(what)", ""]
    }
    let ways = pair.groups.count == 1 ? "one way" : "\(pair.groups.count) ways"
    var lines = [
      "\(names): outcome differs in \(pair.differing) of \(pair.scenarios) scenarios, in \(ways)\(what)",
      "",
    ]
    let told = pair.groups.prefix(shown ?? pair.groups.count)
    for group in told { lines += describe(group, pair) + [""] }
    let left = pair.groups.count - told.count
    if left > 0 {
      lines += [
        "  … and \(left) more way\(left == 1 ? "" : "s"): --all shows \(left == 1 ? "it" : "them")",
        "",
      ]
    }
    return lines
  }

  private func describe(_ group: Comparison.Group, _ pair: Comparison.Pair) -> [String] {
    let scenarios = "\(group.count) scenario\(group.count == 1 ? "" : "s")"
    var lines = ["  " + styled(group.sentence, "1"), "    \(scenarios), the smallest:"]
    if group.oldScenario == group.newScenario {
      lines.append("      \(group.oldScenario)")
    } else {
      lines.append("      \(pair.old): \(group.oldScenario)")
      lines.append("      \(pair.new): \(group.newScenario)")
    }
    return lines
      + SideBySide(group.oldTrace, group.newTrace)
      .lines(pair.old, pair.new, most: columns.map { max(20, ($0 - 7) / 2) } ?? 58)
      .map { "    \($0)" }
  }

  // MARK: Findings

  private func word(_ status: Comparison.Status) -> String {
    switch status {
    case .absent: "-"
    case .introduced: "introduced"
    case .there: "there"
    case .fixed: "fixed"
    }
  }

  private var matrix: [String] {
    let labels = comparison.revisions.map(\.label)
    guard !comparison.findings.isEmpty else {
      return ["findings: none in \(labels.joined(separator: ", "))"]
    }
    func name(_ row: Comparison.Row) -> String {
      place(row) + ": " + (row.isNote ? "note: \(row.property)" : row.property)
    }
    let width = comparison.findings.map { name($0).count + 2 }.max()! + 2
    let columns = labels.map { max($0.count, 10) + 2 }
    func cells(_ texts: [String]) -> String {
      zip(texts, columns).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined()
    }
    var lines = [
      styled("findings", "1").padding(
        toLength: width + (usesColour ? 8 : 0), withPad: " ", startingAt: 0)
        + cells(labels).trimmingCharacters(in: .whitespaces)
    ]
    var cause = ""
    for row in comparison.findings {
      let heading = row.cause ?? row.message
      if heading != cause { lines.append(heading) }
      cause = heading
      let statuses = cells(row.statuses.map(word))
      let trimmed = String(statuses.reversed().drop { $0 == " " }.reversed())
      lines.append(
        "  " + name(row).padding(toLength: width - 2, withPad: " ", startingAt: 0)
          + coloured(trimmed, row))
    }
    return lines
  }

  private func coloured(_ cells: String, _ row: Comparison.Row) -> String {
    guard usesColour else { return cells }
    return cells.replacing("introduced", with: styled("introduced", "31"))
      .replacing("fixed", with: styled("fixed", "32"))
  }

  /// The line in the first revision that has it.
  private func place(_ row: Comparison.Row) -> String {
    let file = (comparison.file as NSString).lastPathComponent
    return "\(file):\(row.lines.first { $0 != 0 } ?? 0)"
  }
}

/// Two traces next to each other, as `diff --side-by-side` has two files: `|` between lines that
/// differ, `<` and `>` beside one that only one side has.
public struct SideBySide {
  public struct Row: Equatable {
    public var old: Verdict.Event?
    public var new: Verdict.Event?
    /// ` `, `|`, `<` or `>`.
    public var mark: Character
  }

  public let rows: [Row]

  public init(_ old: [Verdict.Event], _ new: [Verdict.Event]) {
    let difference = new.map(Self.unplaced).difference(from: old.map(Self.unplaced))
    var removed = Set<Int>()
    var inserted = Set<Int>()
    for change in difference {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    var rows: [Row] = []
    var (left, right) = (0, 0)
    while left < old.count || right < new.count {
      let isRemoved = left < old.count && removed.contains(left)
      let isInserted = right < new.count && inserted.contains(right)
      if isRemoved && isInserted {
        rows.append(Row(old: old[left], new: new[right], mark: "|"))
        left += 1
        right += 1
      } else if isRemoved {
        rows.append(Row(old: old[left], new: nil, mark: "<"))
        left += 1
      } else if isInserted {
        rows.append(Row(old: nil, new: new[right], mark: ">"))
        right += 1
      } else {
        rows.append(Row(old: old[left], new: new[right], mark: " "))
        left += 1
        right += 1
      }
    }
    self.rows = rows
  }

  /// Lines move from revision to revision.
  private static func unplaced(_ event: Verdict.Event) -> Verdict.Event {
    var event = event
    event.line = 0
    return event
  }

  /// Whether both sides have the same lines in another order.
  public var isReordered: Bool {
    func lines(_ events: [Verdict.Event?]) -> [String] {
      events.compactMap { $0.map { Self.line(Self.unplaced($0)) } }.sorted()
    }
    return lines(rows.map(\.old)) == lines(rows.map(\.new)) && parting != nil
  }

  /// The first row that differs.
  public var parting: Row? { rows.first { $0.mark != " " } }

  /// Columns of at most so many characters; longer ones are cut off with `…`.
  public func lines(_ oldLabel: String, _ newLabel: String, most: Int = 58) -> [String] {
    func cut(_ text: String) -> String {
      text.count <= most ? text : text.prefix(most - 1) + "…"
    }
    let left = rows.map { cut($0.old.map(Self.line) ?? "") }
    let right = rows.map { cut($0.new.map(Self.line) ?? "") }
    let width = max(left.map(\.count).max() ?? 0, oldLabel.count)
    func row(_ left: String, _ mark: Character, _ right: String) -> String {
      let line = left.padding(toLength: width, withPad: " ", startingAt: 0) + " \(mark) " + right
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
    var lines = [row(oldLabel, " ", newLabel)]
    var isElided = false
    for index in rows.indices {
      if isShown(index) {
        lines.append(row(left[index], rows[index].mark, right[index]))
      } else if !isElided {
        lines.append("      …")
      }
      isElided = !isShown(index)
    }
    return lines
  }

  /// Rows near a difference, and where a step begins; all of a short trace.
  private func isShown(_ index: Int) -> Bool {
    if rows.count <= 12 || rows[index].old?.event == "enter" { return true }
    return rows[max(0, index - 3)..<min(rows.count, index + 4)].contains { $0.mark != " " }
  }

  private static func line(_ event: Verdict.Event) -> String {
    let line = event.line == 0 ? "" : "\(event.line)"
    let thread = event.thread.map { "\($0): " } ?? ""
    let callee = event.callee.map { " \($0)" } ?? ""
    let detail = event.detail.isEmpty ? "" : " \(event.detail)"
    let what =
      event.event == "enter"
      ? "\(event.function)()\(detail)" : "  \(event.word)\(callee)\(detail)"
    return String(repeating: " ", count: max(0, 5 - line.count)) + "\(line) \(thread)\(what)"
  }
}

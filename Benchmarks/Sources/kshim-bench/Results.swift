// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// All that was measured, as it is printed and kept.
struct Results: Encodable {
  struct Commits: Codable { var kshim: String, baseline: String }
  struct Series: Encodable {
    var name: String, unit: Quantity.Unit
    var median: Double, values: [Double]
  }
  struct Line: Encodable {
    var row: String, title: String
    /// One for each run; empty where the row could not be measured.
    var runs: [Run]
    /// The worst of the runs.
    var value: Double?
    var bound: String?
    var met: Bool?
    var reason: String?
  }
  struct Run: Encodable {
    /// The ratio of the medians, or the largest value.
    var value: Double
    var worstRound: Double
    var quantities: [Series]
  }

  var schema = 1
  var date: String
  var commits: Commits
  var linux: String
  var machine: Machine
  var rounds: Int
  var rows: [Line]

  init(
    date: String, commits: Commits, linux: String, machine: Machine, rounds: Int, rows: [Row],
    runs: [Samples]
  ) {
    self.date = date
    self.commits = commits
    self.linux = linux
    self.machine = machine
    self.rounds = rounds
    self.rows = rows.map { row in
      let measured = runs.compactMap { samples in
        samples.outcome(of: row).map { outcome in
          Run(
            value: outcome.value, worstRound: outcome.worst,
            quantities: row.quantities.map { quantity in
              let values = samples.values[quantity] ?? []
              return Series(
                name: quantity.name, unit: quantity.unit, median: median(values), values: values)
            })
        }
      }
      let value = measured.map(\.value).reduce(nil as Double?) { worst, value in
        worst.map { row.bound.worse($0, value) } ?? value
      }
      let reason = runs.compactMap { $0.reason(for: row) }.first
      return Line(
        row: row.id, title: row.title, runs: measured, value: value, bound: row.bound.text,
        met: reason == nil ? value.flatMap(row.bound.holds) : nil, reason: reason)
    }
  }

  var areMet: Bool { rows.allSatisfy { $0.reason == nil && $0.met != false } }

  func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }

  // MARK: Text

  var text: String {
    var lines = [
      "kshim \(commits.kshim) against \(commits.baseline) on Linux \(linux), medians of \(rounds)",
      "\(machine.cpu), \(machine.cores) cores, \(machine.memoryMB) MB, \(machine.system), load \(machine.load)",
      "\(machine.swift); \(machine.clang); \(machine.cc)", "",
    ]
    for line in rows {
      let result = line.value.map { Self.short($0) } ?? "-"
      let verdict =
        switch line.met {
        case true?: "met"
        case false?: "NOT MET"
        case nil: line.reason == nil ? "" : "not measured"
        }
      lines.append(
        Self.padded(line.row, 15) + Self.padded(result, 9)
          + Self.padded(line.bound ?? "", 15) + Self.padded(verdict, 14) + line.title)
      if let reason = line.reason { lines.append("               because \(reason)") }
      for (number, run) in line.runs.enumerated() {
        let medians = run.quantities.map {
          "\($0.name) \(Self.short($0.median)) \($0.unit.rawValue)"
        }
        let label = line.runs.count > 1 ? "run \(number + 1): \(Self.short(run.value)), " : ""
        lines.append(
          "               \(label)\(medians.joined(separator: ", ")); worst round \(Self.short(run.worstRound))"
        )
      }
    }
    return lines.map { line in
      String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n") + "\n"
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  /// Three digits that count.
  private static func short(_ value: Double) -> String {
    let digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3
    return String(format: "%.\(digits)f", value)
  }
}

extension Row.Bound {
  fileprivate var text: String? {
    switch self {
    case .atLeast(let bound): "at least \(String(format: "%g", bound))"
    case .atMost(let bound): "at most \(String(format: "%g", bound))"
    case .none: nil
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Failures

/// A verdict's counts as a tracefile of lcov (geninfo(1)): a record for each file of the kernel, with
/// its judged functions, their lines and branches. Paths are relative to the kernel's top directory.
struct LcovReport {
  var report: CheckReport

  /// - Throws: ``Failure`` where nothing was counted: an empty tracefile would look like a result.
  func text() throws -> String {
    guard report.entries.count == 1 else {
      throw Failure(
        .request, asked: "write a tracefile for lcov",
        cause: "each step has a text of its own, and a tracefile has one",
        remedy: "leave out --each-commit, or ask for one step")
    }
    switch report.entries[0].outcome {
    case .failure(let why, let code):
      throw Failure(
        code == 2 ? .request : code == 3 ? .build : .tool, asked: "write a tracefile for lcov",
        cause: why, remedy: "ask for --format text to see what is wrong")
    case .verdict(let verdict):
      let sources = (verdict.sources ?? []).filter { $0.entered != nil }
      guard !sources.isEmpty else { throw Self.nothing(of: verdict) }
      return Dictionary(grouping: sources, by: \.file).sorted { $0.key < $1.key }
        .map { file, sources in Self.record(file, sources.sorted { $0.firstLine < $1.firstLine }) }
        .joined()
    }
  }

  private static func nothing(of verdict: Verdict) -> Failure {
    let asked = "write a tracefile for lcov"
    if verdict.verdict == "not-judged" {
      let why = (verdict.functions ?? []).compactMap(\.why).first
      return Failure(
        .build, asked: asked, cause: "nothing could be judged\(why.map { ": \($0)" } ?? "")",
        remedy: "ask for --format text to see why")
    }
    if verdict.exploration.scenarios == 0 {
      return Failure(
        .request, asked: asked, cause: "no function was run, so there is nothing to count",
        remedy: "name a function with --function FILE:FUNCTION")
    }
    return Failure(
      .tool, asked: asked, cause: "the verdict does not say how often its lines were run",
      remedy: "check again with --no-cache")
  }

  private static func record(_ file: String, _ sources: [Verdict.Source]) -> String {
    // A name with a newline would begin a line of its own.
    var lines = ["TN:kshim", "SF:\(file.shown())"]
    let functions = sources.compactMap { source in
      source.function.map { (name: $0, line: source.firstLine, count: source.entered ?? 0) }
    }
    lines += functions.map { "FN:\($0.line),\($0.name)" }
    lines += functions.map { "FNDA:\($0.count),\($0.name)" }
    lines += ["FNF:\(functions.count)", "FNH:\(functions.count { $0.count > 0 })"]
    let counts = Self.counts(sources)
    let branches = Self.branches(sources)
    for (line, conditions) in branches.sorted(by: { $0.key < $1.key }) {
      let isRun = counts[line] ?? 0 > 0 || conditions.contains { $0.taken + $0.notTaken > 0 }
      for (block, branch) in conditions.enumerated() {
        for (number, count) in [branch.taken, branch.notTaken].enumerated() {
          lines.append("BRDA:\(line),\(block),\(number),\(isRun ? "\(count)" : "-")")
        }
      }
    }
    let all = branches.values.joined().flatMap { [$0.taken, $0.notTaken] }
    lines += ["BRF:\(all.count)", "BRH:\(all.count { $0 > 0 })"]
    lines += counts.sorted { $0.key < $1.key }.map { "DA:\($0.key),\($0.value)" }
    lines += ["LF:\(counts.count)", "LH:\(counts.values.count { $0 > 0 })", "end_of_record"]
    return lines.joined(separator: "\n") + "\n"
  }

  /// How often each line with code was run. Pieces that overlap tell the same line once.
  private static func counts(_ sources: [Verdict.Source]) -> [Int: Int] {
    var result: [Int: Int] = [:]
    for source in sources {
      for (offset, count) in (source.counts ?? []).enumerated() {
        guard let count else { continue }
        result[source.firstLine + offset] = max(result[source.firstLine + offset] ?? 0, count)
      }
    }
    return result
  }

  private static func branches(_ sources: [Verdict.Source]) -> [Int: [Verdict.Branch]] {
    var seen: Set<Int> = []
    var result: [Int: [Verdict.Branch]] = [:]
    for source in sources {
      let own = Dictionary(grouping: source.branches ?? [], by: \.line)
      for (line, branches) in own where seen.insert(line).inserted { result[line] = branches }
    }
    return result
  }
}

extension Verdict.Source {
  /// How often the function was entered: its first line with code says; nil where none was counted.
  fileprivate var entered: Int? { (counts ?? []).compactMap(\.self).first }
}

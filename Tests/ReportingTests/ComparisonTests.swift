// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import XCTest

@testable import Reporting

/// What a comparison says, and its exit status.
final class ComparisonTests: XCTestCase {
  private func event(_ name: String, _ line: Int, _ detail: String = "") -> Verdict.Event {
    .init(event: name, line: line, function: "f", callee: nil, detail: detail)
  }

  private func revision(_ label: String) -> Comparison.Revision {
    .init(
      label: label, revision: .init(kernel: "linux", version: "6.12.1", patches: []),
      verdict: "clean", exploration: .init(scenarios: 7, seconds: 1, exhaustive: true))
  }

  private func row(_ statuses: [Comparison.Status], isNote: Bool = false) -> Comparison.Row {
    .init(
      property: isNote ? "dead-branch" : "leak", function: "f", message: "a page is lost",
      isNote: isNote, cause: isNote ? nil : "allocation fails → a page is lost (f.c:3)",
      statuses: statuses, lines: statuses.map { [.introduced, .there].contains($0) ? 3 : 0 },
      scenarios: statuses.map { _ in "" })
  }

  private func comparison(
    _ rows: [Comparison.Row], groups: [Comparison.Group] = []
  ) -> Comparison {
    Comparison(
      subject: "s", file: "a/f.c", revisions: [revision("v1"), revision("v2")],
      pairs: [.init(old: "v1", new: "v2", scenarios: 9, compares: "trace", groups: groups)],
      findings: rows, scenarios: 9, seconds: 0.5)
  }

  private var group: Comparison.Group {
    .init(
      sentence: "f() returns -EIO instead of 0 (f.c:9)", count: 4, oldScenario: "f:a=1:-",
      newScenario: "f:a=1:gzp0", file: "a/f.c", line: 9,
      oldTrace: [event("enter", 0), event("return", 5, "0")],
      newTrace: [event("enter", 0), event("WARN", 8), event("return", 9, "-EIO")])
  }

  func test_sideBySide_linesThatMovedAreTheSame() {
    let rows = SideBySide(
      [event("enter", 0), event("return", 5, "0")], [event("enter", 0), event("return", 9, "0")]
    ).rows
    XCTAssertEqual(rows.map(\.mark), [" ", " "])
  }

  func test_sideBySide_marksAreThoseOfDiff() {
    let old = [event("enter", 0), event("lock", 4), event("return", 5, "0")]
    let new = [event("enter", 0), event("WARN", 8), event("free", 8), event("return", 5, "0")]
    XCTAssertEqual(SideBySide(old, new).rows.map(\.mark), [" ", "|", ">", " "])
    XCTAssertEqual(SideBySide(new, old).rows.map(\.mark), [" ", "|", "<", " "])
    XCTAssertEqual(SideBySide(old, new).parting?.new?.line, 8)
    XCTAssertNil(SideBySide(old, old).parting)
  }

  func test_sideBySide_columnsAreCutAndEndWithoutSpaces() {
    let long = event("alloc", 123_456, String(repeating: "x", count: 200))
    let lines = SideBySide([long], []).lines("v1", "v2")
    XCTAssertEqual(lines.count, 2)
    XCTAssert(lines[1].hasSuffix("… <"), lines[1])
    XCTAssertLessThan(lines[1].count, 70)
    XCTAssertFalse(lines.contains { $0.hasSuffix(" ") })
  }

  func test_sideBySide_whatIsFarFromADifferenceIsLeftOut() {
    var old = [event("enter", 0)]
    for line in 1...30 { old.append(event("lock", line, "number \(line)")) }
    var new = old
    new[20].detail = "another"
    let lines = SideBySide(old, new).lines("v1", "v2")
    XCTAssertEqual(lines.count, 1 + 1 + 1 + 3 + 1 + 3 + 1)
    XCTAssertEqual(lines.filter { $0.hasSuffix("…") }.count, 2)
    XCTAssertEqual(SideBySide(old, old).isReordered, false)
    XCTAssertEqual(SideBySide(old, Array(old.reversed())).isReordered, true)
    XCTAssertEqual(SideBySide(old, new).isReordered, false)
  }

  func test_text_differences() {
    let text = ComparisonText(comparison([], groups: [group]), usesColour: false).text
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    XCTAssertEqual(lines[0], "v1 → v2: outcome differs in 4 of 9 scenarios, in one way")
    XCTAssertEqual(lines[2], "  f() returns -EIO instead of 0 (f.c:9)")
    XCTAssertEqual(lines[3], "    4 scenarios, the smallest:")
    XCTAssertEqual(lines[4], "      v1: f:a=1:-")
    XCTAssertEqual(lines[5], "      v2: f:a=1:gzp0")
    XCTAssert(text.hasSuffix("s: v1, v2 on Linux 6.12.1: 9 scenarios in 0.5 s\n"), text)
  }

  /// Nothing is known of what comes behind a limit, not in a comparison either.
  func test_text_limitThatARevisionReached() {
    var comparison = comparison([])
    comparison.revisions[1].exploration.limits = ["24 answers", "65536 events"]
    let text = ComparisonText(comparison, usesColour: false).text
    XCTAssert(
      text.hasSuffix(" in 0.5 s\n  v2 not judged beyond 24 answers, 65536 events\n"), text)
  }

  func test_text_nothing() {
    let text = ComparisonText(comparison([]), usesColour: false).text
    XCTAssert(text.hasPrefix("v1 → v2: same outcome in all 9 scenarios\n"), text)
    XCTAssert(text.contains("\nfindings: none in v1, v2\n"), text)
  }

  func test_text_table() {
    let rows = [row([.there, .fixed]), row([.absent, .introduced], isNote: true)]
    let text = ComparisonText(comparison(rows), usesColour: false).text
    let lines = text.split(separator: "\n").map(String.init)
    let start = lines.firstIndex { $0.hasPrefix("findings") }!
    XCTAssertEqual(
      Array(lines[start..<start + 5]),
      [
        "findings                    v1          v2",
        "allocation fails → a page is lost (f.c:3)",
        "  f.c:3: leak               there       fixed",
        "a page is lost",
        "  f.c:3: note: dead-branch  -           introduced",
      ])
  }

  func test_colour_changesNoLetter() {
    let made = comparison([row([.absent, .introduced])], groups: [group])
    let plain = ComparisonText(made, usesColour: false).text
    let coloured = ComparisonText(made, usesColour: true).text
    XCTAssertNotEqual(coloured, plain)
    XCTAssertEqual(coloured.replacing(/\u{1b}\[[0-9;]*m/, with: ""), plain)
  }

  func test_exitCode_countsWhatTheLastRevisionHasAndTheFirstHasNot() {
    for (rows, groups, code, strict) in [
      ([], [], 0, 0), ([], [group], 0, 1),
      ([row([.absent, .introduced])], [], 1, 1), ([row([.there, .there])], [], 0, 1),
      ([row([.there, .fixed])], [], 0, 0),
      ([row([.absent, .introduced], isNote: true)], [], 0, 1),
    ] as [([Comparison.Row], [Comparison.Group], Int32, Int32)] {
      let made = comparison(rows, groups: groups)
      XCTAssertEqual(made.exitCode(isStrict: false), code, "\(rows.map(\.statuses))")
      XCTAssertEqual(made.exitCode(isStrict: true), strict, "\(rows.map(\.statuses))")
    }
  }

  func test_json_isWhatItWas() throws {
    let made = comparison([row([.there, .fixed])], groups: [group])
    let read = try JSONDecoder().decode(Comparison.self, from: Data(try made.json().utf8))
    XCTAssertEqual(try read.json(), try made.json())
    let object = try JSONSerialization.jsonObject(with: Data(try made.json().utf8))
    let keys = try XCTUnwrap(object as? [String: Any]).keys
    XCTAssertEqual(
      Set(keys),
      [
        "schema", "tool", "subject", "file", "revisions", "pairs", "findings", "scenarios",
        "seconds",
      ])
  }
}

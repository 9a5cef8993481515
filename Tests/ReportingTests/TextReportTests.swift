// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import Reporting

/// What a finding looks like, and how long a report is.
final class TextReportTests: XCTestCase {
  /// One finding with the kernel's text around it.
  private var shown: Verdict {
    var finding = Sample.finding(message: "a box is lost")
    finding.assumes = "room() can answer 0"
    var verdict = Sample.verdict(findings: [finding])
    verdict.sources = [
      .init(
        file: "a/b.c", function: "f", firstLine: 5,
        lines: ["\tbox = gzp();", "\tif (!box)", "\t\treturn lost;", "\tkeep(box);"])
    ]
    return verdict
  }

  func test_finding_readsAsACompilersMessage() {
    let text = TextReport(shown, replayOptions: "--kernel k ", usesColour: false).text
    XCTAssert(
      text.hasPrefix(
        """
        allocation of p fails → the page of q is never freed (b.c:7)
          a/b.c:7: leak: a box is lost
            5 |         box = gzp();
            6 |         if (!box)
            7 |                 return lost;
              |                 ^~~~~~~~~~~~
            8 |         keep(box);
            in f(), 2 of 3000 scenarios, introduced by the patch
            assuming room() can answer 0
          replay: kshim replay --kernel k f:x=1:gzp1
                    f  enter
                 5  f  alloc gzp() = NULL
                 9  f  return 0


        """), text)
  }

  func test_note_hasTheLinesToo() {
    var verdict = shown
    verdict.findings = []
    verdict.causes = []
    var note = Sample.note
    note.line = 6
    verdict.notes = [note]
    let text = TextReport(verdict, replayOptions: "", usesColour: false).text
    XCTAssert(
      text.contains("never fires\n  5 |         box = gzp();\n  6 |         if (!box)\n"), text)
  }

  /// The other findings of a cause have a line each; what they have in common stands once.
  func test_cause_tellsItsFirstFindingInFull_andALineOfEachOther() {
    var other = Sample.finding("double-free", message: "it is freed again")
    var third = Sample.finding("crash", message: "it is read")
    (other.line, third.function) = (8, "g")
    let text = TextReport(
      Sample.verdict(findings: [Sample.finding(message: "one"), other, third]), replayOptions: "",
      usesColour: false
    ).text
    XCTAssert(
      text.contains(
        """
          a/b.c:7: leak: one
            in f(), 2 of 3000 scenarios, introduced by the patch
          a/b.c:8: double-free: it is freed again
          a/b.c:7: crash: it is read, in g()
          replay:
        """), text)
  }

  /// - Parameter count: how many causes, of two findings each.
  private func many(_ count: Int) -> Verdict {
    var verdict = Sample.verdict(
      findings: (0..<count).flatMap { number in
        ["leak", "crash"].map { property in
          var finding = Sample.finding(property, message: "number \(number)")
          finding.cause = number
          return finding
        }
      })
    verdict.causes = (0..<count).map {
      .init(
        sentence: "cause \($0)", findings: [2 * $0, 2 * $0 + 1], scenario: "f:x=\($0):gzp1",
        file: "a/b.c", line: 7)
    }
    return verdict
  }

  func test_tenCauses_areToldInFull_andOthersInALineForEachFinding() {
    var report = TextReport(many(12), replayOptions: "", usesColour: false)
    let text = report.text
    XCTAssert(text.contains("\ncause 9\n"), text)
    XCTAssertFalse(text.contains("cause 10"), text)
    XCTAssertEqual(text.ranges(of: "  replay: ").count, 10)
    XCTAssert(
      text.contains(
        """
        2 more causes (--all tells them in full):
          a/b.c:7: leak: number 10, in f()
          a/b.c:7: crash: number 10, in f()
          a/b.c:7: leak: number 11, in f()
          a/b.c:7: crash: number 11, in f()


        """), text)
    XCTAssert(text.contains("  24 findings (24 introduced), 12 causes\n"), text)
    report.shown = nil
    XCTAssertEqual(report.text.ranges(of: "  replay: ").count, 12)
    XCTAssertFalse(report.text.contains("--all"))
    XCTAssertFalse(
      TextReport(many(10), replayOptions: "", usesColour: false).text.contains("--all"))
  }

  /// Nothing but the replay's command, which is one word for a shell, is wider than the terminal.
  func test_terminal_getsLinesOfItsWidth_andAFileGetsThemWhole() {
    var verdict = shown
    verdict.causes[0].sentence = Array(repeating: "and so on", count: 12).joined(separator: " ")
    verdict.findings[0].message = Array(repeating: "it goes on", count: 12).joined(separator: " ")
    verdict.findings[0].trace[1].detail = String(repeating: "x", count: 100)
    verdict.sources![0].lines[1] = "\tif (" + String(repeating: "long && ", count: 20)
    verdict.exploration.bound = Array(repeating: "bound", count: 20).joined(separator: " ")
    for columns in [40, 80, 132] {
      for usesColour in [false, true] {
        var report = TextReport(verdict, replayOptions: "", usesColour: usesColour)
        report.columns = columns
        for line in report.text.split(separator: "\n") where !line.contains("replay: ") {
          let width = Wrapping.columns(String(line))
          XCTAssertLessThanOrEqual(width, columns, "\(columns): \(line)")
        }
      }
    }
    var narrow = TextReport(verdict, replayOptions: "", usesColour: false)
    narrow.columns = 40
    // Nothing of a trace is lost.
    XCTAssertEqual(narrow.text.count { $0 == "x" }, 100 + 2)
    let file = TextReport(verdict, replayOptions: "", usesColour: false).text
    XCTAssert(file.contains(verdict.causes[0].sentence + "\n"))
    XCTAssert(file.contains(": leak: \(verdict.findings[0].message)\n"))
    XCTAssert(file.contains(String(repeating: "x", count: 100) + "\n"))
    let last = file.split(separator: "\n").suffix(6)
    XCTAssert(last.allSatisfy { $0.count <= 80 }, "\(last)")
  }

  func test_verdict_ofAFunctionWithALongName_fits80Columns() {
    var verdict = Sample.verdict()
    verdict.subject = "drivers/net/ethernet/mellanox/mlx5/core/steering/a.c:mlx5_of_the_long_name"
    let lines = TextReport(verdict, replayOptions: "", usesColour: false).text
      .split(separator: "\n")
    XCTAssert(lines.allSatisfy { $0.count <= 80 }, "\(lines)")
    XCTAssertEqual(lines.prefix(2), [verdict.subject[...], "    on Linux 6.12.117 with 1 patch:"])
  }
}

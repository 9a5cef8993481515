// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting
import XCTest

/// A report of several steps, as text and as JSON.
final class SeriesReportTests: XCTestCase {
  private func verdict(_ introduced: [Bool], reused: Bool? = nil) -> Verdict {
    let findings = introduced.enumerated().map { number, isNew in
      Verdict.Finding(
        property: "leak", function: "f", file: "a/b.c", line: number + 1, introduced: isNew,
        message: "page \(number) is lost", scenario: "f:\(number)", failing: 2, trace: [],
        cause: number)
    }
    let causes = findings.indices.map { number in
      Verdict.Cause(
        sentence: "cause \(number)", findings: [number], scenario: "f:\(number)", file: "a/b.c",
        line: number + 1)
    }
    var verdict = Verdict(
      revision: .init(kernel: "k@a..b", version: "6", patches: []), subject: "s",
      findings: findings, causes: causes, notes: [],
      exploration: .init(scenarios: 3, seconds: 1, exhaustive: true), properties: [])
    verdict.revision.base = "base"
    verdict.revision.commit = .init(id: "id", subject: "subject")
    verdict.exploration.reused = reused
    return verdict
  }

  private func report(_ outcomes: [CheckReport.Entry.Outcome]) -> CheckReport {
    let steps = outcomes.indices.map {
      CheckReport.Series.Step(id: "\($0)\($0)", file: nil, subject: "change \($0)")
    }
    let entries = outcomes.enumerated().map { number, outcome in
      CheckReport.Entry(
        label: "\(number)", title: "change \(number)", outcome: outcome,
        replayOptions: "--kernel k@a..\(number) ")
    }
    return CheckReport(entries, series: .init(name: "k@a..b", steps: steps))
  }

  func test_text_tellsOnlyWhatAStepIntroduces() throws {
    let report = report([
      .verdict(verdict([])), .failure("it does not compile (f.c:7)", exitCode: 3),
      .verdict(verdict([false, true])), .verdict(verdict([false, false], reused: true)),
    ])
    XCTAssertEqual(
      try report.rendered(as: .text, usesColour: false),
      """
      0 change 0: clean
      1 change 1: cannot be judged: it does not compile (f.c:7)
      2 change 2: 2 findings (1 introduced, 1 there before)
        cause 1
          a/b.c:2: leak: page 1 is lost
            in f(), 2 of 3 scenarios, introduced by the commit
          replay: kshim replay --kernel k@a..2 f:1

      3 change 3: 2 findings (there before)
      A scenario is what is called, the state that it starts from, and each callee's
      answer in order, 0 being the ordinary one.

      s on k@a..b: 4 commits
        introduced by 2 "change 2"; 1 cannot be judged; the last has 2 findings;
        1 reused from earlier searches

      """)
    XCTAssert(
      try report.rendered(as: .text, usesColour: false, showsOld: true).contains("\n  cause 0\n"))
    XCTAssertEqual(report.exitCode(isStrict: false), 3)
  }

  func test_text_saysWhatFixesAFinding_andHowTheLastStepIs() throws {
    var report = report([
      .verdict(verdict([true, true])), .verdict(verdict([false])), .verdict(verdict([])),
      .verdict(verdict([true])), .verdict(verdict([])), .verdict(verdict([true])),
    ])
    func fixed(_ numbers: Int...) -> [CheckReport.Fixed] {
      numbers.map { .init(verdict([true, true]).findings[$0]) }
    }
    report.entries[1].fixed = fixed(1)
    report.entries[2].fixed = fixed(0)
    report.entries[4].fixed = fixed(0)
    let lines = try report.rendered(as: .text, usesColour: false).split(separator: "\n")
      .map(String.init)
    XCTAssert(lines.contains("1 change 1: 1 finding (there before), 1 fixed"), "\(lines)")
    XCTAssert(lines.contains("2 change 2: clean, 1 fixed"), "\(lines)")
    XCTAssertEqual(
      lines.suffix(4).joined(separator: "\n"),
      """
      s on k@a..b: 6 commits
        introduced by 5 "change 5";
        introduced by 0 "change 0", fixed by 1 "change 1", 2 "change 2";
        introduced by 3 "change 3", fixed by 4 "change 4"; the last has 1 finding
      """)
    XCTAssert(lines.contains("  fixed: leak in f(): page 1 is lost"), "\(lines)")
    var told = verdict([true]).findings[0]
    told.sentence = "it is lost (b.c:1)"
    report.entries[4].fixed = [.init(told)]
    XCTAssert(
      try report.rendered(as: .text, usesColour: false)
        .contains("\n4 change 4: clean, 1 fixed\n  fixed: leak in f(): it is lost (b.c:1)\n"))
    report.entries[4].fixed = fixed(0)
    report.entries.removeLast()
    report.series?.steps.removeLast()
    XCTAssert(
      try report.rendered(as: .text, usesColour: false).hasSuffix("; the last is clean\n"))
    report.entries[2].fixed = []
    XCTAssert(
      try report.rendered(as: .text, usesColour: false)
        .contains("introduced by 0 \"change 0\", 1 of 2 fixed by 1 \"change 1\""))
    XCTAssert(
      try report.rendered(as: .note, usesColour: false).contains("1 finding of before fixed"))
    XCTAssert(
      try HTMLReport(report).text.contains("<li>leak in f(): page 1 is lost"))
    let text = try report.rendered(as: .json, usesColour: false)
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    let items = try XCTUnwrap(object?["commits"] as? [[String: Any]])
    XCTAssertEqual(
      items.map { $0["fixed"] as? [[String: String]] },
      [
        nil, [["property": "leak", "function": "f", "message": "page 1 is lost"]], nil, nil,
        [["property": "leak", "function": "f", "message": "page 0 is lost"]],
      ])
  }

  func test_text_whenTheLastStepCannotBeJudged_saysSo() throws {
    let report = report([.verdict(verdict([true])), .failure("no", exitCode: 3)])
    let text = try report.rendered(as: .text, usesColour: false)
    XCTAssert(text.hasSuffix("; 1 cannot be judged, the last among them\n"), text)
  }

  func test_text_ofStepsThatAddNothing_isALineEach() throws {
    let report = report([.verdict(verdict([])), .verdict(verdict([]))])
    XCTAssertEqual(
      try report.rendered(as: .text, usesColour: false),
      "0 change 0: clean\n1 change 1: clean\ns on k@a..b: 2 commits: none introduces a finding\n")
    XCTAssertEqual(report.exitCode(isStrict: true), 0)
  }

  func test_json_isOneObjectWithAnItemForEachStep() throws {
    let report = report([.verdict(verdict([true])), .failure("no", exitCode: 2)])
    let text = try report.rendered(as: .json, usesColour: false)
    let object = try XCTUnwrap(
      JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    XCTAssertEqual(object["schema"] as? Int, 1)
    XCTAssertEqual(object["range"] as? String, "k@a..b")
    XCTAssertEqual((object["tool"] as? [String: Any])?["name"] as? String, "kshim")
    let items = try XCTUnwrap(object["commits"] as? [[String: Any]])
    XCTAssertEqual(
      items.map { $0.keys.sorted() }, [["commit", "verdict"], ["commit", "error", "exit"]])
    XCTAssertEqual((items[0]["commit"] as? [String: String])?["id"], "00")
    XCTAssertEqual(items[1]["exit"] as? Int, 2)
    XCTAssertEqual(report.exitCode(isStrict: false), 2)
  }
}

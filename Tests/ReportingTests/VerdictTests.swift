// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting
import XCTest

final class VerdictTests: XCTestCase {
  private func finding(introduced: Bool) -> Verdict.Finding {
    Verdict.Finding(
      property: "leak", function: "f", file: "a/b.c", line: 7, introduced: introduced,
      message: "a page is lost", scenario: "f:x=1:gzp0", failing: 2,
      trace: [.init(event: "return", line: 9, function: "f", callee: nil, detail: "0")], cause: 0)
  }

  private func verdict(
    patches: Int, findings: [Verdict.Finding] = [], notes: [Verdict.Finding] = []
  ) -> Verdict {
    Verdict(
      revision: .init(
        kernel: "debian:6.12", version: "6.12.117",
        patches: (0..<patches).map { .init(file: "\($0).patch", subject: nil) }),
      subject: "s", findings: findings,
      causes: findings.isEmpty
        ? []
        : [
          .init(
            sentence: "allocation of p fails → the page of q is never freed (b.c:7)",
            findings: Array(findings.indices), scenario: findings[0].scenario, file: "a/b.c",
            line: 7)
        ], notes: notes,
      exploration: .init(scenarios: 3000, seconds: 1.5, exhaustive: true),
      properties: [.init(id: "leak", checked: 3000, broken: findings.count)])
  }

  func test_text_namesWhatElseShowsAFinding() {
    var found = finding(introduced: false)
    found.also = ["a/b.c:caller", "c.c:other"]
    let text = TextReport(
      verdict(patches: 0, findings: [found]), replayOptions: "", usesColour: false
    ).text
    XCTAssert(text.contains("\n    shown through caller(), c.c:other too\n"), text)
  }

  func test_text_leavesOutCleanFunctionsThatWereTold() {
    var both = verdict(patches: 0)
    both.functions = [
      .init(file: "a.c", function: "f", status: .clean, why: nil, exploration: nil),
      .init(file: "a.c", function: "g", status: .notJudged, why: "it is gone", exploration: nil),
    ]
    var report = TextReport(both, replayOptions: "", usesColour: false)
    XCTAssert(report.text.hasPrefix("a.c: g: not judged: it is gone\na.c: f: clean\n\n"))
    report.hasToldFunctions = true
    XCTAssert(report.text.hasPrefix("a.c: g: not judged: it is gone\n\n"), report.text)
  }

  func test_exitCode_withoutPatches_countsEveryFinding() {
    XCTAssertEqual(verdict(patches: 0).exitCode(isStrict: false), 0)
    let found = verdict(patches: 0, findings: [finding(introduced: false)])
    XCTAssertEqual(found.exitCode(isStrict: false), 1)
  }

  func test_exitCode_withPatches_countsWhatTheyIntroduce() {
    let old = verdict(patches: 1, findings: [finding(introduced: false)])
    XCTAssertEqual(old.exitCode(isStrict: false), 0)
    XCTAssertEqual(old.exitCode(isStrict: true), 1)
    let new = verdict(patches: 1, findings: [finding(introduced: true)])
    XCTAssertEqual(new.exitCode(isStrict: false), 1)
  }

  func test_exitCode_notes_countOnlyWhenStrict() {
    let noted = verdict(patches: 0, notes: [finding(introduced: false)])
    XCTAssertEqual(noted.exitCode(isStrict: false), 0)
    XCTAssertEqual(noted.exitCode(isStrict: true), 1)
  }

  func test_json_hasTheKeysOfTheContract() throws {
    let json = try verdict(patches: 1, findings: [finding(introduced: true)]).json()
    let object = try XCTUnwrap(
      JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    XCTAssertEqual(
      Set(object.keys),
      [
        "schema", "tool", "revision", "subject", "verdict", "findings", "causes", "notes",
        "exploration", "properties",
      ])
    XCTAssertEqual(object["schema"] as? Int, 1)
    XCTAssertEqual(object["verdict"] as? String, "findings")
    let first = try XCTUnwrap((object["findings"] as? [[String: Any]])?.first)
    XCTAssertEqual(first["line"] as? Int, 7)
    XCTAssertEqual(first["introduced"] as? Bool, true)
    XCTAssertEqual((first["trace"] as? [[String: Any]])?.first?["event"] as? String, "return")
  }

  func test_text_whenClean_isOneLine() {
    let text = TextReport(verdict(patches: 0), replayOptions: "", usesColour: false).text
    XCTAssertEqual(
      text, "s on Linux 6.12.117: clean: 3000 scenarios in 1.5 s, exhaustive\n")
  }

  private static let legend = """
    A scenario is what is called, the state that it starts from, and each callee's
    answer in order, 0 being the ordinary one.
    """

  /// A cause that has old and new findings: the new one is told, and tells it.
  private var mixed: Verdict {
    var old = finding(introduced: false)
    (old.property, old.line, old.sentence) = ("crash", 5, "the old one (b.c:5)")
    var new = finding(introduced: true)
    (new.scenario, new.sentence) = ("f:x=2:gzp1", "the new one (b.c:7)")
    new.trace[0] = .init(
      event: "alloc", line: 7, function: "f", callee: "get_zeroed_page_noprof()", detail: "= NULL")
    return verdict(patches: 1, findings: [old, new])
  }

  func test_text_tellsWhatIsNewFirst_andWhatWasThereInALineEach() {
    var report = TextReport(mixed, replayOptions: "--kernel k ", usesColour: false)
    let new = """
      the new one (b.c:7)
        a/b.c:7: leak: a page is lost
          in f(), 2 of 3000 scenarios, introduced by the patch
        replay: kshim replay --kernel k f:x=2:gzp1
               7  f  alloc get_zeroed_page_noprof() = NULL


      """
    XCTAssertEqual(
      report.text,
      new + """
        already there without the patch (--old tells more):
          a/b.c:5: crash: a page is lost, in f()

        A scenario is what is called, the state that it starts from, and each callee's
        answer in order, 0 being the ordinary one; gzp1: get_zeroed_page() fails.

        s on Linux 6.12.117 with 1 patch:
          2 findings (1 introduced, 1 there before), 1 cause
          3000 scenarios in 1.5 s, exhaustive

        """)
    report.showsOld = true
    XCTAssert(
      report.text.hasPrefix(
        new + """
          the old one (b.c:5)
            a/b.c:5: crash: a page is lost
              in f(), 2 of 3000 scenarios, already there without the patch
            replay: kshim replay --kernel k f:x=1:gzp0
                   9  f  return 0


          """), report.text)
    XCTAssertFalse(report.text.contains("--old"), report.text)
  }

  func test_text_withoutPatches_tellsAllInFull() {
    let report = TextReport(
      verdict(patches: 0, findings: [finding(introduced: false), finding(introduced: false)]),
      replayOptions: "--kernel k ", usesColour: false)
    XCTAssertEqual(
      report.text,
      """
      allocation of p fails → the page of q is never freed (b.c:7)
        a/b.c:7: leak: a page is lost
          in f(), 2 of 3000 scenarios
        a/b.c:7: leak: a page is lost
          in f(), 2 of 3000 scenarios
        replay: kshim replay --kernel k f:x=1:gzp0
               9  f  return 0

      \(Self.legend) Findings under one sentence have one
      cause.

      s on Linux 6.12.117: 2 findings, 1 cause: 3000 scenarios in 1.5 s, exhaustive

      """)
  }

  func test_text_linesOfTheVerdict_fit80Columns() {
    var long = mixed
    long.notes = [finding(introduced: true)]
    long.exploration.runs = 143_218
    long.exploration.bound = "two vCPUs in every order with at most 3 switches between them"
    long.exploration.limits = ["4096 events of one scenario", "65536 stores", "512 decisions"]
    long.exploration.reused = true
    let text = TextReport(long, replayOptions: "", usesColour: true).text
    let lines = text.replacing(/\u{1b}\[[0-9;]*m/, with: "").split(separator: "\n")
    let start = lines.firstIndex { $0.hasPrefix("s on Linux") }!
    XCTAssertEqual(
      lines[start...].joined(separator: "\n"),
      """
      s on Linux 6.12.117 with 1 patch:
        2 findings (1 introduced, 1 there before), 1 cause, 1 note
        143218 runs for 3000 scenarios in 1.5 s, exhaustive
        two vCPUs in every order with at most 3 switches between them
        not judged beyond 4096 events of one scenario, 65536 stores, 512 decisions,
        reused from an earlier search
      """)
  }

  func test_text_ofARange_namesIt() throws {
    var range = verdict(patches: 0, findings: [finding(introduced: true)])
    range.revision.kernel = "~/linux@base..v2"
    range.revision.base = String(repeating: "a1", count: 20)
    range.revision.head = .init(id: String(repeating: "b2", count: 20), subject: "KVM: <do> it")
    let text = TextReport(range, replayOptions: "", usesColour: false).text
    XCTAssert(text.contains("introduced by the range"), text)
    XCTAssert(
      text.contains("s on Linux 6.12.117 with base..v2: 1 finding (1 introduced), 1 cause\n"), text)
    let page = try HTMLReport(
      CheckReport([.init(label: nil, title: nil, outcome: .verdict(range), replayOptions: "")])
    ).text
    XCTAssert(page.contains("<title>kshim: s on Linux 6.12.117 with base..v2</title>"), page)
    XCTAssert(page.contains(", introduced by the range</small>"), page)
    XCTAssert(
      page.contains(
        "<dt>Commits</dt><dd>a1a1a1a1a1a1..b2b2b2b2b2b2 &quot;KVM: &lt;do&gt; it&quot;</dd>"),
      page)
    XCTAssertFalse(page.contains("<dt>Patch"))
    range.revision.patches = [.init(file: "1.patch", subject: nil)]
    range.revision.head = nil
    XCTAssertEqual(
      TextReport(range, replayOptions: "", usesColour: false).text.split(separator: "\n")
        .first { $0.hasPrefix("s on") }?.prefix { $0 != ":" },
      "s on Linux 6.12.117 with base..v2 and 1 patch")
    range.revision.commit = .init(id: "b2", subject: "it")
    let step = try HTMLReport(
      CheckReport([.init(label: "b2", title: "it", outcome: .verdict(range), replayOptions: "")])
    ).text
    XCTAssert(step.contains(", introduced by the commit</small>"), step)
  }

  func test_text_onATerminal_hasColour() {
    let report = TextReport(
      verdict(patches: 0, findings: [finding(introduced: false)]), replayOptions: "",
      usesColour: true)
    XCTAssertTrue(report.text.contains("\u{1b}[1;31mleak\u{1b}[0m"))
  }

  /// What decodes may be damaged all the same, and is not told.
  func test_soundness_isThatOfEveryNumber() throws {
    let whole = verdict(patches: 1, findings: [finding(introduced: true)])
    XCTAssertTrue(whole.isSound)
    XCTAssertTrue(verdict(patches: 0).isSound)
    let damages: [(inout Verdict) -> Void] = [
      { $0.schema = 2 }, { $0.verdict = "cleam" }, { $0.causes[0].findings = [1] },
      { $0.causes[0].findings = [-1] }, { $0.causes[0].findings = [] }, { $0.causes = [] },
      { $0.findings = [] }, { $0.findings[0].cause = 7 }, { $0.findings[0].line = -1 },
      { $0.findings[0].failing = .max }, { $0.findings[0].trace[0].line = .min },
      { $0.exploration.scenarios = .max }, { $0.exploration.runs = -1 },
      { $0.exploration.seconds = -1 }, { $0.exploration.unreached = [.max] },
      {
        $0.exploration.extracted = [
          .init(file: "a", function: "f", firstLine: -1, lastLine: .max)
        ]
      },
      { $0.properties = [.init(id: "leak", checked: -1, broken: 0)] },
    ]
    for (number, damage) in damages.enumerated() {
      var verdict = whole
      damage(&verdict)
      XCTAssertFalse(verdict.isSound, "\(number)")
    }
  }
}

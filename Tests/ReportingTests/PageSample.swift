// SPDX-License-Identifier: GPL-2.0-only
import Reporting

/// Reports that a page shows all of: sources, two threads, pictures, and what is not judged. The C is of
/// no kernel.
enum PageSample {
  static let file = "lib/shelf.c"

  /// From line 40.
  private static let shelf = """
    /* Puts two boards on a shelf; -ENOMEM where there is none left. */
    static int shelf_fill(struct shelf *shelf, int wide)
    {
    	struct board *upper, *lower;	/* the lower one carries */

    	if (shelf->upper && shelf->lower)
    		return 0;

    	upper = board_alloc(shelf);
    	if (!upper)
    		return -ENOMEM;

    	lower = board_alloc(shelf);
    	if (!lower)
    		goto err_lower;

    	if (wide > 2 && shelf->is_old)
    		warn("an old shelf is \\"wide\\"\\n");

    	shelf_mount(shelf, upper, lower);
    	return 0;

    err_lower:
    	board_free(lower);
    	return -ENOMEM;
    }
    """.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)

  /// From line 20.
  private static let mount = """
    static void shelf_mount(struct shelf *shelf, struct board *upper, struct board *lower)
    {
    	lock(&shelf->lock);
    	shelf->upper = upper;
    	shelf->lower = lower;
    	unlock(&shelf->lock);
    }
    """.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)

  static var sources: [Verdict.Source] {
    var fill = Verdict.Source(
      file: file, function: "shelf_fill", firstLine: 40, lines: shelf,
      counts: [
        nil, nil, 12840, nil, nil, 12840, 40, nil, 12800, 12800, 3200, nil, 9600, 9600, 2400, nil,
        7200, 0, nil, 7200, 7200, nil, 2400, 2400, 2400, 12840,
      ])
    fill.branches = [
      .init(line: 45, taken: 60, notTaken: 12780), .init(line: 45, taken: 40, notTaken: 20),
      .init(line: 49, taken: 3200, notTaken: 9600), .init(line: 53, taken: 2400, notTaken: 7200),
      .init(line: 56, taken: 7200, notTaken: 0), .init(line: 56, taken: 0, notTaken: 7200),
    ]
    return [
      fill,
      Verdict.Source(
        file: file, function: "shelf_mount", firstLine: 20, lines: mount,
        counts: [7200, nil, 7200, 7200, 7200, 7200, 7200]),
    ]
  }

  static let upper = "0x140002000"

  private static func event(
    _ event: String, _ line: Int, _ callee: String? = nil, _ detail: String = "",
    in function: String = "shelf_fill", thread: String? = nil, block: String? = nil
  ) -> Verdict.Event {
    var event = Verdict.Event(
      event: event, line: line, function: function, callee: callee, detail: detail, thread: thread)
    event.block = block
    return event
  }

  /// The lower board fails, and the upper one is lost.
  static var leak: Verdict.Finding {
    var finding = Verdict.Finding(
      property: "leak", function: "shelf_fill", file: file, line: 64, introduced: true,
      message: "the page of upper is never freed", scenario: "shelf_fill:wide=1,old=0:ba0.ba1",
      failing: 2400,
      trace: [
        event("enter", 0), event("input", 45, "shelf->upper", "= 0"),
        event("alloc", 48, "board_alloc()", "= page \(upper)", block: upper),
        event("alloc", 52, "board_alloc()", "= NULL"),
        event("free", 63, "board_free()", "0x0, which was never allocated"),
        event("return", 64, nil, "-ENOMEM"),
      ], cause: 0,
      sentence: "the second board_alloc() fails → the page of upper is never freed (shelf.c:64)")
    finding.executed = [.init(file: file, lines: [42, 45, 48, 49, 52, 53, 54, 62, 63, 64, 65])]
    finding.assumes = "board_alloc() can answer NULL"
    finding.also = ["\(file):shelf_open"]
    return finding
  }

  static func picture(isBroken: Bool) -> Verdict.Picture {
    var pml4 = Verdict.Picture.Box(
      id: "b", kind: "PML4", name: "pml4_root", column: 1,
      entries: [
        .init(index: 0, text: "present, writable, user", target: "c"),
        .init(index: 1, through: 511, text: "not present"),
      ])
    if isBroken {
      pml4.entries[0].text = "present, read-only"
      pml4.entries[0].wrong = "the processor may not write through it"
    }
    var shadow = Verdict.Picture.Box(id: "d", kind: "shadow page", name: nil, column: 3)
    if isBroken { shadow.wrong = "it is freed" }
    return .init(
      start: "root.hpa = 0x140006000", root: "a",
      boxes: [
        .init(
          id: "a", kind: "PML5", name: "pml5_root", column: 0,
          entries: [
            .init(index: 0, text: "present, writable, user", target: "b"),
            .init(index: 1, through: 511, text: "not present"),
          ]), pml4,
        .init(
          id: "c", kind: "PDPT", name: "pae_root", column: 2,
          entries: [
            .init(index: 0, text: "present", target: "d"),
            .init(index: 1, through: 3, text: "not present"),
          ]), shadow,
      ], wrong: isBroken ? ["The walk for 0x0 ends at a page that is freed."] : [])
  }

  /// With two threads, a picture, and the same in the base.
  static var chain: Verdict.Finding {
    var finding = Verdict.Finding(
      property: "root-chain", function: "shelf_mount", file: file, line: 24, introduced: true,
      message: "the entry is read-only", scenario: "shelf_fill+shelf_fill:wide=2:s1.s0",
      failing: 7,
      trace: [
        event("enter", 0, thread: "vcpu 0"), event("enter", 0, thread: "vcpu 1"),
        event("lock", 22, nil, "shelf->lock", in: "shelf_mount", thread: "vcpu 0"),
        event("wait", 22, nil, "shelf->lock", in: "shelf_mount", thread: "vcpu 1"),
        event("unlock", 25, nil, "shelf->lock", in: "shelf_mount", thread: "vcpu 0"),
        event("lock", 22, nil, "shelf->lock", in: "shelf_mount", thread: "vcpu 1"),
        event("return", 60, nil, "0", thread: "vcpu 0"),
        event("unlock", 25, nil, "shelf->lock", in: "shelf_mount", thread: "vcpu 1"),
        event("return", 60, nil, "0", thread: "vcpu 1"),
      ], cause: 1, sentence: "two fill one shelf → the entry is read-only (shelf.c:24)")
    finding.picture = picture(isBroken: true)
    finding.executed = [
      .init(file: file, lines: Array(20...26) + [42, 45, 48, 49, 52, 53, 56, 59, 60])
    ]
    finding.base = .init(
      trace: [event("enter", 0), event("return", 60, nil, "0")], executed: nil,
      picture: picture(isBroken: false))
    return finding
  }

  /// There before, and without anything that is optional.
  static let old = Verdict.Finding(
    property: "uninitialised", function: "shelf_open", file: "lib/open.c", line: 9,
    introduced: false, message: "what happens depends on a variable that was never set",
    scenario: "shelf_open:-:ba1", failing: 1, trace: [], cause: 2,
    sentence: "board_alloc() fails → shelf_open() returns what was never set (open.c:9)")

  static var note: Verdict.Finding {
    Verdict.Finding(
      property: "dead-branch", function: "shelf_fill", file: file, line: 57, introduced: true,
      message: "the warning on this line never fires in any scenario", scenario: "", failing: 0,
      trace: [])
  }

  static var verdict: Verdict {
    let findings = [leak, chain, old]
    var verdict = Verdict(
      revision: .init(
        kernel: "debian:6.12", version: "6.12.117",
        patches: [
          .init(file: "v2-0001.patch", subject: "shelf: mount both boards at once"),
          .init(file: "v2-0002.patch", subject: nil),
        ]), subject: "shelves", findings: findings,
      causes: findings.enumerated().map { index, finding in
        .init(
          sentence: finding.sentence!, findings: [index], scenario: finding.scenario,
          file: finding.file, line: finding.line)
      }, notes: [note],
      exploration: .init(
        scenarios: 583737, runs: 129435, seconds: 1.4, exhaustive: true,
        limits: ["4096 events of one scenario"],
        bound: "two threads in every order with at most 3 switches between them and 1 failure",
        functions: ["shelf_fill", "shelf_open"],
        coverage: ["shelves of 1 to 3 boards", "old and new ones"]),
      properties: [
        .init(id: "leak", checked: 583737, broken: 2400),
        .init(id: "root-chain", checked: 129435, broken: 7),
        .init(id: "uninitialised", checked: 583737, broken: 1),
        .init(id: "warn-missing", checked: 0, broken: 0),
      ])
    verdict.sources = sources
    verdict.assumed = [
      Verdict.Finding(
        property: "crash", function: "shelf_open", file: "lib/open.c", line: 4, introduced: true,
        message: "a read through NULL", scenario: "shelf_open:-:i1", failing: 3, trace: [])
    ]
    verdict.functions = [
      .init(
        file: file, function: "shelf_fill", status: .findings, why: nil,
        exploration: verdict.exploration),
      .init(file: "lib/open.c", function: "shelf_open", status: .clean, why: nil, exploration: nil),
      .init(
        file: "lib/open.c", function: "shelf_wait", status: .notJudged,
        why: "it runs assembly that kshim does not know", exploration: nil),
    ]
    verdict.functions?[0].exploration?.unreached = [57, 58]
    verdict.revision.contains = ["a change of Makefile (Makefile:3)"]
    return verdict
  }

  static func report(_ verdict: Verdict) -> CheckReport {
    CheckReport([
      .init(
        label: nil, title: nil, outcome: .verdict(verdict),
        replayOptions: "--kernel debian:6.12 --patch v2-0001.patch --patch v2-0002.patch ")
    ])
  }

  static var series: CheckReport {
    var clean = verdict
    (clean.findings, clean.causes, clean.notes, clean.assumed, clean.verdict) = (
      [], [], [], nil, "clean"
    )
    let fixed = CheckReport.Entry(
      label: "3", title: "shelf: free the upper board", outcome: .verdict(clean), replayOptions: "")
    var report = CheckReport(
      [
        .init(
          label: "1", title: "shelf: say what is <what>", outcome: .verdict(clean),
          replayOptions: ""),
        .init(
          label: "2", title: "shelf: mount both boards at once", outcome: .verdict(verdict),
          replayOptions: "--patch 1 --patch 2 "), fixed,
        .init(
          label: "4", title: "shelf: unfinished",
          outcome: .failure("it does not compile\n  lib/shelf.c:50: expected ';'", exitCode: 3),
          replayOptions: ""),
      ], series: .init(name: "v2.mbox", steps: []))
    report.series?.steps = report.entries.map {
      .init(id: $0.label!, file: "v2.mbox", subject: $0.title)
    }
    report.entries[2].fixed = [.init(leak)]
    return report
  }

  static var comparison: Comparison {
    func group(_ sentence: String, _ old: Verdict.Finding, _ new: [Verdict.Event])
      -> Comparison.Group
    {
      .init(
        sentence: sentence, count: old.failing, oldScenario: old.scenario,
        newScenario: old.scenario,
        file: file, line: old.line, oldTrace: new, newTrace: old.trace)
    }
    var mended = leak.trace
    mended[4] = event("free", 63, "board_free()", "page \(upper)", block: upper)
    let revision = { (label: String, state: String, patches: [Verdict.Patch]) in
      Comparison.Revision(
        label: label,
        revision: .init(kernel: "debian:6.12", version: "6.12.117", patches: patches),
        verdict: state, exploration: verdict.exploration)
    }
    return Comparison(
      subject: "shelves", file: file,
      revisions: [
        revision("base", "clean", []), revision("v1", "findings", verdict.revision.patches),
        revision("v2", "findings", [.init(file: "v2.mbox", subject: "shelf: again")]),
      ],
      pairs: [
        .init(
          old: "base", new: "v1", scenarios: 9, compares: "trace",
          groups: [
            group("the second board_alloc() fails → another board is freed", leak, mended)
          ]),
        .init(old: "v1", new: "v2", scenarios: 9, compares: "trace", groups: []),
      ],
      findings: [
        .init(
          property: "leak", function: "shelf_fill", message: leak.message, isNote: false,
          cause: leak.sentence, statuses: [.absent, .introduced, .there], lines: [0, 64, 66],
          scenarios: ["", leak.scenario, leak.scenario]),
        .init(
          property: "dead-branch", function: "shelf_fill", message: note.message, isNote: true,
          cause: nil, statuses: [.there, .fixed, .absent], lines: [57, 0, 0],
          scenarios: ["", "", ""]),
      ], scenarios: 9, seconds: 0.3)
  }

  /// As many findings as are asked for, each with a trace of its own.
  static func many(_ count: Int) -> Verdict {
    var verdict = verdict
    verdict.findings = (0..<count).map { number in
      var finding = leak
      finding.function = "shelf_fill_\(number % 100)"
      finding.property = ["leak", "crash", "wild-free", "hang"][number % 4]
      finding.message = "the page of board \(number) is never freed"
      finding.introduced = number % 2 == 0
      finding.scenario = "shelf_fill:wide=\(number):ba0.ba1"
      finding.cause = number / 10
      for index in 0..<6 { finding.trace.append(event("lock", 22 + index, nil, "shelf \(number)")) }
      return finding
    }
    verdict.causes = stride(from: 0, to: count, by: 10).map { first in
      .init(
        sentence: "board_alloc() fails for the \(first)th time → its page is never freed",
        findings: Array(first..<min(first + 10, count)), scenario: "", file: file, line: 64)
    }
    return verdict
  }
}

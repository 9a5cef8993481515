// SPDX-License-Identifier: GPL-2.0-only
import Reporting

/// Reports to write, with every sign that a format has to escape.
enum Sample {
  static let message = "a <page> & \"its\" 'owner' # are lost\u{1}"

  static func finding(
    _ property: String = "leak", introduced: Bool = true, message: String = message,
    thread: String? = nil
  ) -> Verdict.Finding {
    Verdict.Finding(
      property: property, function: "f", file: "a/b.c", line: 7, introduced: introduced,
      message: message, scenario: "f:x=1:gzp1", failing: 2,
      trace: [
        .init(event: "enter", line: 0, function: "f", callee: nil, detail: "", thread: thread),
        .init(
          event: "alloc", line: 5, function: "f", callee: "gzp()", detail: "= NULL",
          thread: thread),
        .init(event: "return", line: 9, function: "f", callee: nil, detail: "0", thread: "vcpu 1"),
      ], cause: 0)
  }

  static let note = Verdict.Finding(
    property: "dead-branch", function: "f", file: "a/b.c", line: 8, introduced: true,
    message: "the WARN on this line never fires", scenario: "", failing: 0, trace: [])

  static func verdict(
    patches: Int = 1, findings: [Verdict.Finding] = [], notes: [Verdict.Finding] = []
  ) -> Verdict {
    Verdict(
      revision: .init(
        kernel: "debian:6.12", version: "6.12.117",
        patches: (0..<patches).map { .init(file: "\($0).patch", subject: "KVM: <do> it") }),
      subject: "s", findings: findings,
      causes: findings.isEmpty
        ? []
        : [
          .init(
            sentence: "allocation of p fails → the page of q is never freed (b.c:7)",
            findings: Array(findings.indices), scenario: findings[0].scenario, file: "a/b.c",
            line: 7)
        ], notes: notes,
      exploration: .init(
        scenarios: 3000, seconds: 1.5, exhaustive: true, bound: "two vCPUs in every order",
        functions: ["f", "g"], coverage: ["hosts of 4 levels", "guests that do not page"]),
      properties: [
        .init(id: "leak", checked: 3000, broken: findings.count),
        .init(id: "crash", checked: 3000, broken: 0),
        .init(id: "warn-missing", checked: 0, broken: 0),
        .init(id: "dead-branch", checked: 3000, broken: notes.count),
      ])
  }

  static func report(_ verdicts: Verdict...) -> CheckReport {
    CheckReport(
      verdicts.map {
        .init(
          label: nil, title: nil, outcome: .verdict($0),
          replayOptions: "--kernel debian:6.12 --patch 0.patch ")
      })
  }

  /// A clean step, one with a finding, and one that cannot be judged.
  static let series = CheckReport([
    .init(label: "1", title: "one", outcome: .verdict(verdict()), replayOptions: ""),
    .init(
      label: "2", title: "two # <2>", outcome: .verdict(verdict(findings: [finding()])),
      replayOptions: ""),
    .init(
      label: "3", title: "three", outcome: .failure("cannot compile\n  where: a.c:1", exitCode: 3),
      replayOptions: ""),
  ])

  /// One function is clean, one cannot be judged.
  static let partly: CheckReport = {
    var verdict = Sample.verdict()
    verdict.functions = [
      .init(file: "a/b.c", function: "f", status: .clean, why: nil, exploration: nil),
      .init(
        file: "a/b.c", function: "g", status: .notJudged, why: "it has # variable arguments",
        exploration: nil),
    ]
    verdict.exploration.limits = ["10000 calls"]
    verdict.revision.contains = ["asm (a/b.c:7)"]
    return report(verdict)
  }()

  /// Nothing could be judged.
  static let unjudged: CheckReport = {
    var report = partly
    guard case .verdict(var verdict) = report.entries[0].outcome else { return report }
    verdict.verdict = "not-judged"
    verdict.functions?.removeFirst()
    verdict.properties = []
    verdict.exploration.scenarios = 0
    report.entries[0].outcome = .verdict(verdict)
    return report
  }()

  /// A finding with all that is shown beside it.
  static let shown: CheckReport = {
    var finding = Sample.finding()
    (finding.sentence, finding.assumes) = ("it fails → it is lost (b.c:7)", "p is not NULL")
    (finding.subject, finding.also) = ("a/b.c:f", ["a/b.c:g"])
    finding.executed = [.init(file: "a/b.c", lines: [5, 6, 7])]
    finding.picture = .init(
      start: "root = 0x1000", root: "a",
      boxes: [
        .init(
          id: "a", kind: "PML4", name: "p", column: 0,
          entries: [.init(index: 0, through: 511, text: "not present", wrong: "it is lost")])
      ], wrong: ["a is not named"])
    finding.base = .init(trace: finding.trace, executed: nil, picture: nil)
    var verdict = Sample.verdict(findings: [finding])
    verdict.causes[0].line = 9
    var source = Verdict.Source(
      file: "a/b.c", function: "f", firstLine: 4,
      lines: ["int f(void)", "{", "\tif (!x)", "\t\treturn -1;", "\treturn 0;", "}"],
      counts: [3, nil, 3, 0, 3, nil])
    source.branches = [.init(line: 6, taken: 0, notTaken: 3)]
    let other = Verdict.Source(
      file: "a/b.c", function: "g", firstLine: 20, lines: ["int g(void)", "{", "}"],
      counts: [0, nil, 0])
    let place = Verdict.Source(file: "a/c.c", function: nil, firstLine: 1, lines: ["int x;"])
    verdict.sources = [source, other, place]
    return report(verdict)
  }()

  static let broken = report(verdict(findings: [finding()]))
  static let old = report(verdict(findings: [finding(introduced: false)]))
  static let noted = report(verdict(notes: [note]))
  static let clean = report(verdict())
}

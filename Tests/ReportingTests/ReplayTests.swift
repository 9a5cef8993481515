// SPDX-License-Identifier: GPL-2.0-only
import Reporting
import XCTest

/// A scenario that was run again, for a mail and for `swift test`.
final class ReplayTests: XCTestCase {
  private func replay(threads: Bool = false) -> Replay {
    func thread(_ number: Int) -> String? { threads ? "vcpu \(number)" : nil }
    var replay = Replay(
      scenario: "f:x=1,y=2:gzp1", subject: "s",
      revision: .init(
        kernel: "debian:6.12", version: "6.12.117", patches: [.init(file: "-", subject: nil)]),
      source: "a/b.c", setUp: ["mmu->level = 4;", "two vCPUs of one VM"],
      trace: [
        .init(event: "enter", line: 0, function: "f", callee: nil, detail: "", thread: thread(0)),
        .init(
          event: "alloc", line: 5, function: "f", callee: "gzp()", detail: "= NULL",
          thread: thread(0)),
        .init(
          event: "enter", line: 0, function: "g", callee: nil, detail: "", thread: thread(1)),
        .init(
          event: "boundary", line: 7, function: "h", callee: "room(1)", detail: "= -ENOSPC",
          thread: thread(1)),
        .init(event: "lock", line: 8, function: "g", callee: nil, detail: "l", thread: thread(1)),
        .init(event: "return", line: 9, function: "f", callee: nil, detail: "0", thread: thread(0)),
      ],
      broken: [
        .init(
          property: "leak", message: "a page is lost", function: "f", line: 5, thread: thread(0)),
        .init(property: "hang", message: "there is no end", function: "f", line: 0),
      ], domain: "KVMRoots.RootDomain")
    replay.replayOptions = "--kernel debian:6.12 --patch PATCH "
    return replay
  }

  func test_calls_areInOrderWithWhatTheirCalleesAnswer() {
    XCTAssertEqual(
      replay().rendered(as: .c),
      """
      /*
       * s on Linux 6.12.117 with 1 patch; lines of a/b.c
       * kshim replay --kernel debian:6.12 --patch PATCH \\
       *   f:x=1,y=2:gzp1
       */
      mmu->level = 4;
      /* two vCPUs of one VM */

      f(...);
      \t/* 5: gzp() = NULL */
      \t/* ^ leak: a page is lost */

      g(...);
      \t/* 7 in h(): room(1) = -ENOSPC */
      \t/* 8: lock l */
      \t/* 9 in f(): return 0 */
      \t/* in f(): hang: there is no end */

      """)
  }

  func test_calls_scenario_isOneWordHoweverLong() {
    var long = replay()
    long.scenario = "f:\((1...30).map { "k\($0)=none" }.joined(separator: ",")):gzp0.gzp1"
    let lines = long.rendered(as: .c).split(separator: "\n").map(String.init)
    XCTAssertEqual(lines.filter { $0.contains("none") }, [" *   \(long.scenario)"])
    for line in lines where !line.contains(long.scenario) { XCTAssertLessThan(line.count, 76) }
  }

  func test_calls_ofTwoThreads_sayWhose() {
    let lines = replay(threads: true).rendered(as: .c).split(separator: "\n").map(String.init)
    XCTAssert(lines.contains("g(...);  /* vcpu 1 */"), "\(lines)")
    XCTAssert(lines.contains("\t/* vcpu 0 9: return 0 */"), "\(lines)")
  }

  /// Two threads are in one function; lines alone do not tell which of them breaks what.
  func test_calls_ofARace_brokenPropertyStandsBelowItsOwnEvent() throws {
    var race = replay(threads: true)
    func event(_ line: Int, _ function: String, _ thread: Int) -> Verdict.Event {
      .init(
        event: "write", line: line, function: function, callee: nil, detail: "\(thread)",
        thread: "vcpu \(thread)")
    }
    race.trace += [event(5, "g", 0), event(20, "f", 0), event(20, "f", 1), event(30, "f", 0)]
    race.broken = [
      .init(property: "leak", message: "lost", function: "f", line: 20, thread: "vcpu 1"),
      .init(property: "hang", message: "no end", function: "f", line: 30, thread: "vcpu 1"),
      .init(property: "crash", message: "bad", function: "f", line: 20),
      .init(property: "twice", message: "odd", function: "g", line: 5, thread: "vcpu 0"),
    ]
    let lines = race.rendered(as: .c).split(separator: "\n").map(String.init)
    let own = try XCTUnwrap(lines.firstIndex { $0.contains("vcpu 1 20 in f(): write") }, "\(lines)")
    XCTAssertEqual(lines[own + 1], "\t/* ^ leak: lost */")
    let other = try XCTUnwrap(lines.firstIndex { $0.contains("vcpu 0 5 in g(): write") })
    XCTAssertEqual(lines[other + 1], "\t/* ^ twice: odd */")
    XCTAssertEqual(
      Array(lines.suffix(2)),
      ["\t/* vcpu 1 30 in f(): hang: no end */", "\t/* 20 in f(): crash: bad */"])
  }

  func test_test_hasTheScenarioAndItsOwnName() {
    var whole = replay()
    whole.replayOptions = "--kernel debian:6.12 --patch v2.mbox --take 1 "
    let text = whole.rendered(as: .test)
    XCTAssert(text.contains("\"f:x=1,y=2:gzp1\""), text)
    XCTAssert(text.contains("@testable import KVMRoots\n"), text)
    XCTAssert(
      text.contains("//   kshim extract --kernel debian:6.12 --patch v2.mbox --take 1\n"), text)
    XCTAssert(text.contains("// It breaks leak: a page is lost (a/b.c:5)\n"), text)
    var other = replay()
    other.scenario = "f:x=1,y=2:gzp0"
    func name(_ text: String) -> Substring? {
      text.firstMatch(of: /final class (Replay[0-9a-f]{8}Tests): XCTestCase/)?.output.1
    }
    XCTAssertNotNil(name(text))
    XCTAssertNotEqual(name(text), name(other.rendered(as: .test)))
  }

  func test_test_ofAnyFunction_isForAnyPackage() {
    var any = replay()
    any.subject = "a/b.c:f"
    any.domain = "Exploration.ManifestDomain"
    any.package = "/src/kshim"
    any.replayOptions = "--function a/b.c:f --kernel debian:6.12 "
    let text = any.rendered(as: .test)
    XCTAssert(text.contains("import ExtractedSubjects\nimport XCTest\n"), text)
    XCTAssertFalse(text.contains("@testable"), text)
    XCTAssert(text.contains(".package(name: \"kshim\", path: \"/src/kshim\")"), text)
    XCTAssert(
      text.contains("//   kshim extract --function a/b.c:f --kernel debian:6.12\n"), text)
    XCTAssert(text.contains("by: \"f:x=1,y=2:gzp1\",\n      of: \"a/b.c:f\")\n"), text)
  }

  func test_test_ofWhatBreaksNothing_saysThatItPasses() {
    XCTAssert(replay().rendered(as: .test).contains("// fails as long as "))
    var kept = replay()
    kept.broken = []
    let text = kept.rendered(as: .test)
    XCTAssert(text.contains("// It breaks nothing.\n"), text)
    XCTAssert(text.contains("// passes as long as "), text)
    XCTAssertFalse(text.contains("fails"), text)
  }

  func test_text_isTheTraceAndWhatIsBroken() {
    let lines = replay().rendered(as: .text).split(separator: "\n").map(String.init)
    XCTAssertEqual(Array(lines.suffix(2)), ["leak: a page is lost", "hang: there is no end"])
    XCTAssertEqual(lines.count, 8)
    var kept = replay()
    kept.broken = []
    XCTAssert(kept.rendered(as: .text).hasSuffix("no property is broken\n"))
  }
}

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
        .init(property: "leak", message: "a page is lost", line: 5),
        .init(property: "hang", message: "there is no end", line: 0),
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
      \t/* hang: there is no end */

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

  func test_test_hasTheScenarioAndItsOwnName() {
    var whole = replay()
    whole.replayOptions = "--kernel debian:6.12 --patch v2.mbox --take 1 "
    let text = whole.rendered(as: .test)
    XCTAssert(text.contains("\"f:x=1,y=2:gzp1\""), text)
    XCTAssert(text.contains("@testable import KVMRoots\n"), text)
    XCTAssert(text.contains("//   kshim extract --kernel debian:6.12 --patch v2.mbox --take 1\n"), text)
    XCTAssert(text.contains("// It breaks leak: a page is lost (a/b.c:5)\n"), text)
    var other = replay()
    other.scenario = "f:x=1,y=2:gzp0"
    func name(_ text: String) -> Substring? {
      text.firstMatch(of: /final class (Replay[0-9a-f]{8}Tests): XCTestCase/)?.output.1
    }
    XCTAssertNotNil(name(text))
    XCTAssertNotEqual(name(text), name(other.rendered(as: .test)))
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

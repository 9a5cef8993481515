// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import Reporting

/// A trace that is long is shortened to what leads to a place.
final class TraceTextTests: XCTestCase {
  private func event(_ word: String, _ line: Int, _ detail: String = "") -> Verdict.Event {
    .init(event: word, line: line, function: "f", callee: nil, detail: detail)
  }

  /// What is in it without its columns.
  private func told(_ events: [Verdict.Event], to place: Int) -> [String] {
    TraceText(events: events).lines(to: place).map {
      $0.split(separator: " ").joined(separator: " ")
    }
  }

  func test_shortTrace_isWhole() {
    let events = (0..<16).map { event("lock", $0) }
    XCTAssertEqual(TraceText(events: events).lines(to: 3), TraceText(events: events).lines)
  }

  func test_longTrace_tellsBeginning_whatFails_thePlace_andTheEnd() {
    var events = [event("enter", 0)] + (10..<60).map { event("alloc", $0, "= page 0x1000") }
    events[20].detail = "= NULL"
    events[30] = event("boundary", 39, "= -EIO")
    events[40] = event("free", 99)
    events.append(event("return", 70, "-EIO"))
    XCTAssertEqual(
      told(events, to: 99),
      [
        "f enter", "… 19 more events", "29 f alloc = NULL", "… 9 more events",
        "39 f call = -EIO", "… 8 more events", "48 f alloc = page 0x1000", "99 f free",
        "… 8 more events", "58 f alloc = page 0x1000", "59 f alloc = page 0x1000",
        "70 f return -EIO",
      ])
  }

  /// A line that says that one is left out takes the place of that one.
  func test_oneEvent_isNotLeftOut() {
    var events = [event("enter", 0), event("alloc", 1), event("WARN", 2)]
    events += (3..<30).map { event("lock", $0) }
    let lines = told(events, to: 100)
    XCTAssertEqual(lines.prefix(3), ["f enter", "1 f alloc", "2 f WARN"])
  }

  /// However often something fails.
  func test_longTrace_hasABound_andSaysHowMuchIsLeftOut() {
    let events = (1...500).map { event("alloc", $0, "= NULL") }
    let lines = told(events, to: 7)
    XCTAssertEqual(lines.count, 33)
    XCTAssertEqual(lines[16], "… 468 more events")
    XCTAssertEqual(lines.last, "500 f alloc = NULL")
  }
}

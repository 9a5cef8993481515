// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import Reporting

/// What a scenario's answers mean.
final class LegendTests: XCTestCase {
  private func told(_ path: String, _ events: (String, String, String)..., thread: String? = nil)
    -> String
  {
    var finding = Sample.finding()
    finding.scenario = "f:x=1:\(path)"
    finding.trace = events.map {
      .init(event: $0.0, line: 1, function: "f", callee: $0.1, detail: $0.2, thread: thread)
    }
    return Legend([finding], hasCauses: false).lines().joined(separator: " ")
      .replacing(/.*ordinary one/, with: "").trimmingCharacters(in: .whitespaces)
  }

  func test_answers_areToldByTheirCallees() {
    XCTAssertEqual(told("-"), ".")
    XCTAssertEqual(told("gzp0"), ".")
    XCTAssertEqual(
      told("gzp0.gzp1", ("alloc", "get_zeroed_page_noprof()", "= NULL")),
      "; gzp1: get_zeroed_page() fails.")
    XCTAssertEqual(
      told(
        "mmpa0.mmpa1.kvivg1", ("boundary", "make_mmu_pages_available(&object)", "= 0"),
        ("boundary", "make_mmu_pages_available(&object)", "= -ENOSPC"),
        ("boundary", "kvm_vcpu_is_visible_gfn(0x7654)", "= 0")),
      "; mmpa1: make_mmu_pages_available() fails with -ENOSPC, kvivg1: kvm_vcpu_is_visible_gfn() returns 0."
    )
    // A callee that also answers where it is no decision.
    XCTAssertEqual(
      told("r1", ("boundary", "room(1)", "= 0"), ("boundary", "room(1)", "= 1")),
      "; r1: room() gives another answer.")
    XCTAssertEqual(
      told("s0.s1", ("lock", "", "l"), thread: "vcpu 0"), "; s1: the other goes on.")
    XCTAssertEqual(told("q1", ("alloc", "get_zeroed_page()", "= NULL")), ".")
  }

  func test_wordsForAShell() {
    XCTAssertEqual(Shell.quoted("debian:6.12"), "debian:6.12")
    XCTAssertEqual(Shell.quoted("~/linux@base..v2"), "'~/linux@base..v2'")
    XCTAssertEqual(Shell.quoted("it's $a"), "'it'\\''s $a'")
    XCTAssertEqual(Shell.quoted(""), "''")
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// `make demo` tells the review of a patch series, and what it tells is so.
final class DemoTests: EndToEndTestCase {
  func test_demo_showsEachDefectOfTheReadmesTable() async throws {
    _ = try await kernel()
    let ran = try await Command.run(
      "bash", ["\(Self.root)/docs/examples/demo"],
      environment: [
        "KSHIM": Tool.path, "KERNEL": "debian:6.12", "TMPDIR": scratch, "KSHIM_ROOT": nil,
      ], directory: scratch)
    XCTAssertEqual(ran.status, 0, ran.errorText)
    XCTAssertEqual(ran.errorText, "")
    let text = ran.outputText
    // a, b, c
    XCTAssert(text.contains(": wild-free: a variable that was never set is freed as a page"), text)
    XCTAssert(text.contains(": note: dead-branch: the WARN on this line never fires"), text)
    XCTAssert(text.contains(": allocation-set: pml5_root is allocated although level 4"), text)
    // What came and went: d and g with v2, e with v3.
    for row in [
      "wild-free +- +introduced +fixed +-", "idempotent +- +- +introduced +fixed",
      "warn-unexpected +- +- +introduced +fixed", "uninitialised +- +- +introduced +fixed",
      "error-swallowed +- +- +- +introduced",
    ] {
      XCTAssertNotNil(text.firstMatch(of: try Regex("mmu\\.c:[0-9]+: \(row)\n")), "\(row): \(text)")
    }
    XCTAssert(text.contains("/* 4007: WARN */"), text)
    // Each is told of, before it is shown.
    XCTAssertEqual(text.ranges(of: "\n== ").count, 5, text)
    XCTAssertEqual(text.ranges(of: "\n$ kshim ").count, 4, text)
    let left = try FileManager.default.contentsOfDirectory(atPath: scratch)
    XCTAssertEqual(left, [])
  }
}

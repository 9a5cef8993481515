// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Reporting
import XCTest

/// Kernels as they were released: the tool finds nothing, and says so in the form that others
/// rely on.
final class ReleasedKernelTests: EndToEndTestCase {
  func test_6_12_isClean() async throws { try await isClean("debian:6.12", "6.12.") }

  func test_6_1_isClean() async throws { try await isClean("debian:6.1", "6.1.") }

  func test_7_2_isClean() async throws { try await isClean("debian:7.2", "7.2", required: false) }

  func test_7_3_isClean() async throws { try await isClean("debian:7.3", "7.3", required: false) }

  /// An older version that Debian may have taken away since.
  func test_6_12_107_isClean() async throws {
    do {
      try await isClean("debian:6.12.107", "6.12.107", required: false)
    } catch let failure as Failure where failure.kind == .request {
      throw XCTSkip(failure.cause)
    }
  }

  private func isClean(_ spec: String, _ version: String, required: Bool = true) async throws {
    let tree = try await kernel(spec, required: required)
    XCTAssert(tree.isConfigured, "the configuration that Debian builds it with")
    let ran = try await kshim("check", "--kernel", spec, "--format", "json")
    XCTAssertEqual(ran.status, 0)
    let verdict = try verdict(ran)
    XCTAssertEqual(verdict.findings, [])
    XCTAssertEqual(verdict.notes, [])
    XCTAssertEqual(verdict.verdict, "clean")
    XCTAssertEqual(verdict.revision.kernel, spec)
    XCTAssert(verdict.revision.version.hasPrefix(version), verdict.revision.version)
    XCTAssertEqual(verdict.revision.patches, [])
    XCTAssert(verdict.exploration.exhaustive)
    XCTAssertGreaterThan(verdict.exploration.scenarios, 100_000)
    XCTAssertGreaterThan(verdict.exploration.seconds, 0)
    XCTAssertEqual(Set(verdict.properties.map(\.id)), Set(Self.properties))
    XCTAssertEqual(verdict.properties.count, Self.properties.count)
    for property in verdict.properties {
      XCTAssertGreaterThan(property.checked, 0, property.id)
      XCTAssertEqual(property.broken, 0, property.id)
    }
    try JSONContract(ran.output).assertHolds()
  }

  /// docs/properties.md
  static let properties = [
    "leak", "double-free", "wild-free", "use-after-free", "out-of-bounds", "uninitialised",
    "error-swallowed", "wrong-errno", "partial-state", "lock-imbalance", "double-lock", "deadlock",
    "sleep-under-lock", "warn-unexpected", "warn-missing", "crash", "hang", "dead-branch",
    "allocation-set", "idempotent", "root-chain", "entry-bits", "walk-start", "early-publication",
    "root-identity", "boundary-arguments", "lifecycle",
  ]
}

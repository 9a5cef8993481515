// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import XCTest

@testable import Mutating

/// The list of mutants that change nothing.
final class EquivalentsTests: XCTestCase {
  private var path = ""

  override func setUp() {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("kshim-equivalents-\(UUID().uuidString).yaml").path
  }

  override func tearDown() { try? FileManager.default.removeItem(atPath: path) }

  private func read(_ text: String) throws -> Equivalents {
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    return try Equivalents(path: path)
  }

  private func refusal(_ text: String) throws -> Failure {
    do {
      _ = try read(text)
    } catch let failure as Failure {
      XCTAssertEqual(failure.kind, .request)
      return failure
    }
    throw Failure(.tool, asked: "", cause: "'\(text)' is taken", remedy: "")
  }

  func test_noFile_isNoEquivalent() throws {
    XCTAssertEqual(try Equivalents(path: path).entries, [:])
  }

  func test_entries_haveKeyReasonAndLine() throws {
    let equivalents = try read(
      "# why\n- mutant: f@0123456789ab:negate:2\n  reason: both are one\n"
        + "- {mutant: \"g@0123456789ab:drop-warn:1\", reason: none looks}\n")
    XCTAssertEqual(
      equivalents.entries,
      [
        "f@0123456789ab:negate:2": .init(reason: "both are one", line: 2),
        "g@0123456789ab:drop-warn:1": .init(reason: "none looks", line: 4),
      ])
  }

  func test_anotherForm_isRefusedWithItsLine() throws {
    let good = "- {mutant: \"f@0123456789ab:negate:2\", reason: r}\n"
    for (text, line, cause) in [
      ("a: b\n", 1, "not a list"), (good + "- word\n", 2, "not a mapping"),
      (good + "- {mutant: \"f@0123456789ab:negate:3\"}\n", 2, "no 'reason'"),
      (good + "- {reason: r}\n", 2, "no 'mutant'"),
      (good + "- {mutant: \"f:negate:3\", reason: r}\n", 2, "is no mutant"),
      (good + good, 2, "stands twice"), (good + "- {mutant: [], reason: r}\n", 2, "must be a text"),
      (good + "- {mutant: \"f@0123456789ab:negate:3\", reason: \"\"}\n", 2, "must be a text"),
      (good + "- {mutants: f}\n", 2, "unknown key 'mutants'"),
      (good + "- {mutant: \"\n", 3, "YAML"),
    ] {
      let failure = try refusal(text)
      XCTAssertEqual(failure.place, "\(path):\(line)", text)
      XCTAssert(failure.cause.contains(cause), "\(text): \(failure.cause)")
    }
  }
}

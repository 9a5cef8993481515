// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import TestSupport
import XCTest

/// Where results go, and what happens where they cannot.
final class OutputTests: EndToEndTestCase {
  /// Runs the tool with a redirection of the shell.
  private func kshim(_ arguments: [String], _ redirection: String) async throws -> Tool.Run {
    try await kshim(arguments, wrapper: ["bash", "-c", "exec \"$@\" \(redirection)", "kshim"])
  }

  func test_standardOutputThatTakesNothing_isNoSuccess() async throws {
    for arguments in [["subjects"], ["kernels", "list"], ["--help"], ["--version"]] {
      for redirection in [">&-", ">/dev/full", "</dev/null 1<&0"] {
        let ran = try await kshim(arguments, redirection)
        XCTAssertEqual(ran.status, 4, "\(arguments) \(redirection)")
        XCTAssertEqual(ran.output, "")
        XCTAssert(
          ran.errors.contains("standard output cannot be written"),
          "\(arguments) \(redirection): \(ran.errors)")
      }
    }
    let quiet = try await kshim(["subjects"], "2>&-")
    XCTAssertEqual(quiet.status, 0)
    XCTAssertFalse(quiet.output.isEmpty)
  }

  /// Nobody waits for a search whose result has nowhere to go.
  func test_closedStandardOutput_isToldBeforeTheSearch() async throws {
    let ran = try await kshim(["check", "--kernel", "/no/such/kernel"], ">&-")
    XCTAssertEqual(ran.status, 4)
    XCTAssert(ran.errors.contains("it is closed"), ran.errors)
  }

  private func list(_ output: String, _ redirection: String = "") async throws -> Tool.Run {
    try await kshim(
      ["mutate", "--list", "--kernel", "debian:6.12", "--operator", "drop-free", "-o", output],
      redirection)
  }

  func test_output_replacesAFile_andWritesThroughWhatIsNone() async throws {
    _ = try await kernel()
    let file = try write("old", "report")
    let files = FileManager.default
    for (link, target) in [("link", "report"), ("new", "nothing yet")] {
      try files.createSymbolicLink(atPath: "\(scratch)/\(link)", withDestinationPath: target)
    }
    let plain = try await list(file)
    XCTAssertEqual(plain.status, 0, plain.errors)
    let text = try String(contentsOfFile: file, encoding: .utf8)
    XCTAssert(text.contains("drop-free"), text)

    try write("old", "report")
    for (link, target) in [("link", "report"), ("new", "nothing yet")] {
      let ran = try await list("\(scratch)/\(link)")
      XCTAssertEqual(ran.status, 0, ran.errors)
      XCTAssertEqual(try files.destinationOfSymbolicLink(atPath: "\(scratch)/\(link)"), target)
      XCTAssertEqual(try String(contentsOfFile: "\(scratch)/\(target)", encoding: .utf8), text)
    }

    let null = try await list("/dev/null")
    XCTAssertEqual(null.status, 0, null.errors)
    XCTAssertEqual(
      try files.attributesOfItem(atPath: "/dev/null")[.type] as? FileAttributeType,
      .typeCharacterSpecial)
    let full = try await list("/dev/full")
    XCTAssertEqual(full.status, 4)
    XCTAssert(full.errors.contains("/dev/full takes no more"), full.errors)
    let standard = try await list("/dev/stdout", "> '\(scratch)/redirected'")
    XCTAssertEqual(standard.status, 0, standard.errors)
    XCTAssertEqual(try String(contentsOfFile: "\(scratch)/redirected", encoding: .utf8), text)
    let piped = try await list("/dev/stdout")
    XCTAssertEqual(piped.output, text)
  }
}

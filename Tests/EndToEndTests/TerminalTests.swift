// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// What somebody sees who looks at a terminal: its width, its colours, and how far a long work is.
final class TerminalTests: EndToEndTestCase {
  /// Runs kshim on a pseudoterminal.
  ///
  /// - Returns: what it shows, as it was written, carriage returns at the ends of lines aside.
  private func terminal(
    _ arguments: String, columns: Int, environment: [String: String?] = [:], errors: Bool = false,
    status: Int32 = 0, file: StaticString = #filePath, line: UInt = #line
  ) async throws -> String {
    var overrides: [String: String?] = [
      "KERNEL": nil, "KSHIM_ROOT": nil, "NO_COLOR": nil, "COLUMNS": nil, "TERM": "xterm",
      "TMPDIR": scratch,
    ]
    overrides.merge(environment) { $1 }
    let ran = try await Command.run(
      "script",
      [
        "-qec",
        "stty cols \(columns) rows 40; '\(Tool.path)' \(arguments)\(errors ? "" : " 2>/dev/null")",
        "/dev/null",
      ], environment: overrides, directory: scratch)
    XCTAssertEqual(ran.status, status, ran.outputText, file: file, line: line)
    return ran.outputText.replacing("\r\n", with: "\n")
  }

  private static let colours = /\u{1b}\[[0-9;]*m/

  private func defect() async throws -> String {
    try await patch("a.patch", Defect.a.edits, of: kernel(Self.defectKernel))
  }

  /// Nothing but the command that is to be copied is longer.
  func test_finding_hasLinesOfTheTerminal() async throws {
    let patch = try await defect()
    let arguments = "check --kernel \(Self.defectKernel) --patch '\(patch)'"
    for (columns, environment) in [(60, [:]), (100, [:]), (100, ["COLUMNS": "50"])] {
      let text = try await terminal(
        arguments, columns: columns, environment: environment, status: 1)
      let width = environment["COLUMNS"].flatMap(Int.init) ?? columns
      for line in text.split(separator: "\n") where !line.contains("replay: ") {
        let shown = line.replacing(Self.colours, with: "")
        XCTAssertLessThanOrEqual(shown.count, width, shown)
      }
      XCTAssert(text.contains("\u{1b}[1;31m"), text)
      XCTAssert(
        text.contains("  replay: kshim replay --kernel \(Self.defectKernel) --patch "), text)
    }
  }

  func test_noColour_isRespected_andAFileHasNone() async throws {
    let patch = try await defect()
    let arguments = "check --kernel \(Self.defectKernel) --patch '\(patch)'"
    let plain = try await terminal(
      arguments, columns: 80, environment: ["NO_COLOR": "1"], status: 1)
    XCTAssertFalse(plain.contains("\u{1b}"), plain)
    _ = try await terminal("\(arguments) -o report", columns: 60, status: 1)
    let report = try String(contentsOfFile: "\(scratch)/report", encoding: .utf8)
    XCTAssertFalse(report.contains("\u{1b}"), report)
    let longest = report.split(separator: "\n").map(\.count).max() ?? 0
    XCTAssertGreaterThan(longest, 80, "a file is not wrapped")
  }

  /// What overwrites itself fits one line, and says how many of how many.
  func test_progress_isOneLine() async throws {
    let text = try await terminal(
      "check --kernel \(Self.defectKernel) --file lib/argv_split.c --no-cache", columns: 60,
      errors: true)
    let lines = text.components(separatedBy: "\r\u{1b}[K").dropFirst()
      .map { $0.prefix { $0 != "\n" } }
    XCTAssert(lines.contains { $0.contains(" of 3 functions") }, text)
    // What stays is told at its whole length.
    let own = lines.filter { $0.contains(" of 3 functions") || $0.contains("extracting") }
    XCTAssertFalse(own.isEmpty)
    for line in own { XCTAssertLessThan(line.count, 60, String(line)) }

    let mutants = try await terminal(
      "mutate --kernel \(Self.defectKernel) --function free_mmu_pages --operator drop-free",
      columns: 80, errors: true)
    XCTAssertNotNil(
      mutants.firstMatch(of: /\r\u{1b}\[K[0-9]+ of [0-9]+ mutants.*, [0-9]+ survived/), mutants)
  }

  func test_explain_isPlainOnATerminal_andMarkdownElsewhere() async throws {
    let page = try String(
      contentsOfFile: "\(Self.root)/docs/properties/wild-free.md", encoding: .utf8)
    let piped = try await kshim("explain", "wild-free")
    XCTAssertEqual(piped.output, page)
    let shown = try await terminal("explain wild-free", columns: 60)
    XCTAssert(shown.hasPrefix("\u{1b}[1mwild-free\u{1b}[0m\n"), shown)
    XCTAssertFalse(shown.contains("## "), shown)
    for line in shown.split(separator: "\n") {
      XCTAssertLessThanOrEqual(line.replacing(Self.colours, with: "").count, 60, String(line))
    }
    let list = try await kshim("explain")
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(Self.root)/docs/properties")
      .map { $0.replacing(".md", with: "") }.sorted()
    XCTAssertEqual(
      list.output.split(separator: "\n").map { String($0.prefix { $0 != " " }) }, names)
    XCTAssert(list.output.split(separator: "\n").allSatisfy { $0.count > 40 }, list.output)
  }
}

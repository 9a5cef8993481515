// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// A kernel with a defect in it, checked once by the real tool.
struct DefectRun: Sendable {
  let defect: Defect
  let patch: String
  let ran: Tool.Run
  let verdict: Verdict
  /// The kernel's file with the patch on it, and the lines that the patch touches.
  let text: String
  let touched: [ClosedRange<Int>]

  /// Whether a line lies in the patch, or in the function that a finding blames.
  func isPlausible(_ finding: Verdict.Finding) -> Bool {
    let body = KernelEdit.lines(of: finding.function, in: text)
    return touched.contains { $0.contains(finding.line) } || body?.contains(finding.line) ?? false
  }

  func findings(_ expected: Defect.Expected) -> [Verdict.Finding] {
    (verdict.findings + verdict.notes).filter {
      $0.property == expected.property && $0.function == expected.function
        && (expected.scenario.isEmpty || parts($0.scenario).contains(expected.scenario))
    }
  }

  private func parts(_ scenario: String) -> [String] {
    scenario.split { $0 == ":" || $0 == "," }.map(String.init)
  }
}

extension EndToEndTestCase {
  static let defectKernel = "debian:6.12"

  /// Checks a kernel with a defect in it by the real tool, once for all tests and processes for each
  /// number of workers.
  func run(_ defect: Defect, jobs: Int = 1) async throws -> DefectRun {
    let tree = try await kernel(Self.defectKernel)
    let patch = try await patch("\(defect.name).patch", defect.edits, of: tree)
    let text = try String(contentsOfFile: patch, encoding: .utf8)
    let ran = try await TestStore.value(
      "run", of: [TestStore.part(of: tree), defect.name, text, "\(jobs)"]
    ) {
      try await Tool.run(
        [
          "check", "--kernel", Self.defectKernel, "--patch", patch, "--format", "json", "--jobs",
          "\(jobs)",
        ] + (jobs == 1 ? [] : ["--no-cache"]))
    }
    XCTAssertEqual(ran.left, [])
    let revision = try await store.revision(
      tree: tree, patches: try await PatchFile.read([patch]))
    defer { revision.close() }
    let path = try XCTUnwrap(revision.path(of: Self.mmu))
    return DefectRun(
      defect: defect, patch: patch, ran: ran, verdict: try verdict(ran),
      text: try String(contentsOfFile: path, encoding: .utf8),
      touched: revision.touched[Self.mmu] ?? [])
  }

  /// What was expected is there, new, and at a place that the patch has to do with.
  func assertFound(_ run: DefectRun, file: StaticString = #filePath, line: UInt = #line) throws {
    let all = run.verdict.findings.map { "\($0.property) in \($0.function):\($0.line)" }
    for expected in run.defect.expected {
      let found = run.findings(expected)
      XCTAssertFalse(
        found.isEmpty,
        "\(run.defect.name): no \(expected.property) in \(expected.function) among \(all)",
        file: file, line: line)
    }
    for finding in run.verdict.findings + run.verdict.notes {
      let name = "\(run.defect.name): \(finding.property) in \(finding.function):\(finding.line)"
      XCTAssert(finding.introduced, name, file: file, line: line)
      XCTAssertEqual(finding.file, Self.mmu, name, file: file, line: line)
      XCTAssert(run.isPlausible(finding), "\(name) is outside", file: file, line: line)
      XCTAssertFalse(finding.message.isEmpty, name, file: file, line: line)
    }
    try JSONContract(run.ran.output).assertHolds(file: file, line: line)
  }

  /// Each finding's scenario gives its own trace in two other processes, byte for byte.
  ///
  /// - Parameter findings: which ones.
  func assertReplay(
    _ findings: [Verdict.Finding], of run: DefectRun, file: StaticString = #filePath,
    line: UInt = #line
  ) async throws {
    let scenarios = Set(findings.map(\.scenario)).sorted()
    let jobs = scenarios.flatMap { [$0, $0] }
    var outputs: [String: Set<String>] = [:]
    // Two at a time: a replay runs on one core.
    for start in stride(from: 0, to: jobs.count, by: 2) {
      async let first = Self.replay(jobs[start], of: run)
      var ended: [Tool.Run] = []
      if start + 1 < jobs.count { ended.append(try await Self.replay(jobs[start + 1], of: run)) }
      ended.insert(try await first, at: 0)
      for (scenario, ran) in zip(jobs[start...], ended) {
        XCTAssertEqual(ran.status, 1, "\(scenario): \(ran.errors)", file: file, line: line)
        XCTAssertEqual(ran.errors, "", file: file, line: line)
        XCTAssertEqual(ran.left, [], file: file, line: line)
        outputs[scenario, default: []].insert(ran.output)
      }
    }
    for finding in findings {
      let name = "\(run.defect.name): \(finding.property): \(finding.scenario)"
      let printed = try XCTUnwrap(outputs[finding.scenario], name, file: file, line: line)
      XCTAssertEqual(printed.count, 1, "\(name) differs", file: file, line: line)
      let lines = TraceText(events: finding.trace).lines
      let text = try XCTUnwrap(printed.first).split(separator: "\n").map(String.init)
      XCTAssertEqual(Array(text.prefix(lines.count)), lines, name, file: file, line: line)
      XCTAssert(
        text.dropFirst(lines.count).contains("\(finding.property): \(finding.message)"),
        "\(name): \(text)", file: file, line: line)
    }
  }

  private static func replay(_ scenario: String, of run: DefectRun) async throws -> Tool.Run {
    try await Tool.run(["replay", "--kernel", defectKernel, "--patch", run.patch, scenario])
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import TestSupport
import XCTest

/// What the tool writes for programs, read by programs that others wrote: of a clean kernel, a patch
/// with a defect, functions that cannot be judged, a wrong request, and a fault of the machine.
final class FormatReaderTests: EndToEndTestCase {
  private static let formats = ["json", "sarif", "ktap", "junit", "lcov"]

  /// Checks in a format, and returns what is written into a file.
  private func report(
    _ format: String, exit status: Int32, _ arguments: [String], file: StaticString = #filePath,
    line: UInt = #line
  ) async throws -> String {
    let output = "\(scratch)/report.\(format)"
    let ran = try await kshim(
      ["check", "--kernel", Self.defectKernel, "--format", format, "-o", output] + arguments)
    XCTAssertEqual(ran.status, status, ran.errors, file: file, line: line)
    XCTAssertEqual(ran.output, "", file: file, line: line)
    return try String(contentsOfFile: output, encoding: .utf8)
  }

  func test_clean() async throws {
    _ = try await kernel(Self.defectKernel)
    try await ReportReaders.json(report("json", exit: 0, []), schema: "check")
    let sarif = try await ReportReaders.sarif(report("sarif", exit: 0, []))
    XCTAssertEqual(sarif.runs.map(\.exit), [0])
    XCTAssertEqual(sarif.runs[0].results, [])
    let ktap = try await ReportReaders.ktap(report("ktap", exit: 0, []))
    XCTAssertEqual([ktap.failed, ktap.crashed, ktap.errors], [0, 0, 0])
    XCTAssertEqual(ktap.passed + ktap.skipped, ReleasedKernelTests.properties.count)
    let junit = try await ReportReaders.junit(report("junit", exit: 0, []))
    XCTAssertEqual(junit.suites.map(\.tests), [ReleasedKernelTests.properties.count])
    XCTAssertEqual(junit.suites[0].failures + junit.suites[0].errors, 0)
  }

  func test_clean_lcovCountsEachFunction_andGenhtmlFindsItsText() async throws {
    let tree = try await kernel(Self.defectKernel)
    let text = try await report("lcov", exit: 0, [])
    let summary = try await ReportReaders.lcov(text)
    XCTAssertEqual(summary.count, 3)
    // All of a model's functions are entered.
    let functions = text.split(separator: "\n").count { $0.hasPrefix("FNDA:") }
    XCTAssertGreaterThan(functions, 5)
    XCTAssertEqual(summary[1], "\(functions) of \(functions)")
    let page = "\(scratch)/page"
    let ran = try await Readers.run(
      installed: "sh",
      [
        "-c", "cd \"$1\" && genhtml --quiet --branch-coverage -o \"$2\" \"$3\"", "sh",
        tree.directory, page, "\(scratch)/report.lcov",
      ])
    XCTAssertEqual(ran.status, 0, ran.text + ran.errors)
    let made = try String(contentsOfFile: "\(page)/mmu/mmu.c.gcov.html", encoding: .utf8)
    XCTAssert(made.contains("mmu_alloc_special_roots"), "the page has the kernel's text")
  }

  func test_findings() async throws {
    let tree = try await kernel(Self.defectKernel)
    let patch = try await patch("c.patch", Defect.c.edits, of: tree)
    let arguments = ["--patch", patch]
    try await ReportReaders.json(report("json", exit: 1, arguments), schema: "check")
    let sarif = try await ReportReaders.sarif(report("sarif", exit: 1, arguments))
    let results = sarif.runs[0].results
    XCTAssertEqual(results.map(\.rule), ["allocation-set", "dead-branch"])
    XCTAssertEqual(results.map(\.level), ["error", "note"])
    XCTAssertEqual(sarif.runs[0].exit, 1)
    XCTAssertGreaterThan(results[0].steps, 2)
    XCTAssertFalse(results[0].text.isEmpty, "no snippet")
    let ktap = try await ReportReaders.ktap(report("ktap", exit: 1, arguments))
    XCTAssertEqual(
      ktap.tests.filter { $0.status == "FAILURE" }.map(\.name), ["allocation-set"])
    XCTAssertEqual([ktap.failed, ktap.errors], [1, 0])
    let junit = try await ReportReaders.junit(report("junit", exit: 1, arguments))
    let failed = junit.suites[0].cases.filter { $0.results.first?.kind == "failure" }
    XCTAssertEqual(failed.map(\.name), ["allocation-set"])
    XCTAssertEqual(failed[0].file, Self.mmu)
    XCTAssertEqual(failed[0].line, results[0].line)
    XCTAssert(failed[0].output.contains("  alloc "), failed[0].output)
    let lcov = try await ReportReaders.lcov(report("lcov", exit: 1, arguments))
    XCTAssertEqual(lcov.count, 3)
  }

  func test_eachCommit_aStepThatDoesNotBuildIsAnEntry() async throws {
    let tree = try await kernel(Self.defectKernel)
    let broken = try await patch(
      "broken.patch", [Defect.edit(Defect.freePages, .insertAfter("{", "\tno_such_word;"))],
      of: tree
    )
    let good = try await patch("good.patch", Defect.c.edits, of: tree)
    let arguments = ["--each-commit", "--patch", good, "--patch", broken]
    let json = try await report("json", exit: 3, arguments)
    try await ReportReaders.json(json, schema: "check")
    let sarif = try await ReportReaders.sarif(report("sarif", exit: 3, arguments))
    XCTAssertEqual(sarif.runs.map(\.exit), [1, 3])
    XCTAssertEqual(sarif.runs[1].notices, ["failed"])
    let ktap = try await ReportReaders.ktap(report("ktap", exit: 3, arguments))
    XCTAssertEqual(ktap.tests.map(\.status), ["FAILURE", "FAILURE"])
    XCTAssertEqual(ktap.tests[1].tests.map(\.name), ["check"])
    let junit = try await ReportReaders.junit(report("junit", exit: 3, arguments))
    XCTAssertEqual(junit.suites.map(\.errors), [0, 1])
    let ran = try await kshim(["check", "--format", "lcov"] + arguments)
    XCTAssertEqual(ran.status, 2)
    XCTAssert(ran.errors.contains("--each-commit"), ran.errors)
  }

  /// What kshim's own runtime stands for is not judged.
  func test_notJudged() async throws {
    _ = try await kernel(Self.defectKernel)
    let none = ["--function", "lib/string.c:strlen", "--function", "lib/string.c:strnlen"]
    let one = ["--function", "lib/string.c:strlen", "--function", "lib/kasprintf.c:kasprintf"]
    for (arguments, status, skipped) in [(none, Int32(3), 2), (one, 0, 1)] {
      try await ReportReaders.json(report("json", exit: status, arguments), schema: "check")
      let sarif = try await ReportReaders.sarif(report("sarif", exit: status, arguments))
      XCTAssertEqual(sarif.runs[0].notices.count { $0 == "not-judged" }, skipped)
      XCTAssertEqual(sarif.runs[0].exit, Int(status))
      let ktap = try await ReportReaders.ktap(report("ktap", exit: status, arguments))
      let functions = ktap.tests.filter { $0.name.contains(".c:") }
      XCTAssertEqual(functions.map(\.status), Array(repeating: "SKIPPED", count: skipped))
      let junit = try await ReportReaders.junit(report("junit", exit: status, arguments))
      let cases = junit.suites[0].cases.filter { $0.name.contains(".c:") }
      XCTAssertEqual(
        cases.map { $0.results.map(\.kind) }, Array(repeating: ["skipped"], count: skipped))
      XCTAssert(cases.allSatisfy { $0.results[0].message.contains("runtime stands for") })
    }
    // Of what was judged there are counts, of nothing there is no file.
    let lcov = try await ReportReaders.lcov(report("lcov", exit: 0, one))
    XCTAssertEqual(lcov[1], "1 of 1")
    try FileManager.default.removeItem(atPath: "\(scratch)/report.lcov")
    try await assertNothing("lcov", exit: 3, none, says: "nothing could be judged")
  }

  /// Nothing on standard output, and a file that was there stays as it was.
  private func assertNothing(
    _ format: String, exit status: Int32, _ arguments: [String], says words: String,
    environment: [String: String?] = [:]
  ) async throws {
    let asked = ["check", "--kernel", Self.defectKernel, "--format", format] + arguments
    let printed = try await kshim(asked, environment: environment)
    XCTAssertEqual(printed.status, status, printed.errors)
    XCTAssertEqual(printed.output, "", format)
    XCTAssert(printed.errors.contains(words), printed.errors)
    let fresh = "\(scratch)/fresh.\(format)"
    let kept = try write("kept\n", "kept.\(format)")
    for file in [fresh, kept] {
      let ran = try await kshim(asked + ["-o", file], environment: environment)
      XCTAssertEqual(ran.status, status, ran.errors)
      XCTAssertEqual(ran.output, "", format)
    }
    XCTAssertFalse(FileManager.default.fileExists(atPath: fresh), format)
    XCTAssertEqual(try String(contentsOfFile: kept, encoding: .utf8), "kept\n", format)
    let left = try FileManager.default.contentsOfDirectory(atPath: scratch)
    XCTAssertFalse(left.contains { $0.hasPrefix(".") }, "half a file: \(left)")
  }

  func test_wrongRequest_writesNothing() async throws {
    _ = try await kernel(Self.defectKernel)
    for format in Self.formats {
      try await assertNothing(
        format, exit: 2, ["--function", "no/such.c:f"], says: "this kernel has no no/such.c")
    }
  }

  func test_faultOfTheMachine_writesNothing() async throws {
    _ = try await kernel(Self.defectKernel)
    let program = try write("#!/bin/sh\necho 'bwrap: no namespaces' >&2; exit 1\n", "bin/bwrap")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let path = "\(scratch)/bin:\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
    for format in Self.formats {
      try await assertNothing(
        format, exit: 4, ["--no-cache"], says: "bwrap: no namespaces",
        environment: ["PATH": path, "KSHIM_NO_JAIL": nil])
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// What a page is made of: the kernel's text, what was run of it and how often, what memory was like.
final class DetailsTests: EndToEndTestCase {
  /// What a check with a page says, as JSON.
  private func detailed(_ arguments: String...) async throws -> Verdict {
    let ran = try await Tool.run(
      ["check", "--kernel", Self.defectKernel, "--format", "json", "--html", "\(scratch)/page"]
        + arguments)
    XCTAssertEqual(ran.left, [])
    XCTAssertLessThan(ran.status, 2, ran.errors)
    return try verdict(ran)
  }

  func test_chainThatTheProcessorDoesNotFollow_isDrawnBesideTheBases() async throws {
    let tree = try await kernel()
    let patch = try await patch(
      "chain.patch", [Defect.edit(Defect.shadow, .replace("pml4_root[0]", with: "pml4_root[1]"))],
      of: tree)
    let verdict = try await detailed("--patch", patch)
    let finding = try XCTUnwrap(verdict.findings.first { $0.property == "root-chain" })
    let (after, before) = (
      try XCTUnwrap(finding.picture), try XCTUnwrap(finding.base?.picture)
    )
    XCTAssertEqual(before.wrong, [])
    XCTAssertEqual(before.boxes.compactMap(\.wrong), [])
    XCTAssert(after.wrong.contains(finding.message), "\(after.wrong)")
    XCTAssertEqual(after.boxes.compactMap(\.wrong).isEmpty, false)
    func entries(_ picture: Verdict.Picture) -> [Int]? {
      picture.boxes.first { $0.name == "pml4_root" }?.entries.filter { $0.target != nil }.map(
        \.index)
    }
    XCTAssertEqual(entries(before), [0])
    XCTAssertEqual(entries(after)?.contains(1), true)
    XCTAssertEqual(finding.base?.trace.isEmpty, false)
    // Each entry leads to a box that is drawn, one column on.
    for picture in [after, before] {
      let columns = Dictionary(uniqueKeysWithValues: picture.boxes.map { ($0.id, $0.column) })
      for box in picture.boxes {
        for target in box.entries.compactMap(\.target) {
          XCTAssertEqual(columns[target], box.column + 1, "\(box.id) to \(target)")
        }
      }
    }
  }

  func test_linesOfAScenario_areThoseThatItRuns_andCountsAreOfAll() async throws {
    let tree = try await kernel()
    let patch = try await patch("a.patch", Defect.a.edits, of: tree)
    let verdict = try await detailed("--patch", patch)
    let finding = try XCTUnwrap(verdict.findings.first { $0.property == "wild-free" })
    let source = try XCTUnwrap(verdict.sources?.first { $0.function == Defect.special })
    let counts = try XCTUnwrap(source.counts)
    XCTAssertEqual(counts.count, source.lines.count)
    let executed = try XCTUnwrap(finding.executed?.first { $0.file == Self.mmu }).lines
    XCTAssert(executed.contains(finding.line), "\(executed)")
    func count(_ text: String) throws -> (line: Int, times: Int?) {
      let index = try XCTUnwrap(source.lines.firstIndex { $0.contains(text) }, text)
      return (source.firstLine + index, counts[index])
    }
    // It fails in the first call and succeeds in the second: both ends are run, the WARN is not.
    let warned = try count("return -EIO")
    XCTAssertFalse(executed.contains(warned.line))
    XCTAssertGreaterThan(try XCTUnwrap(warned.times), 0)
    XCTAssert(executed.contains(try count("free_page((uintptr_t)pml5_root)").line))
    XCTAssertNil(try count("The special roots should").times, "a comment is not run")
    let branches = try XCTUnwrap(source.branches)
    XCTAssert(branches.contains { $0.taken > 0 && $0.notTaken > 0 })
    // Every function that was taken out is shown, and what is shown is what the tree has.
    for place in verdict.exploration.extracted ?? [] {
      let shown = verdict.sources?.first { $0.file == place.file && $0.function == place.function }
      XCTAssertEqual(shown?.firstLine, place.firstLine, place.function)
      XCTAssertEqual(shown?.lastLine, place.lastLine, place.function)
      XCTAssertEqual(shown?.counts?.contains { $0 ?? 0 > 0 }, true, place.function)
    }
  }

  func test_functionFromItsTypes_hasCounts_andACheckWithoutAPageHasNone() async throws {
    let name = "lib/genalloc.c:gen_pool_create"
    let verdict = try await detailed("--function", name)
    let source = try XCTUnwrap(verdict.sources?.first { $0.function == "gen_pool_create" })
    XCTAssertEqual(source.counts?.contains { $0 ?? 0 > 0 }, true)
    let ran = try await Tool.run(
      ["check", "--kernel", Self.defectKernel, "--format", "json", "--function", name])
    XCTAssertEqual(try self.verdict(ran).sources?.compactMap(\.counts).count ?? 0, 0)
  }

  /// What is found beside the base takes several runs to find. The lines are those of one.
  func test_linesOfAFailure_areNotThoseOfTheRunsThatFoundIt() async throws {
    let (file, function) = ("lib/genalloc.c", "devm_gen_pool_create")
    let patch = try await patch(
      "lost.patch", [KernelEdit(file, in: function, .replace("devres_free(ptr);", with: ";"))],
      of: kernel())
    let verdict = try await detailed("--patch", patch)
    let finding = try XCTUnwrap(verdict.findings.first { $0.function == function })
    let source = try XCTUnwrap(verdict.sources?.first { $0.function == function })
    func line(_ text: String) throws -> Int {
      source.firstLine + (try XCTUnwrap(source.lines.firstIndex { $0.contains(text) }, text))
    }
    let executed = try XCTUnwrap(finding.executed?.first { $0.file == file }).lines
    XCTAssert(executed.contains(try line("devres_alloc(")), "\(executed)")
    XCTAssertFalse(executed.contains(try line("devres_add(")), "\(executed)")
  }
}

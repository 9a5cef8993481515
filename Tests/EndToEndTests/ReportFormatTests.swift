// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// Formats of real verdicts, and where they go.
final class ReportFormatTests: EndToEndTestCase {
  private func object(_ text: String) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(text.utf8))
  }

  func test_sarifInAFile_andThePageBesideIt() async throws {
    let tree = try await kernel()
    let patch = try await patch("c.patch", Defect.c.edits, of: tree)
    let ran = try await kshim(
      "check", "--kernel", Self.defectKernel, "--patch", patch, "--format", "sarif", "-o",
      "kshim.sarif", "--html", "made/page")
    XCTAssertEqual(ran.status, 1, ran.errors)
    XCTAssertEqual(ran.output, "")
    let text = try String(contentsOfFile: "\(scratch)/kshim.sarif", encoding: .utf8)
    let log = try XCTUnwrap(object(text) as? [String: Any])
    let run = try XCTUnwrap((log["runs"] as? [[String: Any]])?.first)
    let driver = (run["tool"] as? [String: Any])?["driver"] as? [String: Any]
    let rules = try XCTUnwrap(driver?["rules"] as? [[String: Any]])
    for rule in rules { XCTAssertNotNil(rule["fullDescription"], "\(rule["id"] ?? "")") }
    let results = run["results"] as? [[String: Any]]
    XCTAssertEqual(results?.map { $0["ruleId"] as? String }, ["allocation-set", "dead-branch"])
    XCTAssertEqual(results?.map { $0["level"] as? String }, ["error", "note"])
    XCTAssertEqual(results?.map { $0["baselineState"] as? String }, ["new", "new"])
    let pages = try FileManager.default.contentsOfDirectory(atPath: "\(scratch)/made/page")
    XCTAssertEqual(pages, ["index.html"], "nothing half written")
    let page = try String(contentsOfFile: "\(scratch)/made/page/index.html", encoding: .utf8)
    XCTAssert(page.contains("pml5_root is allocated") && page.hasSuffix("</html>\n"))
  }

  func test_everyFormat_ofAVerdictWithADefect() async throws {
    let run = try await run(.c)
    let report = CheckReport([
      .init(label: nil, title: nil, outcome: .verdict(run.verdict), replayOptions: "")
    ])
    // Of lcov there is nothing without counts: FormatReaderTests.
    for format in ReportFormat.allCases where format != .lcov {
      let text = try report.rendered(as: format, usesColour: false)
      XCTAssert(text.contains("pml5_root is allocated"), "\(format): \(text)")
      XCTAssert(text.hasSuffix("\n"), "\(format)")
    }
    let ktap = try report.rendered(as: .ktap, usesColour: false).split(separator: "\n")
    XCTAssertEqual(ktap.count { $0.hasPrefix("ok ") }, ReleasedKernelTests.properties.count - 1)
    XCTAssertEqual(ktap.count { $0.hasPrefix("not ok ") }, 1)
    let note = try report.rendered(as: .note, usesColour: false)
    XCTAssert(note.contains("mmu_alloc_special_roots()"), note)
    XCTAssert(note.replacing("\n", with: " ").contains("tables of 3, 4 and 5 levels"), note)
  }

  func test_htmlInAPlaceThatCannotBe_isRefusedBeforeTheSearch() async throws {
    let file = try write("", "file")
    let ran = try await kshim("check", "--kernel", Self.defectKernel, "--html", "\(file)/page")
    XCTAssertEqual(ran.status, 2)
    XCTAssert(ran.errors.contains("\(file)/page"), ran.errors)
  }

  func test_replay_asCalls_fitsAMail() async throws {
    let run = try await run(.c)
    let scenario = try XCTUnwrap(run.verdict.causes.first?.scenario)
    let ran = try await kshim(
      "replay", "--kernel", Self.defectKernel, "--patch", run.patch, "--as", "c", scenario)
    XCTAssertEqual(ran.status, 1, ran.errors)
    let lines = ran.output.split(separator: "\n")
    for line in lines {
      // A path in the command and the scenario have no place to break.
      guard !line.contains(run.patch), line != " *   \(scenario)" else { continue }
      let columns = line.count + 7 * line.count { $0 == "\t" }
      XCTAssertLessThan(columns, 76, String(line))
    }
    XCTAssert(ran.output.contains("mmu->root_role.level = 4;\n"), ran.output)
    XCTAssert(ran.output.contains("mmu->pml5_root = NULL;\n"), ran.output)
    XCTAssertEqual(lines.count { $0.hasPrefix("mmu_alloc_special_roots(...);") }, 2, ran.output)
    XCTAssert(ran.output.contains("\t/* ^ allocation-set: "), ran.output)
  }

  func test_replay_asTest_namesTheScenarioAndParses() async throws {
    let run = try await run(.c)
    let scenario = try XCTUnwrap(run.verdict.causes.first?.scenario)
    let ran = try await kshim(
      "replay", "--kernel", Self.defectKernel, "--patch", run.patch, "--as", "test", scenario)
    XCTAssertEqual(ran.status, 1, ran.errors)
    XCTAssert(ran.output.contains("\"\(scenario)\""), ran.output)
    try await typecheck(ran.output)
  }

  /// Compiles a test file against the modules of this build, without code.
  private func typecheck(_ text: String) async throws {
    let file = try write(text, "ReplayTests.swift")
    let ran = try await Command.script(
      """
      file=$1 products=$2 root=$3 cache=$4 maps=()
      while IFS= read -r map; do maps+=(-Xcc -fmodule-map-file="$map"); done < <(
        find "$products" -mindepth 2 -maxdepth 2 -name module.modulemap
        find "$root"/.build/checkouts/*/Sources "$root/shims" "$root/Sources" -name module.modulemap)
      for folder in /usr/lib/llvm-*/include; do
        [[ -e $folder/clang-c/Index.h ]] && maps+=(-Xcc -I"$folder")
      done
      swiftc -typecheck -swift-version 6 -enable-testing -module-cache-path "$cache" \
        -I "$products/Modules" -Xcc -I"$root/shims/public" "${maps[@]}" "$file"
      """, [file, Tool.products, Self.root, "\(scratch)/modules"], needs: ["swiftc", "find"])
    XCTAssertEqual(ran.status, 0, ran.errorText)
  }
}

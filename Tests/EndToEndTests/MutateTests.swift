// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// Mutants of a real kernel's functions, by the real tool.
final class MutateTests: EndToEndTestCase {
  private static let small = ["mutate", "--kernel", defectKernel, "--function", Defect.freePages]

  private func list(_ arguments: String...) async throws -> [String] {
    let ran = try await kshim(["mutate", "--kernel", Self.defectKernel, "--list"] + arguments)
    XCTAssertEqual(ran.status, 0, ran.errors)
    return ran.output.split(separator: "\n").map(String.init)
  }

  /// What stands in brackets behind a mutant of a list.
  private func key(_ line: String) throws -> String {
    String(try XCTUnwrap(line.firstMatch(of: /\[([^\]]+)\]$/)).1)
  }

  private func line(_ entry: String) throws -> Int {
    try XCTUnwrap(Int(try XCTUnwrap(entry.firstMatch(of: /\.c:([0-9]+):/)).1))
  }

  /// kshim's own files, with another list of equivalents.
  private func root(equivalents: String) throws -> [String: String?] {
    let root = "\(scratch)/kshim"
    let files = FileManager.default
    try? files.removeItem(atPath: root)
    try files.createDirectory(
      atPath: "\(root)/kernel-extract", withIntermediateDirectories: true)
    for name in [
      "shims", "kernel-extract/glue", "kernel-extract/options", "kernel-extract/services",
      "kernel-extract/subjects",
      "kernel-extract/table.inc", "kernel-extract/runtime.inc",
    ] {
      try files.createSymbolicLink(
        atPath: "\(root)/\(name)", withDestinationPath: "\(Self.root)/\(name)")
    }
    try write(equivalents, "kshim/kernel-extract/equivalents/kvm-mmu-roots.yaml")
    return ["KSHIM_ROOT": root]
  }

  func test_sample_isTheSameForTheSameSeed() async throws {
    let all = try await list()
    XCTAssertGreaterThan(all.count, 250)
    XCTAssertEqual(Set(try all.map(key)).count, all.count)
    let seven = try await list("--sample", "10", "--seed", "7")
    let again = try await list("--sample", "10", "--seed", "7")
    let eight = try await list("--sample", "10", "--seed", "8")
    XCTAssertEqual(seven, again)
    XCTAssertNotEqual(seven, eight)
    XCTAssertLessThan(seven.count, all.count / 4)
    XCTAssert(Set(seven).isSubset(of: all))
  }

  func test_patch_limitsMutantsToItsLines() async throws {
    let tree = try await kernel()
    let run = try await run(.c)
    let patch = try await patch("c.patch", Defect.c.edits, of: tree)
    let listed = try await list("--patch", patch)
    XCTAssertFalse(listed.isEmpty)
    for entry in listed {
      let line = try line(entry)
      XCTAssert(run.touched.contains { $0.contains(line) }, entry)
    }
  }

  func test_patchThatBreaksAProperty_isRefused() async throws {
    let patch = try await patch("c.patch", Defect.c.edits, of: kernel())
    let ran = try await kshim("mutate", "--kernel", Self.defectKernel, "--patch", patch)
    XCTAssertEqual(ran.status, 2, ran.output)
    XCTAssert(ran.errors.contains("allocation-set"), ran.errors)
  }

  func test_smallFunction_jsonIsWhatViewersTake() async throws {
    let ran = try await kshim(Self.small + ["--format", "json"])
    XCTAssertEqual(ran.errors, "")
    let keys = try await list("--function", Defect.freePages).map(key)
    try MutationContract(ran.output, file: Self.mmu, keys: keys).assertHolds()
    try await ReportReaders.json(ran.output, schema: "mutate")
  }

  /// Of a function that no manifest describes: a line that no run comes to is no survivor.
  func test_linesThatNoRunComesTo_areToldApart() async throws {
    let arguments = [
      "mutate", "--kernel", Self.defectKernel, "--function", "kernel/params.c:param_set_charp",
      "--operator", "error-value",
    ]
    let text = try await kshim(arguments)
    XCTAssertEqual(text.status, 1, text.errors)
    XCTAssert(
      text.output.contains(": not reached: error-value: '-ENOSPC' becomes '0'"), text.output)
    XCTAssert(text.output.contains(": survived: error-value: "), text.output)
    XCTAssert(text.output.contains(" that are reached), "), text.output)
    XCTAssertNotNil(text.output.firstMatch(of: /survived.*, [0-9]+ not reached, 0 equivalent/))
    let json = try await kshim(arguments + ["--format", "json"])
    XCTAssert(json.output.contains("\"status\" : \"NoCoverage\""), json.output)
    XCTAssert(json.output.contains("no run comes to line "), json.output)
    try await ReportReaders.json(json.output, schema: "mutate")
  }

  /// Two of one comparison: what a callee returns there is never above 0, and often 0.
  func test_whatMakesNoDifference_isToldWithoutARun() async throws {
    let listed = try await list("--function", Defect.direct, "--operator", "relational")
    func key(_ words: String) throws -> String {
      try self.key(try XCTUnwrap(listed.first { $0.contains("'r < 0' becomes '\(words)'") }))
    }
    func ran(_ mutant: String, _ more: String...) async throws -> Tool.Run {
      try await kshim(
        ["mutate", "--kernel", Self.defectKernel, "--mutant", mutant] + more,
        environment: root(equivalents: ""))
    }
    let same = try key("r != 0")
    let text = try await ran(same)
    XCTAssertEqual(text.status, 1, text.errors)
    XCTAssert(
      text.output.contains(
        "  in \(Defect.direct)(), no run in which it makes a difference, --mutant \(same)"),
      text.output)
    XCTAssert(
      text.output.contains(
        "1 survived (1 with the original's calls and results in the simplest runs)"),
      text.output)
    let json = try await ran(same, "--format", "json")
    XCTAssert(json.output.contains("no scenario in which it makes a difference"), json.output)
    try await ReportReaders.json(json.output, schema: "mutate")
    let other = try await ran(key("r <= 0"))
    XCTAssertEqual(other.status, 0, other.output)
  }

  /// A comparison that must be a constant cannot be watched: its function's mutants are searched as ever.
  func test_whatCannotBeWatched_isSearched() async throws {
    let patch = try await patch(
      "constant.patch",
      [
        KernelEdit(
          Self.mmu, in: Defect.direct,
          .insertBefore(
            "make_mmu_pages_available",
            "\tr = BUILD_BUG_ON_ZERO(PAGE_SHIFT != 12);\n\tif (mmu->root_role.level == 9)\n\t\tgoto out_unlock;"
          ))
      ], of: kernel())
    let ran = try await kshim(
      "mutate", "--kernel", Self.defectKernel, "--patch", patch, "--function", Defect.direct,
      "--operator", "relational")
    XCTAssertEqual(ran.status, 1, ran.errors)
    XCTAssertFalse(ran.output.contains("no run in which it makes a difference"), ran.output)
    XCTAssert(ran.output.contains(": survived: relational: "), ran.output)
  }

  /// A page that was never allocated is freed: nobody says what the function is called with.
  func test_functionThatIsNotJudged_hasNoScore() async throws {
    let ran = try await kshim(
      "mutate", "--kernel", Self.defectKernel, "--function", "\(Self.mmu):\(Defect.freePages)")
    XCTAssertEqual(ran.status, 3, ran.output)
    XCTAssertEqual(ran.output, "")
    XCTAssert(ran.errors.contains("no run of it comes to its end"), ran.errors)
  }

  func test_patchWithoutALineOfItsOwn_hasNoMutants() async throws {
    let patch = try await patch(
      "gone.patch", [KernelEdit(Self.mmu, in: Defect.freePages, .delete("mmu->pml5_root"))],
      of: kernel())
    let ran = try await kshim("mutate", "--kernel", Self.defectKernel, "--patch", patch)
    XCTAssertEqual(ran.status, 2, ran.output)
    XCTAssert(ran.errors.contains("none is on a line that the patch brings"), ran.errors)
  }

  /// What the quick comparison runs, and nothing can kill, is compared once more before it is told.
  func test_whatSurvives_isComparedOnceMore() async throws {
    let patch = try await patch(
      "between.patch",
      [
        KernelEdit(
          "lib/genalloc.c",
          .append(
            """

            int kshim_between(unsigned int first, unsigned int one, unsigned int end);
            int kshim_between(unsigned int first, unsigned int one, unsigned int end)
            {
            \tif (first >= end)
            \t\treturn -EINVAL;
            \tif (one < first)
            \t\treturn -ERANGE;
            \tif (one >= end)
            \t\treturn -ENOENT;
            \treturn first < end;
            }

            """))
      ], of: kernel())
    let ran = try await kshim(
      "mutate", "--kernel", Self.defectKernel, "--patch", patch, "--function",
      "lib/genalloc.c:kshim_between", "--operator", "relational", "--format", "json")
    // Others of them do survive: who only reads the result does not tell which errno it is.
    XCTAssertEqual(ran.status, 1, ran.errors)
    let report = try JSONSerialization.jsonObject(with: Data(ran.output.utf8)) as? [String: Any]
    let files = try XCTUnwrap(report?["files"] as? [String: [String: Any]], ran.errors)
    let mutants = try XCTUnwrap(files["lib/genalloc.c"]?["mutants"] as? [[String: Any]])
    let last = try XCTUnwrap(
      mutants.first { ($0["description"] as? String)?.hasPrefix("'first < end'") ?? false },
      ran.output)
    XCTAssertEqual(last["status"] as? String, "Ignored", ran.output)
    XCTAssertEqual(last["statusReason"] as? String, "the same code as the original")
  }

  /// A macro that makes two statements has them at one place.
  func test_statementsOfOneMacro_areNotMoved() async throws {
    let ran = try await kshim(
      "mutate", "--kernel", Self.defectKernel, "--function", "net/xfrm/xfrm_state.c:xfrm_state_add",
      "--list")
    XCTAssertEqual(ran.status, 0, ran.errors)
  }

  func test_killedEquivalent_failsTheRunByName() async throws {
    let entry = try await list("--function", Defect.freePages, "--operator", "drop-free")[0]
    let key = try key(entry)
    let alone = Array(Self.small.prefix(3)) + ["--mutant", key]
    let killed = try await kshim(alone)
    XCTAssertEqual(killed.status, 0, killed.output)
    XCTAssert(killed.output.contains("1 of 1 mutants killed"), killed.output)
    // Who names one is told of it, whatever becomes of it.
    XCTAssert(killed.output.contains(": killed: drop-free: "), killed.output)
    XCTAssert(killed.output.contains("\n  leak: "), killed.output)
    let listed = try await kshim(
      alone,
      environment: root(equivalents: "- mutant: \(key)\n  reason: a test says so\n"))
    XCTAssertEqual(listed.status, 1, listed.errors)
    XCTAssert(
      listed.output.contains("equivalents/kvm-mmu-roots.yaml:1: \(key) is no equivalent"),
      listed.output)
  }

  func test_malformedEquivalents_areRefusedWithTheirLine() async throws {
    let ran = try await kshim(
      Self.small, environment: root(equivalents: "- mutant: somewhere\n  reason: none\n"))
    XCTAssertEqual(ran.status, 2)
    XCTAssert(ran.errors.contains("kvm-mmu-roots.yaml:1"), ran.errors)
  }

  func test_namesThatNothingHas_areRefused() async throws {
    for words in [
      ["--operator", "halve"], ["--function", "no_such_function"], ["--mutant", "f@0:negate:1"],
      ["--sample", "0"],
    ] {
      let ran = try await kshim(["mutate", "--kernel", Self.defectKernel, "--list"] + words)
      XCTAssertEqual(ran.status, 2, "\(words)")
      XCTAssertEqual(ran.output, "")
      XCTAssert(ran.errors.contains(words[1]), ran.errors)
    }
  }
}

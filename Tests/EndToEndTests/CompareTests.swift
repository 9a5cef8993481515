// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// Revisions of a real kernel compared by the real tool.
final class CompareTests: EndToEndTestCase {
  private func comparison(_ ran: Tool.Run) throws -> Comparison {
    XCTAssertEqual(ran.errors, "")
    return try JSONDecoder().decode(Comparison.self, from: Data(ran.output.utf8))
  }

  /// Compares revisions of kernels by the real tool, once for all runs of one kshim.
  private func compare(_ arguments: [String]) async throws -> Tool.Run {
    var parts = [TestStore.part(of: try await kernel(Self.defectKernel))]
    for word in arguments {
      if word.hasPrefix("debian:") { parts.append(TestStore.part(of: try await kernel(word))) }
      let path = word.split(separator: "=").last.map(String.init) ?? word
      let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
      // git writes the time of a mail's commit into it.
      let still = text.split(separator: "\n").filter(Self.isStill).joined(separator: "\n")
      parts.append("\(word.replacing(scratch, with: "")) \(still)")
    }
    let directory = scratch
    let ran = try await TestStore.value("compare", of: parts) {
      try await Tool.run(["compare"] + arguments, directory: directory)
    }
    XCTAssertEqual(ran.left, [])
    return ran
  }

  /// Whether a line of a mail says the same in each run.
  private static func isStill(_ line: Substring) -> Bool {
    !["From ", "Date: ", "Message-ID: ", "In-Reply-To: ", "References: "].contains {
      line.hasPrefix($0)
    }
  }

  private func statuses(
    _ comparison: Comparison, _ property: String, in function: String
  ) -> Set<[Comparison.Status]> {
    Set(
      comparison.findings.filter { $0.property == property && $0.function == function }
        .map(\.statuses))
  }

  func test_series_eachDefectComesAndGoes() async throws {
    let tree = try await kernel()
    let mails = try await Story.write(of: tree, into: scratch)
    let ran = try await compare(
      ["--kernel", Self.defectKernel, "--format", "json", "base"] + mails)
    XCTAssertEqual(ran.status, 0, "the last revision is clean")
    let comparison = try comparison(ran)
    XCTAssertEqual(comparison.revisions.map(\.label), ["base", "v1", "v2", "v3"])
    XCTAssertEqual(
      comparison.revisions.map(\.verdict), ["clean", "findings", "findings", "clean"])
    XCTAssertEqual(comparison.revisions.map(\.revision.patches.count), [0, 2, 2, 2])

    let first: [Comparison.Status] = [.absent, .introduced, .fixed, .absent]
    let second: [Comparison.Status] = [.absent, .absent, .introduced, .fixed]
    let special = Defect.special
    for (property, function, expected) in [
      ("wild-free", special, first), ("allocation-set", special, first),
      ("dead-branch", special, first),
      ("idempotent", special, second), ("warn-unexpected", special, second),
      ("wild-free", Defect.freePages, second),
    ] {
      XCTAssertEqual(
        statuses(comparison, property, in: function), [expected], "\(property) in \(function)")
    }
    XCTAssertEqual(
      statuses(comparison, "uninitialised", in: special), [first, second],
      "one goes and another comes")
    XCTAssert(comparison.findings.allSatisfy { $0.statuses == first || $0.statuses == second })

    XCTAssertEqual(comparison.pairs.map(\.compares), ["trace", "trace", "trace"])
    for pair in comparison.pairs {
      XCTAssertGreaterThan(pair.differing, 0)
      XCTAssertLessThan(pair.differing, pair.scenarios / 5)
      XCTAssertEqual(pair.groups.reduce(0) { $0 + $1.count }, pair.differing)
      for group in pair.groups {
        XCTAssertNotEqual(group.oldTrace, group.newTrace)
        XCTAssert(
          group.line > 0 || group.sentence.contains(" (\(pair.old)'s mmu.c:"), group.sentence)
      }
    }
    let sentences = comparison.pairs[1].groups.map(\.sentence)
    XCTAssert(
      sentences.contains {
        $0.hasPrefix(
          "with guest=3, tables=pae+pml4 → mmu_alloc_special_roots() returns -EIO instead of 0")
      }, "\(sentences)")
    try await ReportReaders.json(ran.output, schema: "compare")
  }

  func test_check_ofASeries_namesWhatItIntroduces() async throws {
    let tree = try await kernel()
    let mails = try await Story.write(of: tree, into: scratch)
    let ran = try await kshim(
      "check", "--kernel", Self.defectKernel, "--patch", mails[1], "--format", "json")
    XCTAssertEqual(ran.status, 1)
    let verdict = try verdict(ran)
    XCTAssert(verdict.findings.allSatisfy(\.introduced))
    for expected in Defect.d.expected + Defect.g.expected {
      XCTAssert(
        verdict.findings.contains {
          $0.property == expected.property && $0.function == expected.function
        }, "\(expected.property) in \(expected.function)")
    }
  }

  func test_twoWaysOfLinking_areTheSame() async throws {
    let tree = try await kernel()
    let upwards = try await patch("upwards.patch", Defect.upwards.edits, of: tree)
    let nested = try await patch("nested.patch", Defect.nested.edits, of: tree)
    // To free NULL is to do nothing.
    let guarded = try await patch(
      "guarded.patch",
      Defect.nested.edits + [
        Defect.edit(
          Defect.freePages, .insertBefore(")mmu->pml5_root", "\tif (mmu->pml5_root)"))
      ], of: tree)
    let ran = try await compare([
      "--kernel", Self.defectKernel, "--strict", upwards, "explicit=\(nested)", guarded,
    ])
    XCTAssertEqual(ran.status, 0, ran.output)
    let lines = ran.output.split(separator: "\n").map(String.init)
    let same = try XCTUnwrap(
      lines.first?.wholeMatch(
        of: /upwards → explicit: same outcome in all ([0-9]+) scenarios/), ran.output)
    XCTAssertEqual(
      lines[1], "explicit → guarded: same outcome in all \(same.1) scenarios", ran.output)
    XCTAssertEqual(lines[2], "findings: none in upwards, explicit, guarded")
    // Here every order of two vCPUs is made; a check makes one of those that nothing tells apart
    // (JoinedOrdersTests has both numbers), the same ones of revisions that do the same.
    let judged = try await judge([
      Change.rewrite(Defect.upwards.name), Change.rewrite(Defect.nested.name),
    ])
    let checked = judged.map(\.verdict.exploration.scenarios)
    XCTAssertEqual(checked.count, 2)
    XCTAssertEqual(Set(checked).count, 1)
    XCTAssertLessThan(checked[0], try XCTUnwrap(Int(same.1)))
  }

  func test_orderOfAllocations_isTheOnlyDifference() async throws {
    let tree = try await kernel()
    let edits = Change.rewrite("pml4-first").edits
    let swapped = try await patch("swapped.patch", edits, of: tree)
    let ran = try await compare(["base", swapped, "--format", "json"])
    XCTAssertEqual(ran.status, 0)
    let comparison = try comparison(ran)
    XCTAssertEqual(comparison.findings, [])
    // Which page becomes which table shows where they are freed, and nowhere else.
    let groups = comparison.pairs[0].groups
    XCTAssertEqual(groups.count, 1)
    let sentence = try XCTUnwrap(groups.first?.sentence)
    XCTAssert(
      sentence.contains("→ free_mmu_pages() does the same in another order ("), sentence)
    XCTAssertEqual(groups[0].oldScenario, groups[0].newScenario)
    try await ReportReaders.json(ran.output, schema: "compare")
  }

  func test_kernels_areComparedThroughTheModel() async throws {
    _ = try await kernel("debian:7.2", required: false)
    let ran = try await compare(["debian:6.12", "debian:7.2", "--format", "json"])
    XCTAssertEqual(ran.status, 0)
    let comparison = try comparison(ran)
    XCTAssertEqual(comparison.pairs.map(\.compares), ["model"])
    XCTAssertEqual(comparison.revisions.map(\.label), ["debian:6.12", "debian:7.2"])
    let pair = comparison.pairs[0]
    XCTAssertGreaterThan(pair.scenarios, 500_000)
    XCTAssertLessThan(pair.differing, pair.scenarios / 10)
  }

  func test_wrongRequests_areRefused() async throws {
    for (arguments, word) in [
      (["base"], "two or more"), (["base", "base"], "called base"),
      (["base", "nothing.patch"], "nothing.patch"), (["base", "v2=nothing"], "nothing"),
      (["base", "."], "neither a kernel nor a patch"), (["-", "a=-"], "standard input"),
      (["debian:6.12", "base", "--subject", "none"], "none"),
    ] {
      let ran = try await kshim(["compare"] + arguments, input: "")
      XCTAssertEqual(ran.status, 2, "\(arguments)")
      XCTAssertEqual(ran.output, "")
      XCTAssert(ran.errors.contains(word), ran.errors)
    }
  }
}

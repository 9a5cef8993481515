// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting
import TestSupport
import XCTest

/// How a check is asked for, and where its result goes.
final class CheckOptionTests: EndToEndTestCase {
  private func text(_ run: DefectRun) throws -> String {
    try String(contentsOfFile: run.patch, encoding: .utf8)
  }

  /// All that depends neither on how long a search took nor on how its revision is named.
  private func timeless(_ verdict: Verdict) -> Verdict {
    var verdict = verdict
    verdict.exploration.seconds = 0
    verdict.exploration.reused = nil
    verdict.revision.kernel = ""
    verdict.revision.patches = []
    return verdict
  }

  func test_workers_changeNothing() async throws {
    let one = try await run(.first, jobs: 1)
    let two = try await run(.first, jobs: 2)
    XCTAssertEqual(one.verdict.findings.count, two.verdict.findings.count)
    for (left, right) in zip(one.verdict.findings, two.verdict.findings) {
      XCTAssertEqual(left, right)
    }
    XCTAssert(timeless(one.verdict) == timeless(two.verdict), "counts or notes differ")
  }

  func test_patchOnStandardInput_isJudgedAsAFileIs() async throws {
    let named = try await run(.c)
    let piped = try await kshim(
      "check", "--kernel", Self.defectKernel, "--patch", "-", "--format", "json",
      input: text(named))
    XCTAssertEqual(piped.status, 1)
    let verdict = try verdict(piped)
    XCTAssertEqual(verdict.revision.patches, [.init(file: "-", subject: nil)])
    XCTAssertEqual(timeless(verdict), timeless(named.verdict))
  }

  func test_patches_areAppliedInOrder() async throws {
    let tree = try await kernel()
    let mail = "From: A <a@example>\nSubject: [PATCH v2 1/2] KVM: kshim first\n\n---\n"
    let edits = [
      Defect.edit(Defect.special, .replace("if (need_pml5)", with: "if (kshim_always)")),
      Defect.edit(
        Defect.special, .insertAfter("need_pml5 =", "\tconst bool kshim_always = true;")),
    ]
    let first = try await KernelEdit.patch(edits, of: tree)
    let firstPath = try write(mail + String(decoding: first.content, as: UTF8.self), "1.patch")
    let copy = try await copy(of: tree)
    let path = "\(copy)/\(Self.mmu)"
    var text = try String(contentsOfFile: path, encoding: .utf8)
    for edit in edits { text = try edit.apply(to: text) }
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    let patched = try await store.resolve(copy)
    let second = try await patch(
      "2.patch",
      [
        Defect.edit(
          Defect.special, .replace("kshim_always = true", with: "kshim_always = need_pml5"))
      ],
      of: patched)
    // Together they change nothing but the spelling; the first alone wastes a table.
    let both = try await kshim(
      "check", "--kernel", Self.defectKernel, "--patch", firstPath, "--patch", second, "--format",
      "json")
    XCTAssertEqual(both.status, 0, both.errors)
    let verdict = try verdict(both)
    XCTAssertEqual(verdict.findings, [])
    XCTAssertEqual(
      verdict.revision.patches,
      [.init(file: firstPath, subject: "KVM: kshim first"), .init(file: second, subject: nil)])
    let reversed = try await refused(
      2, "check", "--kernel", tree.directory, "--patch", second, "--patch", firstPath)
    XCTAssert(reversed.text.contains("2.patch"), reversed.text)
  }

  func test_output_isTheSameReportInAFile() async throws {
    let copy = try await copy(of: kernel())
    let printed = try await run(.c)
    let before = try await hash(copy)
    let report = "\(scratch)/report.json"
    let filed = try await kshim(
      "check", "--kernel", copy, "--patch", printed.patch, "--format", "json", "-o", report)
    XCTAssertEqual(filed.status, 1)
    XCTAssertEqual(filed.output, "")
    XCTAssertEqual(filed.errors, "")
    let written = try String(contentsOfFile: report, encoding: .utf8)
    try JSONContract(written).assertHolds()
    let verdict = try JSONDecoder().decode(Verdict.self, from: Data(written.utf8))
    XCTAssertEqual(verdict.revision.kernel, copy)
    XCTAssertEqual(timeless(verdict), timeless(printed.verdict))
    // The user's tree is as it was.
    let after = try await hash(copy)
    XCTAssertEqual(after, before)
  }

  func test_defectThatWasThereBefore_isToldAndNotBlamedOnThePatch() async throws {
    let copy = try await copy(of: kernel())
    let path = "\(copy)/\(Self.mmu)"
    var text = try String(contentsOfFile: path, encoding: .utf8)
    for edit in Defect.c.edits { text = try edit.apply(to: text) }
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    let patch = try await patch(
      "shift.patch",
      [Defect.edit(Defect.shadow, .insertBefore("root_gfn", "\t/* shifts what follows */"))],
      of: store.resolve(copy))
    let ran = try await kshim("check", "--kernel", copy, "--patch", patch, "--format", "json")
    XCTAssertEqual(ran.status, 0)
    let verdict = try verdict(ran)
    XCTAssertEqual(verdict.findings.map(\.property), ["allocation-set"])
    XCTAssertEqual(verdict.findings.map(\.introduced), [false])
  }

  func test_text_saysWhatWhereAndHowToReplay() async throws {
    let tree = try await kernel()
    let patch = try await patch("c.patch", Defect.c.edits, of: tree)
    let ran = try await kshim(
      "check", "--patch", patch, "--no-cache", environment: ["KERNEL": tree.directory])
    XCTAssertEqual(ran.status, 1)
    XCTAssertEqual(ran.errors, "")
    let lines = ran.output.split(separator: "\n").map(String.init)
    let first = try XCTUnwrap(lines.first)
    XCTAssertNotNil(
      first.wholeMatch(of: /with guest=3 → pml5_root is allocated .+ \(mmu\.c:[0-9]+\)/), first)
    XCTAssertNotNil(
      lines[1].wholeMatch(of: /\ \ arch\/x86\/kvm\/mmu\/mmu\.c:[0-9]+: allocation-set: .+/),
      lines[1])
    // The kernel's own lines, and a caret below the one that the finding is at.
    let place = first.split(separator: ":").last.map { String($0.dropLast()) } ?? ""
    let shown = lines.dropFirst(2).prefix { $0.contains(" |") }
    XCTAssertEqual(shown.count, 6, ran.output)
    let caret = try XCTUnwrap(shown.firstIndex { $0.contains("| ") && $0.contains("^~") })
    XCTAssert(lines[caret - 1].hasPrefix("    \(place) |"), ran.output)
    XCTAssert(lines[shown.endIndex].contains("introduced by the patch"), ran.output)
    let command = try XCTUnwrap(lines.first { $0.hasPrefix("  replay: kshim replay ") })
    XCTAssert(command.contains("--kernel \(tree.directory) --patch \(patch) "), command)
    let summary = try XCTUnwrap(lines.lastIndex { $0.hasPrefix("kvm-mmu-roots on Linux ") })
    XCTAssert(lines[summary].hasSuffix(" with 1 patch:"), lines[summary])
    XCTAssertEqual(lines[summary + 1], "  1 finding (1 introduced), 1 cause, 1 note")
    XCTAssert(lines[summary + 2].hasSuffix("exhaustive"), lines[summary + 2])
    for line in lines[summary...] { XCTAssertLessThanOrEqual(line.count, 80, line) }
    XCTAssertFalse(ran.output.contains("\u{1b}"), "colour in a pipe")
    // What is printed can be pasted.
    let words = command.split(separator: " ").dropFirst(2).map(String.init)
    let replayed = try await kshim(words)
    XCTAssertEqual(replayed.status, 1, replayed.errors)
  }
}

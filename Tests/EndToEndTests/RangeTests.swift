// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// Ranges of commits and series of patches, judged step by step.
final class RangeTests: EndToEndTestCase {
  /// One commit of a test's repository.
  private struct Change {
    var subject: String
    var edits: [KernelEdit] = []
    var script = ""
  }

  private static let bad = Change(subject: "KVM: one table too many", edits: Defect.c.edits)

  /// A change that nothing reads.
  private static func other(_ number: Int) -> Change {
    Change(subject: "change \(number)", script: "echo '/* \(number) */' >> arch/x86/kvm/cpuid.c")
  }

  /// A repository of the default kernel with these commits behind one tagged `base`.
  private func repository(_ changes: [Change]) async throws -> String {
    let directory = try await repository(of: kernel())
    for change in changes {
      for edit in change.edits {
        let path = "\(directory)/\(edit.file)"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try edit.apply(to: text).write(toFile: path, atomically: false, encoding: .utf8)
      }
      try await shell(
        "\(change.script)\ngit add -f -A; git commit -q -m '\(change.subject)'", in: directory)
    }
    return directory
  }

  private struct Answer: Decodable {
    struct Item: Decodable {
      struct Commit: Decodable { var id: String, subject: String }
      struct Patch: Decodable { var file: String, subject: String? }
      struct Verdict: Decodable {
        struct Finding: Decodable { var property: String, introduced: Bool }
        struct Exploration: Decodable { var reused: Bool? }
        var findings: [Finding]
        var exploration: Exploration
      }
      var commit: Commit?
      var patch: Patch?
      var verdict: Verdict?
      var error: String?
      var exit: Int?
    }
    var schema: Int
    var range: String
    var commits: [Item]

    /// Subjects of the steps that introduce something.
    var guilty: [String] {
      commits.filter { $0.verdict?.findings.contains(where: \.introduced) ?? false }
        .map { $0.commit?.subject ?? $0.patch?.file ?? "" }
    }
    var reused: Int { commits.count { $0.verdict?.exploration.reused == true } }
  }

  /// The lines for all steps together, as one.
  private func summary(_ lines: [String]) throws -> String {
    let start = try XCTUnwrap(lines.lastIndex { $0.hasPrefix("kvm-mmu-roots on") }, "\(lines)")
    let told = lines[start...].map { $0.trimmingCharacters(in: .whitespaces) }
    // The path of a scratch directory may take a line of its own.
    let head = told.indices.first {
      told[...$0].joined(separator: " ").contains(/: \d+ (commit|step|patch)/)
    }
    let end = try XCTUnwrap(head, "\(lines)")
    return told[...end].joined(separator: " ") + ": " + told[(end + 1)...].joined(separator: " ")
  }

  private func answer(_ ran: Tool.Run) throws -> Answer {
    XCTAssertEqual(ran.errors, "")
    return try JSONDecoder().decode(Answer.self, from: Data(ran.output.utf8))
  }

  func test_twentyCommitsWithABadOne_itIsNamed_andNothingIsSearchedTwice() async throws {
    var changes = (1...19).map(Self.other)
    changes[3].script = "git mv arch/x86/kernel/tboot.c arch/x86/kernel/kshim.c"
    changes[5].script = "git rm -q arch/x86/lib/cmdline.c"
    changes[7].script = "chmod +x arch/x86/kvm/cpuid.c"
    changes.insert(Self.bad, at: 12)
    let environment = try cacheWithBuilds()
    let directory = try await repository(changes)
    let kernel = "\(directory)@base..main"
    let first = try await kshim(
      "check", "--kernel", kernel, "--each-commit", "--format", "json", environment: environment)
    XCTAssertEqual(first.status, 1, first.errors)
    let once = try answer(first)
    XCTAssertEqual(once.schema, 1)
    XCTAssertEqual(once.range, kernel)
    XCTAssertEqual(once.commits.compactMap(\.commit?.subject), changes.map(\.subject))
    XCTAssertEqual(once.guilty, [Self.bad.subject])
    // Only the first and the bad one read anything new.
    XCTAssertEqual(once.reused, 18)
    let findings = once.commits.map { $0.verdict?.findings.count }
    XCTAssertEqual(findings, Array(repeating: 0, count: 12) + Array(repeating: 1, count: 8))

    let second = try await kshim(
      "check", "--kernel", kernel, "--each-commit", environment: environment)
    XCTAssertEqual(second.status, 1)
    XCTAssertEqual(second.errors, "")
    let lines = second.output.split(separator: "\n").map(String.init)
    let bad = try XCTUnwrap(once.commits[12].commit)
    let short = try XCTUnwrap(lines.first { $0.contains(bad.subject) }?.prefix { $0 != " " })
    XCTAssert(bad.id.hasPrefix(short), "\(short)")
    XCTAssert(
      lines.contains("\(short) \(bad.subject): 1 finding (1 introduced), 1 note"), "\(lines)")
    let summary = try self.summary(lines)
    XCTAssert(summary.contains("20 commits: introduced by \(short) \"\(bad.subject)\""), summary)
    XCTAssert(summary.hasSuffix("20 reused from earlier searches"), summary)
    XCTAssertEqual(lines.count { $0.hasSuffix(": clean") }, 12)

    let command = try XCTUnwrap(lines.first { $0.contains("replay: kshim replay ") })
    let words = command.split(separator: " ").dropFirst(2).map(String.init)
    let replayed = try await kshim(words, environment: environment)
    XCTAssertEqual(replayed.status, 1, replayed.errors)
    XCTAssert(replayed.output.contains("allocation-set"), replayed.output)
  }

  func test_commitThatFixesWhatAnEarlierOneIntroduced_isNamed() async throws {
    let mended = Change(
      subject: "KVM: as before", script: "git checkout -q base -- arch/x86/kvm/mmu/mmu.c")
    let environment = try cacheWithBuilds(keepsResults: true)
    let directory = try await repository([Self.bad, mended])
    let ran = try await kshim(
      "check", "--kernel", "\(directory)@base..", "--each-commit", environment: environment)
    XCTAssertEqual(ran.status, 1, ran.errors)
    let lines = ran.output.split(separator: "\n").map(String.init)
    let summary = try self.summary(lines)
    XCTAssertNotNil(
      summary.firstMatch(
        of:
          /2 commits: introduced by [0-9a-f]+ "KVM: one table too many", fixed by [0-9a-f]+ "KVM: as before"; the last is clean/
      ), summary)
    let step = try XCTUnwrap(
      lines.firstIndex { $0.hasSuffix(" KVM: as before: clean, 1 fixed") }, ran.output)
    XCTAssertNotNil(
      lines[step + 1].wholeMatch(
        of:
          /\ \ fixed: allocation-set in mmu_alloc_special_roots\(\): with guest=3 → pml5_root is .+ \(mmu\.c:[0-9]+\)/
      ), lines[step + 1])
    let note = try await kshim(
      "check", "--kernel", "\(directory)@base..", "--format", "note", environment: environment)
    XCTAssertNotNil(
      note.output.replacing("\n", with: " ").firstMatch(
        of: /with the commits base\.\. \([0-9a-f]{12}\.\.[0-9a-f]{12}\)/), note.output)
  }

  func test_commitThatDoesNotBuild_isToldFromTheOneThatIntroducesAFinding() async throws {
    let special = Defect.special
    let broken = Change(
      subject: "broken", edits: [Defect.edit(special, .insertBefore("need_pml5 =", "\tno;"))])
    let mended = Change(
      subject: "mended", edits: [Defect.edit(special, .delete("\tno;"))] + Defect.c.edits)
    let environment = try cacheWithBuilds(keepsResults: true)
    let directory = try await repository([broken, mended, Self.other(3)])
    let ran = try await kshim(
      "check", "--kernel", "\(directory)@base..", "--each-commit", "--format", "json",
      environment: environment)
    XCTAssertEqual(ran.status, 3)
    let told = try answer(ran)
    XCTAssertEqual(told.commits[0].exit, 3)
    XCTAssertNil(told.commits[0].verdict)
    let error = try XCTUnwrap(told.commits[0].error)
    XCTAssert(error.contains("mmu.c"), error)
    // Compared with what came before the commit that does not build.
    XCTAssertEqual(told.guilty, ["mended"])
    XCTAssertEqual(told.commits[2].verdict?.findings.map(\.introduced), [false])
    // The range as a whole is one change, and its head is what the last commit was.
    let whole = try await kshim(
      "check", "--kernel", "\(directory)@base..", "--format", "json", environment: environment)
    XCTAssertEqual(whole.status, 1)
    let verdict = try verdict(whole)
    XCTAssertEqual(verdict.findings.map(\.introduced), [true])
    XCTAssertEqual(verdict.exploration.reused, true)
    XCTAssertNotNil(verdict.revision.base)
    try JSONContract(whole.output).assertHolds()
  }

  func test_patches_areJudgedOneByOne_andNoCacheKeepsNothing() async throws {
    let tree = try await kernel()
    let good = try await patch(
      "1.patch",
      [Defect.edit(Defect.special, .insertBefore("need_pml5 =", "\t/* kshim one */"))], of: tree)
    let bad = try await patch("2.patch", Defect.e.edits, of: tree)
    let environment = try cacheWithBuilds()
    let ran = try await kshim(
      "check", "--kernel", tree.directory, "--patch", good, "--patch", bad, "--each-commit",
      "--no-cache", "--format", "json", environment: environment)
    XCTAssertEqual(ran.status, 1)
    let told = try answer(ran)
    XCTAssertEqual(told.commits.map(\.patch?.file), [good, bad])
    XCTAssertEqual(told.guilty, [bad])
    XCTAssertEqual(told.reused, 0)
    XCTAssertFalse(FileManager.default.fileExists(atPath: "\(emptyCache)/kshim/results"))
  }

  func test_eachCommit_needsSeveralSteps() async throws {
    let tree = try await kernel()
    let refusal = try await refused(2, "check", "--kernel", tree.directory, "--each-commit")
    XCTAssert(refusal.remedy.contains("BASE..HEAD"), refusal.text)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// A patch on a kernel that has defects already: what is told of each.
final class OldAndNewTests: EndToEndTestCase {
  /// A user's kernel with the defects d and e in it, for all tests: nobody writes to it.
  private func base() async throws -> String {
    let tree = try await kernel()
    let small = try await OwnKernel.directory(of: tree)
    let edits = Defect.d.edits + Defect.e.edits
    return try await TestStore.directory("defects", of: [small, "\(edits)"]) { path in
      let copied = try await Command.run("cp", ["-r", "--reflink=auto", "\(small)/.", path])
      guard copied.succeeded else { throw POSIXError(.EIO) }
      let source = "\(path)/\(Self.mmu)"
      let text = try edits.reduce(String(contentsOfFile: source, encoding: .utf8)) {
        try $1.apply(to: $0)
      }
      try text.write(toFile: source, atomically: false, encoding: .utf8)
      // What was written at this very moment may be written again: kshim would keep nothing of it.
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  private static let warns = Defect.edit(
    Defect.special,
    .insertBefore("pae_root = (void *)", "\tWARN_ON_ONCE(mmu->root_role.level == 4);"))
  private static let shifts = Defect.edit(
    Defect.special, .insertBefore("need_pml5 =", "\t/* shifts what follows */"))

  private func check(_ base: String, _ arguments: String...) async throws -> Tool.Run {
    try await kshim(["check", "--kernel", base] + arguments)
  }

  func test_warnThatThePatchAdds_isNew_thoughTheFunctionHadOne() async throws {
    let base = try await base()
    let tree = try await store.resolve(base)
    let patch = try await patch("warn.patch", [Self.warns], of: tree)
    let verdict = try verdict(await check(base, "--patch", patch, "--format", "json"))
    let new = verdict.findings.filter(\.introduced)
    XCTAssertEqual(new.map(\.property), ["warn-unexpected"])
    XCTAssertEqual(
      verdict.findings.filter { !$0.introduced }.map(\.property).sorted(),
      ["error-swallowed", "error-swallowed", "idempotent", "warn-unexpected"])
    XCTAssertEqual(Set(verdict.findings.map { $0.sentence?.isEmpty }), [false])

    let text = try await check(base, "--patch", patch).output.split(separator: "\n").map(
      String.init)
    XCTAssertEqual(text.first, new.first?.sentence)
    let heading = try XCTUnwrap(text.firstIndex { $0.hasPrefix("already there without the patch") })
    XCTAssertEqual(text.count { $0.contains("replay: kshim replay") }, 1)
    XCTAssertEqual(
      text[(heading + 1)...].prefix { $0.hasPrefix("  arch/") }.count, 4, "\(text)")
    XCTAssert(text.contains("  5 findings (1 introduced, 4 there before), 2 causes"), "\(text)")
    let full = try await check(base, "--patch", patch, "--old").output
    XCTAssert(full.contains("already there without the patch\n"), full)
    XCTAssertFalse(full.contains("tells more"), full)
    let note = try await check(base, "--patch", patch, "--format", "note").output
    XCTAssertEqual(note.split(separator: "\n").count { $0.hasPrefix("- ") }, 1, note)
    XCTAssert(note.hasSuffix("4 findings were there without the patch and are not listed.\n"), note)
  }

  func test_rewrites_introduceNothing() async throws {
    let base = try await base()
    let tree = try await store.resolve(base)
    let rewrites: [(String, [KernelEdit])] = [
      ("shift", [Self.shifts]),
      // What is asked in the function is asked in a new one.
      (
        "helper",
        [
          Defect.edit(
            Defect.special,
            .insertBefore(
              Defect.special,
              """
              static bool kshim_wrong(struct kvm_mmu *mmu, bool need_pml5)
              {
              \tbool some = mmu->pml4_root || mmu->pae_root || (need_pml5 && mmu->pml5_root);

              \treturn WARN_ON_ONCE(some || !tdp_enabled);
              }

              """)),
          Defect.edit(Defect.special, .delete("WARN_ON_ONCE(", through: "(need_pml5 && mmu")),
          Defect.edit(
            Defect.special, .insertBefore("return -EIO", "\tif (kshim_wrong(mmu, need_pml5))")),
        ]
      ),
    ]
    for (name, edits) in rewrites {
      let patch = try await patch("\(name).patch", edits, of: tree)
      let ran = try await check(base, "--patch", patch, "--format", "json")
      XCTAssertEqual(ran.status, 0, name)
      XCTAssertEqual(
        try verdict(ran).findings.map(\.introduced), [false, false, false, false], name)
    }
  }

  func test_eachCommit_namesWhatItFixed() async throws {
    let base = try await base()
    let tree = try await store.resolve(base)
    let fix = try await patch(
      "fix.patch",
      [
        Defect.edit(
          Defect.special,
          .replace(
            "pml4_root && mmu->pml5_root", with: "pml4_root && (!need_pml5 || mmu->pml5_root)"))
      ], of: tree)
    let ran = try await check(base, "--patch", fix, "--each-commit")
    XCTAssertEqual(ran.status, 0, ran.errors)
    let lines = ran.output.split(separator: "\n").map(String.init)
    XCTAssert(lines[0].hasSuffix(": 2 findings (there before), 2 fixed"), ran.output)
    let fixed = lines.filter { $0.hasPrefix("  fixed: ") }
    XCTAssertEqual(fixed.count, 2, ran.output)
    XCTAssert(
      fixed.contains { $0.contains("warn-unexpected in mmu_alloc_special_roots(): with ") },
      ran.output)
  }

  func test_swallowedError_hasACauseOfItsOwn() async throws {
    let tree = try await kernel()
    // Another errno than the callee's in the same function, and smaller.
    let other = Defect.edit(
      Defect.shadow, .replace("return r;", with: "return -EINVAL;"))
    let patch = try await patch("two.patch", Defect.e.edits + [other], of: tree)
    let verdict = try verdict(
      await kshim("check", "--kernel", Self.defectKernel, "--patch", patch, "--format", "json"))
    let swallowed = try XCTUnwrap(
      verdict.causes.first { verdict.findings[$0.findings[0]].property == "error-swallowed" })
    XCTAssert(swallowed.sentence.contains("() returns 0 ("), swallowed.sentence)
    XCTAssert(
      verdict.causes.contains { verdict.findings[$0.findings[0]].property == "wrong-errno" })
    for cause in verdict.causes {
      let trace = verdict.findings[cause.findings[0]].trace
      if !cause.sentence.contains("returns 0") {
        XCTAssertNotEqual(trace.last { $0.event == "return" }?.detail, "0", cause.sentence)
      }
    }
  }

  func test_localsOfMacros_areInNoSentence() async throws {
    let tree = try await kernel()
    let patch = try await patch(
      "probe.patch",
      [
        Defect.edit(
          Defect.special,
          .insertBefore(
            "pae_root = (void *)",
            "\tif (!get_zeroed_page(GFP_KERNEL_ACCOUNT))\n\t\treturn 0;"))
      ], of: tree)
    let ran = try await kshim("check", "--kernel", Self.defectKernel, "--patch", patch)
    XCTAssertEqual(ran.status, 1, ran.errors)
    XCTAssert(
      ran.output.contains("the 1st get_zeroed_page() fails → mmu_alloc_special_roots() returns 0")
        || ran.output.contains("\nget_zeroed_page() fails → mmu_alloc_special_roots() returns 0")
        || ran.output.hasPrefix("get_zeroed_page() fails → mmu_alloc_special_roots() returns 0"),
      ran.output)
    XCTAssertFalse(ran.output.contains("_res"), ran.output)
  }

  func test_secondTryThatSucceeds_isNoFinding() async throws {
    let tree = try await kernel()
    let again = "\t\tpae_root = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);"
    let tries: [(String, [KernelEdit])] = [
      (
        "again",
        [
          Defect.edit(
            Defect.special, .insertAfter("pae_root = (void *)", "\tif (!pae_root)\n\(again)"))
        ]
      ),
      (
        "loop",
        [
          Defect.edit(
            Defect.special,
            .insertBefore("pae_root = (void *)", "\tfor (int i = 0; i < 2; i++) {")),
          Defect.edit(
            Defect.special,
            .insertAfter("pae_root = (void *)", "\t\tif (pae_root)\n\t\t\tbreak;\n\t}")),
        ]
      ),
      (
        "room",
        [
          Defect.edit(
            Defect.direct,
            .insertAfter(
              "make_mmu_pages_available(vcpu);", "\tif (r)\n\t\tr = make_mmu_pages_available(vcpu);"
            ))
        ]
      ),
    ]
    for (name, edits) in tries {
      let patch = try await patch("\(name).patch", edits, of: tree)
      let ran = try await kshim("check", "--kernel", Self.defectKernel, "--patch", patch)
      XCTAssertEqual(ran.status, 0, "\(name): \(ran.output)\(ran.errors)")
    }
  }

  /// The others are there, the first is not.
  func test_errorThatNothingMakesGood_isSwallowed() async throws {
    let tree = try await kernel()
    let patch = try await patch(
      "unchecked.patch",
      [Defect.edit(Defect.special, .delete("if (!pae_root)", through: "return -ENOMEM"))],
      of: tree)
    let verdict = try verdict(
      await kshim("check", "--kernel", Self.defectKernel, "--patch", patch, "--format", "json"))
    XCTAssertEqual(verdict.findings.map(\.property), ["error-swallowed", "partial-state"])
    XCTAssertEqual(
      verdict.causes.map { $0.sentence.prefix { $0 != "(" } },
      ["allocation of pae_root fails → mmu_alloc_special_roots"])
  }

  func test_replayLine_isPasted_whateverItHasInIt() async throws {
    let tree = try await kernel()
    let made = try await patch("c.patch", Defect.c.edits, of: tree)
    let odd = "\(scratch)/it's $HOME; a patch.patch"
    try FileManager.default.moveItem(atPath: made, toPath: odd)
    for format in ["text", "ktap", "junit", "sarif"] {
      let ran = try await kshim(
        "check", "--kernel", Self.defectKernel, "--subject", "kvm-mmu-roots", "--patch", odd,
        "--format", format)
      XCTAssertEqual(ran.status, 1, ran.errors)
      var output = ran.output
      for (sign, text) in [("&#39;", "'"), ("&quot;", "\""), ("&amp;", "&")] where format == "junit"
      {
        output = output.replacing(sign, with: text)
      }
      if format == "sarif" { output = output.replacing("\\\\", with: "\\") }
      let line = try XCTUnwrap(
        output.replacing("\\n", with: "\n").split(separator: "\n")
          .first { $0.contains("kshim replay ") }, format)
      let command = try XCTUnwrap(line.firstRange(of: "kshim replay ")).lowerBound
      let pasted = line[command...].split(separator: "\"", maxSplits: 1)[0]
        .dropFirst("kshim".count)
      let replayed = try await kshim(
        [], wrapper: ["bash", "-c", "\"$0\"\(pasted)"])
      XCTAssertEqual(replayed.status, 1, "\(format): \(pasted) \(replayed.errors)")
      XCTAssert(replayed.output.contains("allocation-set"), "\(format): \(replayed.output)")
    }
  }
}

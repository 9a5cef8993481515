// SPDX-License-Identifier: GPL-2.0-only
import KernelSource
import Reporting
import TestSupport
import XCTest

/// Patches that leak a page and try to be called clean. In plain form: exit 1.
final class ForgedVerdictTests: EndToEndTestCase {
  private static let special = "mmu_alloc_special_roots"
  private static let free = "free_page((unsigned long)pae_root);"
  /// A byte that is no UTF-8, as a test's edit spells it.
  private static let byte = "\u{10FFE9}"

  private func edit(_ change: KernelEdit.Change) -> KernelEdit {
    KernelEdit(Self.mmu, in: Self.special, change)
  }

  private func check(_ edits: [KernelEdit]) async throws -> Tool.Run {
    let tree = try await kernel()
    let patch = try await patch("forged.patch", edits, of: tree)
    return try await kshim("check", "--kernel", tree.spec, "--patch", patch)
  }

  private func isFound(
    _ edits: [KernelEdit], file: StaticString = #filePath, line: UInt = #line
  ) async throws {
    let ran = try await check(edits)
    XCTAssertEqual(ran.status, 1, ran.output + ran.errors, file: file, line: line)
    XCTAssert(
      ran.output.contains("leak") && ran.output.contains("introduced by the patch"), ran.output,
      file: file, line: line)
  }

  /// The page is freed where a condition of the preprocessor holds, which it does in no kernel.
  private func freed(where condition: String) -> [KernelEdit] {
    [edit(.replace(Self.free, with: "\n#if \(condition)\n\(Self.free)\n#endif\n"))]
  }

  func test_theLeakItself_isFound() async throws {
    try await isFound([edit(.replace(Self.free, with: ";"))])
  }

  func test_bytesThatAreNoUTF8_changeNothing() async throws {
    let comment = KernelEdit(
      Self.mmu, .insertBefore("static int \(Self.special)(", "/* Andr\(Self.byte) */"))
    let ran = try await check([comment])
    XCTAssertEqual(ran.status, 0, ran.output + ran.errors)
    try await isFound([comment, edit(.replace(Self.free, with: ";"))])
  }

  /// Offsets that count characters would take a clean copy of the function for it.
  func test_bytesThatWouldShiftOffsets_hideNothing() async throws {
    let tree = try await kernel()
    let text = try String(contentsOfFile: "\(tree.directory)/\(Self.mmu)", encoding: .utf8)
    let start = try XCTUnwrap(text.range(of: "static int \(Self.special)(")).lowerBound
    let end = try XCTUnwrap(text.range(of: "\n}\n", range: start..<text.endIndex)).upperBound
    let size = text[start..<end].utf8.count
    try await isFound([
      KernelEdit(Self.mmu, in: Self.special, .append("#if 0\n\(text[start..<end])#endif")),
      edit(.replace(Self.free, with: ";")),
      KernelEdit(
        Self.mmu,
        .insertBefore(
          "static int \(Self.special)(",
          "/*" + String(repeating: Self.byte, count: size / 2) + "*/")),
    ])
  }

  func test_whatKshimDefines_isNotSeen() async throws {
    let conditions = [
      "defined(KSHIM_RUNTIME_H)", "defined(KSHIM_ASM_BUG_H)", "defined(KSHIM_LINUX_LOCKDEP_H)",
      "defined(__SANITIZE_ADDRESS__)",
      "__has_feature(address_sanitizer) || __has_feature(coverage_sanitizer)",
    ]
    try await isFound(freed(where: conditions.joined(separator: " || ")))
  }

  func test_nameOfTheModule_isTheKernels() async throws {
    try await isFound([
      edit(.replace(Self.free, with: "if (KBUILD_MODNAME[1] == 's') \(Self.free)"))
    ])
    try await isFound([
      edit(
        .replace(
          Self.free,
          with: "if (__builtin_strcmp(KBUILD_MODNAME, \"kvm\") || "
            + "__builtin_strcmp(KBUILD_BASENAME, \"mmu\")) \(Self.free)"))
    ])
  }

  /// What nothing can watch is not run, wherever the word for it comes from.
  func test_assemblyAndItsLike_areNotRunUnlessAllowed() async throws {
    let ends = "asm volatile(\"syscall\" : : \"a\"(231), \"D\"(0));"
    let cases = [
      ("inline assembly", "--allow asm", [edit(.replace(Self.free, with: ends))]),
      ("inline assembly", "--allow asm", [edit(.replace(Self.free, with: "a\\\nsm(\"nop\");"))]),
      (
        "inline assembly", "--allow asm",
        [
          KernelEdit(
            "arch/x86/kvm/mmu.h",
            .insertAfter("#include <linux/kvm_host.h>", "#define CLEAN() \(ends)")),
          edit(.replace(Self.free, with: "CLEAN();")),
        ]
      ),
      (
        "a section attribute", "--allow section",
        [
          edit(
            .replace(
              Self.free,
              with: "static int one __attribute__((section(\"other\"))); one = 1;"))
        ]
      ),
    ]
    for (kind, option, edits) in cases {
      let ran = try await check(edits)
      XCTAssertEqual(ran.status, 3, ran.output + ran.errors)
      XCTAssert(ran.errors.contains("the patch brings \(kind)"), ran.errors)
      XCTAssert(ran.errors.contains(option), ran.errors)
    }
  }

  func test_allowedAssembly_isRunAndTold() async throws {
    let tree = try await kernel()
    let patch = try await patch(
      "asm.patch",
      [
        edit(.insertBefore(Self.free, "asm volatile(\"nop\");")),
        edit(.replace(Self.free, with: ";")),
      ],
      of: tree)
    for _ in 0..<2 {
      let ran = try await kshim(
        "check", "--kernel", tree.spec, "--patch", patch, "--allow", "asm")
      XCTAssertEqual(ran.status, 1, ran.output + ran.errors)
      XCTAssert(
        ran.output.contains("this patch contains inline assembly (\(Self.mmu):"), ran.output)
      XCTAssert(ran.output.contains("--allow asm"), ran.output)
    }
    // What was kept for those who allow it is not for others.
    let ran = try await kshim("check", "--kernel", tree.spec, "--patch", patch)
    XCTAssertEqual(ran.status, 3, ran.output + ran.errors)
  }

  /// Assembly in a function that is not run is only told.
  func test_assemblyElsewhere_isTold() async throws {
    let tree = try await kernel()
    let patch = try await patch(
      "else.patch",
      [
        KernelEdit(
          Self.mmu, in: Self.special,
          .append("static void __maybe_unused other_one(void)\n{\n\tasm volatile(\"nop\");\n}"))
      ], of: tree)
    let ran = try await kshim(
      "check", "--kernel", tree.spec, "--subject", "kvm-mmu-roots", "--patch", patch)
    XCTAssertEqual(ran.status, 0, ran.output + ran.errors)
    XCTAssert(ran.output.contains("this patch contains inline assembly"), ran.output)
  }

  /// What a patch only moves was there before.
  func test_assemblyThatMoves_isNotNew() async throws {
    let tree = try await kernel()
    let one = "static void __maybe_unused other_one(void)\n{\n\tasm volatile(\"nop\");\n}"
    let own = try await copy(of: tree)
    let path = "\(own)/\(Self.mmu)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try (text + "\n" + one + "\n").write(toFile: path, atomically: false, encoding: .utf8)
    let moved = try await store.resolve(own)
    let patch = try await patch(
      "move.patch",
      [
        KernelEdit(
          Self.mmu, in: Self.special,
          .insertAfter("struct kvm_mmu *mmu", "\tasm volatile(\"nop\");"))
      ], of: moved)
    let ran = try await kshim(
      "check", "--kernel", own, "--subject", "kvm-mmu-roots", "--patch", patch)
    XCTAssertFalse(ran.errors.contains("the patch brings"), ran.errors)
    XCTAssertFalse(ran.output.contains("this patch contains"), ran.output)
    // A line that was there hides none that was not.
    let other = try await self.patch(
      "other.patch",
      [
        KernelEdit(
          Self.mmu, in: "other_one",
          .replace("asm volatile(\"nop\");", with: "asm volatile(\n\"nop\");"))
      ], of: moved)
    let applied = try await shellPatched(own, other)
    let third = try await self.patch(
      "third.patch",
      [
        KernelEdit(
          Self.mmu, in: Self.special,
          .insertAfter("struct kvm_mmu *mmu", "\tasm volatile(\n\"syscall\");"))
      ], of: applied)
    let refused = try await kshim(
      "check", "--kernel", own, "--subject", "kvm-mmu-roots", "--patch", third)
    XCTAssertEqual(refused.status, 3, refused.output + refused.errors)
    XCTAssert(refused.errors.contains("the patch brings inline assembly"), refused.errors)
  }

  private func shellPatched(_ own: String, _ patch: String) async throws -> KernelTree {
    try await shell("git apply '\(patch)'", in: own)
    return try await store.resolve(own)
  }

  /// A process that ends before there is a verdict is no success, whatever it says.
  func test_endOfTheProcess_isNoVerdict() async throws {
    let tree = try await kernel()
    for status in [0, 1] {
      let patch = try await patch(
        "exit.patch",
        [
          edit(
            .insertBefore(
              Self.free, "asm volatile(\"syscall\" : : \"a\"(231), \"D\"(\(status)));"))
        ], of: tree)
      let ran = try await kshim(
        "check", "--kernel", tree.spec, "--patch", patch, "--allow", "asm", "--no-jail")
      XCTAssertEqual(ran.status, 3, ran.output + ran.errors)
      XCTAssert(ran.errors.contains("ended by itself"), ran.errors)
    }
  }

  /// What was started behind kshim's back ends with it.
  func test_processThatOutlivesItsMaker_isEnded() async throws {
    let tree = try await kernel()
    let forks = """
      long pid; asm volatile("syscall" : "=a"(pid) : "a"(57) : "rcx", "r11", "memory");
      if (!pid) for (;;) asm volatile("syscall" : "=a"(pid) : "a"(34) : "rcx", "r11", "memory");
      \(Self.free)
      """
    let patch = try await patch("fork.patch", [edit(.replace(Self.free, with: forks))], of: tree)
    let began = ContinuousClock.now
    let ran = try await kshim("check", "--kernel", tree.spec, "--patch", patch, "--allow", "asm")
    XCTAssertNotEqual(ran.status, 4, ran.output + ran.errors)
    XCTAssertLessThan(began.duration(to: .now), .seconds(60))
    let left = try await Command.script(
      "pgrep -f \"[c]heck --kernel .*$1\" || true", [patch], needs: ["pgrep"])
    XCTAssertEqual(left.outputText, "")
  }

  /// Neither its words nor its size come through.
  func test_filesOutsideOfTheTree_areNotRead() async throws {
    let secret = try write("secret words;\n", "secret.h")
    let up = String(repeating: "../", count: 20)
    for line in [
      "#define TEXT(x) #x\n#define FILE(x) TEXT(x)\n#include FILE(\(secret))",
      "#include \"\(secret)\"", "#include \"/dev/zero\"", "# include <\(secret)>",
      "#include \"\(up)dev/zero\"", "#define FILE \"\(secret)\"\n#include FILE",
      "#incl\\\nude \"\(secret)\"", "static const char data[] = {\n#embed \"\(secret)\"\n};",
    ] {
      let ran = try await check([
        KernelEdit(Self.mmu, .insertBefore("static int \(Self.special)(", line))
      ])
      XCTAssertEqual(ran.status, 3, line + ran.output + ran.errors)
      XCTAssert(ran.errors.contains("of the kernel's tree"), line + ran.errors)
      XCTAssertFalse((ran.output + ran.errors).contains("secret words"), ran.errors)
    }
  }

  /// A message of the assembler would show it.
  func test_filesThatAssemblyIncludes_areNotShown() async throws {
    let secret = try write("secretword words\n", "secret.s")
    let tree = try await kernel()
    let patch = try await patch(
      "include.patch",
      [edit(.insertBefore(Self.free, "asm(\".include \\\"\(secret)\\\"\");"))], of: tree)
    let asked = ["check", "--kernel", tree.spec, "--patch", patch, "--allow", "asm"]
    let jailed = try await kshim(asked)
    XCTAssertEqual(jailed.status, 3, jailed.output + jailed.errors)
    XCTAssertFalse((jailed.output + jailed.errors).contains("secretword"), jailed.errors)
    let ran = try await kshim(asked + ["--no-jail"])
    XCTAssertEqual(ran.status, 3, ran.output + ran.errors)
    XCTAssert(ran.errors.contains("no file of the kernel's tree"), ran.errors)
    XCTAssert(ran.errors.contains("\(secret):1"), ran.errors)
    XCTAssertFalse((ran.output + ran.errors).contains("secretword"), ran.errors)
  }

  /// What the compiler would crash on is not handed to it; of what it crashes on all the same nobody
  /// sees its last words.
  func test_compilerThatCrashes_isNoVerdict() async throws {
    let deep = String(repeating: "(", count: 60_000) + "1" + String(repeating: ")", count: 60_000)
    let loops = String(repeating: "for (;;) ", count: 30_000)
    let tooDeep = "more than 256 brackets stand in one another"
    let directive = "the patch has a directive that debugs the compiler"
    for (text, cause) in [
      ("int deep = \(deep);", tooDeep),
      ("int deep = \(String(repeating: "- ", count: 60_000))1;", "no comma, semicolon or brace"),
      ("#pragma clang __debug crash", directive), ("#pra\\\ngma clang __debug dump x", directive),
      ("_Pragma(\"clang __debug overflow_stack\")", directive),
      ("#define DO(x) _Pragma(#x)\nDO(clang __debug crash)", directive),
      ("static void __maybe_unused deep(void) { \(loops); }", "remedy: look in the patch for what"),
    ] {
      let ran = try await check([
        KernelEdit(Self.mmu, .insertBefore("static int \(Self.special)(", text))
      ])
      XCTAssertEqual(ran.status, 3, ran.output + ran.errors)
      XCTAssert(ran.errors.contains(cause), ran.errors)
      XCTAssert(ran.errors.hasPrefix("kshim: cannot "), ran.errors)
      XCTAssertLessThan(ran.errors.utf8.count, 2000, ran.errors)
    }
  }

  func test_namesOfKshim_areRefusedWithTheirLine() async throws {
    let cases = [
      ("KSHIM_PREAMBLE", freed(where: "defined(KSHIM_PREAMBLE)")),
      ("kshim_runtime", freed(where: "__has_include(<kshim_runtime.h>)")),
      ("KSHIM_PREAMBLE", freed(where: "defined(KSH\\\nIM_PREAMBLE)")),
      (
        "kshim_free",
        [edit(.replace(Self.free, with: "kshim_free((unsigned long)pae_root, 0, 4096, 0);"))]
      ),
    ]
    for (name, edits) in cases {
      let ran = try await check(edits)
      XCTAssertEqual(ran.status, 3, ran.output + ran.errors)
      XCTAssert(ran.errors.contains("'\(name)' is a name of kshim's own"), ran.errors)
      XCTAssert(ran.errors.contains("\(Self.mmu):"), ran.errors)
    }
  }
}

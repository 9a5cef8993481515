// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Failures
import Foundation
import KernelSource
import TestSupport
import XCTest

/// Patches that must simply work.
final class PatchedTests: ExtractionTestCase {
  private func build(_ extraction: Extraction) async throws {
    _ = try await SharedObject.build(
      extraction, counting: false, installation: installation,
      into: "\(scratch)/a.so")
  }

  func test_newStaticHelper_isExtractedAlong() async throws {
    let extraction = try await extract(
      kernel(),
      [
        KernelEdit(
          Self.mmu, .insertBefore("\(Self.special)(", "static int kshim_new_helper(int a);")),
        KernelEdit(
          Self.mmu, in: Self.special, .append("static int kshim_new_helper(int a) { return a; }")),
        KernelEdit(
          Self.mmu, in: Self.special,
          .replace("return -EIO", with: "return kshim_new_helper(-EIO)")),
      ])
    let unit = try lines("\(out)/unit.c")
    let helper = try XCTUnwrap(
      extraction.provenance.functions.first { $0.name == "kshim_new_helper" })
    XCTAssertEqual(helper.firstLine, helper.lastLine)
    XCTAssert(unit.contains("#line \(helper.firstLine) \"\(Self.mmu)\""))
    XCTAssertEqual(extraction.touched[Self.mmu]?.count, 3)
    try await build(extraction)
  }

  func test_helpersWithTheirOwnMacroTypeAndVariable_areExtractedAlong() async throws {
    let extraction = try await extract(
      kernel(),
      [
        KernelEdit(
          Self.mmu,
          .insertBefore(
            "\(Self.special)(",
            """
            #define KSHIM_NEW_INNER(x) (x)
            #define KSHIM_NEW_OUTER(x) \\
            \tKSHIM_NEW_INNER(x)
            #define KSHIM_NEW_PAIR(n) \\
            \tstatic int n##_a(int v) { return KSHIM_NEW_OUTER(v); } \\
            \tstatic int n##_b(int v) { return n##_a(v) + kshim_new_count; }
            struct kshim_new_type { int value; };
            static int kshim_new_count __read_mostly, kshim_new_other = 1;
            KSHIM_NEW_PAIR(kshim_new)
            #ifdef CONFIG_X86_64
            static __always_inline
            int kshim_new_last(struct kshim_new_type *t)
            #else
            static int kshim_new_last(int *t)
            #endif
            {
            #ifdef KSHIM_NEW_OUTER
            \treturn kshim_new_b(t->value);
            #else
            #error "a macro is missing"
            #endif
            }
            """)),
        KernelEdit(
          Self.mmu, in: Self.special,
          .replace(
            "return -EIO", with: "return kshim_new_last(&(struct kshim_new_type){ -EIO })")),
      ])
    let names = extraction.provenance.functions.map(\.name)
    for name in ["kshim_new_a", "kshim_new_b", "kshim_new_last"] { XCTAssert(names.contains(name)) }
    try await build(extraction)
  }

  func test_functionDefinedTwiceUnderIfdef_isTakenAsTheKernelBuildsIt() async throws {
    let extraction = try await extract(
      kernel(),
      [
        KernelEdit(
          Self.mmu,
          .insertBefore(
            "\(Self.special)(",
            """
            #ifndef CONFIG_X86_64
            static int kshim_twice(void) { return kshim_nowhere(); }
            #else
            __maybe_unused static noinline
            int kshim_twice(void)
            {
            \treturn -EIO;
            }
            EXPORT_SYMBOL_GPL(kshim_twice);
            #endif
            """)),
        KernelEdit(
          Self.mmu, in: Self.special, .replace("return -EIO", with: "return kshim_twice()")),
      ])
    let twice = try XCTUnwrap(extraction.provenance.functions.first { $0.name == "kshim_twice" })
    XCTAssertEqual(twice.lastLine - twice.firstLine, 4)
    let unit = try String(contentsOfFile: "\(out)/unit.c", encoding: .utf8)
    XCTAssertFalse(unit.contains("kshim_nowhere"))
    XCTAssertFalse(unit.contains("EXPORT_SYMBOL_GPL(kshim_twice)"))
    try await build(extraction)
  }

  func test_newFieldInAHeader_isUsed() async throws {
    let header = "arch/x86/include/asm/kvm_host.h"
    let extraction = try await extract(
      kernel(),
      [
        KernelEdit(header, .insertAfter("u64 *pml5_root;", "\tu64 *kshim_new_root;")),
        KernelEdit(
          Self.mmu, in: "free_mmu_pages", .insertAfter("pml5_root", "\tmmu->kshim_new_root = NULL;")
        ),
      ])
    XCTAssert(extraction.provenance.files.keys.contains(header))
    let preprocessed = try String(contentsOfFile: "\(out)/unit.i", encoding: .utf8)
    XCTAssert(preprocessed.contains("u64 *kshim_new_root;"))
    XCTAssertFalse(preprocessed.contains("kshim-revision"))
    try await build(extraction)
  }

  func test_newHeaderOfThePatch_isIncluded() async throws {
    let tree = try await kernel()
    let edits = [
      KernelEdit(
        Self.mmu, .insertBefore("#include <asm/page.h>", "#include <linux/kshim_new/deep.h>")),
      KernelEdit(
        Self.mmu, in: Self.special, .replace("return -EIO", with: "return KSHIM_DEEP")),
    ]
    let added = """
      diff --git a/include/linux/kshim_new/deep.h b/include/linux/kshim_new/deep.h
      new file mode 100644
      --- /dev/null
      +++ b/include/linux/kshim_new/deep.h
      @@ -0,0 +1 @@
      +#define KSHIM_DEEP (-EIO)

      """
    let patches = [
      try await KernelEdit.patch(edits, of: tree),
      PatchFile(name: "added.patch", content: Data(added.utf8)),
    ]
    try await build(extract(tree, patches))
  }

  func test_patchOfAnotherFile_changesNoText() async throws {
    let tree = try await kernel()
    let before = try await extract(tree).provenance
    let extraction = try await extract(
      tree,
      [KernelEdit("virt/kvm/kvm_main.c", .insertAfter("#include <kvm/iodev.h>", "/* kshim */"))])
    XCTAssertNil(extraction.touched[Self.mmu])
    XCTAssertEqual(extraction.provenance.textSHA256, before.textSHA256)
    XCTAssertEqual(extraction.provenance.functions, before.functions)
  }
}

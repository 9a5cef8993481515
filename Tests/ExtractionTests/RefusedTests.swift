// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Failures
import Foundation
import KernelSource
import TestSupport
import XCTest

/// Kernels and patches that cannot be extracted, and what the reader is told.
final class RefusedTests: ExtractionTestCase {
  private static let insert = KernelEdit(
    mmu, .insertBefore("static int \(special)(", "\n\n\n/* shifts what follows */\n"))

  /// Makes the special roots' first error path run a statement, behind a patch that shifts lines.
  private func patched(_ statement: String, _ more: [KernelEdit] = []) async throws -> Failure {
    let tree = try await kernel()
    let edits =
      [Self.insert] + more + [
        KernelEdit(
          Self.mmu, in: Self.special, .insertAfter("return -EIO", "\(statement) /* kshim */"))
      ]
    let patch = try await KernelEdit.patch(edits, of: tree)
    let revision = try await store.revision(tree: tree, patches: [patch])
    let text = try XCTUnwrap(revision.path(of: Self.mmu))
    let line = try lineNumber(of: "/* kshim */", in: text)
    let error = try await failure(.build) { try await extract(tree, [patch]) }
    XCTAssertEqual(error.place, "\(Self.mmu):\(line)", error.description)
    return error
  }

  func test_kernelWithoutTheFunction_isARequestFailure() async throws {
    let tree = try await kernel("debian:5.10")
    let error = try await failure(.request) { try await extract(tree) }
    XCTAssertEqual(
      error.cause, "there is no function \(Self.special) in \(Self.mmu) of Linux \(tree.version)")
    XCTAssertEqual(error.place, Self.mmu)
    XCTAssert(error.remedy.contains("5.13"), error.remedy)
  }

  func test_kernelWithoutTheSource_isARequestFailure() async throws {
    let tree = try await copy(of: kernel())
    try FileManager.default.removeItem(atPath: "\(tree.directory)/\(Self.mmu)")
    let error = try await failure(.request) { try await extract(tree) }
    XCTAssertEqual(error.cause, "this kernel has no \(Self.mmu)")
  }

  func test_patchThatRemovesATarget_isSaidToDoSo() async throws {
    let tree = try await kernel()
    let error = try await failure(.request) {
      try await extract(
        tree,
        [
          KernelEdit(Self.mmu, in: Self.special, .become("")),
          KernelEdit(Self.mmu, .replace("\(Self.special)(vcpu)", with: "0")),
        ])
    }
    XCTAssertEqual(error.cause, "the patch takes the function \(Self.special) out of \(Self.mmu)")
  }

  func test_sourceTruncatedInTheMiddleOfATarget_isABuildFailureAtItsEnd() async throws {
    let tree = try await copy(of: kernel())
    let path = "\(tree.directory)/\(Self.mmu)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let start = try XCTUnwrap(text.range(of: "static int \(Self.special)(")).upperBound
    let cut = try XCTUnwrap(text.range(of: "return -EIO", range: start..<text.endIndex)).upperBound
    try text[..<cut].write(toFile: path, atomically: false, encoding: .utf8)
    let lines = try lines(path).count
    let error = try await failure(.build) { try await extract(tree) }
    XCTAssertEqual(error.place, "\(Self.mmu):\(lines)", error.description)
    XCTAssertEqual(error.remedy, "check that the tree is complete")
  }

  func test_sourceTruncatedInsideTheFirstTargetsIfdef_isABuildFailure() async throws {
    let tree = try await copy(of: kernel())
    let path = "\(tree.directory)/\(Self.mmu)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let start = try XCTUnwrap(text.range(of: "static int \(Self.special)(")).lowerBound
    try (text[..<start] + "#ifdef CONFIG_X86_64\n/* open").write(
      toFile: path, atomically: false, encoding: .utf8)
    let error = try await failure(.build) { try await extract(tree) }
    XCTAssert(error.place?.hasPrefix("\(Self.mmu):") == true, error.description)
    XCTAssert(error.cause.contains("unterminated"), error.description)
  }

  func test_syntaxError_isToldAtTheKernelsOwnLine() async throws {
    let error = try await patched("\treturn -EIO +;")
    XCTAssert(error.cause.contains("expected expression"), error.description)
    XCTAssertEqual(error.remedy, "mend the patch at that line")
  }

  func test_syntaxErrorInAHeader_isToldAtTheHeadersLine() async throws {
    let header = "arch/x86/include/asm/kvm_host.h"
    let tree = try await kernel()
    let patch = try await KernelEdit.patch(
      [KernelEdit(header, .insertAfter("u64 *pml5_root;", "\tu64 *kshim_new_root"))], of: tree)
    let line = try lineNumber(of: "u64 *pml5_root;", in: "\(tree.directory)/\(header)") + 1
    let error = try await failure(.build) { try await extract(tree, [patch]) }
    XCTAssertEqual(error.place, "\(header):\(line)", error.description)
  }

  func test_callOfAnotherFilesFunction_isNamedWithWhatToAdd() async throws {
    let error = try await patched("\tkvm_sigset_activate(vcpu);")
    XCTAssertEqual(
      error.cause,
      "\(Self.special) calls kvm_sigset_activate(), which is neither extracted nor boundary")
    XCTAssert(error.remedy.hasPrefix("add 'kvm_sigset_activate: {returns: [0]}'"), error.remedy)
    XCTAssertEqual(error.evidence, [])
  }

  func test_callThroughANewHelper_isToldWithItsChain() async throws {
    let tree = try await kernel()
    let edits = [
      KernelEdit(
        Self.mmu,
        .insertBefore(
          "static int \(Self.special)(",
          """
          static void kshim_new_helper(struct kvm_vcpu *vcpu)
          {
          \tkvm_sigset_activate(vcpu);
          }
          """)),
      KernelEdit(
        Self.mmu, in: Self.special, .insertAfter("return -EIO", "\tkshim_new_helper(vcpu);")),
    ]
    let error = try await failure(.build) { try await extract(tree, edits) }
    let first = try lineNumber(of: "int \(Self.special)(", in: "\(tree.directory)/\(Self.mmu)")
    XCTAssertEqual(error.place, "\(Self.mmu):\(first + 2)")
    XCTAssertEqual(error.evidence.count, 2, error.description)
    XCTAssertEqual(
      error.evidence.first,
      "kvm_sigset_activate, called at \(Self.mmu):\(first + 2) by kshim_new_helper")
    XCTAssert(
      error.evidence.last?.hasPrefix("kshim_new_helper, called by \(Self.special) (") == true,
      error.description)
  }

  func test_callThroughAnInlineFunctionOfAHeader_isToldWithItsChain() async throws {
    let error = try await patched(
      "\tkshim_inline(vcpu);",
      [
        KernelEdit(
          "arch/x86/kvm/mmu.h",
          .insertBefore(
            "kvm_mmu_max_gfn(void)",
            "static inline void kshim_inline(void *p) {kmem_dump_obj(p);}"),
          occurrence: 1)
      ])
    XCTAssertEqual(
      error.cause, "\(Self.special) needs kmem_dump_obj, which is neither extracted nor boundary")
    XCTAssert(
      error.evidence.contains { $0.hasPrefix("kmem_dump_obj, used at arch/x86/kvm/mmu.h:") },
      error.description)
  }

  func test_useOfAnotherFilesVariable_isNamedWithWhatToAdd() async throws {
    let error = try await patched("\tif (sysctl_user_reserve_kbytes) return 0;")
    XCTAssert(
      error.cause.contains("uses the variable sysctl_user_reserve_kbytes"), error.description)
    XCTAssert(error.remedy.contains("under 'variables:'"), error.remedy)
  }

  func test_allThatIsMissing_isToldAtOnce() async throws {
    let tree = try await kernel()
    let edits = [
      KernelEdit(
        "arch/x86/kvm/mmu.h",
        .insertBefore(
          "kvm_mmu_max_gfn(void)",
          "static inline void kshim_inline(void *p) {kmem_dump_obj(p);}")),
      KernelEdit(
        Self.mmu,
        .insertBefore(
          "static int \(Self.special)(",
          """
          static void kshim_new_helper(struct kvm_vcpu *vcpu)
          {
          \tkvm_sigset_deactivate(vcpu);
          }
          """)),
      KernelEdit(
        Self.mmu, in: Self.special,
        .insertAfter(
          "return -EIO",
          """
          \tkvm_sigset_activate(vcpu); /* one */
          \tkshim_new_helper(vcpu);
          \tkvm_sigset_activate(vcpu);
          \tkshim_inline(vcpu);
          \tif (sysctl_user_reserve_kbytes) return 0; /* two */
          """)),
    ]
    let patch = try await KernelEdit.patch(edits, of: tree)
    let revision = try await store.revision(tree: tree, patches: [patch])
    let text = try XCTUnwrap(revision.path(of: Self.mmu))
    let (one, two) = (
      try lineNumber(of: "/* one */", in: text), try lineNumber(of: "/* two */", in: text)
    )
    let error = try await failure(.build) { try await extract(tree, [patch]) }
    XCTAssertEqual(
      error.cause,
      "\(Self.special) calls kvm_sigset_activate(), which is neither extracted nor boundary, and 3 others are"
        + " missing too")
    XCTAssertEqual(error.place, "\(Self.mmu):\(one)")
    let told = error.evidence.filter { !$0.hasPrefix(" ") }
    XCTAssertEqual(
      told.map { String($0.prefix { $0 != "(" && $0 != "," }) }.sorted(),
      [
        "kmem_dump_obj", "kvm_sigset_activate", "kvm_sigset_deactivate",
        "the variable sysctl_user_reserve_kbytes",
      ],
      error.description)
    XCTAssert(
      told.contains(
        "the variable sysctl_user_reserve_kbytes, used at \(Self.mmu):\(two) by \(Self.special)"),
      error.description)
    XCTAssert(
      told.contains {
        $0.hasPrefix("kvm_sigset_deactivate(), called at") && $0.hasSuffix("kshim_new_helper")
      },
      error.description)
    XCTAssert(
      error.remedy.contains("sysctl_user_reserve_kbytes under 'variables:'"), error.description)
    XCTAssert(
      error.remedy.contains("kmem_dump_obj under 'boundary:' or 'variables:'"), error.description)
  }

  func test_undeclaredFunction_isAnErrorAsInTheKernelsBuild() async throws {
    let error = try await patched("\tkshim_no_such_function(vcpu);")
    XCTAssert(error.cause.contains("kshim_no_such_function"), error.description)
  }

  func test_whatTheKernelsBuildRefuses_isRefused() async throws {
    for (statement, word) in [
      ("\tmmu->pml5_root = 5;", "integer to pointer"),
      ("\tmmu->pml5_root = vcpu;", "incompatible pointer types"),
      ("\treturn;", "should return a value"),
      ("\tstatic kshim_implicit;", "type specifier missing"),
      ("\tkshim_undeclared++;", "undeclared identifier"),
      ("\tBUILD_BUG_ON(sizeof(*mmu) > 1);", "BUILD_BUG_ON failed"),
      ("\tstatic_assert(sizeof(*mmu) == 1);", "static assertion failed"),
    ] {
      let error = try await patched(statement)
      XCTAssert(error.cause.contains(word), error.description)
      XCTAssertEqual(error.remedy, "mend the patch at that line", statement)
    }
  }

  func test_headerThatThePatchDeletesButUses_isABuildFailure() async throws {
    let tree = try await kernel()
    let header = "arch/x86/kvm/mmu/spte.h"
    let text = try String(contentsOfFile: "\(tree.directory)/\(header)", encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    let removal =
      "--- a/\(header)\n+++ /dev/null\n@@ -1,\(lines.count) +0,0 @@\n"
      + lines.map { "-\($0)\n" }.joined()
    let patch = PatchFile(name: "delete.patch", content: Data(removal.utf8))
    let error = try await failure(.build) { try await extract(tree, [patch]) }
    XCTAssert(error.cause.contains("'spte.h' file not found"), error.description)
    XCTAssert(try XCTUnwrap(error.place).hasPrefix("arch/x86/kvm/mmu/"), error.description)
  }

  func test_failure_leavesAnEarlierExtractionAlone() async throws {
    let tree = try await kernel()
    let before = try await extract(tree)
    _ = try await patched("\tkvm_sigset_activate(vcpu);")
    _ = try await patched("\tBUILD_BUG_ON(sizeof(*mmu) > 1);")
    XCTAssertEqual(try Provenance.read(in: out), before.provenance)
  }
}

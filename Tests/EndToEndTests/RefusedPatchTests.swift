// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// Patches that do not apply or do not build.
final class RefusedPatchTests: EndToEndTestCase {
  /// Puts a statement into the subject's first error path. Returns the patch, and the line that the
  /// statement has in the patched file.
  private func patched(_ statement: String, _ tree: KernelTree) async throws -> (String, Int) {
    let marked = "\(statement) /* kshim */"
    let edit = Defect.edit(Defect.special, .insertAfter("return -EIO", marked))
    let text = try String(contentsOfFile: "\(tree.directory)/\(Self.mmu)", encoding: .utf8)
    return (
      try await patch("new.patch", [edit], of: tree),
      try lineNumber(of: "/* kshim */", in: edit.apply(to: text))
    )
  }

  func test_noSuchPatch_isAWrongRequest() async throws {
    let tree = try await kernel()
    let refusal = try await refused(
      2, "check", "--kernel", tree.directory, "--patch", "/no/such.patch")
    XCTAssert(refusal.cause.contains("/no/such.patch"), refusal.text)
  }

  func test_patchThatDoesNotApply_showsTheHunk() async throws {
    let tree = try await kernel()
    let patch = try write(
      """
      --- a/\(Self.mmu)
      +++ b/\(Self.mmu)
      @@ -40,2 +40,2 @@
       kshim_context
      -kshim_old
      +kshim_new

      """, "stale.patch")
    let refusal = try await refused(2, "check", "--kernel", tree.directory, "--patch", patch)
    XCTAssert(refusal.cause.contains("does not fit \(Self.mmu) at line 40"), refusal.text)
    XCTAssertEqual(refusal.place, "\(Self.mmu):40", refusal.text)
    for line in ["@@ -40,2 +40,2 @@", " kshim_context", "-kshim_old", "+kshim_new"] {
      XCTAssert(refusal.evidence.contains(line), refusal.text)
    }
  }

  func test_patchAppliedTwice_isNamed() async throws {
    let tree = try await kernel()
    let (patch, _) = try await patched("\treturn -EINVAL;", tree)
    let again = try write(String(contentsOfFile: patch, encoding: .utf8), "again.patch")
    let refusal = try await refused(
      2, "check", "--kernel", tree.directory, "--patch", patch, "--patch", again)
    XCTAssert(refusal.text.contains("again.patch"), refusal.text)
    XCTAssert(refusal.cause.contains("an earlier patch, \(patch), makes"), refusal.text)
  }

  func test_takeBeyondThePatches_saysHowManyThereAre() async throws {
    let tree = try await kernel()
    let (patch, _) = try await patched("\treturn -EINVAL;", tree)
    let refusal = try await refused(
      2, "check", "--kernel", tree.directory, "--patch", patch, "--take", "9")
    XCTAssert(refusal.cause.contains("only 1 patch"), refusal.text)
  }

  func test_syntaxError_isToldAtTheKernelsOwnLine() async throws {
    let tree = try await kernel()
    let (patch, line) = try await patched("\treturn -EIO +;", tree)
    let refusal = try await refused(3, "check", "--kernel", tree.directory, "--patch", patch)
    XCTAssertEqual(refusal.place, "\(Self.mmu):\(line)", refusal.text)
    XCTAssert(refusal.cause.contains("expected expression"), refusal.text)
    let replayed = try await refused(
      3, "replay", "--kernel", tree.directory, "--patch", patch,
      "\(Defect.special):shadow=4,guest=4,direct=0,tdp=1,tables=none,me=0:-")
    XCTAssertEqual(replayed.place, refusal.place)
    // What is wrong in the request is told before anything is compiled.
    let unknown = try await refused(
      2, "replay", "--kernel", tree.directory, "--patch", patch, "\(Defect.special):x=1:-")
    XCTAssert(unknown.cause.contains("there is no state 'x=1'"), unknown.text)
    let bisected = try await kshim(
      "check", "--kernel", tree.directory, "--patch", patch, "--bisect")
    XCTAssertEqual(bisected.status, 125)
    XCTAssertEqual(bisected.errors, refusal.text)
  }

  func test_callOfANewFunction_isNamedWithWhatToAdd() async throws {
    let tree = try await kernel()
    let (patch, line) = try await patched("\tkvm_sigset_activate(vcpu);", tree)
    let refusal = try await refused(3, "check", "--kernel", tree.directory, "--patch", patch)
    XCTAssert(refusal.cause.contains("kvm_sigset_activate()"), refusal.text)
    XCTAssertEqual(refusal.place, "\(Self.mmu):\(line)", refusal.text)
    XCTAssert(refusal.remedy.contains("add 'kvm_sigset_activate: {returns: [0]}'"), refusal.text)
    XCTAssert(refusal.remedy.contains("kvm-mmu-roots.yaml"), refusal.text)
  }
}

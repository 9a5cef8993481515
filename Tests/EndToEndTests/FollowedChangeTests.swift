// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// Patches that rename and move what the manifest names: judged as before, or told what to add.
final class FollowedChangeTests: EndToEndTestCase {
  private static let host = "arch/x86/include/asm/kvm_host.h"
  private static let intern = "arch/x86/kvm/mmu/mmu_internal.h"
  private static let folders = ["arch/x86/kvm", "arch/x86/include"]
  private static let roots = "arch/x86/kvm/mmu/roots.c"
  private static let tables = ["pae_root", "pml4_root", "pml5_root"]

  /// Checks edits, and says what was followed.
  @discardableResult
  private func check(
    _ edits: [KernelEdit], _ tree: KernelTree, exit: Int32 = 0, file: StaticString = #filePath,
    line: UInt = #line
  ) async throws -> Verdict {
    var arguments = ["check", "--kernel", tree.directory, "--format", "json"]
    if !edits.isEmpty { arguments += ["--patch", try await patch("edit.patch", edits, of: tree)] }
    let ran = try await kshim(arguments)
    XCTAssertEqual(ran.status, exit, ran.errors, file: file, line: line)
    return try verdict(ran, file: file, line: line)
  }

  private func isClean(
    _ edits: [KernelEdit], _ tree: KernelTree, followed: [String], file: StaticString = #filePath,
    line: UInt = #line
  ) async throws {
    let verdict = try await check(edits, tree, file: file, line: line)
    XCTAssertEqual(verdict.findings, [], file: file, line: line)
    XCTAssertEqual(verdict.notes, [], file: file, line: line)
    XCTAssertEqual(verdict.followed ?? [], followed, file: file, line: line)
    // As much is judged as without the patch.
    let released = try await check([], tree, file: file, line: line)
    XCTAssertEqual(
      verdict.exploration.scenarios, released.exploration.scenarios, file: file, line: line)
  }

  private func refuse(_ edits: [KernelEdit], _ tree: KernelTree, for causes: String...)
    async throws -> Refusal
  {
    let patch = try await patch("edit.patch", edits, of: tree)
    let refusal = try await refused(3, "check", "--kernel", tree.directory, "--patch", patch)
    for cause in causes { XCTAssert(refusal.text.contains(cause), refusal.text) }
    return refusal
  }

  private func renamed(_ old: String, _ new: String, _ tree: KernelTree) -> [KernelEdit] {
    KernelEdit.everywhere(
      old, below: Self.folders, of: tree, .replaceWord(old, with: new))
  }

  private func told(_ old: String, _ new: String) -> String {
    "the patch renames \(old) to \(new); it is told by its old name"
  }

  /// A field under another name: its uses and its declaration, not the variables of that name.
  private func renamedField(
    _ old: String, _ new: String, declared: String, in file: String, _ tree: KernelTree
  ) -> [KernelEdit] {
    KernelEdit.everywhere(old, below: Self.folders, of: tree, .replaceMember(old, with: new))
      + [KernelEdit(file, .replace(declared, with: declared.replacing(old, with: new)))]
  }

  // MARK: Renames

  /// Edits that are followed, and how that is told.
  private struct Followed {
    var edits: [KernelEdit]
    var told: String
  }

  /// All in one patch; where that is not clean, each in its own.
  private func areFollowed(_ all: [Followed], _ tree: KernelTree) async throws {
    let patch = try await patch("edit.patch", all.flatMap(\.edits), of: tree)
    let ran = try await kshim(
      "check", "--kernel", tree.directory, "--patch", patch, "--format", "json")
    let verdict = try? JSONDecoder().decode(Verdict.self, from: Data(ran.output.utf8))
    let released = try await check([], tree)
    if let verdict, verdict.findings.isEmpty, verdict.notes.isEmpty,
      (verdict.followed ?? []).sorted() == all.map(\.told).sorted(),
      verdict.exploration.scenarios == released.exploration.scenarios
    {
      return
    }
    for one in all { try await isClean(one.edits, tree, followed: [one.told]) }
    XCTFail("only together: \(verdict?.followed ?? [ran.errors])")
  }

  private func followed(_ old: String, as new: String, _ tree: KernelTree) -> Followed {
    Followed(edits: renamed(old, new, tree), told: told(old, new))
  }

  func test_whatIsRenamed_isFollowed() async throws {
    let tree = try await kernel()
    try await areFollowed(
      [
        // A target of this file alone, and one that other files call.
        followed(Defect.special, as: "kshim_alloc_tables", tree),
        followed(Defect.freeRoots, as: "kshim_drop_roots", tree),
        // A helper, a callee, a variable, a struct of the source file.
        followed(Defect.allocRoot, as: "kshim_one_root", tree),
        followed("make_mmu_pages_available", as: "kshim_make_room", tree),
        followed("tdp_mmu_enabled", as: "kshim_tdp", tree),
        followed("kvm_shadow_walk_iterator", as: "kshim_walk", tree),
        // A field, and one that the glue uses.
        Followed(
          edits: renamedField(
            "pml5_root", "l5_table", declared: "u64 *pml5_root;", in: Self.host, tree),
          told: "struct kvm_mmu has 'l5_table' for 'pml5_root'"),
        Followed(
          edits: renamedField("spt", "table", declared: "u64 *spt;", in: Self.intern, tree),
          told: "struct kvm_mmu_page has 'table' for 'spt'"),
      ], tree)
  }

  func test_renamedStruct_isFollowed() async throws {
    let tree = try await kernel()
    try await isClean(
      renamed("kvm_mmu", "kshim_paging", tree), tree, followed: [told("kvm_mmu", "kshim_paging")])
  }

  func test_severalRenamedFieldsOfOneType_areFollowed() async throws {
    let tree = try await kernel()
    let edits = Self.tables.flatMap {
      renamedField(
        $0, "\($0.prefix { $0 != "_" })_table", declared: "u64 *\($0);", in: Self.host, tree)
    }
    let verdict = try await check(edits, tree)
    XCTAssertEqual(verdict.findings, [])
    XCTAssertEqual(
      Set(verdict.followed ?? []),
      Set(
        Self.tables.map { "struct kvm_mmu has '\($0.prefix { $0 != "_" })_table' for '\($0)'" }))
  }

  /// The three tables in a struct of their own.
  private func grouped(_ tree: KernelTree, by access: String, _ declared: String) -> [KernelEdit] {
    Self.tables.flatMap { name in
      KernelEdit.everywhere(
        name, below: Self.folders, of: tree, .replaceMember(name, with: "tables\(access)\(name)"))
    } + [
      KernelEdit(Self.host, .insertBefore("u64 *pae_root;", declared)),
      KernelEdit(Self.host, .delete("u64 *pae_root;", through: "u64 *pml5_root;"), occurrence: 2),
    ]
  }

  func test_fieldsPutIntoAStruct_areFollowed() async throws {
    let tree = try await kernel()
    let fields = "u64 *pae_root;\n\t\tu64 *pml4_root;\n\t\tu64 *pml5_root;"
    let edits = grouped(tree, by: ".", "\tstruct {\n\t\t\(fields)\n\t} tables;")
    let verdict = try await check(edits, tree, exit: 3)
    XCTAssertEqual(verdict.findings, [])
    // Each of its runs reads a page table that nobody made.
    XCTAssertEqual(
      verdict.functions?.filter { $0.status == .notJudged }.map(\.function), ["kvm_mmu_sync_roots"])
    XCTAssertEqual(
      Set(verdict.followed ?? []),
      Set(Self.tables.map { "struct kvm_mmu has 'tables.\($0)' for '\($0)'" }))
  }

  func test_fieldsPutBehindAPointer_areToldWithWhatToAdd() async throws {
    let tree = try await kernel()
    let fields = "u64 *pae_root;\n\t\tu64 *pml4_root;\n\t\tu64 *pml5_root;"
    let refusal = try await refuse(
      grouped(tree, by: "->", "\tstruct {\n\t\t\(fields)\n\t} *tables;"), tree,
      for: "slot 'pae_root'",
      "the patch takes 'pae_root' out of struct kvm_mmu, and reaches 'pae_root' another way")
    XCTAssert(
      refusal.remedy.contains("add this kernel's spelling to slot 'pae_root'"), refusal.text)
  }

  /// A kernel may lack it, but a patch that only hides it takes nothing away.
  func test_optionalFieldPutBehindAPointer_isTold() async throws {
    let tree = try await kernel()
    let edits =
      KernelEdit.everywhere(
        "pml5_root", below: Self.folders, of: tree,
        .replaceMember("pml5_root", with: "more->pml5_root"))
      + [
        KernelEdit(
          Self.host, .replace("u64 *pml5_root;", with: "struct {\n\t\tu64 *pml5_root;\n\t} *more;"))
      ]
    _ = try await refuse(edits, tree, for: "slot 'pml5_root'")
  }

  func test_renamedCalleeWithOtherArguments_isToldWithWhatToAdd() async throws {
    let tree = try await kernel()
    let new = "kshim_make_room"
    let edits =
      renamed("make_mmu_pages_available", new, tree)
      + [
        KernelEdit(Self.mmu, .replaceWord("\(new)\\(vcpu", with: "\(new)(0, vcpu")),
        KernelEdit(Self.mmu, .replaceWord("\(new)\\(struct", with: "\(new)(int how, struct")),
      ]
    let refusal = try await refuse(
      edits, tree, for: "the patch renames make_mmu_pages_available(), as \(new)()")
    XCTAssert(refusal.remedy.contains("add a rule for \(new) under 'boundary:'"), refusal.text)
    XCTAssert(refusal.place?.contains("kvm-mmu-roots.yaml:") == true, refusal.text)
  }

  func test_defectBesideARename_isFound() async throws {
    let tree = try await kernel()
    let verdict = try await check(
      renamed(Defect.special, "kshim_alloc_tables", tree)
        + [
          KernelEdit(
            Self.mmu, in: "kshim_alloc_tables", .replace("goto err_pml5", with: "goto err_pml4"))
        ], tree, exit: 1)
    XCTAssertEqual(Set(verdict.findings.map(\.property)), ["leak", "lifecycle"])
    XCTAssert(verdict.findings.allSatisfy(\.introduced))
  }

  func test_defectBesideARenamedField_isFound() async throws {
    let tree = try await kernel()
    let verdict = try await check(
      renamedField("spt", "table", declared: "u64 *spt;", in: Self.intern, tree)
        + [KernelEdit(Self.mmu, in: Defect.special, .delete("mmu->pml5_root = pml5"))], tree,
      exit: 1)
    XCTAssert(verdict.findings.contains { $0.property == "leak" && $0.introduced })
  }

  // MARK: Moves

  private static let headers = """
    // SPDX-License-Identifier: GPL-2.0
    #include <linux/kvm_host.h>
    #include "mmu.h"
    #include "mmu_internal.h"
    #include "tdp_mmu.h"
    #include "spte.h"


    """

  /// Takes functions out of the source file, and declares them in its header.
  private func taken(_ names: [String], _ tree: KernelTree) throws -> (
    edits: [KernelEdit], text: String
  ) {
    var edits: [KernelEdit] = []
    var texts: [String] = []
    for name in names {
      let text = try KernelEdit.text(of: name, in: Self.mmu, of: tree)
      let open = String(text.dropFirst("static ".count))
      edits.append(KernelEdit(Self.mmu, in: name, .become("")))
      texts.append(open)
      let head = open[..<(try XCTUnwrap(open.range(of: "\n{")).lowerBound)]
      edits.append(KernelEdit(Self.intern, .insertBefore("#endif /* __KVM", "\(head);")))
    }
    return (edits, texts.joined(separator: "\n"))
  }

  func test_targetMovedToANewFile_isFollowed() async throws {
    let tree = try await kernel()
    let (edits, text) = try taken([Defect.special], tree)
    try await isClean(
      edits + [KernelEdit(Self.roots, .become(Self.headers + text))], tree,
      followed: ["\(Defect.special)() is read from \(Self.roots)"])
  }

  func test_targetsMovedWithAHelperOfTheirOwn_areFollowed() async throws {
    let tree = try await kernel()
    let (edits, text) = try taken([Defect.special, Defect.freePages], tree)
    let helper = "static void put_table(u64 *t)\n{\n\tfree_page((unsigned long)t);\n}\n\n"
    let used = text.replacing(
      /free_page\(\(unsigned long\)mmu->(\w+)\)/, with: { "put_table(mmu->\($0.1))" })
    XCTAssertNotEqual(text, used)
    let verdict = try await check(
      edits + [KernelEdit(Self.roots, .become(Self.headers + helper + used))], tree)
    XCTAssertEqual(verdict.findings, [])
  }

  func test_targetMovedToAHeader_isFollowed() async throws {
    let tree = try await kernel()
    try await isClean(
      inHeader(KernelEdit.text(of: Defect.special, in: Self.mmu, of: tree)), tree,
      followed: ["\(Defect.special)() is read from \(Self.intern)"])
  }

  private func inHeader(_ text: String) -> [KernelEdit] {
    let inline = "static inline " + text.dropFirst("static ".count)
    return [
      KernelEdit(Self.mmu, in: Defect.special, .become("")),
      KernelEdit(
        Self.intern,
        .insertBefore("#endif /* __KVM", "#include \"mmu.h\"\n#include \"spte.h\"\n\(inline)")),
    ]
  }

  func test_helperMovedToAnotherFile_isFollowed() async throws {
    let tree = try await kernel()
    let (edits, text) = try taken([Defect.allocRoot], tree)
    let callee = "kvm_mmu_get_shadow_page"
    let head = try KernelEdit.text(of: callee, in: Self.mmu, of: tree)
    let open = String(head[..<(try XCTUnwrap(head.range(of: "\n{")).lowerBound)].dropFirst(7))
    try await isClean(
      edits
        + [
          KernelEdit("arch/x86/kvm/mmu/spte.c", .append("\n" + text)),
          KernelEdit(
            Self.mmu,
            .replace(String(head.prefix { $0 != "(" }), with: String(open.prefix { $0 != "(" }))),
          KernelEdit(Self.intern, .insertBefore("#endif /* __KVM", "\(open);")),
        ], tree, followed: ["\(Defect.allocRoot)() is read from arch/x86/kvm/mmu/spte.c"])
  }

  func test_sourceFileUnderAnotherName_isFollowed() async throws {
    let tree = try await kernel()
    let other = "arch/x86/kvm/mmu/core.c"
    let patch = try write(
      """
      diff --git a/\(Self.mmu) b/\(other)
      similarity index 100%
      rename from \(Self.mmu)
      rename to \(other)

      """, "rename.patch")
    let ran = try await kshim(
      "check", "--kernel", tree.directory, "--patch", patch, "--format", "json")
    let verdict = try verdict(ran)
    XCTAssertEqual(verdict.findings, [])
    XCTAssertEqual(verdict.followed, ["\(other) is read for \(Self.mmu)"])
  }

  func test_nameThatBothFilesHave_isToldWithWhatToDo() async throws {
    let tree = try await kernel()
    let (edits, text) = try taken([Defect.special], tree)
    let helper = "static void \(Defect.freePages)(void)\n{\n}\n\n"
    let refusal = try await refuse(
      edits + [KernelEdit(Self.roots, .become(Self.headers + helper + text))], tree,
      for: "what moved to \(Self.roots) cannot be followed",
      "'\(Defect.freePages)' is in \(Self.mmu) too")
    XCTAssert(refusal.remedy.contains("call one of the two differently"), refusal.text)
  }

  func test_defectInWhatMoved_isFoundInItsFile() async throws {
    let tree = try await kernel()
    let (edits, text) = try taken([Defect.special], tree)
    let verdict = try await check(
      edits + [
        KernelEdit(
          Self.roots,
          .become(Self.headers + text.replacing("goto err_pml5", with: "goto err_pml4")))
      ], tree, exit: 1)
    XCTAssertEqual(Set(verdict.findings.map(\.property)), ["leak", "lifecycle"])
    XCTAssertEqual(Set(verdict.findings.map(\.file)), [Self.roots])
    XCTAssert(verdict.findings.allSatisfy(\.introduced))
    XCTAssert(verdict.causes[0].sentence.contains("(roots.c:"), verdict.causes[0].sentence)
  }

  /// What is never set in it is watched as in the source file.
  func test_defectInWhatMovedToAHeader_isFound() async throws {
    let tree = try await kernel()
    let text = try KernelEdit.text(of: Defect.special, in: Self.mmu, of: tree)
    let verdict = try await check(
      inHeader(text.replacing("*pml5_root = NULL", with: "*pml5_root")), tree, exit: 1)
    XCTAssertEqual(Set(verdict.findings.map(\.property)), ["uninitialised", "wild-free"])
    XCTAssert(verdict.findings.contains { $0.file == Self.intern })
    XCTAssert(verdict.findings.allSatisfy(\.introduced))
  }
}

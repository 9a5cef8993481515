// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// A released kernel that no distribution's mirror carries any more, and what is wrong in it.
struct ReleasedTree {
  /// A defect that a released kernel has, and what mended it.
  struct Known: Sendable {
    var property: String
    var function: String
    /// For the table.
    var what: String
    var mended: String
  }

  /// `mmu_alloc_shadow_roots()` returns 0 behind `out_unlock`.
  static let swallowed = Known(
    property: "error-swallowed", function: "mmu_alloc_shadow_roots",
    what: "0 is returned after an error",
    mended: "c6c937d673aa; still there in 5.17-rc5, not in 5.18-rc3 or 5.15.107")
  static let wasted = Known(
    property: "allocation-set", function: "__kvm_mmu_create",
    what: "a PDPT for `guest_mmu`, which nothing uses without two-dimensional paging",
    mended: "27f4fca29f9c, in 5.17-rc5, not in 5.15.107")

  var version: String
  var known: [Known] = []

  static let all: [ReleasedTree] = [
    .init(version: "5.14.2", known: [swallowed, wasted]),
    .init(version: "5.15.16", known: [swallowed, wasted]),
    .init(version: "5.15.107", known: [wasted]),
    .init(version: "5.17.0-rc5", known: [swallowed]),
    .init(version: "5.18.0-rc3"),
    .init(version: "5.19.0"),
    .init(version: "6.0.0-rc1"),
    .init(version: "6.2.1"),
    .init(version: "6.3.8"),
    .init(version: "6.4.6"),
    .init(version: "6.5.0"),
    .init(version: "6.6.57"),
    .init(version: "6.8.1"),
    .init(version: "6.12.19"),
    .init(version: "6.13.2"),
    .init(version: "6.14.0"),
    .init(version: "6.19.9"),
  ]

  /// What may be found in a tree: of a version that is not in the table, up to 5.17, any of what is known.
  static func known(in version: String) -> (known: [Known], isExact: Bool) {
    if let tree = all.first(where: { $0.version == version }) { return (tree.known, true) }
    let numbers = version.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    let isOld = numbers.lexicographicallyPrecedes([5, 18])
    return (isOld ? [swallowed, wasted] : [], !isOld)
  }

  static let heading = "## Released kernels"

  /// Of docs/defects.md.
  static var section: String {
    """
    \(heading)

    What kshim says of kernels without a patch, in copies that are public: releases, three release candidates, and some that
    others have changed elsewhere (6.19.9 has another scheduler; the copy of 6.5.0 lacks `compiler-clang.h`, which was taken from
    6.4.6). A row is what a run gave, and `KSHIM_TREES` makes `Tests/EndToEndTests/OwnTreeTests.swift` ask again. Of Debian's 6.1, 6.12, 7.2 and 7.3
    the newest are asked by each run of the tests, and are clean. A finding stands here only with what mended it.

    | kernel | verdict | what is wrong | mended by |
    |---|---|---|---|
    \(rows.joined(separator: "\n"))

    """
  }

  static var rows: [String] {
    all.map { tree in
      let verdict =
        tree.known.isEmpty
        ? "clean | | |"
        : tree.known.map(\.property).map { "[`\($0)`](properties/\($0).md)" }
          .joined(separator: "<br>") + " | "
          + tree.known.map { "`\($0.function)`: \($0.what)" }.joined(separator: "<br>") + " | "
          + tree.known.map(\.mended).joined(separator: "<br>") + " |"
      return "| \(tree.version) | \(verdict)"
    }
  }
}

/// Trees that a user has: each is clean, or has the defects that it is known for.
///
///     KSHIM_TREES=/trees/linux-5.14.2:/trees/linux-6.6 swift test --filter OwnTreeTests
final class OwnTreeTests: EndToEndTestCase {
  private func trees() throws -> [String] {
    let named = ProcessInfo.processInfo.environment["KSHIM_TREES"] ?? ""
    let trees = named.split(separator: ":").map(String.init)
    guard !trees.isEmpty else {
      throw XCTSkip("KSHIM_TREES names no directories of kernels, separated by colons")
    }
    return trees
  }

  func test_eachTree_isCleanOrHasWhatItIsKnownFor() async throws {
    for tree in try trees() {
      let ran = try await kshim("check", "--kernel", tree, "--format", "json")
      let verdict = try verdict(ran)
      let version = verdict.revision.version
      let (known, isExact) = ReleasedTree.known(in: version)
      let found = Set(verdict.findings.map { "\($0.property) in \($0.function)" })
      let expected = Set(known.map { "\($0.property) in \($0.function)" })
      if isExact {
        XCTAssertEqual(found, expected, version)
      } else {
        XCTAssert(found.isSubset(of: expected), "\(version): \(found)")
      }
      XCTAssertEqual(verdict.notes.map(\.message), [], version)
      XCTAssert(verdict.exploration.exhaustive, version)
    }
  }

  /// The series that the project was created from, on the kernels without a table of level 5 that it was
  /// written for.
  func test_seriesOnATreeWithoutAFifthTable_isJudgedRightly() async throws {
    var judged = 0
    for directory in try trees() {
      let tree = try await kernel(directory)
      guard OldSeries.fits(tree) else { continue }
      judged += 1
      for version in OldSeries.versions {
        let patch = try await patch("\(version.name).patch", version.edits, of: tree)
        let ran = try await kshim(
          "check", "--kernel", directory, "--patch", patch, "--format", "json")
        let verdict = try verdict(ran)
        func spelled(_ isIntroduced: Bool) -> Set<String> {
          Set(
            verdict.findings.filter { $0.introduced == isIntroduced }
              .map { "\($0.property) in \($0.function)" })
        }
        XCTAssertEqual(spelled(true), version.introduced, "\(tree.version) \(version.name)")
        let known = ReleasedTree.known(in: tree.version).known
        XCTAssertEqual(
          spelled(false), Set(known.map { "\($0.property) in \($0.function)" }),
          "\(tree.version) \(version.name)")
        XCTAssertEqual(
          verdict.notes.map(\.function), version.notes, "\(tree.version) \(version.name)")
      }
    }
    if judged == 0 {
      throw XCTSkip("KSHIM_TREES names no kernel before 5.15, which the series fits")
    }
  }

  /// Its mask of addresses has the C-bit then, so a state with one would be told as a defect.
  func test_configurationWithoutEncryption_hasNoSuchState() async throws {
    let tree = try await kernel()
    let without = try await patch(
      "without.patch",
      [
        KernelEdit(
          "include/linux/kconfig.h",
          .insertAfter(
            "generated/autoconf.h",
            "#undef CONFIG_AMD_MEM_ENCRYPT\n#undef CONFIG_DYNAMIC_PHYSICAL_MASK"))
      ], of: tree)
    let ran = try await kshim(
      "check", "--kernel", tree.spec, "--patch", without, "--format", "json")
    let verdict = try verdict(ran)
    XCTAssertEqual(verdict.findings, [])
    XCTAssertEqual(verdict.notes, [])
  }

  func test_page_hasTheTableOfReleasedTrees() throws {
    let page = try String(contentsOfFile: "\(Self.root)/docs/defects.md", encoding: .utf8)
    for row in ReleasedTree.rows { XCTAssert(page.contains(row), "docs/defects.md lacks \(row)") }
  }
}

/// The series as it was mailed, v1 to v3, put into a kernel without `pml5_root`.
enum OldSeries {
  struct Version {
    var name: String
    var edits: [KernelEdit]
    var introduced: Set<String>
    /// Functions with a note.
    var notes: [String] = []
  }

  static func fits(_ tree: KernelTree) -> Bool {
    let path = "\(tree.directory)/\(EndToEndTestCase.mmu)"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.contains(Defect.special) && !text.contains("pml5_root")
  }

  private static let special = Defect.special
  private static let shadow = Defect.shadow
  private static let walk = "shadow_walk_init_using_root"

  private static let common: [KernelEdit] = [
    KernelEdit(
      "arch/x86/include/asm/kvm_host.h", .insertAfter("u64 *pml4_root;", "\tu64 *pml5_root;")),
    Defect.edit(
      shadow, .replace("shadow_root_level == PT64", with: "shadow_root_level >= PT64")),
    Defect.edit(
      special, .replace("*pml4_root, *pae_root", with: "*pml5_root, *pml4_root, *pae_root")),
    Defect.edit(
      special,
      .replace(
        "mmu->pae_root && mmu->pml4_root", with: "mmu->pae_root && mmu->pml4_root && mmu->pml5_root"
      )),
    Defect.edit(
      special,
      .replace(
        "mmu->pae_root || mmu->pml4_root", with: "mmu->pae_root || mmu->pml4_root || mmu->pml5_root"
      )),
    Defect.edit(
      special, .insertAfter("mmu->pml4_root = pml4_root;", "\tmmu->pml5_root = pml5_root;")),
    Defect.edit(
      Defect.freePages,
      .insertAfter("mmu->pml4_root", "\tfree_page((unsigned long)mmu->pml5_root);")),
  ]

  /// Tables linked through the root, without a look whether there is one of level 5.
  private static let chained: [KernelEdit] = [
    Defect.edit(shadow, .delete("mmu->pml4_root[0]")),
    Defect.edit(shadow, .delete("shadow_root_level == PT64", through: "__pa(mmu->pae_root)")),
    Defect.edit(
      shadow,
      .insertBefore(
        "set_root_pgd:",
        """
        \tmmu->root_hpa = __pa(&mmu->pae_root[0]);
        \tif (mmu->shadow_root_level > PT32E_ROOT_LEVEL) {
        \t\tmmu->pml4_root[0] = pm_mask | mmu->root_hpa;
        \t\tmmu->root_hpa = __pa(&mmu->pml4_root[0]);
        \t}
        \tif (mmu->shadow_root_level > PT64_ROOT_4LEVEL) {
        \t\tmmu->pml5_root[0] = pm_mask | mmu->root_hpa;
        \t\tmmu->root_hpa = __pa(&mmu->pml5_root[0]);
        \t}
        """)),
  ]

  /// Tables that were never allocated are freed (a), a dead WARN (b), a page too many (c), a second
  /// call that fails (d), and no look whether there is a table of level 5.
  private static let first =
    common + chained + [
      Defect.edit(special, .replace("shadow_root_level != PT64", with: "shadow_root_level < PT64")),
      Defect.edit(special, .replace("return -ENOMEM", with: "goto undo")),
      Defect.edit(special, .delete("if (!pml4_root) {", through: "}")),
      Defect.edit(
        special,
        .insertBefore(
          "mmu->pae_root = pae_root;",
          """
          \tif (pml4_root)
          \t\tpml5_root = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
          \tif (!pml4_root || !pml5_root)
          \t\tgoto undo;
          """)),
      Defect.edit(
        special,
        .insertAfter(
          "return 0;",
          """
          undo:
          \tfree_page((uintptr_t)pae_root);
          \tfree_page((uintptr_t)pml4_root);
          \tfree_page((uintptr_t)pml5_root);
          \treturn -ENOMEM;
          """), 3),
    ]

  /// Tables linked one by one, each looked at before.
  private static let linked: [KernelEdit] = [
    Defect.edit(
      shadow,
      .insertAfter(
        "mmu->pml4_root[0]",
        """
        \t\tif (mmu->shadow_root_level > PT64_ROOT_4LEVEL) {
        \t\t\tr = WARN_ON_ONCE(!mmu->pml5_root) ? -EIO : 0;
        \t\t\tif (r)
        \t\t\t\tgoto out_unlock;
        \t\t\tmmu->pml5_root[0] = pm_mask | __pa(&mmu->pml4_root[0]);
        \t\t}
        """)),
    Defect.edit(
      shadow,
      .insertBefore(
        "set_root_pgd:",
        """
        \tif (mmu->shadow_root_level > PT64_ROOT_4LEVEL)
        \t\tmmu->root_hpa = __pa(&mmu->pml5_root[0]);
        """)),
  ]

  /// A variable that is never set on 4 levels becomes a table (g); the second call fails (d).
  private static let later =
    common + [
      Defect.edit(
        special, .delete("WARN_ON_ONCE(mmu->shadow_root_level != PT64", through: "return -EIO")),
      Defect.edit(special, .delete("if (!pml4_root) {", through: "}")),
      Defect.edit(
        special,
        .insertBefore(
          "mmu->pae_root = pae_root;",
          """
          \tif (pml4_root && mmu->shadow_root_level > PT64_ROOT_4LEVEL)
          \t\tpml5_root = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
          \tif (!pml4_root || (mmu->shadow_root_level > PT64_ROOT_4LEVEL && !pml5_root)) {
          \t\tfree_page((uintptr_t)pml4_root);
          \t\tfree_page((uintptr_t)pae_root);
          \t\treturn -ENOMEM;
          \t}
          """)),
    ]

  /// The walk of a 5-level root over a 32-bit guest, mended by 12ec33a70574.
  private static let unwalked: Set = ["walk-start in \(walk)", "warn-missing in \(walk)"]
  private static let d: Set = ["idempotent in \(special)", "warn-unexpected in \(special)"]
  private static let g: Set = ["uninitialised in \(special)", "wild-free in \(Defect.freePages)"]

  static let versions: [Version] = [
    Version(
      name: "v1", edits: first,
      introduced: unwalked.union(d).union([
        "uninitialised in \(special)", "wild-free in \(special)", "allocation-set in \(special)",
        "crash in \(shadow)",
      ]), notes: [special]),
    Version(
      name: "v2", edits: later + chained,
      introduced: unwalked.union(d).union(g).union(["crash in \(shadow)"])),
    Version(name: "v3", edits: later + linked, introduced: unwalked.union(d).union(g)),
  ]
}

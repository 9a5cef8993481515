// SPDX-License-Identifier: GPL-2.0-only
import TestSupport

/// A defect put into a kernel, and what the tool must say of it.
struct Defect: Sendable {
  /// What must be among the findings.
  struct Expected: Sendable {
    var property: String
    /// The function that must be blamed.
    var function: String
    /// What the scenario must hold, as `shadow=4`; empty for a note.
    var scenario = ""

    init(_ property: String, in function: String, _ scenario: String = "") {
      self.property = property
      self.function = function
      self.scenario = scenario
    }
  }

  var name: String
  /// For the table: what is wrong, in a few words.
  var title: String
  var edits: [KernelEdit]
  var expected: [Expected]

  static let special = "mmu_alloc_special_roots"
  static let shadow = "mmu_alloc_shadow_roots"
  static let direct = "mmu_alloc_direct_roots"
  static let create = "__kvm_mmu_create"
  /// Where the roots' callers meet the boundary: what they ask wrongly is seen there.
  static let allocRoot = "mmu_alloc_root"
  static let freePages = "free_mmu_pages"
  static let freeRoots = "kvm_mmu_free_roots"

  static func edit(
    _ function: String, _ change: KernelEdit.Change, _ occurrence: Int = 1
  ) -> KernelEdit {
    KernelEdit(EndToEndTestCase.mmu, in: function, change, occurrence: occurrence)
  }
}

/// The defects of the patch series that the project was created from.
extension Defect {
  static let a = Defect(
    name: "a", title: "the error path frees tables that were never allocated",
    edits: [
      edit(special, .replace("*pml5_root = NULL", with: "*pml5_root")),
      edit(special, .replace("*pml4_root = NULL", with: "*pml4_root")),
      edit(special, .replace("return -ENOMEM", with: "goto err_pml5")),
      edit(special, .replace("goto err_pml4", with: "goto err_pml5")),
      edit(special, .insertAfter("err_pml5:", "\tfree_page((uintptr_t)pml5_root);")),
    ],
    expected: [
      Expected("wild-free", in: special, "shadow=4"), Expected("uninitialised", in: special),
    ])

  static let b = Defect(
    name: "b", title: "a WARN on what an earlier return excludes",
    edits: [
      edit(
        special,
        .insertBefore(
          "mmu->pml4_root &&",
          "\tif (WARN_ON_ONCE(mmu->root_role.level < PT64_ROOT_4LEVEL))\n\t\treturn -EIO;"))
    ],
    expected: [Expected("dead-branch", in: special)])

  static let c = Defect(
    name: "c", title: "a table of level 5 where 4 levels suffice",
    edits: [edit(special, .replace("if (need_pml5)", with: "if (true)"))],
    expected: [Expected("allocation-set", in: special, "shadow=4")])

  static let d = Defect(
    name: "d", title: "the second call warns and fails on a host with 4 levels",
    edits: [
      edit(special, .replace("(!need_pml5 || mmu->pml5_root)", with: "mmu->pml5_root"))
    ],
    expected: [
      Expected("idempotent", in: special, "shadow=4"),
      Expected("warn-unexpected", in: special, "shadow=4"),
    ])

  static let e = Defect(
    name: "e", title: "0 is returned after an error",
    edits: [edit(shadow, .replace("return r;", with: "return 0;"), 2)],
    expected: [Expected("error-swallowed", in: shadow)])

  static let g = Defect(
    name: "g", title: "a variable that was never set becomes a table",
    edits: [edit(special, .replace("*pml5_root = NULL", with: "*pml5_root"))],
    expected: [
      Expected("uninitialised", in: special, "shadow=4"),
      Expected("wild-free", in: freePages, "shadow=4"),
    ])

  static let series = [a, b, c, d, e, g]
}

// SPDX-License-Identifier: GPL-2.0-only
import TestSupport

/// Defects made up for every property. Several are in one patch where they do not meet: each must
/// be told apart from the others.
extension Defect {
  static let first = Defect(
    name: "first", title: "error paths, flags and arguments",
    edits: [
      // The level 4 table is kept when that of level 5 is refused.
      edit(special, .delete(")pml4_root")),
      edit(special, .replace("return -ENOMEM", with: "return -ENOSPC")),
      edit(special, .replace("GFP_KERNEL_ACCOUNT", with: "GFP_KERNEL"), 2),
      edit(special, .replace("WARN_ON_ONCE(!tdp_enabled", with: "unlikely(!tdp_enabled")),
      // What may sleep comes under the lock.
      edit(
        shadow,
        .insertBefore("mmu_first_shadow_root_alloc(", "\twrite_lock(&vcpu->kvm->mmu_lock);")),
      edit(shadow, .delete("write_lock(&"), 2),
      edit(shadow, .replace("return r;", with: "goto out_unlock;")),
      edit(shadow, .replace(" | PT_USER_MASK", with: "")),
      edit(direct, .replace("30 - PAGE_SHIFT", with: "29 - PAGE_SHIFT")),
      edit(create, .replace("int i;", with: "int i, kshim_new;")),
      edit(create, .replace("root.pgd = 0", with: "root.pgd = kshim_new")),
      edit(freePages, .replace("mmu->pml4_root", with: "mmu")),
      edit(
        freeRoots,
        .insertBefore("kvm_mmu_commit_zap_page", "\t\twrite_lock(&kvm->mmu_lock);")),
    ],
    expected: [
      Expected("leak", in: special, "shadow=5"), Expected("wrong-errno", in: special),
      Expected("allocation-set", in: special), Expected("warn-missing", in: special),
      Expected("sleep-under-lock", in: Change.firstRoot), Expected("entry-bits", in: shadow),
      Expected("boundary-arguments", in: allocRoot, direct),
      Expected("uninitialised", in: create),
      Expected("wild-free", in: freePages), Expected("double-lock", in: freeRoots),
    ])

  static let second = Defect(
    name: "second", title: "pages, locks and roots",
    edits: [
      edit(
        special,
        .insertAfter(")pae_root", "\tfree_page((uintptr_t)pae_root);")),
      edit(special, .replace("get_zeroed_page(", with: "__get_free_page(")),
      edit(shadow, .replace("goto out_unlock", with: "return r")),
      edit(
        shadow,
        .replace("root.hpa = __pa(mmu->pml5_root)", with: "root.hpa = __pa(mmu->pml4_root)")),
      edit(direct, .replace("root | PT_PRESENT_MASK", with: "root")),
      edit(create, .replace("(shadow_me_value", with: "(!shadow_me_value")),
      edit(freeRoots, .delete("root.hpa = INVALID_PAGE")),
    ],
    expected: [
      Expected("double-free", in: special), Expected("allocation-set", in: special),
      Expected("lock-imbalance", in: shadow), Expected("root-chain", in: shadow, "shadow=5"),
      Expected("root-chain", in: direct), Expected("warn-unexpected", in: create),
      Expected("root-identity", in: freeRoots),
    ])

  static let third = Defect(
    name: "third", title: "memory, order and references",
    edits: [
      edit(
        special,
        .insertAfter(")pml4_root", "\tpml4_root[0] = 0;")),
      edit(special, .insertAfter("return -ENOMEM", "\tmmu->pae_root = pae_root;")),
      edit(shadow, .replace("? i : 0", with: "? i & 1 : 0")),
      edit(
        shadow,
        .replace("pml5_root[0] = __pa(mmu->pml4_root)", with: "pml5_root[0] = __pa(mmu->pae_root)")),
      edit(direct, .replace("WARN_ON_ONCE(!mmu->pae_root)", with: "false")),
      edit(freeRoots, .delete("pae_root[i] = INVALID_PAE_ROOT")),
    ],
    expected: [
      Expected("use-after-free", in: special, "shadow=5"), Expected("partial-state", in: special),
      Expected("boundary-arguments", in: allocRoot, "guest=2"),
      Expected("root-chain", in: shadow, "shadow=5"), Expected("crash", in: direct),
      Expected("lifecycle", in: freeRoots),
    ])

  static let fourth = Defect(
    name: "fourth", title: "bounds, an error lost and no end",
    edits: [
      edit(special, .replace("return -ENOMEM", with: "return 0"), 2),
      edit(
        shadow,
        .insertAfter("pm_mask = PT_PRESENT_MASK", "\tmmu->pae_root[512] = pm_mask;")),
      edit(
        freePages,
        .insertBefore(
          ")mmu->pae_root)",
          "\twhile (mmu->pml5_root && !mmu->pml4_root)\n\t\tcpu_relax();")),
    ],
    expected: [
      Expected("error-swallowed", in: special), Expected("out-of-bounds", in: shadow),
      Expected("hang", in: freePages, "tables=pml5"),
    ])

  static let fifth = Defect(
    name: "fifth", title: "locks in two orders",
    edits: [
      edit(
        shadow,
        .insertBefore("write_lock(&", "\tmutex_lock(&vcpu->kvm->slots_arch_lock);")),
      edit(
        shadow,
        .insertAfter("write_lock(&", "\tmutex_unlock(&vcpu->kvm->slots_arch_lock);")),
      edit(
        freeRoots,
        .insertAfter(
          "write_lock(&",
          "\tmutex_lock(&kvm->slots_arch_lock), mutex_unlock(&kvm->slots_arch_lock);"
        )),
    ],
    expected: [
      Expected("deadlock", in: shadow, "two_vcpus"),
      Expected("deadlock", in: freeRoots, "two_vcpus"),
      Expected("sleep-under-lock", in: freeRoots),
    ])

  static let sixth = Defect(
    name: "sixth", title: "metadata and the start of a walk",
    edits: Change.flagEarly.edits + Change.walkDefects[0].edits,
    expected: [
      Expected("early-publication", in: Change.firstRoot, "two_vcpus"),
      Expected("walk-start", in: Change.walkStart, "shadow=5"),
    ])

  static let everywhere = [first, second, third, fourth, fifth, sixth]
}

/// Patches that change how the code is written and not what it does.
extension Defect {
  /// The ways of linking the tables that the series' reviewer discusses.
  private static func linking(_ lines: String) -> [KernelEdit] {
    [
      edit(shadow, .delete("pml4_root[0] =")),
      edit(shadow, .delete("pml5_root[0] =")),
      edit(
        shadow,
        .delete("== PT64_ROOT_5LEVEL", through: "root.hpa = __pa(mmu->pae_root)"), 2),
      edit(shadow, .insertBefore("set_root_pgd:", lines)),
    ]
  }

  static let upwards = Defect(
    name: "upwards", title: "the tables linked through the root, upwards",
    edits: linking(
      """
      \tmmu->root.hpa = __pa(&mmu->pae_root[0]);
      \tif (mmu->root_role.level > PT32E_ROOT_LEVEL) {
      \t\tmmu->pml4_root[0] = mmu->root.hpa | pm_mask;
      \t\tmmu->root.hpa = __pa(&mmu->pml4_root[0]);
      \t}
      \tif (mmu->root_role.level > PT64_ROOT_4LEVEL) {
      \t\tmmu->pml5_root[0] = mmu->root.hpa | pm_mask;
      \t\tmmu->root.hpa = __pa(&mmu->pml5_root[0]);
      \t}
      """), expected: [])

  static let nested = Defect(
    name: "nested", title: "the tables linked explicitly, level in level",
    edits: linking(
      """
      \tif (mmu->root_role.level > PT32E_ROOT_LEVEL) {
      \t\tmmu->pml4_root[0] = __pa(&mmu->pae_root[0]) | pm_mask;
      \t\tif (mmu->root_role.level > PT64_ROOT_4LEVEL) {
      \t\t\tmmu->pml5_root[0] = __pa(&mmu->pml4_root[0]) | pm_mask;
      \t\t\tmmu->root.hpa = __pa(&mmu->pml5_root[0]);
      \t\t} else {
      \t\t\tmmu->root.hpa = __pa(&mmu->pml4_root[0]);
      \t\t}
      \t} else {
      \t\tmmu->root.hpa = __pa(&mmu->pae_root[0]);
      \t}
      """), expected: [])

  static let oneLabel = Defect(
    name: "one-label", title: "one error label that frees what may be NULL",
    edits: [
      edit(special, .replace("*pae_root;", with: "*pae_root = NULL;")),
      edit(special, .replace("return -ENOMEM", with: "goto err_pml5")),
      edit(special, .replace("goto err_pml4", with: "goto err_pml5")),
      edit(special, .delete("err_pml4:")),
      edit(special, .insertAfter("err_pml5:", "\tfree_page((uintptr_t)pml5_root);")),
    ], expected: [])

  static let rewrites = [upwards, nested, oneLabel]
}

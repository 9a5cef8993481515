// SPDX-License-Identifier: GPL-2.0-only

/// Defects of `mmu_alloc_shadow_roots()`, `mmu_alloc_direct_roots()` and `mmu_alloc_root()`.
extension Change {
  static let shadowDefects: [Change] = [
    Change(
      "returns-locked", "an error path returns with mmu_lock held", in: shadow,
      breaks: ["lock-imbalance"], .replace("goto out_unlock", with: "return r")),
    Change(
      "shared-lock", "mmu_lock is taken shared", in: shadow, breaks: ["lock-imbalance"],
      .replace("write_lock(", with: "read_lock("), .replace("write_unlock(", with: "read_unlock(")),
    Change(
      "sleeps-locked", "what may sleep comes under mmu_lock", in: shadow,
      breaks: ["sleep-under-lock"],
      edits: [
        Nth(
          .insertBefore("mmu_first_shadow_root_alloc(", "\twrite_lock(&vcpu->kvm->mmu_lock);")),
        Nth(.delete("write_lock(&"), 2), Nth(.replace("return r;", with: "goto out_unlock;")),
      ]),
    Change(
      "locked-twice", "mmu_lock is taken again before it is released", in: shadow,
      breaks: ["double-lock"],
      .insertBefore("pm_mask = PT_PR", "\twrite_lock(&vcpu->kvm->mmu_lock);")
    ),
    Change(
      "no-user-bit", "upper tables without the user bit", in: shadow, breaks: ["entry-bits"],
      .replace(" | PT_USER_MASK", with: "")),
    Change(
      "no-encryption-bit", "entries without the encryption bit", in: shadow,
      breaks: ["entry-bits"], .replace(" | shadow_me_value", with: "")),
    Change(
      "pml5-to-pdpt", "the PML5 leads past the PML4", in: shadow,
      breaks: ["root-chain", "walk-start"],
      .replace("= __pa(mmu->pml4_root) |", with: "= __pa(mmu->pae_root) |")),
    Change(
      "second-entry", "a second entry of the PML4 leads to the PDPT", in: shadow,
      breaks: ["root-chain"],
      .insertAfter("pml4_root[0] =", "\t\tmmu->pml4_root[1] = mmu->pml4_root[0];")),
    Change(
      "two-quadrants", "the third quarter shadows the first again", in: shadow,
      breaks: ["boundary-arguments"], .replace("? i : 0", with: "? i & 1 : 0")),
    Change(
      "three-pdptes-read", "only three of the guest's PDPTEs are read", in: shadow,
      breaks: ["boundary-arguments"], .replace("i < 4", with: "i < 3")),
    Change(
      "root-of-4", "the PML4 is the root where 5 levels are walked", in: shadow,
      breaks: ["root-chain", "walk-start"],
      .replace("root.hpa = __pa(mmu->pml5_root)", with: "root.hpa = __pa(mmu->pml4_root)")),
    Change(
      "pgd-kept-early", "the guest's root is remembered before its shadow is there", in: shadow,
      breaks: ["partial-state"],
      .insertBefore("r = mmu_first_shadow", "\tmmu->root.pgd = (root_pgd);")),
  ]

  static let directDefects: [Change] = [
    Change(
      "direct-error-lost", "0 is returned after an error", in: direct, breaks: ["error-swallowed"],
      .replace("return r;", with: "return 0;")),
    Change(
      "half-gigabytes", "quarters of 512 MiB instead of 1 GiB", in: direct,
      breaks: ["boundary-arguments"], .replace("30 - PAGE_SHIFT", with: "29 - PAGE_SHIFT")),
    Change(
      "fixed-level", "a root of level 4 where 5 are walked", in: direct,
      breaks: ["boundary-arguments"],
      .replace("0, 0, shadow_root_level", with: "0, 0, PT64_ROOT_4LEVEL")),
    Change(
      "writable-pdpte", "PDPTEs of PAE paging with a reserved bit", in: direct,
      breaks: ["entry-bits"],
      .replace("root | PT_PRESENT_MASK", with: "root | PT_PRESENT_MASK | PT_WRITABLE_MASK")),
    Change(
      "direct-root-lost", "the root is taken and not installed", in: direct,
      breaks: ["root-identity", "lifecycle"], .delete("root.hpa = root")),
    Change(
      "direct-pdpt-unchecked", "the PDPT is used where there is none", in: direct,
      breaks: ["crash"], .replace("WARN_ON_ONCE(!mmu->pae_root)", with: "false")),
    Change(
      "direct-stale-silent", "no WARN of PDPTEs that are in use", in: direct,
      breaks: ["warn-missing"], .delete("WARN_ON_ONCE(IS_VALID")),
    Change(
      "root-not-counted", "a root's shadow page is not counted", in: allocRoot,
      breaks: ["lifecycle"], .delete("++sp->root_count")),
    Change(
      "quadrant-warned", "a WARN of quadrants that are allowed", in: allocRoot,
      breaks: ["warn-missing", "warn-unexpected"],
      .replace("quadrant && !role", with: "quadrant && role")),
  ]
}

// SPDX-License-Identifier: GPL-2.0-only

/// Defects of `mmu_alloc_special_roots()`.
extension Change {
  static let specialDefects: [Change] = [
    Change(
      "wrong-label", "a jump past the first of two frees", in: special,
      breaks: ["leak", "lifecycle"], .replace("goto err_pml5", with: "goto err_pml4")),
    Change(
      "pdpt-freed-twice", "the PDPT is freed twice on the error path", in: special,
      breaks: ["double-free"],
      .insertAfter(")pae_root", "\tfree_page((uintptr_t)pae_root);")),
    Change(
      "cleared-after-free", "the PML4 is cleared after it was freed", in: special,
      breaks: ["use-after-free"], .insertAfter(")pml4_root", "\tpml4_root[0] = 0;")),
    Change(
      "cleared-unchecked", "the PML4 is cleared before it is known to be there", in: special,
      breaks: ["crash"], .insertBefore("if (!pml4_root)", "\tpml4_root[0] = 0;")),
    Change(
      "cleared-past-end", "an entry behind the PML4's last is cleared", in: special,
      breaks: ["out-of-bounds"], .insertBefore("if (need_pml5)", "\tpml4_root[512] = 0;")),
    Change(
      "freed-as-object", "a table is freed as if kmalloc() had made it", in: special,
      breaks: ["wild-free", "leak", "lifecycle"],
      .replace("free_page((unsigned long)pml4_root)", with: "kfree(pml4_root)")),
    Change(
      "errno-no-space", "-ENOSPC where memory is short", in: special, breaks: ["wrong-errno"],
      edits: [Nth(.replace("return -ENOMEM", with: "return -ENOSPC"), 2)]),
    Change(
      "refusal-silent", "no WARN where only some of the tables exist", in: special,
      breaks: ["warn-missing"], .replace("WARN_ON_ONCE(!tdp_enabled", with: "unlikely(!tdp_enabled")
    ),
    Change(
      "waits-for-memory", "it waits for memory in a loop that changes nothing", in: special,
      breaks: ["hang"], .replace("if (!pae_root)", with: "while (!pae_root)"),
      .replace("return -ENOMEM;", with: "cpu_relax();")),
    Change(
      "not-accounted", "a table is not charged to the VM's owner", in: special,
      breaks: ["allocation-set"],
      edits: [Nth(.replace("GFP_KERNEL_ACCOUNT", with: "GFP_KERNEL"), 2)]),
    Change(
      "atomic", "a table is allocated without sleeping", in: special, breaks: ["allocation-set"],
      edits: [Nth(.replace("GFP_KERNEL_ACCOUNT", with: "GFP_ATOMIC | __GFP_ACCOUNT"), 3)]),
    Change(
      "table-not-kept", "the PML5 is allocated and not stored", in: special,
      breaks: ["allocation-set", "leak", "lifecycle"], .delete("mmu->pml5_root = pml5")),
    Change(
      "stored-early", "the PDPT is stored before the rest is there", in: special,
      breaks: ["partial-state", "double-free"],
      .insertAfter("return -ENOMEM", "\tmmu->pae_root = pae_root;")),
    Change(
      "second-call-resets", "a second call forgets the guest's root", in: special,
      breaks: ["idempotent"],
      edits: [Nth(.replace("return 0;", with: "return mmu->root.pgd = 0;"), 2)]),
    Change(
      "root-reset", "the root is touched by allocating its tables", in: special,
      breaks: ["root-identity"],
      .insertBefore("mmu->pml5_root = pml5", "\tmmu->root.pgd = 0;")),
    Change(
      "warns-of-5", "a WARN of 5 levels, which are allowed", in: special,
      breaks: ["warn-unexpected"],
      .insertBefore("mmu->pml5_root = pml5", "\tWARN_ON_ONCE(need_pml5);")),
  ]
}

// SPDX-License-Identifier: GPL-2.0-only

/// Defects of `__kvm_mmu_create()`, and of `free_mmu_pages()`, `kvm_mmu_free_roots()` and
/// `mmu_free_root_page()`.
extension Change {
  static let createDefects: [Change] = [
    Change(
      "pgd-from-nowhere", "root.pgd is set from a variable or memory that was never set",
      in: create,
      breaks: ["uninitialised"], .replace("int i;", with: "int i, kshim_new;"),
      .replace("root.pgd = 0", with: "root.pgd = kshim_new")),
    Change(
      "pdpt-not-cleared", "the last PDPTE keeps what its page held", in: create,
      breaks: ["root-chain", "uninitialised"], .replace("i < 4", with: "i < 3")),
    Change(
      "pdpt-anywhere", "the PDPT may lie above 4 GiB", in: create, breaks: ["allocation-set"],
      .replace(" | __GFP_DMA32", with: "")),
    Change(
      "create-unchecked", "a page is used that could not be had", in: create,
      breaks: ["crash"],
      .replace("if (!page)", with: "if (false)")),
    Change(
      "create-locked", "the PDPT is allocated under mmu_lock", in: create,
      breaks: ["sleep-under-lock"],
      .insertBefore("page = alloc_page", "\twrite_lock(&vcpu->kvm->mmu_lock);"),
      .insertAfter("page = alloc_page", "\twrite_unlock(&vcpu->kvm->mmu_lock);")),
    Change(
      "object-overrun", "an entry behind an object of kzalloc() is written", in: create,
      breaks: ["out-of-bounds"],
      edits: [
        Nth(.replace("int i;", with: "u64 *kshim_note;\n\tint i;")),
        Nth(
          .insertBefore(
            "page = alloc_page",
            "\tkshim_note = kzalloc(sizeof(*kshim_note), GFP_KERNEL_ACCOUNT);\n"
              + "\tif (!kshim_note)\n\t\treturn -ENOMEM;\n\tkshim_note[1] = 0;\n"
              + "\tkfree(kshim_note);")),
      ]),
    Change(
      "two-pages-decrypted", "a page is decrypted that is somebody else's", in: create,
      breaks: ["boundary-arguments"], .replace("pae_root, 1)", with: "pae_root, 2)")),
    Change(
      "root-not-invalid", "a new MMU keeps whatever its root held", in: create,
      breaks: ["crash", "root-identity"], .delete("root.hpa = INVALID_PAGE")),
    Change(
      "encryption-unwarned", "no WARN of encryption with 3-level nested paging", in: create,
      breaks: ["warn-missing"], .replace("WARN_ON_ONCE(shadow_me", with: "(void)(shadow_me")),
  ]

  static let freeDefects: [Change] = [
    Change(
      "pml5-with-pml4", "the PML5 is freed only where a PML4 is", in: freePages,
      breaks: ["leak"],
      .insertBefore("mmu->pml5_root", "\tif (mmu->pml4_root)")),
    Change(
      "pdpt-after-free", "the PDPT is cleared after it was freed", in: freePages,
      breaks: ["use-after-free"],
      .insertAfter(
        ")mmu->pae_root);", "\tif (mmu->pae_root)\n\t\tmmu->pae_root[0] = 0;")),
    Change(
      "mmu-freed", "the MMU is freed as if it were a page", in: freePages, breaks: ["wild-free"],
      .insertAfter("mmu->pml5_root", "\tfree_page((uintptr_t)mmu);")),
    Change(
      "encrypted-always", "memory is encrypted that was never decrypted", in: freePages,
      breaks: ["boundary-arguments"], .replace("!tdp_enabled && ", with: "")),
    Change(
      "encrypted-late", "the PDPT is encrypted after it was freed", in: freePages,
      breaks: ["boundary-arguments"],
      .insertBefore("if (!tdp_enabled", "\tfree_page((uintptr_t)mmu->pae_root);"),
      .delete("(unsigned long)mmu->pae_root);")),
    Change(
      "relocked", "mmu_lock is taken twice", in: freeRoots, breaks: ["double-lock"],
      .insertBefore("kvm_mmu_commit_zap_page", "\t\twrite_lock(&kvm->mmu_lock);")),
    Change(
      "unlocked-otherwise", "a shared lock is released as an exclusive one", in: freeRoots,
      breaks: ["lock-imbalance"], .replace("read_unlock(", with: "write_unlock(")),
    Change(
      "root-stays", "the root is freed and still installed", in: freeRoots,
      breaks: ["root-identity"], .delete("root.hpa = INVALID_PAGE")),
    Change(
      "pdpte-stays", "PDPTEs are left that lead nowhere", in: freeRoots, breaks: ["lifecycle"],
      .delete("pae_root[i] = INVALID")),
    Change(
      "valid-zapped", "shadow pages are zapped that are still valid", in: freeRootPage,
      breaks: ["lifecycle", "warn-unexpected"],
      .replace("root_count && sp->role", with: "root_count || sp->role")),
    Change(
      "no-page-checked", "a root that is none is looked up", in: freeRootPage,
      breaks: ["crash"],
      .replace("!VALID_PAGE(*root_hpa)", with: "false")),
  ]
}

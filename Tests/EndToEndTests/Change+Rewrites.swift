// SPDX-License-Identifier: GPL-2.0-only

/// Changes of how the code is written and not of what it does.
extension Change {
  static let rewrites = discussed + written + restructured

  /// Those that the series' reviewer discusses.
  private static let discussed = zip(Defect.rewrites, [shadow, shadow, special]).map {
    rewrite, function in
    var change = Change(rewrite.name, rewrite.title, in: function, edits: [])
    change.edits = rewrite.edits
    return change
  }

  /// Other words for the same.
  private static let written: [Change] = [
    Change(
      "comparison", "the level compared for equality", in: special,
      .replace("level > PT64_ROOT_4LEVEL", with: "level == PT64_ROOT_5LEVEL")),
    Change(
      "maximum", "the level compared through max_t()", in: special,
      .replace("= mmu->root_role.level >", with: "= max_t(int, 4, mmu->root_role.level) >")),
    Change(
      "const-locals", "pointers and flags that never change are const", in: special,
      .replace("kvm_mmu *mmu", with: "kvm_mmu *const mmu"),
      .replace("bool need_pml5", with: "const bool need_pml5")),
    Change(
      "bits", "flags of an entry as BIT()", in: shadow,
      .replace("pm_mask = PT_PRESENT_MASK", with: "pm_mask = BIT(0)"),
      .replace("PT_WRITABLE_MASK", with: "BIT(1)"), .replace("PT_USER_MASK", with: "BIT_ULL(2)")),
    Change(
      "renamed-local", "a local variable with another name", in: create,
      .replace("*page;", with: "*pdpt;"), .replace("page = alloc", with: "pdpt = alloc"),
      .replace("(!page)", with: "(!pdpt)"),
      .replace("page_address(page)", with: "page_address(pdpt)")),
    Change(
      "swapped-roles", "independent assignments in another order", in: allocRoot,
      .delete("role.level = level"),
      .insertAfter("role.quadrant = quadrant", "\trole.level = (level);")),
    Change(
      "stores-reversed", "the tables stored in another order", in: special,
      .delete("mmu->pml5_root = pml5_root;"),
      .insertBefore("mmu->pae_root = pae", "\tmmu->pml5_root = (pml5_root);")),
    Change(
      "freed-as-struct", "a page freed by its struct page", in: special,
      .replace("free_page((unsigned long)pml4_root)", with: "__free_page(virt_to_page(pml4_root))"),
      .replace(
        "free_page((unsigned long)pae_root)", with: "__free_pages(virt_to_page(pae_root), 0)")),
  ]

  /// Another shape for the same.
  private static let restructured: [Change] = [
    Change(
      "early-returns", "each error returns by itself, without labels", in: special,
      .replace("goto err_pml4;", with: "{ free_page((uintptr_t)pae_root); return -ENOMEM; }"),
      .replace(
        "goto err_pml5;",
        with:
          "{\n\t\t\tfree_page((uintptr_t)pae_root);\n\t\t\tfree_page((uintptr_t)pml4_root);\n"
          + "\t\t\treturn -ENOMEM;\n\t\t}"),
      .delete("err_pml5:", through: ")pae_root);")),
    Change(
      "allocated-in-helper", "a new function allocates a table", in: special,
      edits: [
        Nth(.replace("(void *)get_zeroed_page(GFP_KERNEL_ACCOUNT)", with: "kshim_new_table()")),
        Nth(.replace("(void *)get_zeroed_page(GFP_KERNEL_ACCOUNT)", with: "kshim_new_table()")),
        Nth(.replace("(void *)get_zeroed_page(GFP_KERNEL_ACCOUNT)", with: "kshim_new_table()")),
        Nth(
          .insertBefore(
            "static int mmu_alloc_special_roots(",
            "static u64 *kshim_new_table(void)\n{\n"
              + "\tstruct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);\n\n"
              + "\treturn page ? page_address(page) : NULL;\n}\n"), isOutside: true),
      ]),
    Change(
      "pml4-first", "the PML4 is allocated before the PDPT", in: special,
      edits: [
        Nth(.replace("pae_root = (void", with: "kshim_root = (void")),
        Nth(.replace("pml4_root = (void", with: "pae_root = (void")),
        Nth(.replace("kshim_root = (void", with: "pml4_root = (void")),
        Nth(.replace("(!pae_root)", with: "(!kshim_root)")),
        Nth(.replace("(!pml4_root)", with: "(!pae_root)")),
        Nth(.replace("(!kshim_root)", with: "(!pml4_root)")),
        Nth(.replace("free_page((unsigned long)pml4", with: "free_page((uintptr_t)pae")),
        Nth(.replace("free_page((unsigned long)pae", with: "free_page((uintptr_t)pml4")),
      ]),
    Change(
      "unrolled", "a loop of four written out", in: create,
      edits: [
        Nth(.delete("for (i = 0; i < 4")),
        Nth(
          .replace(
            "mmu->pae_root[i] =",
            with: "mmu->pae_root[0] = mmu->pae_root[1] =\n\t\tmmu->pae_root[2] = mmu->pae_root[3] ="
          )),
      ]),
    Change(
      "do-while", "a loop of four that asks at its end", in: direct,
      .replace("for (i = 0; i < 4; ++i) {", with: "i = 0;\n\t\tdo {"),
      .replace("shadow_me_value;\n\t\t}", with: "shadow_me_value;\n\t\t} while (++i < 4);")),
    Change(
      "switch", "the root chosen by a switch", in: shadow,
      edits: [
        Nth(.delete("== PT64_ROOT_5LEVEL)", through: "root.hpa = __pa(mmu->pae_root)"), 2),
        Nth(
          .insertBefore(
            "set_root_pgd:",
            "\tswitch (mmu->root_role.level) {\n\tcase 5:\n"
              + "\t\tmmu->root.hpa = __pa(&mmu->pml5_root[0]);\n\t\tbreak;\n\tcase 4:\n"
              + "\t\tmmu->root.hpa = __pa(&mmu->pml4_root[0]);\n\t\tbreak;\n\tdefault:\n"
              + "\t\tmmu->root.hpa = __pa(&mmu->pae_root[0]);\n\t}")),
      ]),
    Change(
      "scoped-lock", "the lock released by leaving its scope", in: direct,
      .replace("write_lock(&vcpu", with: "guard(write_lock)(&vcpu"), .delete("out_unlock:\n"),
      .delete("write_unlock("), .replace("goto out_unlock", with: "return r"),
      .replace("goto out_unlock", with: "return r"), .replace("goto out_unlock", with: "return r")),
    Change(
      "freed-in-loop", "the tables freed in a loop over an array", in: freePages,
      .delete(")mmu->pml4_root"), .delete(")mmu->pml5_root"),
      .replace(
        "free_page((unsigned long)mmu->pae_root);",
        with:
          "u64 *kshim_tables[] = { mmu->pae_root, mmu->pml4_root, mmu->pml5_root };\n\n"
          + "\tfor (int i = 0; i < ARRAY_SIZE(kshim_tables); i++)\n"
          + "\t\tfree_page((uintptr_t)kshim_tables[i]);")),
    Change(
      "work-asked-first", "whether there is work, asked in one place", in: freeRoots,
      .delete("if (!free_active_root) {", through: "return;\n"), .delete("\t}\n"),
      .insertAfter(
        "&& VALID_PAGE(mmu->root.hpa)",
        "\tbool kshim_work = free_active_root;\n\n"
          + "\tfor (i = 0; i < KVM_MMU_NUM_PREV_ROOTS; i++)\n"
          + "\t\tkshim_work |= (roots_to_free >> (i + 1) & 1) && VALID_PAGE(mmu->prev_roots[i].hpa);\n"
          + "\tif (!kshim_work)\n\t\treturn;")),
  ]
}

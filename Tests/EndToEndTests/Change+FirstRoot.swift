// SPDX-License-Identifier: GPL-2.0-only

/// Defects of `mmu_first_shadow_root_alloc()`, some of which only a second vCPU shows.
extension Change {
  static let firstRootDefects: [Change] = [
    Change(
      "one-address-space", "the memory slots of the second address space are forgotten",
      in: firstRoot, breaks: ["allocation-set"],
      .replace("i < kvm_arch_nr_memslot_as_ids(kvm)", with: "i < 1")),
    Change(
      "wrong-npages", "reverse maps for all but the last page of a slot", in: firstRoot,
      breaks: ["boundary-arguments"], .replace("slot->npages", with: "slot->npages - 1")),
    Change(
      "first-returns-locked", "an error path returns with slots_arch_lock held", in: firstRoot,
      breaks: ["lock-imbalance"],
      edits: [Nth(.replace("goto out_unlock", with: "return r"), 2)]),
    Change(
      "flag-despite-failure", "the flag is set although an allocation failed", in: firstRoot,
      breaks: ["partial-state", "early-publication"],
      edits: [Nth(.replace("goto out_unlock", with: "goto out_success"), 3)]),
    Change(
      "dropped-on-failure", "reverse maps are freed when a later allocation fails", in: firstRoot,
      breaks: ["partial-state"],
      .insertAfter(
        "write_tracking_alloc(slot)",
        "\t\t\tif (r) {\n\t\t\t\tkvfree(slot->arch.rmap[0]);\n"
          + "\t\t\t\tslot->arch.rmap[0] = NULL;\n\t\t\t}")),
    Change(
      "flag-never-set", "all is allocated, and nobody is told", in: firstRoot,
      breaks: ["allocation-set"],
      .replace("shadow_root_allocated, true", with: "shadow_root_allocated, false")),
    Change(
      "tracking-unlocked", "write tracking is allocated without slots_arch_lock", in: firstRoot,
      breaks: ["lock-imbalance", "idempotent"],
      .insertBefore("r = kvm_page_track", "\t\t\tmutex_unlock(&kvm->slots_arch_lock);"),
      .insertAfter("r = kvm_page_track", "\t\t\tmutex_lock(&kvm->slots_arch_lock);")),
  ]

  /// What only two vCPUs at once show.
  static let raceDefects = [recheckRemoved, flagEarly, locksSwapped]

  static let recheckRemoved = Change(
    "recheck-removed", "no recheck under the lock", in: firstRoot, breaks: ["idempotent"],
    edits: [Nth(.delete("if (kvm_shadow_root_allocated(kvm))", through: "goto out_unlock"), 2)])

  /// A later allocation that fails takes it back: alone nobody would see it.
  static let flagEarly = Change(
    "flag-early", "the flag is set before the metadata is there", in: firstRoot,
    breaks: ["early-publication"],
    .delete("smp_store_release("), .delete("out_success:"),
    .insertAfter(
      "out_unlock:", "\tif (r)\n\t\tsmp_store_release(&kvm->arch.shadow_root_allocated, (false));"),
    .replace(
      "goto out_success;",
      with:
        "{\n\t\tsmp_store_release(&kvm->arch.shadow_root_allocated, (true));\n"
        + "\t\tgoto out_unlock;\n\t}"),
    .insertBefore(
      "for (i = 0;", "\tsmp_store_release(&kvm->arch.shadow_root_allocated, (true));"))

  static let locksSwapped = Change(
    "locks-swapped", "two locks are taken in two orders", in: freeRoots, breaks: ["deadlock"],
    edits: [
      Nth(
        .insertAfter(
          "write_lock(&", "\tspin_lock(&vcpu->kvm->arch.tdp_mmu_pages_lock);"), in: shadow),
      Nth(
        .insertBefore(
          "write_unlock(&", "\tspin_unlock(&vcpu->kvm->arch.tdp_mmu_pages_lock);"), in: shadow),
      Nth(.insertBefore("if (is_tdp_mmu)", "\tspin_lock(&kvm->arch.tdp_mmu_pages_lock);")),
      Nth(.insertAfter("\twrite_lock(&", "\tspin_unlock(&kvm->arch.tdp_mmu_pages_lock);")),
    ])
}

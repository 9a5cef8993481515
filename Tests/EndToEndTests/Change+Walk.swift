// SPDX-License-Identifier: GPL-2.0-only

/// Defects of `shadow_walk_init_using_root()`.
extension Change {
  static let walkDefects: [Change] = [
    Change(
      "only-4-levels", "over 5 levels the walk of a 32-bit guest starts at the root",
      in: walkStart, breaks: ["walk-start", "warn-missing"],
      .replace("level >= PT64_ROOT_4LEVEL", with: "level == PT64_ROOT_4LEVEL")),
    Change(
      "flags-in-address", "the table's address keeps the PDPTE's flags", in: walkStart,
      breaks: ["walk-start"], .delete("SPTE_BASE_ADDR_MASK")),
    Change(
      "absent-quarter-walked", "a walk starts where no PDPTE is present", in: walkStart,
      breaks: ["walk-start"], .delete("if (!iterator", through: "level = 0")),
    Change(
      "first-quarter-always", "every walk goes by the first PDPTE", in: walkStart,
      breaks: ["walk-start"], .replace("(addr >> 30) & 3", with: "0")),
    Change(
      "one-level-up", "the PDPTE's table is walked as one of level 3", in: walkStart,
      breaks: ["walk-start"], .delete("--iterator->level")),
    Change(
      "dummy-walked", "a walk starts at a dummy root", in: walkStart, breaks: ["walk-start"],
      .replace(" || kvm_mmu_is_dummy_root(root)", with: "")),
    Change(
      "no-root-silent", "no WARN of a walk without a root", in: walkStart,
      breaks: ["warn-missing"], .replace("WARN_ON_ONCE(!VALID", with: "unlikely(!VALID")),
    Change(
      "walk-forgets", "starting a walk forgets the guest's root", in: walkStart,
      breaks: ["root-identity"],
      .insertBefore("iterator->addr = addr", "\tvcpu->arch.mmu->root.pgd = 0;")),
  ]
}

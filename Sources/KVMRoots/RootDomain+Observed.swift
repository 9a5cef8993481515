// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// Differences between revisions, in words.
extension RootDomain {
  public static func name(ofTarget target: UInt8) -> String {
    RootObserver.drives[Int(target)].rawValue
  }

  public static func tellsValues(_ aspect: UInt8) -> Bool {
    aspect <= RootAspect.result.rawValue
  }

  public static func describe(_ old: Observation.Fact, _ new: Observation.Fact) -> String {
    let aspect = RootAspect(rawValue: new.aspect)!
    let function = "\(name(ofTarget: new.target))()"
    let (was, now) = (value(old, aspect), value(new, aspect))
    switch aspect {
    case .ending:
      let kinds = (EventKind(rawValue: UInt16(old.value))!, EventKind(rawValue: UInt16(new.value))!)
      return "\(function) \(ending(kinds.1)) where it \(past(kinds.0))"
    case .result: return "\(function) returns \(now) instead of \(was)"
    case .warnings: return "\(count(new.value, "WARN")) in \(function) instead of \(old.value)"
    case .locks: return "\(function) \(locks(new.value)) instead of \(was)"
    case .pages:
      return "\(function) \(pages(Int64(bitPattern: old.value), Int64(bitPattern: new.value)))"
    default: return "\(subject(of: new, aspect)) is \(now) instead of \(was) after \(function)"
    }
  }

  private static func count(_ number: some BinaryInteger, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }

  private static func locks(_ value: UInt64) -> String {
    let number = Int64(bitPattern: value)
    return number < 0
      ? "releases \(count(number.magnitude, "lock")) that it did not take"
      : "leaves \(count(number, "lock")) held"
  }

  /// Pages taken less pages given back: `keeps 2 pages instead of 1`.
  private static func pages(_ old: Int64, _ new: Int64) -> String {
    let now = "\(new < 0 ? "frees" : "keeps") \(count(new.magnitude, "page"))"
    if (old < 0) == (new < 0) { return "\(now) instead of \(old.magnitude)" }
    return "\(now) where it \(old < 0 ? "freed" : "kept") \(old.magnitude)"
  }

  private static func ending(_ kind: EventKind) -> String {
    switch kind {
    case .returned: "returns"
    case .hang, .overflow: "does not come to an end"
    case .deadlock: "waits for ever"
    case .step: "is not called"
    default: "crashes"
    }
  }

  private static func past(_ kind: EventKind) -> String {
    switch kind {
    case .returned: "returned"
    case .hang, .overflow: "did not come to an end"
    case .deadlock: "waited for ever"
    case .step: "was not called"
    default: "crashed"
    }
  }

  /// What a fact is about, as the kernel names it.
  private static func subject(of fact: Observation.Fact, _ aspect: RootAspect) -> String {
    switch aspect {
    case .root: "root.hpa"
    case .pgd: "root.pgd"
    case .mirror: "mirror_root_hpa"
    case .previous: "prev_roots[\(fact.index)].hpa"
    case .previousPGD: "prev_roots[\(fact.index)].pgd"
    case .pae: "pae_root"
    case .pml4: "pml4_root"
    case .pml5: "pml5_root"
    case .pdpte: "the table that pae_root[\(fact.index)] names"
    case .pdpteBits: "pae_root[\(fact.index)] without its address"
    case .quarter: "the end of a walk for address 0x\(String(UInt64(fact.index) << 30, radix: 16))"
    case .references: "root_count of shadow page \(fact.index)"
    case .page: "shadow page \(fact.index)"
    case .firstRoot: "shadow_root_allocated"
    case .metadata: fact.index == 4 ? "mmu_page_hash" : "metadata of memory slot \(fact.index)"
    case .walkLevel: "the walk's level"
    case .walkTable: "the walk's table"
    default: "the walk's address"
    }
  }

  private static func value(_ fact: Observation.Fact, _ aspect: RootAspect) -> String {
    switch aspect {
    case .result: return Errno.name(Int32(truncatingIfNeeded: fact.shown))
    case .root, .mirror, .previous, .pdpte, .walkTable: return PageName.words(fact.shown)
    case .pae, .pml4, .pml5:
      return fact.shown == 0 ? "NULL" : PageName.words(fact.shown)
    case .page: return PageName.words(fact.shown & ~3) + (fact.shown & 3 == 0 ? "" : ", zapped")
    case .locks: return "\(Int64(bitPattern: fact.shown))"
    case .references: return "\(Int32(truncatingIfNeeded: fact.shown))"
    case .firstRoot: return fact.shown == 0 ? "false" : "true"
    case .metadata:
      if fact.index == 4 { return fact.shown == 0 ? "NULL" : "an array" }
      let maps = (fact.shown & 7).nonzeroBitCount
      return "\(maps) reverse maps and \(fact.shown & 8 == 0 ? "no" : "its") write tracking"
    case .quarter:
      switch fact.shown >> 4 {
      case 1: return "an absent entry of level \(fact.shown & 15)"
      case 2: return "an entry of level \(fact.shown & 15) with wrong bits"
      case 3: return "outside of memory, behind level \(fact.shown & 15)"
      default: return PageName.words(fact.shown)
      }
    case .pgd where fact.shown == RootObserver.guestsPGD: return "the guest's"
    case .pgd where fact.shown == RootObserver.oldPGD: return "as before"
    case .walkLevel: return "\(fact.shown)"
    default: return "0x\(String(fact.shown, radix: 16))"
    }
  }
}

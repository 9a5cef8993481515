// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// What a caller can see of an MMU's roots at one moment. To read a field is to look at the inputs
/// that it depends on; to compare two moments is not.
struct RootSnapshot: Equatable {
  static let invalidPage = UInt64.max  // INVALID_PAGE

  struct Values {
    var rootHPA: UInt64 = 0
    var rootPGD: UInt64 = 0
    var mirrorRoot: UInt64 = 0
    var previous: (UInt64, UInt64, UInt64) = (0, 0, 0)
    var previousPGD: (UInt64, UInt64, UInt64) = (0, 0, 0)
    var pae: UInt64 = 0
    var pml4: UInt64 = 0
    var pml5: UInt64 = 0
    /// The four PDPTEs; 0 when there is no table.
    var pdptes: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  }

  /// As they are: to read one here is no look.
  private(set) var unasked = Values()
  private let inputs: RootInputs
  private let world: World?

  init() {
    inputs = .fixed
    world = nil
  }

  init(_ world: World, _ slots: RootSlots, _ inputs: RootInputs = .fixed) {
    self.inputs = inputs
    self.world = world
    unasked.rootHPA = world.peek(slots.rootHPA)
    unasked.rootPGD = world.peek(slots.rootPGD)
    if let mirror = slots.mirrorRoot { unasked.mirrorRoot = world.peek(mirror) }
    unasked.previous = (
      world.peek(slots.previousHPA, at: 0), world.peek(slots.previousHPA, at: 1),
      world.peek(slots.previousHPA, at: 2)
    )
    unasked.previousPGD = (
      world.peek(slots.previousPGD, at: 0), world.peek(slots.previousPGD, at: 1),
      world.peek(slots.previousPGD, at: 2)
    )
    unasked.pae = world.peek(slots.pae)
    unasked.pml4 = world.peek(slots.pml4)
    if let slot = slots.pml5 { unasked.pml5 = world.peek(slot) }
    let pae = unasked.pae
    if pae != 0, let first = world.peek(memory: pae) {
      unasked.pdptes = (
        first, world.peek(memory: pae + 8) ?? 0, world.peek(memory: pae + 16) ?? 0,
        world.peek(memory: pae + 24) ?? 0
      )
    }
  }

  private func ask(_ mask: UInt32) { if mask != 0 { world?.ask(mask: mask) } }

  var rootHPA: UInt64 {
    get {
      ask(inputs.root)
      return unasked.rootHPA
    }
    set {
      ask(inputs.root)
      unasked.rootHPA = newValue
    }
  }
  var rootPGD: UInt64 {
    get { unasked.rootPGD }
    set { unasked.rootPGD = newValue }
  }
  var mirrorRoot: UInt64 {
    ask(inputs.mirror)
    return unasked.mirrorRoot
  }
  var previous: (UInt64, UInt64, UInt64) {
    get {
      ask(inputs.previous)
      return unasked.previous
    }
    set {
      ask(inputs.previous)
      unasked.previous = newValue
    }
  }
  var previousPGD: (UInt64, UInt64, UInt64) {
    get {
      ask(inputs.previous)
      return unasked.previousPGD
    }
    set {
      ask(inputs.previous)
      unasked.previousPGD = newValue
    }
  }
  var pae: UInt64 {
    ask(inputs.pae)
    return unasked.pae
  }
  var pml4: UInt64 {
    ask(inputs.pml4)
    return unasked.pml4
  }
  var pml5: UInt64 {
    ask(inputs.pml5)
    return unasked.pml5
  }
  var pdptes: (UInt64, UInt64, UInt64, UInt64) {
    get {
      ask(inputs.pae | inputs.pdptes)
      return unasked.pdptes
    }
    set {
      ask(inputs.pae | inputs.pdptes)
      unasked.pdptes = newValue
    }
  }

  /// Whether all of these tables are there: no further one is looked at than tells.
  func has(_ tables: Tables) -> Bool {
    [Tables.pae, .pml4, .pml5].allSatisfy { !tables.contains($0) || table($0) != 0 }
  }

  /// Whether any of these tables is there.
  func hasAny(_ tables: Tables) -> Bool {
    [Tables.pae, .pml4, .pml5].contains { tables.contains($0) && table($0) != 0 }
  }

  func table(_ table: Tables) -> UInt64 {
    switch table {
    case .pae: pae
    case .pml4: pml4
    default: pml5
    }
  }

  /// Whether an hpa is that of a table. Nobody comes by a table's address without a look at the
  /// field that holds it, so to compare is no further look.
  func hasTable(_ hpa: UInt64) -> Bool {
    hpa == unasked.pae || hpa == unasked.pml4 || hpa == unasked.pml5
  }

  /// Whether a table's field is what it was, whatever that is.
  func keeps(_ table: Tables, of other: RootSnapshot) -> Bool {
    switch table {
    case .pae: unasked.pae == other.unasked.pae
    case .pml4: unasked.pml4 == other.unasked.pml4
    default: unasked.pml5 == other.unasked.pml5
    }
  }

  func pdpte(_ index: Int) -> UInt64 {
    switch index {
    case 0: pdptes.0
    case 1: pdptes.1
    case 2: pdptes.2
    default: pdptes.3
    }
  }

  func previous(_ index: Int) -> UInt64 {
    switch index {
    case 0: previous.0
    case 1: previous.1
    default: previous.2
    }
  }

  /// PDPTEs in use, `IS_VALID_PAE_ROOT()`.
  var usedPDPTEs: Int { (0..<4).count { pdpte($0) != 0 } }

  static func == (left: RootSnapshot, right: RootSnapshot) -> Bool {
    left.firstDifference(from: right) == nil
  }

  /// What differs, as the kernel names it.
  func firstDifference(from other: RootSnapshot) -> String? {
    let (left, right) = (unasked, other.unasked)
    if left.rootHPA != right.rootHPA { return "root.hpa" }
    if left.rootPGD != right.rootPGD { return "root.pgd" }
    if left.mirrorRoot != right.mirrorRoot { return "mirror_root_hpa" }
    if left.previous != right.previous || left.previousPGD != right.previousPGD {
      return "prev_roots"
    }
    if left.pae != right.pae { return "pae_root" }
    if left.pml4 != right.pml4 { return "pml4_root" }
    if left.pml5 != right.pml5 { return "pml5_root" }
    if left.pdptes != right.pdptes { return "pae_root[]" }
    return nil
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// What of a starting state depends on which inputs of its drive's space: who looks at a field asks
/// for these. A bit for each input.
///
/// There is one of each for the whole process, and this only names it: a state and a snapshot of the
/// roots hold one, and both are copied often.
@dynamicMemberLookup
struct RootInputs: @unchecked Sendable {
  private let masks: UnsafePointer<Masks>

  private init(_ masks: Masks) {
    let place = UnsafeMutablePointer<Masks>.allocate(capacity: 1)
    place.initialize(to: masks)
    self.masks = UnsafePointer(place)
  }

  /// Nothing varies.
  static let fixed = RootInputs(Masks([], .twoVCPUs, hasLAM: false))
  private static let all = Drive.allCases.flatMap { drive in
    [false, true].map { RootInputs(Masks(drive.dimensions, drive, hasLAM: $0)) }
  }

  init(_ drive: Drive, hasLAM: Bool) {
    self = Self.all[Drive.allCases.firstIndex(of: drive)! * 2 + (hasLAM ? 1 : 0)]
  }

  subscript<Value>(dynamicMember path: KeyPath<Masks, Value>) -> Value {
    @inline(__always) get { masks.pointee[keyPath: path] }
  }

  /// Looks at a dimension.
  @inline(__always) func ask(_ dimension: Dimension, in world: World) {
    let number = masks.pointee.number(of: dimension)
    if number != Masks.none { world.ask(number) }
  }
}

/// What ``RootInputs`` names.
struct Masks: Sendable {
  /// The number of each dimension's first input, by the dimension's own; ``none`` where it does not
  /// vary.
  private let numbers: SIMD32<UInt8>
  static let none: UInt8 = 0xff

  let shadowLevel, guestLevel, direct, entrySize, guestPGD: UInt32
  let tdp, tdpMMU, encryption, mirror, tdpLevel, isRootMMU: UInt32
  let root, previous, pae, pml4, pml5, pdptes, upperEntries: UInt32
  let firstRoot, tracking, tracks: UInt32

  init(_ dimensions: [Dimension], _ drive: Drive, hasLAM: Bool) {
    var numbers = SIMD32<UInt8>(repeating: Self.none)
    var next = 0
    for dimension in dimensions {
      numbers[Int(dimension.rawValue)] = UInt8(next)
      next += dimension.arities.count
    }
    self.numbers = numbers
    func mask(_ dimensions: Dimension...) -> UInt32 {
      dimensions.reduce(0) { mask, dimension in
        let number = numbers[Int(dimension.rawValue)]
        return number == Self.none ? mask : mask | 1 << UInt32(number)
      }
    }
    shadowLevel = mask(.shadow)
    guestLevel = mask(.guest, .next)
    direct = mask(.direct)
    entrySize = mask(.guest, .direct, .gpte, .next)
    guestPGD = hasLAM ? mask(.guest, .next) : 0
    tdp = mask(.tdp)
    tdpMMU = mask(.tdpmmu)
    encryption = mask(.me)
    mirror = mask(.mirror)
    // What follows from the rest, see RootState.settle().
    tdpLevel = drive == .lifecycle ? mask(.shadow) : mask(.tdplevel)
    isRootMMU = drive == .lifecycle ? mask(.tdp) : mask(.mmu)
    tracks = [.shadow, .walk, .lifecycle].contains(drive) ? mask(.tdp) : 0
    root = mask(.root)
    previous = mask(.prev)
    pae =
      drive == .freeRoots
      ? mask(.root, .entries) : drive == .walk ? mask(.shadow) : mask(.tables)
    pml4 = drive == .freeRoots ? mask(.root) : mask(.tables) << 1
    pml5 = drive == .freeRoots ? mask(.root) : mask(.tables) << 2
    pdptes = mask(.stale, .entries)
    upperEntries = mask(.stale)
    firstRoot = mask(.first)
    tracking = mask(.track)
  }

  /// The number of a dimension's first input; ``none`` where it does not vary.
  func number(of dimension: Dimension) -> UInt8 { numbers[Int(dimension.rawValue)] }
}

extension World {
  /// Looks at every input of a mask.
  @inline(__always) func ask(mask: UInt32) {
    var rest = mask
    while rest != 0 {
      ask(UInt8(rest.trailingZeroBitCount))
      rest &= rest &- 1
    }
  }
}

/// A starting state as whoever judges sees it: to read a part of it is to ask for it. One for many runs,
/// so they share it.
final class AskedState {
  /// For what does not count as a look.
  let state: RootState
  let inputs: RootInputs
  let world: World
  /// What ``with(guestLevel:)`` made last.
  private var other: AskedState?

  init(state: RootState, inputs: RootInputs, world: World) {
    self.state = state
    self.inputs = inputs
    self.world = world
  }

  /// The same with another level of the guest's tables. Made once: each run of a state asks for it.
  func with(guestLevel: Int) -> AskedState {
    if let other, other.state.guestLevel == guestLevel { return other }
    var state = state
    state.guestLevel = guestLevel
    let made = AskedState(state: state, inputs: inputs, world: world)
    other = made
    return made
  }

  private func ask(_ dimension: Dimension) { inputs.ask(dimension, in: world) }

  var drive: Drive { state.drive }
  var shadowLevel: Int {
    ask(.shadow)
    return state.shadowLevel
  }
  var guestLevel: Int {
    ask(.guest)
    return state.guestLevel
  }
  var isDirect: Bool {
    ask(.direct)
    return state.isDirect
  }
  var tdp: Bool {
    ask(.tdp)
    return state.tdp
  }
  var tdpMMU: Bool {
    ask(.tdpmmu)
    return state.tdpMMU
  }
  var isEncrypted: Bool {
    ask(.me)
    return state.isEncrypted
  }
  var hasWrongEntrySize: Bool {
    ask(.gpte)
    return state.hasWrongEntrySize
  }
  var isRootMMU: Bool {
    ask(drive == .lifecycle ? .tdp : .mmu)
    return state.isRootMMU
  }
  var tdpLevel: Int {
    ask(drive == .lifecycle ? .shadow : .tdplevel)
    return state.tdpLevel
  }
  var isMirrored: Bool {
    ask(.mirror)
    return state.isMirrored
  }
  var hasMirrorRoot: Bool {
    ask(.mirror)
    return state.hasMirrorRoot
  }
  var root: RootKind {
    ask(.root)
    return state.root
  }
  var entries: Int {
    ask(.entries)
    return state.entries
  }
  var previous: PreviousRoots {
    ask(.prev)
    return state.previous
  }
  var rootsToFree: Int {
    ask(.free)
    return state.rootsToFree
  }
  var walked: WalkedRoot {
    ask(.load)
    return state.walked
  }
  var isTracked: Bool {
    ask(.track)
    return state.isTracked
  }
  var hadShadowRoot: Bool {
    ask(.first)
    return state.hadShadowRoot
  }
  var layout: SlotLayout {
    ask(.slots)
    return state.layout
  }
  var metadata: SlotMetadata {
    ask(inputs.tracks != 0 ? .tdp : .meta)
    return state.metadata
  }
  var hasPageHash: Bool {
    ask(.hash)
    return state.hasPageHash
  }
  var nextGuestLevel: Int {
    ask(.next)
    return state.nextGuestLevel
  }
}

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

/// A starting state as whoever judges sees it: to read a part of it is to ask for it.
struct AskedState {
  /// For what does not count as a look.
  var state: RootState
  let inputs: RootInputs
  let world: World

  private func asking(_ dimension: Dimension) -> RootState {
    inputs.ask(dimension, in: world)
    return state
  }

  var drive: Drive { state.drive }
  var shadowLevel: Int { asking(.shadow).shadowLevel }
  var guestLevel: Int { asking(.guest).guestLevel }
  var isDirect: Bool { asking(.direct).isDirect }
  var tdp: Bool { asking(.tdp).tdp }
  var tdpMMU: Bool { asking(.tdpmmu).tdpMMU }
  var isEncrypted: Bool { asking(.me).isEncrypted }
  var hasWrongEntrySize: Bool { asking(.gpte).hasWrongEntrySize }
  var isRootMMU: Bool { asking(drive == .lifecycle ? .tdp : .mmu).isRootMMU }
  var tdpLevel: Int { asking(drive == .lifecycle ? .shadow : .tdplevel).tdpLevel }
  var isMirrored: Bool { asking(.mirror).isMirrored }
  var hasMirrorRoot: Bool { asking(.mirror).hasMirrorRoot }
  var root: RootKind { asking(.root).root }
  var entries: Int { asking(.entries).entries }
  var previous: PreviousRoots { asking(.prev).previous }
  var rootsToFree: Int { asking(.free).rootsToFree }
  var walked: WalkedRoot { asking(.load).walked }
  var isTracked: Bool { asking(.track).isTracked }
  var hadShadowRoot: Bool { asking(.first).hadShadowRoot }
  var layout: SlotLayout { asking(.slots).layout }
  var metadata: SlotMetadata { asking(inputs.tracks != 0 ? .tdp : .meta).metadata }
  var hasPageHash: Bool { asking(.hash).hasPageHash }
  var nextGuestLevel: Int { asking(.next).nextGuestLevel }
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration

extension RootDomain {
  /// The tables behind the last run, as the processor walks them from the root, and those that it does
  /// not come to.
  public func picture(telling wrong: [String]) -> MemoryPicture? {
    guard let state = lastState, state.drive != .twoVCPUs else { return nil }
    var picture = RootPicture(setup: setup, world: subject.world, encryption: state.encryption)
    return picture.drawn(telling: wrong)
  }
}

/// Draws an MMU's tables. Only memory and the fields that name tables count; nothing is asked for.
private struct RootPicture {
  let setup: RootSetup
  let world: World
  /// The bit that an entry has where memory is encrypted, else 0.
  let encryption: UInt64
  private var boxes: [MemoryPicture.Box] = []
  /// The level of each box.
  private var levels: [Int] = []

  init(setup: RootSetup, world: World, encryption: UInt64) {
    self.setup = setup
    self.world = world
    self.encryption = encryption
  }

  private var slots: RootSlots { setup.slots }
  private var walker: PageWalker<World> {
    PageWalker(
      memory: world, encryption: RootState.encryptionBit, isEncrypted: encryption != 0)
  }

  mutating func drawn(telling wrong: [String]) -> MemoryPicture {
    let root = world.peek(slots.rootHPA)
    let level = Int(world.peek(slots.shadowLevel))
    let format: RootFormat = level == 3 ? .pae : .long(levels: level)
    var start = "root.hpa = \(hex(root))"
    var first: String?
    if root == RootSnapshot.invalidPage {
      start = "root.hpa = INVALID_PAGE"
    } else if (2...5).contains(level) {
      first = hex(root)
      walk(root, level, format)
    }
    // Tables that fields name and no walk comes to.
    let fields = [
      (world.peek(slots.pae), 3), (world.peek(slots.pml4), 4),
      (slots.pml5.map { world.peek($0) } ?? 0, 5),
    ]
    for (table, level) in fields where table != 0 { walk(table, level, .long(levels: level)) }
    tell(wrong)
    let left = levels.max() ?? 0
    for index in boxes.indices { boxes[index].column = left - levels[index] }
    return MemoryPicture(start: start, root: first, boxes: boxes, wrong: wrong)
  }

  /// Draws a table, and what it leads to.
  private mutating func walk(_ table: UInt64, _ level: Int, _ format: RootFormat) {
    guard !boxes.contains(where: { $0.id == hex(table) }) else { return }
    let number = boxes.count
    let page = setup.number(of: table, in: world)
    let name = field(of: table)
    let kind =
      page.map { page in
        "shadow page of frame \(hex(world.peek(slots.pageGFN, at: page))), level "
          + "\(world.peek(slots.pageLevel, at: page))"
      } ?? (name == nil ? "a page" : Self.kinds[level] ?? "a table")
    boxes.append(.init(id: hex(table), kind: kind, name: name, column: 0))
    levels.append(level)
    guard table & ~PageWalker<World>.addressBits == 0, world.peek(memory: table) != nil else {
      boxes[number].wrong = "no page is in use at this address"
      return
    }
    guard page == nil, table != RootSetup.zeroPage else { return }
    if name == nil { boxes[number].wrong = "it is none of the MMU's tables" }
    guard level >= 3 else { return }
    for index in shown(of: table, level) {
      let value = world.peek(memory: table + UInt64(index) * 8) ?? 0
      let target = value & PageWalker<World>.addressBits & ~RootState.encryptionBit
      let isPresent = value & 1 != 0
      var entry = MemoryPicture.Entry(index: index, text: Self.words(of: value))
      if isPresent {
        entry.target = hex(target)
        if let bits = walker.wrongBits(value, format, level: level) {
          entry.wrong = "the processor does not take the bits \(hex(bits)) here"
        } else if level == 3, setup.number(of: target, in: world) == nil {
          entry.wrong = "it leads to what is no shadow page"
        }
      }
      boxes[number].entries.append(entry)
      if isPresent { walk(target, level - 1, format) }
    }
  }

  /// Entries that are not 0, and those by which the guest's first 4 GiB go; no more than 16.
  private func shown(of table: UInt64, _ level: Int) -> [Int] {
    var list = Set(level == 3 ? 0..<4 : 0..<1)
    var entry = world.nextEntry(of: table, from: 0)
    while entry < 512, list.count < 16 {
      if world.peek(memory: table + UInt64(entry) * 8) != 0 { list.insert(entry) }
      entry = world.nextEntry(of: table, from: entry + 1)
    }
    return list.sorted()
  }

  /// Puts each sentence where it belongs: to the table that it names, else to the one of its level.
  private mutating func tell(_ wrong: [String]) {
    for sentence in wrong {
      let named = boxes.indices.filter { boxes[$0].name.map(sentence.contains) ?? false }
      let leveled = boxes.indices.filter {
        boxes[$0].name != nil && sentence.contains("level \(levels[$0])")
      }
      for index in named.isEmpty ? leveled : named where boxes[index].wrong == nil {
        boxes[index].wrong = sentence
      }
    }
  }

  private func field(of table: UInt64) -> String? {
    if table == world.peek(slots.pae) { return "pae_root" }
    if table == world.peek(slots.pml4) { return "pml4_root" }
    if let slot = slots.pml5, table == world.peek(slot) { return "pml5_root" }
    return nil
  }

  private static let kinds = [5: "PML5", 4: "PML4", 3: "PDPT", 2: "page directory"]

  /// `present, writable, user`
  private static func words(of entry: UInt64) -> String {
    guard entry != 0 else { return "empty" }
    let names: [(UInt64, String)] = [
      (1 << 0, "present"), (1 << 1, "writable"), (1 << 2, "user"), (1 << 3, "write-through"),
      (1 << 4, "cache-disabled"), (1 << 5, "accessed"), (1 << 63, "no-execute"),
      (RootState.encryptionBit, "encrypted"),
    ]
    let set = names.filter { entry & $0.0 != 0 }.map(\.1)
    return ((entry & 1 == 0 ? ["not present"] : []) + set).joined(separator: ", ")
  }

  private func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}

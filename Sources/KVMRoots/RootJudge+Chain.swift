// SPDX-License-Identifier: GPL-2.0-only
import Exploration

extension World: PhysicalMemory {}

/// What the processor reaches from a root.
extension RootJudge {
  func walker(_ state: AskedState, _ world: World) -> PageWalker<World> {
    PageWalker(
      memory: world, encryption: RootState.encryptionBit, isEncrypted: state.isEncrypted)
  }

  func format(_ state: AskedState) -> RootFormat {
    state.shadowLevel == 3 ? .pae : .long(levels: state.shadowLevel)
  }

  /// Follows root.hpa for each quarter of 4 GiB. Only memory counts, not the fields that the code
  /// keeps beside it.
  func chain(
    _ step: Step, _ world: World, _ quarters: Quarters, _ report: inout Report
  ) {
    let root = step.after.rootHPA
    guard step.after.hasTable(root) else {
      report.broken(
        .rootIdentity, in: step.function, at: place(of: "root.hpa", step, slots),
        "root.hpa \(hex(root)) is none of the MMU's tables")
      return
    }
    let walker = walker(step.state, world)
    let format = format(step.state)
    var reached = Walk(end: .reached)
    for index in 0..<quarters.count {
      let quarter = quarters[index]
      let address = UInt64(index) << 30
      let walk = walker.walk(from: root, format, address: address, to: 2)
      if walk.tables[3] != 0 { reached = walk }
      let isWhole = self.quarter(quarter, address, walk, step, world, &report)
      guard isWhole else { return }
    }
    others(than: reached, format, step, world, &report)
    references(step, world, &report)
  }

  /// One quarter's walk. Returns whether the next is worth a look.
  private func quarter(
    _ quarter: Quarter, _ address: UInt64, _ walk: Walk, _ step: Step, _ world: World,
    _ report: inout Report
  ) -> Bool {
    func at(_ level: Int) -> UInt64 {
      let place = walk.entries[level] == 0 ? 0 : world.lastStore(hpa: walk.entries[level])
      return place != 0 ? place : step.end
    }
    switch walk.end {
    case .reached:
      guard quarter.isPresent else {
        report.broken(
          .rootChain, in: step.function, at: at(3),
          "the walk for \(hex(address)) gets through although the guest has nothing there")
        return true
      }
      guard let number = setup.number(of: walk.tables[2], in: world) else {
        report.broken(
          .rootChain, in: step.function, at: at(3),
          "the walk for \(hex(address)) leads to what is no shadow page")
        return true
      }
      page(number, step, world, gfn: quarter.gfn, level: 2, quadrant: quarter.quadrant, &report)
      return true
    case .notPresent(let level):
      if quarter.isPresent {
        report.broken(
          .rootChain, in: step.function, at: at(level),
          "the walk for \(hex(address)) finds no present entry at level \(level)")
      }
      return level == 3
    case .badBits(let level, let bits):
      report.broken(
        .entryBits, in: step.function, at: at(level),
        "an entry of level \(level) has bits \(hex(bits)), which the processor does not take there")
      return level == 3
    case .noMemory(let level):
      report.broken(
        .rootChain, in: step.function, at: at(level),
        "the walk for \(hex(address)) leaves memory at level \(level)")
      return level == 3
    }
  }

  /// Every entry of the walked tables that no quarter goes by must be absent.
  private func others(
    than walk: Walk, _ format: RootFormat, _ step: Step, _ world: World, _ report: inout Report
  ) {
    guard case .long(let levels) = format else { return }
    for level in stride(from: levels, through: 3, by: -1) where walk.tables[level] != 0 {
      var entry = world.nextEntry(of: walk.tables[level], from: level == 3 ? 4 : 1)
      while entry < 512 {
        let place = walk.tables[level] + UInt64(entry) * 8
        if let value = world.load(place), value & 1 != 0 {
          let store = world.lastStore(hpa: place)
          report.broken(
            .rootChain, in: step.function, at: store != 0 ? store : step.end,
            "entry \(entry) of level \(level) is present, which nothing should reach")
          return
        }
        entry = world.nextEntry(of: walk.tables[level], from: entry + 1)
      }
    }
  }

  func page(
    _ number: Int, _ step: Step, _ world: World, gfn: UInt64, level: UInt64, quadrant: UInt64,
    _ report: inout Report
  ) {
    let found = (
      world.get(slots.pageGFN, at: number), world.get(slots.pageLevel, at: number),
      world.get(slots.pageQuadrant, at: number)
    )
    if found != (gfn, level, quadrant) {
      let call = events.calls.first { call in
        guard call.arg.0 == found.0, call.arg.1 == found.1 else { return false }
        // Asked for by an address, only a part of 4 GiB has a quadrant.
        return call.call == slots.shadowPage && call.arg.2 == found.2
          || call.call == slots.shadowPageByLevel
            && (found.2 == 0 || call.arg.2 >> 30 & 3 == found.2)
      }
      report.broken(
        .boundaryArguments, in: step.function, at: call?.pc ?? step.end,
        "a shadow of frame \(hex(found.0)), level \(found.1), quadrant \(found.2) is taken for frame "
          + "\(hex(gfn)), level \(level), quadrant \(quadrant)")
    }
    if world.get(slots.pageDirect, at: number) != (step.state.isDirect ? 1 : 0) {
      report.broken(
        .boundaryArguments, in: step.function, at: step.end,
        "a shadow page is \(step.state.isDirect ? "not " : "")direct, its MMU is not")
    }
  }

  /// Each shadow page counts exactly the roots that name it.
  func references(_ step: Step, _ world: World, _ report: inout Report) {
    for number in 0..<16 {
      let hpa = world.get(slots.pageHPA, at: number)
      guard hpa != 0 else { return }
      let gfn = world.get(slots.pageGFN, at: number)
      guard gfn < RootSetup.staleGFN || gfn > RootSetup.staleGFN + 0x300 else { continue }
      var expected = names(hpa, step.after)
      if let other = step.other { expected += names(hpa, other) }
      let counted = Int(Int32(truncatingIfNeeded: world.get(slots.pageCount, at: number)))
      if counted != expected {
        report.broken(
          .lifecycle, in: step.function, at: step.end,
          "a shadow page counts \(counted) roots and \(expected) name it")
      }
    }
  }

  /// How many roots of an MMU name a shadow page.
  private func names(_ hpa: UInt64, _ snapshot: RootSnapshot) -> Int {
    let roots = (snapshot.rootHPA == hpa ? 1 : 0) + (snapshot.mirrorRoot == hpa ? 1 : 0)
    // What is left of before the first step names pages of before it, and those are not asked for.
    let (first, second, third, fourth) = snapshot.unasked.pdptes
    let address = PageWalker<World>.addressBits & ~RootState.encryptionBit
    func count(_ entry: UInt64) -> Int { entry & 1 != 0 && entry & address == hpa ? 1 : 0 }
    return roots + count(first) + count(second) + count(third) + count(fourth)
  }
}

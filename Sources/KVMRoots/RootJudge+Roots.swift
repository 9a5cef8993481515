// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// Who installs a root: `mmu_alloc_shadow_roots()` and `mmu_alloc_direct_roots()`.
extension RootJudge {
  /// What one PDPTE must name.
  struct Quarter {
    var gfn: UInt64
    var quadrant: UInt64
    var isPresent: Bool
  }

  func shadow(_ step: Step, _ world: World, _ report: inout Report) -> Bool {
    let state = step.state
    // Direct MMUs have their own function; a guest that does not page is direct. A shadow of fewer
    // levels than the guest's tables cannot be, nor one of two levels.
    guard !state.isDirect, state.guestLevel != 0, state.shadowLevel >= 3,
      state.guestLevel <= max(3, state.shadowLevel), !state.hasWrongEntrySize
    else { return false }
    let pgd = RootSetup.guestPGD
    let rootGFN = (pgd >> 12) & ((1 << 40) - 1)
    let visible = events.calls.filter { $0.call == slots.visibleGFN }
    guard let first = visible.first else {
      report.broken(
        .boundaryArguments, in: step.function, at: step.end,
        "the guest's root is used without asking whether it is in memory")
      return true
    }
    if first.arg.0 != rootGFN {
      report.broken(
        .boundaryArguments, in: step.function, at: first.pc,
        "the guest's root is frame \(hex(rootGFN)), not \(hex(first.arg.0))")
    }
    if first.value == 0 {
      invisibleRoot(step, first, &report)
      return true
    }
    var quarters: [Quarter] = []
    if state.guestLevel == 3 {
      guard let found = readPDPTRs(step, visible.dropFirst(), &report) else { return true }
      quarters = found
    } else if state.guestLevel == 2 {
      quarters = (0..<4).map { Quarter(gfn: rootGFN, quadrant: UInt64($0), isPresent: true) }
    }
    if events.failure != nil {
      failsCleanly(step, &report)
      return true
    }
    if state.guestLevel >= 4 {
      returnsZero(step, &report)
      warns(exactly: 0, step, &report)
      single(step, world, gfn: rootGFN, &report)
    } else {
      let required: Tables =
        state.shadowLevel == 5
        ? [.pae, .pml4, .pml5] : state.shadowLevel == 4 ? [.pae, .pml4] : [.pae]
      guard step.before.tables.isSuperset(of: required) else {
        refuses(step, "a table that the root needs does not exist", &report)
        return true
      }
      returnsZero(step, &report)
      // Entries that a dropped root left behind are warned of, each once.
      warns(exactly: step.before.usedPDPTEs, step, &report)
      chain(step, world, quarters, &report)
    }
    if step.after.rootPGD != pgd {
      report.broken(
        .rootIdentity, in: step.function, at: place(of: "root.pgd", step, slots),
        "root.pgd is \(hex(step.after.rootPGD)), the guest's is \(hex(pgd))")
    }
    return true
  }

  /// The guest's root is outside of its memory. Kernels since 6.7 load a dummy root, older ones ask
  /// for a triple fault and return 1; either leaves no shadow of what is not there.
  private func invisibleRoot(_ step: Step, _ asked: Event, _ report: inout Report) {
    warns(exactly: 0, step, &report)
    var expected = step.before
    if step.result == 0 { expected.rootHPA = RootSetup.zeroPage }
    let asksForFault = subject.world.get(slots.requests) != 0
    if step.result != 0, step.result != 1 || !asksForFault {
      report.broken(
        .wrongErrno, in: step.function, at: asked.pc,
        "the function returns \(Errno.name(step.result)) for a root outside of the guest's memory")
    }
    if let what = step.after.firstDifference(from: expected) {
      report.broken(
        .rootIdentity, in: step.function, at: place(of: what, step, slots),
        "\(what) is wrong for a root outside of the guest's memory")
    }
  }

  /// The guest's four PDPTEs as they were answered; nil when the scenario ends with them.
  private func readPDPTRs(
    _ step: Step, _ visible: ArraySlice<Event>, _ report: inout Report
  ) -> [Quarter]? {
    let answers = events.calls.filter { $0.call == slots.getPDPTR }
    var asked = visible
    var quarters: [Quarter] = []
    for (index, answer) in answers.enumerated() {
      let gfn = answer.value >> 12
      var isPresent = answer.value & 1 != 0
      if isPresent {
        guard let visibility = asked.popFirst(), visibility.arg.0 == gfn else {
          report.broken(
            .boundaryArguments, in: step.function, at: answer.pc,
            "PDPTE \(index) is used without asking whether frame \(hex(gfn)) is in memory")
          return nil
        }
        isPresent = visibility.value != 0
        if !isPresent, step.result == 1 {
          invisibleRoot(step, visibility, &report)
          return nil
        }
      }
      quarters.append(Quarter(gfn: gfn, quadrant: 0, isPresent: isPresent))
    }
    if answers.count != 4 {
      report.broken(
        .boundaryArguments, in: step.function, at: answers.last?.pc ?? step.end,
        "\(answers.count) of the guest's 4 PDPTEs are read")
      return nil
    }
    return quarters
  }

  func direct(_ step: Step, _ world: World, _ report: inout Report) -> Bool {
    let state = step.state
    guard state.isDirect, !state.hasWrongEntrySize else { return false }
    if events.failure != nil {
      failsCleanly(step, &report)
      return true
    }
    if state.tdpMMU {
      returnsZero(step, &report)
      warns(exactly: 0, step, &report)
      tdpRoot(step, world, &report)
      return true
    }
    switch state.shadowLevel {
    case 4, 5:
      returnsZero(step, &report)
      warns(exactly: 0, step, &report)
      single(step, world, gfn: 0, &report)
    case 3 where step.before.pae != 0:
      returnsZero(step, &report)
      warns(exactly: step.before.usedPDPTEs, step, &report)
      chain(
        step, world,
        (0..<4).map { Quarter(gfn: UInt64($0) << 18, quadrant: 0, isPresent: true) }, &report)
    default:
      refuses(
        step, state.shadowLevel == 3 ? "there is no PDPT" : "no processor walks two levels", &report
      )
      return true
    }
    if step.after.rootPGD != 0 {
      report.broken(
        .rootIdentity, in: step.function, at: place(of: "root.pgd", step, slots),
        "a direct root has no pgd, root.pgd is \(hex(step.after.rootPGD))")
    }
    return true
  }

  private func tdpRoot(_ step: Step, _ world: World, _ report: inout Report) {
    let number = setup.number(of: step.after.rootHPA, in: world)
    if number == nil {
      report.broken(
        .rootIdentity, in: step.function, at: place(of: "root.hpa", step, slots),
        "root.hpa is not the root that the TDP MMU made")
    }
    guard slots.mirrorRoot != nil, slots.vmType != nil else { return }
    let hasMirror = step.after.mirrorRoot != RootSnapshot.invalidPage
    let isKept = !step.state.hasMirrorRoot || step.after.mirrorRoot == step.before.mirrorRoot
    if hasMirror != step.state.isMirrored || !isKept
      || hasMirror && step.after.mirrorRoot == step.after.rootHPA
    {
      report.broken(
        .rootIdentity, in: step.function, at: place(of: "mirror_root_hpa", step, slots),
        "mirror_root_hpa does not fit a VM \(step.state.isMirrored ? "with" : "without") mirrored tables"
      )
    }
  }

  /// A root of four or five levels: one shadow page, used directly.
  private func single(_ step: Step, _ world: World, gfn: UInt64, _ report: inout Report) {
    let root = step.after.rootHPA
    guard let number = setup.number(of: root, in: world) else {
      report.broken(
        .rootIdentity, in: step.function, at: place(of: "root.hpa", step, slots),
        "root.hpa \(hex(root)) is no shadow page")
      return
    }
    page(number, step, world, gfn: gfn, level: UInt64(step.state.shadowLevel), quadrant: 0, &report)
    references(step, world, &report)
  }

  /// The chain of tables that the processor walks (AMD64 APM volume 2, nested paging; Intel SDM
  /// volume 3, paging): from the root, entry 0 of each upper table, down to four PDPTEs.
  private func chain(
    _ step: Step, _ world: World, _ quarters: [Quarter], _ report: inout Report
  ) {
    let level = step.state.shadowLevel
    let tables = [step.after.pae, step.after.pml4, step.after.pml5].prefix(level - 2)
    guard step.after.rootHPA == tables.last else {
      report.broken(
        .rootIdentity, in: step.function, at: place(of: "root.hpa", step, slots),
        "root.hpa \(hex(step.after.rootHPA)) is not the table of level \(level)")
      return
    }
    for index in stride(from: tables.count - 1, to: 0, by: -1) {
      let entry = world.load(tables[index]) ?? 0
      let place = world.lastStore(hpa: tables[index])
      guard entry & 1 != 0, address(entry) == tables[index - 1] else {
        report.broken(
          .rootChain, in: step.function, at: place != 0 ? place : step.end,
          "entry 0 of level \(index + 3) does not lead to the table of level \(index + 2)")
        return
      }
      bits(entry, isPDPTEOfPAE: false, step, place, &report)
    }
    for (index, quarter) in quarters.enumerated() {
      let entry = step.after.pdpte(index)
      let place = world.lastStore(hpa: step.after.pae + UInt64(index) * 8)
      let at = place != 0 ? place : step.end
      if !quarter.isPresent {
        if entry != 0 {
          report.broken(
            .rootChain, in: step.function, at: at,
            "PDPTE \(index) is in use although the guest has nothing there")
        }
        continue
      }
      guard entry & 1 != 0, let number = setup.number(of: address(entry), in: world) else {
        report.broken(
          .rootChain, in: step.function, at: at, "PDPTE \(index) leads to no shadow page")
        continue
      }
      page(
        number, step, world, gfn: quarter.gfn, level: 2, quadrant: quarter.quadrant, &report)
      bits(entry, isPDPTEOfPAE: level == 3, step, at, &report)
    }
    strays(step, world, Array(tables), &report)
    references(step, world, &report)
  }

  /// Entries behind those that the chain uses must stay clear.
  private func strays(
    _ step: Step, _ world: World, _ tables: [UInt64], _ report: inout Report
  ) {
    let happened = world.happened.pointee
    for index in 0..<Int(happened.store_count) {
      let store = happened.stores[index]
      for (level, table) in tables.enumerated() {
        let start = world.virtualAddress(table)
        guard store.address >= start, store.address < start + 4096 else { continue }
        let entry = (store.address - start) / 8
        if entry >= (level == 0 ? 4 : 1), world.load(table + entry * 8) != 0 {
          report.broken(
            .rootChain, in: step.function, at: store.pc,
            "entry \(entry) of level \(level + 3) is set, which nothing should reach")
        }
      }
    }
  }

  private func address(_ entry: UInt64) -> UInt64 {
    entry & 0x000f_ffff_ffff_f000 & ~RootState.encryptionBit
  }

  /// Present, address and encryption in every entry. In 4- and 5-level tables also writable and
  /// user, because nested paging treats guest accesses as user accesses; in a PDPTE of PAE paging
  /// those bits are reserved.
  private func bits(
    _ entry: UInt64, isPDPTEOfPAE: Bool, _ step: Step, _ place: UInt64, _ report: inout Report
  ) {
    let encryption = step.state.encryption
    let low = entry & 0xfff
    let high = entry & 0xfff0_0000_0000_0000 | entry & RootState.encryptionBit
    let isRight =
      isPDPTEOfPAE ? low == 1 : low & 7 == 7 && low & ~UInt64(0x27) == 0
    if !isRight || high != encryption {
      report.broken(
        .entryBits, in: step.function, at: place != 0 ? place : step.end,
        "an entry has bits \(hex(low | high)), which the processor does not take at this level")
    }
  }

  private func page(
    _ number: Int, _ step: Step, _ world: World, gfn: UInt64, level: UInt64, quadrant: UInt64,
    _ report: inout Report
  ) {
    let found = (
      world.get(slots.pageGFN, at: number), world.get(slots.pageLevel, at: number),
      world.get(slots.pageQuadrant, at: number)
    )
    if found != (gfn, level, quadrant) {
      let calls = events.calls.filter {
        $0.call == slots.shadowPage || $0.call == slots.shadowPageByLevel
      }
      let call = calls.first { $0.arg.0 == found.0 && $0.arg.1 == found.1 && $0.arg.2 == found.2 }
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
      let expected = names(hpa, step.after) + (step.other.map { names(hpa, $0) } ?? 0)
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
    guard snapshot.pae != 0 else { return roots }
    return roots
      + (0..<4).count {
        snapshot.pdpte($0) & 1 != 0 && address(snapshot.pdpte($0)) == hpa
      }
  }

  func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}

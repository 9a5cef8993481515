// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// Who installs a root: `mmu_alloc_shadow_roots()` and `mmu_alloc_direct_roots()`.
extension RootJudge {
  /// What one PDPTE must name.
  struct Quarter {
    var gfn: UInt64 = 0
    var quadrant: UInt64 = 0
    var isPresent = false
  }

  /// What the PDPTEs must name, those that there are; in place, for there are some in every run.
  struct Quarters {
    private(set) var count = 0
    private var quarters = (Quarter(), Quarter(), Quarter(), Quarter())

    init() {}

    init(_ quarter: (Int) -> Quarter) {
      for index in 0..<4 { append(quarter(index)) }
    }

    /// One too many is only counted.
    mutating func append(_ quarter: Quarter) {
      switch count {
      case 0: quarters.0 = quarter
      case 1: quarters.1 = quarter
      case 2: quarters.2 = quarter
      case 3: quarters.3 = quarter
      default: break
      }
      count += 1
    }

    subscript(index: Int) -> Quarter {
      switch index {
      case 0: quarters.0
      case 1: quarters.1
      case 2: quarters.2
      default: quarters.3
      }
    }
  }

  func shadow(_ step: Step, _ world: World, _ report: inout Report) -> Bool {
    let state = step.state
    // Direct MMUs have their own function.
    guard !state.isDirect, isLoaded(state) else { return false }
    guard !state.hasWrongEntrySize else {
      // Quadrants are for guests whose entries have 4 bytes.
      wrongEntrySize(step, &report) { $0.arg.2 != 0 }
      return false
    }
    let pgd = setup.guestPGD(state.guestLevel)
    let rootGFN = RootSetup.guestRootGFN
    let visible = events.calls.of(slots.visibleGFN)
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
    var quarters = Quarters()
    if state.guestLevel == 3 {
      guard let found = readPDPTRs(step, visible, &report) else { return true }
      quarters = found
    } else if state.guestLevel == 2 {
      quarters = Quarters { Quarter(gfn: rootGFN, quadrant: UInt64($0), isPresent: true) }
    }
    hasRoom(step, &report)
    if state.guestLevel != 3, let read = events.calls.first(where: { $0.call == slots.getPDPTR }) {
      report.broken(
        .boundaryArguments, in: step.function, at: read.pc,
        "PDPTEs are read of a guest whose root has none")
    }
    if hasFailed(step, isDone: hasRoot(step, world) && hasMetadata(step, world)) {
      failsCleanly(step, &report)
      return true
    }
    if let done = slots.firstRootDone, step.result == 0, world.get(done) == 0 {
      let missing = Metadata(world, slots)
        .missing(step.state.layout.count, hasHash: slots.pageHash != nil)
      let isEarly = step.other != nil && missing != nil
      report.broken(
        isEarly ? .earlyPublication : .allocationSet, in: step.function, at: step.end,
        "the guest's tables are shadowed before memory slots have their metadata")
    }
    if state.guestLevel >= 4 {
      returnsZero(step, &report)
      warns(exactly: 0, step, &report)
      single(step, world, gfn: rootGFN, &report)
    } else {
      let required: Tables =
        state.shadowLevel == 5
        ? [.pae, .pml4, .pml5] : state.shadowLevel == 4 ? [.pae, .pml4] : [.pae]
      guard step.before.has(required) else {
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
    _ step: Step, _ visible: EventList, _ report: inout Report
  ) -> Quarters? {
    let answers = events.calls.of(slots.getPDPTR)
    var asked = visible.makeIterator()
    // The root's own.
    _ = asked.next()
    var quarters = Quarters()
    for (index, answer) in answers.enumerated() {
      let gfn = answer.value >> 12
      var isPresent = answer.value & 1 != 0
      if isPresent {
        guard let visibility = asked.next(), visibility.arg.0 == gfn else {
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
    if quarters.count != 4 {
      report.broken(
        .boundaryArguments, in: step.function, at: answers.last?.pc ?? step.end,
        "\(quarters.count) of the guest's 4 PDPTEs are read")
      return nil
    }
    return quarters
  }

  func direct(_ step: Step, _ world: World, _ report: inout Report) -> Bool {
    let state = step.state
    guard state.isDirect, isLoaded(state) else { return false }
    guard !state.hasWrongEntrySize else {
      wrongEntrySize(step, &report) { $0.arg.3 != 0 }
      return false
    }
    hasRoom(step, &report)
    if hasFailed(step, isDone: hasRoot(step, world)) {
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
        Quarters { Quarter(gfn: UInt64($0) << 18, quadrant: 0, isPresent: true) }, &report)
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

  /// Whether a caller loads a root in this state. The TDP MMU is for 64-bit hosts, which walk four levels
  /// or more. A guest that does not page is direct; a shadow of fewer levels than the guest's tables
  /// cannot be, nor one of two levels, nor one that needs a table that the kernel does not know.
  func isLoaded(_ state: AskedState) -> Bool {
    guard !state.isDirect else { return !state.tdpMMU || state.shadowLevel >= 4 }
    return state.guestLevel != 0 && state.shadowLevel >= 3
      && state.guestLevel <= max(3, state.shadowLevel) && hasTables(state)
  }

  /// Whether there is a root that was not there before.
  private func hasRoot(_ step: Step, _ world: World) -> Bool {
    let root = step.after.rootHPA
    return root != step.before.rootHPA
      && (setup.number(of: root, in: world) != nil || step.after.hasTable(root))
  }

  /// Whether memory slots have what shadowing a guest's tables takes.
  private func hasMetadata(_ step: Step, _ world: World) -> Bool {
    guard let done = slots.firstRootDone else { return true }
    return world.get(done) != 0
      && Metadata(world, slots).missing(step.state.layout.count, hasHash: slots.pageHash != nil)
        == nil
  }

  /// Shadow pages are limited: room is made before the first is taken.
  private func hasRoom(_ step: Step, _ report: inout Report) {
    guard
      let page = events.calls.first(where: {
        $0.call == slots.shadowPage || $0.call == slots.shadowPageByLevel
          || $0.call == slots.makeRoom
      }), page.call != slots.makeRoom
    else { return }
    report.broken(
      .boundaryArguments, in: step.function, at: page.pc,
      "a shadow page is taken without make_mmu_pages_available() before")
  }

  /// The role contradicts the guest's level: each shadow page that shows it is warned of.
  private func wrongEntrySize(
    _ step: Step, _ report: inout Report, shows: (Event) -> Bool
  ) {
    guard slots.fourByteEntries != nil else { return }
    let pages = events.calls.of(slots.shadowPage)
    let count = pages.count(where: shows)
    if count > events.warned.count {
      report.broken(
        .warnMissing, in: step.function, at: pages.first(where: shows)?.pc ?? step.end,
        "\(count) shadow pages contradict the size of the guest's entries, and "
          + "\(events.warned.count) WARNs fire")
    }
  }

  private func tdpRoot(_ step: Step, _ world: World, _ report: inout Report) {
    let number = setup.number(of: step.after.rootHPA, in: world)
    if number == nil {
      report.broken(
        .rootIdentity, in: step.function, at: place(of: "root.hpa", step, slots),
        "root.hpa is not the root that the TDP MMU made")
    }
    references(step, world, &report)
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

  func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// Who makes and frees the special tables: `mmu_alloc_special_roots()`, `__kvm_mmu_create()` and
/// `free_mmu_pages()`.
extension RootJudge {
  /// Each rule returns whether the model speaks about this state.
  func special(_ step: Step, _ world: World, _ report: inout Report) -> Bool {
    let state = step.state
    let isNeeded = !state.isDirect && state.guestLevel < 4 && state.shadowLevel >= 4
    let required: Tables = state.shadowLevel == 5 ? [.pae, .pml4, .pml5] : [.pae, .pml4]
    let before = step.before
    if !isNeeded || before.has(required) {
      doesNothing(step, isNeeded: isNeeded, &report)
      return true
    }
    guard hasTables(state) else {
      refuses(step, "this kernel has no table of level 5", &report)
      return true
    }
    // A fifth table that this level does not use, alone: tables are allocated in concert, so no
    // kernel gets there, and released ones overwrite the pointer.
    let hasSome = before.hasAny(required)
    guard hasSome || !before.hasAny(.pml5) else { return false }
    if !state.tdp || hasSome {
      refuses(
        step, state.tdp ? "only some of the tables exist" : "two-dimensional paging is off", &report
      )
      return true
    }
    if hasFailed(step, isDone: step.after.has(required)) {
      failsCleanly(step, &report)
      return true
    }
    returnsZero(step, &report)
    warns(exactly: 0, step, &report)
    for table in [Tables.pae, .pml4, .pml5] {
      let hpa = step.after.table(table)
      let source = events.allocated.first { $0.value == hpa && hpa != 0 }
      if required.contains(table), source == nil {
        report.broken(
          .allocationSet, in: step.function, at: step.end,
          "\(name(table)) is not a page of its own although level \(state.shadowLevel) needs it")
      }
      if !required.contains(table), hpa != 0 {
        report.broken(
          .allocationSet, in: step.function, at: source?.pc ?? step.end,
          "\(name(table)) is allocated although level \(state.shadowLevel) has no use for it")
      }
    }
    // What is given back before the end is no table.
    for event in events.allocated where event.value != 0 && step.after.hasTable(event.value) {
      asked(event, for: [.accounted, .zeroed, .maySleep], step, world, &report)
    }
    let pages = pages(step, world, most: required.rawValue.nonzeroBitCount)
    if pages > required.rawValue.nonzeroBitCount {
      report.broken(
        .allocationSet, in: step.function, at: events.allocated.last?.pc ?? step.end,
        "\(pages) pages are allocated where level \(state.shadowLevel) needs \(required.rawValue.nonzeroBitCount)"
      )
    }
    if step.after.rootHPA != step.before.rootHPA || step.after.rootPGD != step.before.rootPGD {
      report.broken(
        .rootIdentity, in: step.function, at: step.end, "the root is changed by allocating tables")
    }
    return true
  }

  /// Whether the kernel has all tables that a root of this level needs: the fifth came later, and what
  /// needs it is refused before.
  func hasTables(_ state: AskedState) -> Bool {
    slots.pml5 != nil || state.shadowLevel < 5 || state.isDirect || state.guestLevel >= 4
  }

  /// How a table's page must be asked for. Its callers may sleep, so an allocation that may not is
  /// one that fails for nothing.
  private func asked(
    _ event: Event, for wanted: AllocationFlags, _ step: Step, _ world: World,
    _ report: inout Report
  ) {
    // Whoever zeroed it: not an entry is left of what a page may hold that is handed out.
    var wanted = wanted
    if wanted.contains(.zeroed), world.isClear(event.value) { wanted.remove(.zeroed) }
    let sentences: [(AllocationFlags, String)] = [
      (.accounted, "a table is not charged to the VM's owner"), (.zeroed, "a table is not zeroed"),
      (.maySleep, "a table is allocated without sleeping where its callers may sleep"),
      (.below4G, "a PDPT is not below 4 GiB, which CR3 of PAE paging demands"),
    ]
    for (flag, sentence) in sentences
    where wanted.contains(flag) && !event.allocation.contains(flag) {
      report.broken(.allocationSet, in: step.function, at: event.pc, sentence)
    }
  }

  private func name(_ table: Tables) -> String {
    switch table {
    case .pae: "pae_root"
    case .pml4: "pml4_root"
    default: "pml5_root"
    }
  }

  /// Nothing is left to do: the function must return 0 and change nothing.
  private func doesNothing(_ step: Step, isNeeded: Bool, _ report: inout Report) {
    let why = isNeeded ? "all tables exist" : "no table is needed"
    warns(exactly: 0, step, &report)
    if step.result != 0 {
      report.broken(
        isNeeded ? .idempotent : .wrongErrno, in: step.function, at: step.end,
        "the function returns \(Errno.name(step.result)) although \(why)")
    }
    for event in events.allocated where subject.world.load(event.value) != nil {
      report.broken(
        isNeeded ? .idempotent : .allocationSet, in: step.function, at: event.pc,
        "a page is allocated although \(why)")
    }
    if let what = step.after.firstDifference(from: step.before) {
      report.broken(
        .idempotent, in: step.function, at: place(of: what, step, slots),
        "\(what) is changed although \(why)")
    }
  }

  func create(_ step: Step, _ world: World, _ report: inout Report) -> Bool {
    let state = step.state
    let after = step.after
    let invalid = RootSnapshot.invalidPage
    if after.rootHPA != invalid || after.rootPGD != 0
      || after.previous != (invalid, invalid, invalid)
      || slots.mirrorRoot != nil && after.mirrorRoot != invalid
    {
      report.broken(
        .rootIdentity, in: step.function, at: step.end, "a new MMU does not start without a root")
    }
    // guest_mmu is not used without two-dimensional paging; tables of 4 or 5 levels need no PDPTEs
    // of their own.
    let needsPDPT = state.tdp ? state.tdpLevel <= 3 : state.isRootMMU
    // Also where nothing had to be asked for, which the scenario without the failure tells.
    if hasFailed(step, isDone: !needsPDPT || after.pae != 0 && after.pae != step.before.pae) {
      failsCleanly(step, &report, keepsState: false)
      if after.pae != step.before.pae {
        report.broken(
          .partialState, in: step.function, at: place(of: "pae_root", step, slots),
          "pae_root is changed although the function fails")
      }
      return true
    }
    returnsZero(step, &report)
    // A 64-bit host with encryption has no three-level TDP: KVM warns of it.
    warns(exactly: needsPDPT && state.tdp && state.isEncrypted ? 1 : 0, step, &report)
    let pages = pages(step, world, most: needsPDPT ? 1 : 0)
    if pages != (needsPDPT ? 1 : 0) {
      report.broken(
        .allocationSet, in: step.function, at: events.allocated.last?.pc ?? step.end,
        needsPDPT
          ? "\(pages) pages are allocated where 1 is needed"
          : "a page is allocated for an MMU that has no use for a PDPT")
      return true
    }
    let decrypted = events.calls.of(slots.memoryDecrypted)
    if needsPDPT,
      let page = events.allocated.first(where: {
        world.load($0.value) != nil
          && (after.pae == $0.value || !world.keeps($0.value, withObjects: true))
      })
    {
      asked(page, for: [.accounted, .maySleep, .below4G], step, world, &report)
      if after.pae != page.value {
        report.broken(
          .allocationSet, in: step.function, at: page.pc,
          "pae_root is not the page that was allocated")
      }
      if after.usedPDPTEs != 0 {
        report.broken(
          .rootChain, in: step.function, at: step.end, "a new PDPT has entries that are not clear")
      }
    }
    let expected = needsPDPT && !state.tdp ? 1 : 0
    if decrypted.count != expected
      || decrypted.contains(where: { $0.arg.0 != after.pae || $0.arg.1 != 1 })
    {
      report.broken(
        .boundaryArguments, in: step.function, at: decrypted.first?.pc ?? step.end,
        "the PDPT must be decrypted exactly when PAE paging walks it (\(Self.times(expected)), not \(Self.times(decrypted.count)))"
      )
    }
    return true
  }

  func freePages(_ step: Step, _ world: World, _ report: inout Report) -> Bool {
    warns(exactly: 0, step, &report)
    for table in [Tables.pae, .pml4, .pml5] {
      let hpa = step.before.table(table)
      if hpa != 0, world.load(hpa) != nil {
        report.broken(
          .leak, in: step.function, at: step.end, "\(name(table)) is not freed at the MMU's end")
      }
    }
    for event in world.events
    where event.is(.allocation) && event.value != 0
      && world.load(event.value) != nil
      && !Metadata(world, slots).names(event.value)  // is the VM's
      && !world.keeps(event.value)
    {
      report.broken(
        .lifecycle, in: step.function, at: event.pc,
        "a page outlives the MMU that it was allocated for")
    }
    let encrypted = events.calls.of(slots.memoryEncrypted)
    let expected = !step.state.tdp && step.before.pae != 0 ? 1 : 0
    // The page belongs to somebody else as soon as it is freed.
    let isBeforeFree =
      expected == 0
      || world.events.first {
        $0.is(.free) && $0.arg.0 == step.before.pae
          || $0.is(.call) && $0.call == slots.memoryEncrypted
      }?.what == .call
    if encrypted.count != expected
      || encrypted.contains(where: { $0.arg.0 != step.before.pae || $0.arg.1 != 1 })
    {
      report.broken(
        .boundaryArguments, in: step.function, at: encrypted.first?.pc ?? step.end,
        "the PDPT must be encrypted again exactly when it was decrypted "
          + "(\(Self.times(expected)), not \(Self.times(encrypted.count)))")
    } else if !isBeforeFree {
      report.broken(
        .boundaryArguments, in: step.function, at: encrypted.first?.pc ?? step.end,
        "the PDPT is encrypted again after it was freed")
    }
    return true
  }

  private static func times(_ count: Int) -> String {
    count == 0 ? "never" : count == 1 ? "once" : "\(count) times"
  }

  /// How many allocations of the step are still there. What the subject's own data names serves
  /// something else; that is asked only where there are too many.
  private func pages(_ step: Step, _ world: World, most: Int) -> Int {
    let live = events.allocated.count { world.load($0.value) != nil }
    guard live > most else { return live }
    return events.allocated.count {
      world.load($0.value) != nil
        && (step.after.hasTable($0.value) || !world.keeps($0.value, withObjects: true))
    }
  }
}

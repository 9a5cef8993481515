// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// Who gives roots back: `kvm_mmu_free_roots()`.
extension RootJudge {
  private static let current: UInt64 = 1  // KVM_MMU_ROOT_CURRENT

  private static func previous(_ index: Int) -> UInt64 { 2 << UInt64(index) }

  func freeRoots(_ step: Step, _ world: World, _ report: inout Report) -> Bool {
    let state = step.state
    let isTDP = state.isDirect && state.tdpMMU
    let mask = step.argument
    if state.drive == .freeRoots {
      // The TDP MMU's roots are direct and the others are not its; a special root without its
      // tables is what no caller brings.
      let kinds = state.previous
      let isTDPRoot = state.root == .tdp || kinds.contains(.tdp)
      let isShadowRoot =
        [.shadow, .invalidShadow, .sharedShadow, .pae, .pml4, .pml5].contains(state.root)
        || kinds.contains(.shadow) || kinds.contains(.invalidShadow)
      guard !(isTDP && isShadowRoot), !(!isTDP && isTDPRoot),
        // A dummy root is loaded in place of a special one: no PDPTE is in use beside it.
        state.root != .dummy || state.entries == 0
      else { return false }
      if mask > 15 || state.root == .unknownPage || kinds.contains(.unknownPage) {
        unknown(step, mask, &report)
        return false
      }
    }
    warns(exactly: 0, step, &report)
    var expected = step.before
    if mask & Self.previous(0) != 0 { expected.previous.0 = RootSnapshot.invalidPage }
    if mask & Self.previous(1) != 0 { expected.previous.1 = RootSnapshot.invalidPage }
    if mask & Self.previous(2) != 0 { expected.previous.2 = RootSnapshot.invalidPage }
    expected.previousPGD = step.after.previousPGD  // nothing reads it without a root
    if mask & Self.current != 0, step.before.rootHPA != RootSnapshot.invalidPage {
      expected.rootHPA = RootSnapshot.invalidPage
      expected.rootPGD = 0
      if isSpecial(step.before) { expected.pdptes = (0, 0, 0, 0) }
    }
    if mask & Self.current != 0, expected.rootHPA == RootSnapshot.invalidPage,
      step.after.rootPGD == 0
    {
      expected.rootPGD = 0  // nor this
    }
    if let what = step.after.firstDifference(from: expected) {
      let isRepeat = step.before == expected
      report.broken(
        isRepeat ? .idempotent : what == "pae_root[]" ? .lifecycle : .rootIdentity,
        in: step.function, at: place(of: what, step, slots),
        "\(what) is not what roots_to_free = \(mask) leaves")
    }
    let hasWork = (0..<3).contains { isFreed($0, step, mask) } || isCurrentFreed(step, mask)
    if !hasWork, let lock = world.events.first(where: { isOwn($0, step) && $0.is(.lock) }) {
      report.broken(
        .idempotent, in: step.function, at: lock.pc,
        "a lock is taken although no root is left to free")
    }
    zapped(step, &report)
    counts(step, world, mask, &report)
    return true
  }

  private func isFreed(_ index: Int, _ step: Step, _ mask: UInt64) -> Bool {
    mask & Self.previous(index) != 0 && step.before.previous(index) != RootSnapshot.invalidPage
  }

  private func isCurrentFreed(_ step: Step, _ mask: UInt64) -> Bool {
    mask & Self.current != 0 && step.before.rootHPA != RootSnapshot.invalidPage
  }

  /// Whether an event belongs to the step that is judged.
  private func isOwn(_ event: Event, _ step: Step) -> Bool {
    guard let returned = events.returned else { return false }
    return event.step == returned.step && event.thread == returned.thread
  }

  /// Previous roots that are no roots: each is warned of. Flags that nobody passes may be, too:
  /// kernels before 6.2 do not look.
  private func unknown(_ step: Step, _ mask: UInt64, _ report: inout Report) {
    let due = (0..<3).count {
      step.state.previous[$0] == .unknownPage && isFreed($0, step, mask)
    }
    let isRoot =
      slots.freesByLevel && step.state.root == .unknownPage && isCurrentFreed(step, mask)
    let most = due + (mask > 15 ? 1 : 0) + (isRoot ? 1 : 0)
    guard !(due...most).contains(events.warned.count) else { return }
    report.broken(
      events.warned.count < due ? .warnMissing : .warnUnexpected, in: step.function,
      at: events.warned.last?.pc ?? step.end,
      "\(due) previous roots are no roots, and \(events.warned.count) WARNs fire")
  }

  /// Pages that are taken out of use wait on a list until they are committed.
  private func zapped(_ step: Step, _ report: inout Report) {
    let last = events.calls.last {
      $0.call == slots.prepareZap || $0.call == slots.commitZap
    }
    if let zap = last, zap.call == slots.prepareZap {
      report.broken(
        .lifecycle, in: step.function, at: zap.pc,
        "a page that was zapped is never committed, so nobody frees it")
    }
  }

  private func isSpecial(_ snapshot: RootSnapshot) -> Bool {
    let root = snapshot.rootHPA
    return root != 0 && snapshot.hasTable(root)
  }

  /// After the whole scenario every shadow page counts the roots that are left, and exactly the
  /// invalid pages without any were zapped.
  private func counts(_ step: Step, _ world: World, _ mask: UInt64, _ report: inout Report) {
    guard step.state.drive == .freeRoots else {
      references(step, world, &report)
      return
    }
    for number in 0..<16 {
      let hpa = world.get(slots.pageHPA, at: number)
      guard hpa != 0 else { return }
      var expected = 0
      if step.after.rootHPA == hpa { expected += 1 }
      for index in 0..<3 where step.after.previous(index) == hpa { expected += 1 }
      for index in 0..<4 where step.after.pdpte(index) & ~UInt64(1) == hpa { expected += 1 }
      if step.state.root == .sharedShadow, isRootPage(number, world) { expected += 1 }
      let counted = Int(Int32(truncatingIfNeeded: world.get(slots.pageCount, at: number)))
      if counted != expected {
        report.broken(
          .lifecycle, in: step.function, at: step.end,
          "a shadow page counts \(counted) roots and \(expected) are left")
      }
      let isInvalid = world.get(slots.pageInvalid, at: number) != 0
      let zapped = world.get(slots.pageZapped, at: number)
      if zapped != (isInvalid && expected == 0 ? 1 : 0) {
        report.broken(
          .lifecycle, in: step.function, at: step.end,
          "a page that is \(isInvalid ? "invalid" : "valid") and has \(expected) roots is zapped \(zapped) times"
        )
      }
    }
  }

  private func isRootPage(_ number: Int, _ world: World) -> Bool {
    world.get(slots.pageGFN, at: number) == RootSetup.rootGFN
  }
}

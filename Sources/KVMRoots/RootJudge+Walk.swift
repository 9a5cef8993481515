// SPDX-License-Identifier: GPL-2.0-only
import Exploration

/// Where the shadow walk starts: `shadow_walk_init_using_root()`.
extension RootJudge {
  /// A root of four or five levels is entered itself; else the tables behind the PDPTEs are.
  private func startLevel(_ state: AskedState) -> Int {
    let isOneTable = state.isDirect || state.guestLevel >= 4
    return state.shadowLevel >= 4 && isOneTable ? state.shadowLevel : 2
  }

  /// Whether a walk would go by the PDPTEs of the loaded root although it is for another.
  func isForeignRoot(_ root: UInt64, _ state: AskedState, _ before: RootSnapshot) -> Bool {
    state.shadowLevel > 2 && startLevel(state) == 2 && root != before.rootHPA
  }

  func walkStart(_ step: Step, _ world: World, _ report: inout Report) -> Bool {
    let state = step.state
    guard state.shadowLevel > 2 else { return false }  // no processor walks two levels
    let level = Int(Int32(truncatingIfNeeded: world.get(slots.walkLevel)))
    let table = world.get(slots.walkTable)
    let root = step.argument
    if let what = step.after.firstDifference(from: step.before) {
      report.broken(
        .rootIdentity, in: step.function, at: place(of: what, step, slots),
        "\(what) is changed by starting a walk")
    }
    func broken(_ message: @autoclosure () -> String) {
      let place = world.lastStore(slot: level == 0 ? slots.walkLevel : slots.walkTable)
      report.broken(
        .walkStart, in: step.function, at: place != 0 ? place : step.end, message())
    }
    if root == RootSnapshot.invalidPage || slots.dummyRoot.map({ world.get($0) }) == root {
      // A kernel that does not look never walks before a root is there, and finds nothing in a dummy.
      guard slots.walkLooks else { return false }
      warns(exactly: root == RootSnapshot.invalidPage ? 1 : 0, step, &report)
      if level != 0 { broken("a walk starts at level \(level) although there is no root") }
      return true
    }
    guard isLoaded(state) else { return false }
    if world.get(slots.walkAddress) != step.address {
      broken(
        "the walk is for \(hex(world.get(slots.walkAddress))) and not for \(hex(step.address))")
    }
    warns(exactly: 0, step, &report)
    let start = startLevel(state)
    if isForeignRoot(root, state, step.before) {
      report.broken(
        .warnMissing, in: step.function, at: step.end,
        "a walk starts from a root of PDPTEs that is not the loaded one, without a word")
      return true
    }
    let walk = walker(state, world).walk(
      from: root, format(state), address: step.address, to: start)
    switch walk.end {
    case .reached:
      if level != start {
        broken(
          "the walk for \(hex(step.address)) starts at level \(level) instead of \(start)")
      } else if table != walk.tables[start] {
        broken(
          "the walk for \(hex(step.address)) starts at table \(hex(table)), the processor's is "
            + hex(walk.tables[start]))
      }
    case .notPresent:
      if level != 0 {
        broken(
          "the walk for \(hex(step.address)) starts at level \(level), the processor's ends before")
      }
    default: break  // The root's own rules tell.
    }
    return true
  }
}

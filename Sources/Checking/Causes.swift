// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Reporting

/// Puts findings together that have one cause. Two have, when
///
/// 1. their smallest scenarios are one and the same: the later one follows from the earlier, or
/// 2. they are of one kind in one target, or at one line: the same property, or both about when a
///    WARN fires, or
/// 3. they are about what one variable holds: it was never set, or is freed when it is not to be, or
/// 4. they are about a page that was asked for in one place and is not given back.
///
/// An error that gets lost is a cause of its own. With it stands what breaks only in its scenario.
struct Causes {
  /// Numbers of findings, the one that tells the cause first; the simplest cause first.
  let groups: [[Int]]

  private static let value: Set<Property> = [
    .uninitialised, .wildFree, .doubleFree, .useAfterFree, .partialState,
  ]

  init(_ drafts: [Draft], _ sentences: [Sentence]) {
    var group = Array(drafts.indices)
    var known: [String: Int] = [:]
    func join(_ from: Int, _ into: Int) {
      for member in group.indices where group[member] == from { group[member] = into }
    }
    for (index, draft) in drafts.enumerated() {
      var signs = ["\(draft.breach.function) \(Self.kind(draft.property))"]
      if draft.property != .errorSwallowed { signs.append("\(draft.scenario)") }
      // Two targets may reach one place.
      if draft.place.line != 0 { signs.append("\(draft.place) \(Self.kind(draft.property))") }
      if Self.value.contains(draft.property), let variable = sentences[index].variable {
        signs.append("variable \(variable)")
      }
      if ["leak", "lifecycle"].contains(draft.property.id), draft.event?.event.what == .allocation {
        signs.append("page \(draft.place)")
      }
      for sign in signs {
        if let other = known[sign] { join(group[index], group[other]) }
        known[sign] = index
      }
    }
    for index in drafts.indices where drafts[index].property == .errorSwallowed {
      for other in Set(group) where other != group[index] {
        let members = drafts.indices.filter { group[$0] == other }
        if members.allSatisfy({
          drafts[$0].property != .errorSwallowed && drafts[$0].scenario == drafts[index].scenario
        }) {
          join(other, group[index])
        }
      }
    }
    func precedes(_ left: Int, _ right: Int) -> Bool {
      Self.order(drafts[left], left) < Self.order(drafts[right], right)
    }
    groups = Dictionary(grouping: drafts.indices) { group[$0] }.values
      .map { $0.sorted(by: precedes) }.sorted { precedes($0[0], $1[0]) }
  }

  private static func kind(_ property: Property) -> String {
    switch property {
    case .warnMissing, .warnUnexpected: "warn"
    default: property.id
    }
  }

  /// The smallest scenario first. In it the worst first: an error that gets lost, what ends the run or
  /// harms memory; last what sleeps. Then what happens first, what was stored in between before what shows at the return;
  /// of one event what says most of it.
  private static func order(_ draft: Draft, _ number: Int) -> Order {
    let event = draft.event
    let time = event.map { $0.event.what == .returned ? Int.max : $0.index } ?? Int.max - 1
    return Order(
      size: draft.entry.size, rank: rank(draft.property), event: time,
      isVague: draft.property == .uninitialised, number: number)
  }

  private static let harm: Set<Property> = [
    .crash, .hang, .deadlock, .useAfterFree, .doubleFree, .wildFree, .outOfBounds,
  ]

  private static func rank(_ property: Property) -> Int {
    switch property {
    case .errorSwallowed: 0
    // What sleeps in a section that was kept follows from it.
    case .sleepUnderLock: 3
    default: harm.contains(property) ? 1 : 2
    }
  }

  private struct Order: Comparable {
    var size: Report.Size
    var rank: Int
    var event: Int
    var isVague: Bool
    var number: Int

    static func < (left: Order, right: Order) -> Bool {
      if left.size != right.size { return left.size < right.size }
      return (left.rank, left.event, left.isVague ? 1 : 0, left.number)
        < (right.rank, right.event, right.isVague ? 1 : 0, right.number)
    }
  }
}

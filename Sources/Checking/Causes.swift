// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Reporting

/// Puts findings together that have one cause. Two have, when
///
/// 1. their smallest scenarios are one and the same: the later one follows from the earlier, or
/// 2. they are of one kind in one target, or at one line: the same property, or both about when a
///    WARN fires, or both about what is returned, or
/// 3. they are about what one variable holds: it was never set, or is freed when it is not to be, or
/// 4. they are about a page that was asked for in one place and is not given back.
struct Causes {
  /// Numbers of findings, the one that tells the cause first; the simplest cause first.
  let groups: [[Int]]

  private static let value: Set<Property> = [
    .uninitialised, .wildFree, .doubleFree, .useAfterFree, .partialState,
  ]

  init(_ drafts: [Draft], _ sentences: [Sentence]) {
    var group = Array(drafts.indices)
    var known: [String: Int] = [:]
    for (index, draft) in drafts.enumerated() {
      var signs = ["\(draft.scenario)", "\(draft.breach.function) \(Self.kind(draft.property))"]
      // Two targets may reach one place.
      if draft.place.line != 0 { signs.append("\(draft.place) \(Self.kind(draft.property))") }
      if Self.value.contains(draft.property), let variable = sentences[index].variable {
        signs.append("variable \(variable)")
      }
      if ["leak", "lifecycle"].contains(draft.property.id), draft.event?.event.what == .allocation {
        signs.append("page \(draft.place)")
      }
      for sign in signs {
        if let other = known[sign] {
          let (from, into) = (group[index], group[other])
          for member in group.indices where group[member] == from { group[member] = into }
        }
        known[sign] = index
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
    case .errorSwallowed, .wrongErrno: "return"
    default: property.id
    }
  }

  /// The smallest scenario first, in it what happens first, what was stored in between before what
  /// shows at the return; of one event what says most of it.
  private static func order(_ draft: Draft, _ number: Int) -> Order {
    let event = draft.event
    let time = event.map { $0.event.what == .returned ? Int.max : $0.index } ?? Int.max - 1
    return Order(
      size: draft.entry.size, event: time, isVague: draft.property == .uninitialised,
      number: number)
  }

  private struct Order: Comparable {
    var size: Report.Size
    var event: Int
    var isVague: Bool
    var number: Int

    static func < (left: Order, right: Order) -> Bool {
      if left.size != right.size { return left.size < right.size }
      return (left.event, left.isVague ? 1 : 0, left.number)
        < (right.event, right.isVague ? 1 : 0, right.number)
    }
  }
}

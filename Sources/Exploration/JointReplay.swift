// SPDX-License-Identifier: GPL-2.0-only

/// Runs single scenarios in two revisions, for reports.
public struct JointReplay<D: ObservedDomain> {
  public let old: Subject
  public let new: Subject
  private var oldDomain: D
  /// What describes differences.
  public private(set) var newDomain: D
  private let onTheWay: Bool
  private let records: (old: Record, new: Record)

  public init(old: Subject, new: Subject, onTheWay: Bool, silent: Set<String>) throws {
    records = (
      Record(old, silent: silent, isShown: true), Record(new, silent: silent, isShown: true)
    )
    self.old = old
    self.new = new
    self.onTheWay = onTheWay
    oldDomain = try D(old)
    newDomain = try D(new)
  }

  /// Runs a scenario with each revision's own decisions; both worlds are left as it ended.
  ///
  /// - Returns: where they part; nil where they do not.
  private mutating func parting(
    _ drive: String, _ state: String, _ group: JointSearch.Group
  ) -> Observation.Parting? {
    guard let first = oldDomain.state(drive: drive, spelled: state),
      let second = newDomain.state(drive: drive, spelled: state)
    else { return nil }
    group.oldChoices.withUnsafeBufferPointer {
      oldDomain.observe(oldDomain.state(first), $0, records.old)
    }
    group.newChoices.withUnsafeBufferPointer {
      newDomain.observe(newDomain.state(second), $0, records.new)
    }
    return records.old.observation.parting(from: records.new.observation, onTheWay: onTheWay)
  }

  /// Runs a group's smallest scenario; both worlds are left as it ended.
  ///
  /// - Returns: the scenario as each revision spells it, and where they part.
  public mutating func run(
    _ group: JointSearch.Group
  ) -> (old: Scenario, new: Scenario, parting: Observation.Parting?) {
    let parting = parting(group.drive, group.state, group)
    func scenario(_ subject: Subject) -> Scenario {
      let decisions = subject.world.decisions.map {
        Scenario.Decision(
          callee: Scenario.initials(of: subject.calls[Int($0.call)]), choice: $0.choice)
      }
      return Scenario(drive: group.drive, state: group.state, decisions: decisions)
    }
    return (scenario(old), scenario(new), parting)
  }

  /// The parts of the state without which the two do not part this way, as `KEY=VALUE`.
  public mutating func needed(_ group: JointSearch.Group) -> [String] {
    guard let space = oldDomain.spaces.first(where: { $0.name == group.drive }),
      let values = space.values(spelled: group.state)
    else { return [] }
    return space.needed(of: values) {
      let parting = parting(group.drive, space.spelling(of: $0), group)
      return parting.map { .init(D.self, $0, records.new.observation) } == group.kind
    }
  }
}

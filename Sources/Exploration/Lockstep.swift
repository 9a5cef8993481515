// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// What one scenario does where everything that nothing had written holds one byte, to compare with
/// what it does where it holds another. Whatever differs came from there.
final class Lockstep {
  private struct Step {
    var digest: UInt64
    var result: UInt64?
    var events: [Event]
    var slots: [UInt64]
    var path: [kshim_passed]
  }

  private let slots: [(number: UInt32, name: String, size: Int)]
  private var steps: [Step] = []
  /// The next step to compare.
  private var position = 0

  init(_ subject: Subject) {
    slots = subject.slots.enumerated().map {
      (UInt32($0), $1, Int(subject.table.pointee.slot_sizes[$0]))
    }
  }

  func clear() {
    steps.removeAll(keepingCapacity: true)
    position = 0
  }

  /// Takes down a step that was just made.
  func record(_ world: World, _ result: UInt64?) {
    steps.append(
      Step(
        digest: world.digest, result: result, events: Array(world.events), slots: values(world),
        path: Array(world.path)))
  }

  private func values(_ world: World) -> [UInt64] {
    slots.flatMap { slot in (0..<slot.size).map { world.peek(slot.number, at: $0) } }
  }

  /// Compares a step with the one that was recorded.
  ///
  /// - Returns: return address of the first sign that they part, 0 where none has a place, and a
  ///   sentence; nil when they agree.
  func parting(_ world: World, _ result: UInt64?) -> (UInt64, String)? {
    guard position < steps.count else {
      return (world.events.last?.pc ?? 0, Self.happens)
    }
    let other = steps[position]
    position += 1
    guard world.digest != other.digest || result != other.result else { return nil }
    let events = world.events
    // A comparison or a branch comes before what it leads to.
    for index in 0..<min(events.count, other.events.count)
    where !Self.same(events[index], other.events[index]) {
      let pc = events[index].pc != 0 ? events[index].pc : other.events[index].pc
      return (pc, Self.happens)
    }
    if events.count != other.events.count {
      let index = min(events.count, other.events.count)
      return ((index < events.count ? events[index] : other.events[index]).pc, Self.happens)
    }
    var offset = 0
    for slot in slots {
      for index in 0..<slot.size {
        defer { offset += 1 }
        guard world.peek(slot.number, at: index) != other.slots[offset] else { continue }
        return (
          world.lastStore(slot: slot.number, at: index),
          "\(slot.name) is set from a variable or memory that was never set"
        )
      }
    }
    let apart = zip(world.path, other.path).first { $0.digest != $1.digest }
    return (apart?.0.pc ?? 0, Self.happens)
  }

  private static let happens = "what happens depends on a variable or memory that was never set"

  private static func same(_ left: Event, _ right: Event) -> Bool {
    left.kind == right.kind && left.thread == right.thread && left.call == right.call
      && left.at == right.at && left.value == right.value && left.arg == right.arg
  }
}

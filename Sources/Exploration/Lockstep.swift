// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// What one scenario does where everything that nothing had written holds one byte, to compare with
/// what it does where it holds another. Whatever differs came from there.
final class Lockstep {
  private struct Step {
    var digest: UInt64
    var result: UInt64?
    /// How much of ``events`` and of ``path`` there was at its end.
    var events: Int
    var path: Int
  }

  private let slots: [(number: UInt32, name: String, size: Int)]
  private let threads: Int
  private var steps: [Step] = []
  private var events: [Event] = []
  private var path: [kshim_passed] = []
  /// What the slots hold behind each step, ``width`` of them.
  private var values: [UInt64] = []
  private let width: Int
  /// The next step to compare.
  private var position = 0

  init(_ subject: Subject) {
    slots = subject.slots.enumerated().map {
      (UInt32($0), $1, Int(subject.table.pointee.slot_sizes[$0]))
    }
    threads = max(1, Int(subject.table.pointee.thread_count))
    width = threads * slots.reduce(0) { $0 + $1.size }
  }

  func clear() {
    steps.removeAll(keepingCapacity: true)
    events.removeAll(keepingCapacity: true)
    path.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    position = 0
  }

  /// Takes down a step that was just made. What happens in a run is only added to.
  func record(_ world: World, _ result: UInt64?) {
    events.append(contentsOf: world.events[events.count...])
    path.append(contentsOf: world.path[path.count...])
    take(world)
    steps.append(
      Step(digest: world.digest, result: result, events: events.count, path: path.count))
  }

  /// Takes down what the slots hold, those of the first thread first.
  private func take(_ world: World) {
    for thread in 0..<threads {
      world.select(thread: thread)
      for slot in slots {
        for index in 0..<slot.size { values.append(world.peek(slot.number, at: index)) }
      }
    }
    world.select(thread: 0)
  }

  /// Compares a step with the one that was recorded. The first thread is selected.
  ///
  /// - Returns: the first sign that they part; nil when they agree.
  func parting(_ world: World, _ result: UInt64?) -> Parting? {
    guard position < steps.count else {
      return Parting(events: world.events.last, world.events.last, isEnd: true)
    }
    let number = position
    let other = steps[number]
    position += 1
    guard world.digest != other.digest || result != other.result else { return nil }
    let isEnd = result != other.result
    let mine = world.events
    for index in 0..<max(mine.count, other.events) {
      let left = index < mine.count ? mine[index] : nil
      let right = index < other.events ? events[index] : nil
      if let left, let right, Self.same(left, right) { continue }
      return Parting(events: left, right, isEnd: isEnd)
    }
    if let parting = slotParting(world, number, isEnd: isEnd) { return parting }
    let apart = zip(world.path, path[..<other.path]).first { $0.digest != $1.digest }
    return Parting(pc: apart?.0.pc ?? 0, isEnd: isEnd)
  }

  private func slotParting(_ world: World, _ step: Int, isEnd: Bool) -> Parting? {
    defer { world.select(thread: 0) }
    var offset = step * width
    for thread in 0..<threads {
      world.select(thread: thread)
      for slot in slots {
        for index in 0..<slot.size {
          defer { offset += 1 }
          guard world.peek(slot.number, at: index) != values[offset] else { continue }
          return Parting(
            pc: world.lastStore(slot: slot.number, at: index), thread: thread,
            sentence: "\(slot.name) is set from a variable or memory that was never set",
            isEnd: isEnd)
        }
      }
    }
    return nil
  }

  private static func same(_ left: Event, _ right: Event) -> Bool {
    left.kind == right.kind && left.thread == right.thread && left.call == right.call
      && left.at == right.at && left.value == right.value && left.arg == right.arg
  }
}

/// Where a step does something else with another fill of what nothing has written.
public struct Parting: Sendable {
  /// Return address of the first sign of it, 0 where none has a place.
  public var pc: UInt64
  /// Whose sign it is.
  public var thread: Int
  public var sentence: String
  /// Whether the step ends otherwise: nothing can be said of what comes behind.
  public var isEnd: Bool

  init(pc: UInt64, thread: Int = 0, sentence: String = Parting.happens, isEnd: Bool) {
    self.pc = pc
    self.thread = thread
    self.sentence = sentence
    self.isEnd = isEnd
  }

  /// - Parameters:
  ///   - left: the event of the judged run; nil where it has none.
  ///   - right: the other's.
  init(events left: Event?, _ right: Event?, isEnd: Bool) {
    let pc = left.map(\.pc).flatMap { $0 != 0 ? $0 : nil } ?? right?.pc ?? 0
    self.init(pc: pc, thread: Int((left ?? right)?.thread ?? 0), isEnd: isEnd)
  }

  private static let happens = "what happens depends on a variable or memory that was never set"
}

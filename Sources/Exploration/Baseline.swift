// SPDX-License-Identifier: GPL-2.0-only
import Shims

/// How much comes after each answer where it is the ordinary one: what comes after another is held
/// against that. Of one search, whose runs come in the order of their answers.
final class Baseline {
  private var after: [Int] = []
  /// Of each answer that allocates, what gets it.
  private var given: [[Handed]] = []
  /// Of each answer that allocates, whether memory beside it names that at the end.
  private var kept: [Bool] = []
  private static let mostMade = 16
  /// Of each answer that allocates, where that is, and what comes behind.
  private var places: [[(address: UInt64, pc: UInt64, tail: World.Tail)]] = []
  /// Of each answer, how the run goes on where it is the ordinary one.
  private var ways: [Way] = []

  /// Which blocks a run passes: how many, and the last ones.
  private struct Way: Equatable {
    var count: UInt32 = 0
    var last: UInt64 = 0

    init() {}

    init(_ world: World) {
      let happened = world.happened.pointee
      let ring = Int(KSHIM_BLOCK_RING)
      count = happened.block_count
      for back in 0..<min(Int(count), ring) {
        last = (last &* 31) &+ happened.blocks[(Int(count) - 1 - back) % ring]
      }
    }
  }
  /// Of each answer, whether the function fails where it is the ordinary one.
  private var failures: [Bool] = []

  /// An argument of a call.
  struct Handed {
    var pc: UInt64
    var argument: Int
  }

  func fails(_ decision: Int) -> Bool { decision < failures.count && failures[decision] }

  /// What gets the memory of an answer where it is the ordinary one.
  func handed(_ decision: Int) -> [Handed] { decision < given.count ? given[decision] : [] }

  func isPlaced(_ decision: Int) -> Bool {
    decision < places.count && !places[decision].isEmpty
  }

  func isKept(_ decision: Int) -> Bool { decision < kept.count && kept[decision] }

  /// Whether a run passes the same blocks as where the answer is the ordinary one.
  func isSame(_ world: World, _ decision: Int) -> Bool {
    decision < ways.count && ways[decision] == Way(world)
  }

  /// Whether NULL is written where the memory is else, and what comes behind that is the same.
  func isLeftNull(_ world: World, _ decision: Int) -> Bool {
    guard decision < places.count else { return false }
    return places[decision].contains { place in
      UnsafePointer<UInt64>(bitPattern: UInt(place.address))?.pointee == 0
        && world.tail(behind: place.address) == place.tail
    }
  }

  /// Return address of where NULL, as the answer is, was written in place of a pointer that was there before
  /// the function was called; nil where it was nowhere.
  func overwritten(_ world: World, _ decision: Int) -> UInt64? {
    guard decision < places.count else { return nil }
    let happened = world.happened.pointee
    for place in places[decision]
    where UnsafePointer<UInt64>(bitPattern: UInt(place.address))?.pointee == 0 {
      let stores = (0..<Int(happened.store_count)).filter {
        happened.stores[$0].address == place.address
      }
      guard let first = stores.first, let last = stores.last, happened.stores[last].pc == place.pc,
        (0x10000...UInt64(bitPattern: -4096)).contains(happened.stores[first].before)
      else { continue }
      return happened.stores[last].pc
    }
    return nil
  }

  /// What an answer allocated.
  private static func memory(of decision: kshim_decision, _ world: World) -> UInt64? {
    var address: UInt64?
    for event in world.events[Int(decision.event)...].dropFirst() {
      guard event.call == decision.call, event.what != .call else { break }
      if event.what == .allocation, event.value != 0 { address = event.value }
    }
    return address
  }

  /// Where memory is handed to others.
  private static func handed(_ address: UInt64, by decision: kshim_decision, _ world: World)
    -> [Handed]
  {
    let all = world.events
    let first = Int(decision.event)
    var found: [Handed] = []
    for event in all[first...].dropFirst() where event.what == .call {
      for (place, argument) in event.arguments.enumerated() where argument == address {
        found.append(Handed(pc: event.pc, argument: place))
      }
    }
    return found
  }

  /// - Parameter prefix: how many answers were given; what comes behind is ordinary.
  func take(_ world: World, prefix: Int, hasFailed: Bool) {
    let decisions = world.decisions
    if after.count < decisions.count {
      after += Array(repeating: 0, count: decisions.count - after.count)
      given += Array(repeating: [], count: decisions.count - given.count)
      kept += Array(repeating: false, count: decisions.count - kept.count)
      places += Array(repeating: [], count: decisions.count - places.count)
      ways += Array(repeating: Way(), count: decisions.count - ways.count)
      failures += Array(repeating: false, count: decisions.count - failures.count)
    }
    let way = decisions.count > prefix ? Way(world) : Way()
    var made: [(decision: Int, memory: UInt64)] = []
    for index in decisions.indices.dropFirst(prefix) {
      let memory = Self.memory(of: decisions[index], world)
      given[index] = memory.map { Self.handed($0, by: decisions[index], world) } ?? []
      kept[index] = memory.map { world.names($0, besides: true) } ?? false
      places[index] = []
      if let memory, made.count < Self.mostMade { made.append((index, memory)) }
      ways[index] = way
      failures[index] = hasFailed
    }
    for (one, found) in zip(made, world.places(of: made.map(\.memory))) {
      places[one.decision] = found.compactMap { place in
        world.tail(behind: place).map { (place, world.lastStore(to: place), $0) }
      }
    }
    // From the last answer to the first: each has what the next has, and what lies between.
    var (count, end) = (0, world.events.count)
    for index in stride(from: decisions.count - 1, through: prefix, by: -1) {
      let begin = Int(decisions[index].event)
      // What was asked inside of a call comes behind it, and before its answer.
      guard begin <= end else {
        after[index] = Self.count(world.events[begin...])
        continue
      }
      count += Self.count(world.events[begin..<end])
      end = begin
      after[index] = count
    }
  }

  /// Whether something else comes after the last answer that is not the ordinary one.
  func differs(_ world: World) -> Bool {
    let decisions = world.decisions
    guard let last = decisions.lastIndex(where: { $0.choice != 0 }), last < after.count else {
      return true
    }
    return Self.count(world.events[Int(decisions[last].event)...]) != after[last]
  }

  private static func count(_ events: Slice<UnsafeBufferPointer<Event>>) -> Int {
    events.count { $0.what == .call || $0.what == .free || $0.what == .lock }
  }
}

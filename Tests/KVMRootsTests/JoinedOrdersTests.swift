// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Synchronization
import XCTest

@testable import KVMRoots

/// Of orders of two threads that differ only in what touches nothing in common a search makes one.
final class JoinedOrdersTests: RootsTestCase {
  /// Whatever any order shows, one of those that are made shows too.
  func test_joined_showAllThatEveryOrderShows() throws {
    let every = try outcomes(observing: [])
    let joined = try outcomes(observing: nil)
    XCTAssertEqual(joined.shown, every.shown)
    XCTAssertGreaterThan(joined.shown.count, 100)
    XCTAssertLessThan(joined.result.runs * 4, every.result.runs)
    // Each order is one scenario; how many of them a check counts, TwoVCPUsTests has.
    let pins = [CountedText.debian6v12: 39_306, CountedText.debian6v1: 41_669]
    if let pin = pins[subject.provenance.textSHA256] {
      XCTAssertEqual(every.result.scenarios, pin)
      XCTAssertEqual(every.result.runs, pin)
    }
    // Those that show what an earlier one shows stand for nothing.
    XCTAssertLessThan(joined.result.scenarios, joined.result.runs)
  }

  /// What came of the runs of every race.
  ///
  /// - Parameter silent: not nil: each order is made, for each is held against another revision's.
  private func outcomes(
    observing silent: Set<String>?
  ) throws -> (shown: Set<String>, result: Explorer.Result) {
    nonisolated(unsafe) let built = subject.built
    RacingDomain.shown.withLock { $0 = [] }
    let result = try Explorer.search(
      RacingDomain.self, jobs: 1, load: { _ in built }, drives: [Drive.twoVCPUs.rawValue],
      observing: silent)
    XCTAssertTrue(result.isExhaustive)
    return (RacingDomain.shown.withLock { $0 }, result)
  }
}

/// The roots' domain, taking down what each race shows: what each thread did and had in the end, and who
/// had which lock when. Memory is named by who names it first, thread 0 before thread 1.
private struct RacingDomain: Domain {
  static let shown = Mutex<Set<String>>([])
  static let properties = RootDomain.properties
  private var roots: RootDomain

  init(_ subject: Subject) throws { roots = try RootDomain(subject) }

  var spaces: [StateSpace] { roots.spaces }

  mutating func run(
    _ state: StartingState, _ choices: UnsafeBufferPointer<UInt8>, _ report: inout Report
  ) {
    roots.run(state, choices, &report)
    let world = roots.subject.world
    guard !world.happened.pointee.repeats else { return }
    var names = Names()
    var lines = ["\(state.values)"]
    for thread in 0..<2 {
      for event in world.events where event.thread == thread {
        let values = [event.value, event.arg.0, event.arg.1, event.arg.2, event.arg.3]
        lines.append(
          "\(thread) \(event.kind) \(event.call) \(event.at) \(event.held_read) \(event.held_write) "
            + values.map { names.name($0) }.joined(separator: " "))
      }
      world.select(thread: thread)
      let now = RootSnapshot(world, roots.setup.slots).unasked
      let fields = [
        now.rootHPA, now.rootPGD, now.mirrorRoot, now.pae, now.pml4, now.pml5, now.previous.0,
        now.previous.1, now.previous.2, now.pdptes.0, now.pdptes.1, now.pdptes.2, now.pdptes.3,
      ]
      lines.append(fields.map { names.name($0) }.joined(separator: " "))
    }
    world.select(thread: 0)
    // Who had which lock in which order: two locks have nothing in common.
    for lock in 0..<UInt64(32) {
      let events = world.events.filter {
        ($0.is(.lock) || $0.is(.wait) || $0.is(.deadlock)) && $0.context == nil && $0.arg.0 == lock
      }
      if !events.isEmpty { lines.append("\(lock) \(events.map { "\($0.kind) \($0.thread)" })") }
    }
    let text = lines.joined(separator: "\n")
    Self.shown.withLock { _ = $0.insert(text) }
  }

  /// Names pages by the order in which they are met; what surrounds a page's address stays.
  private struct Names {
    private var known: [UInt64: Int] = [:]

    mutating func name(_ value: UInt64) -> String {
      let page = value & 0x7_ffff_ffff_f000
      guard
        (0x1_4000_0000..<0x1_5000_0000).contains(page) || (0x7ff0_0000..<0x8100_0000).contains(page)
      else { return "\(value)" }
      let number = known[page] ?? known.count
      known[page] = number
      return "p\(number)+\(value & ~0x7_ffff_ffff_f000)"
    }
  }
}

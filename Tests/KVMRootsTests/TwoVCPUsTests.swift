// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import XCTest

@testable import KVMRoots

/// Two vCPUs of one VM at once.
final class TwoVCPUsTests: RootsTestCase {
  func test_twoVCPUs_everyScenario_keepsEveryProperty() throws {
    try searchEvery(
      .twoVCPUs, scenarios: [CountedText.debian6v12: 1_222, CountedText.debian6v1: 1_422])
  }

  /// Runs two loads of a 64-bit guest, vCPU 1's behind as many points as given.
  private func race(after points: Int) throws -> [Event] {
    var state = RootState(drive: .twoVCPUs)
    state.race = try XCTUnwrap(RootRace.all.first { $0.name == "shadow+shadow" })
    let choices = Array(repeating: UInt8(0), count: points) + [1]
    choices.withUnsafeBufferPointer { world.reset($0) }
    for thread in 0..<2 {
      world.select(thread: thread)
      setup.apply(state.racing(thread), to: world)
    }
    world.select(thread: 0)
    _ = try XCTUnwrap(
      world.race((slots.shadow, 0), (slots.shadow, 0), switches: 1, failures: 1, joining: false))
    return Array(world.events)
  }

  func test_twoLoads_shareTheShadowOfTheGuestsRoot() throws {
    _ = try race(after: 0)
    let roots = (0..<2).map { thread in
      world.select(thread: thread)
      return now.rootHPA
    }
    XCTAssertEqual(roots[0], roots[1])
    let number = try XCTUnwrap(setup.number(of: roots[0], in: world))
    XCTAssertEqual(world.get(slots.pageCount, at: number), 2)
  }

  /// Somewhere vCPU 0 gives way with the MMU lock held: vCPU 1 waits for it, and gets it.
  func test_twoLoads_waitForTheMMULock() throws {
    let waits = try (0..<40).compactMap { points in
      try race(after: points).first { $0.what == .wait }
    }
    XCTAssertFalse(waits.isEmpty)
    XCTAssert(waits.allSatisfy { $0.thread == 1 })
  }

  /// Both see that nothing is allocated; the second to get the lock finds that it was done.
  func test_race_firstRootTwice_oneAllocatesAndOneLooksAgain() throws {
    guard let first = slots.firstRoot else { throw XCTSkip("this kernel has no such function") }
    var state = RootState(drive: .firstRoot)
    state.tdpMMU = true
    state.metadata = .none
    // vCPU 0 looks, and gives way where it is about to take the lock.
    let choices: [UInt8] = [0, 1]
    choices.withUnsafeBufferPointer { world.reset($0) }
    setup.apply(state, to: world)
    let results = try XCTUnwrap(
      world.race((first, 0), (first, 0), switches: RootRace.switches, failures: 0, joining: false))
    XCTAssertEqual(results.0, 0)
    XCTAssertEqual(results.1, 0)
    let locks = events(.lock)
    XCTAssertEqual(locks.map(\.thread), [1, 0], "both take the lock")
    XCTAssertEqual(Set(events(.allocation).map(\.thread)), [1], "one allocates")
    XCTAssertEqual(events(.allocation).count, 4)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import XCTest

@testable import KVMRoots

/// Two vCPUs of one VM, in every order of their steps within the bounds of ``RootRace``.
final class RaceTests: RootsTestCase {
  func test_race_everyOrder_keepsEveryProperty() throws {
    try searchEvery(
      .twoVCPUs, scenarios: [CountedText.debian6v12: 39_278, CountedText.debian6v1: 41_669])
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
      world.race((first, 0), (first, 0), switches: RootRace.switches, failures: 0))
    XCTAssertEqual(results.0, 0)
    XCTAssertEqual(results.1, 0)
    let locks = events(.lock)
    XCTAssertEqual(locks.map(\.thread), [1, 0], "both take the lock")
    XCTAssertEqual(Set(events(.allocation).map(\.thread)), [1], "one allocates")
    XCTAssertEqual(events(.allocation).count, 4)
  }
}

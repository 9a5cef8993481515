// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import Exploration

/// What workers share of a search.
final class BranchesTests: XCTestCase {
  /// Where there are more workers than threads, some come when the others are done.
  func test_workerThatComesLate_keepsNobodyWaiting() {
    let branches = Branches<Int>()
    let isDone = expectation(description: "the worker that came is done")
    Thread.detachNewThread {
      branches.open([1, 2, 3])
      var seen: [Int] = []
      branches.walk { branch in
        seen.append(branch)
        if branch == 2 { branches.add(4) }
      }
      XCTAssertEqual(seen, [1, 2, 4, 3])
      isDone.fulfill()
    }
    wait(for: [isDone], timeout: 30)
    branches.walk { XCTFail("\($0) is handed out twice") }
  }

  func test_closed_handsOutNothing() {
    let branches = Branches<Int>()
    branches.open([1, 2])
    var seen = 0
    branches.walk { _ in
      seen += 1
      branches.close()
    }
    XCTAssertEqual(seen, 1)
  }
}

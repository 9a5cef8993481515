// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import Exploration

/// Which of two scenarios is the simpler one.
final class ReportSizeTests: XCTestCase {
  private func size(
    isWarned: Bool = false, failures: Int = 0, isStory: Bool = false, decisions: Int = 0,
    differences: Int = 0, state: Int = 0
  ) -> Report.Size {
    Report.Size(
      isWarned: isWarned, faults: 0, failures: failures, isStory: isStory, decisions: decisions,
      differences: differences, state: state)
  }

  func test_size_countsWhatIsOutOfTheOrdinaryFirst() {
    let ascending = [
      size(), size(state: 9), size(differences: 1), size(decisions: 1, differences: 0),
      size(isStory: true), size(failures: 1), size(isWarned: true),
    ]
    for (smaller, larger) in zip(ascending, ascending.dropFirst()) {
      XCTAssertLessThan(smaller, larger)
      XCTAssertFalse(larger < smaller)
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Failures
import XCTest

@testable import Exploration

final class ScenarioTests: XCTestCase {
  func test_scenario_spelling_readsBack() throws {
    let scenario = Scenario(
      drive: "f", state: "a=1,b=none",
      decisions: [.init(callee: "gzp", choice: 0), .init(callee: "mmpa", choice: 1)])
    XCTAssertEqual("\(scenario)", "f:a=1,b=none:gzp0.mmpa1")
    XCTAssertEqual(try Scenario("\(scenario)"), scenario)
  }

  func test_scenario_withoutDecisions_isStillOneWordOfThreeParts() throws {
    let scenario = Scenario(drive: "f", state: "a=1", decisions: [])
    XCTAssertEqual("\(scenario)", "f:a=1:-")
    XCTAssertEqual(try Scenario("\(scenario)"), scenario)
  }

  func test_scenario_malformed_isARequestError() {
    for wrong in [
      "", "f", "f:a", "f:a:", "f::-", "f:a:1", "f:a:gzp", "f:a:gzp0..gzp1", "f:a:gzp999",
    ] {
      XCTAssertThrowsError(try Scenario(wrong), wrong) { error in
        XCTAssertEqual((error as? Failure)?.kind, .request)
      }
    }
  }

  func test_initials_doNotDependOnTheAllocationProfiler() {
    XCTAssertEqual(Scenario.initials(of: "get_zeroed_page"), "gzp")
    XCTAssertEqual(Scenario.initials(of: "get_zeroed_page_noprof"), "gzp")
    XCTAssertEqual(Scenario.initials(of: "__alloc_pages"), "ap")
  }

  func test_errno_names() {
    XCTAssertEqual(Errno.name(-12), "-ENOMEM")
    XCTAssertEqual(Errno.name(0), "0")
    XCTAssertEqual(Errno.name(-4000), "-4000")
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import Extraction

/// What may have been meant by a misspelt name.
final class NearestTests: XCTestCase {
  private let names = ["gen_pool_alloc", "gen_pool_free", "kfree", "kvfree"]

  func test_fewLettersElse_areMeant() {
    for wrong in ["gen_pool_aloc", "gen_pool_allco", "gen_pool_allocs", "gen_poll_alloc"] {
      XCTAssertEqual(Nearest.name(to: wrong, in: names), "gen_pool_alloc", wrong)
    }
    XCTAssertEqual(Nearest.name(to: "kvfre", in: names), "kvfree")
  }

  func test_muchElse_isNotMeant() {
    XCTAssertNil(Nearest.name(to: "snd_pcm_new", in: names))
    XCTAssertNil(Nearest.name(to: "k", in: names))
    XCTAssertNil(Nearest.name(to: "kfree", in: [] as [String]))
  }
}

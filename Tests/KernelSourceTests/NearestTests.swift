// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import XCTest

/// What may have been meant, and how long something will take.
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

  func test_name_thatDiffersLittle_isMeant() {
    XCTAssertEqual(Nearest.name(to: "chekc", in: ["check", "kernels"]), "check")
    XCTAssertEqual(
      Nearest.name(to: "debian:6.21", in: ["debian:6.1", "debian:6.12"]), "debian:6.12")
    XCTAssertEqual(Nearest.name(to: "jsno", in: ["json", "junit"]), "json")
    XCTAssertNil(Nearest.name(to: "none", in: ["check", "kernels"]))
    XCTAssertNil(Nearest.name(to: "", in: ["a", ""]))
  }

  func test_name_thatHasTheWholeWordInIt_isNearer() {
    XCTAssertEqual(
      Nearest.name(to: "make_box_creat", in: ["make_box_free", "do_make_box_create"]),
      "do_make_box_create")
    XCTAssertNil(Nearest.name(to: "abcde", in: ["abcde_and_a_long_tail"]))
  }

  func test_remedy_isAQuestion_whereSomethingIsNear() {
    XCTAssertEqual(
      Nearest.remedy(for: "lek", in: ["leak"], otherwise: "list them"), "did you mean leak?")
    XCTAssertEqual(Nearest.remedy(for: "x", in: ["leak"], otherwise: "list them"), "list them")
  }

  func test_path_isFollowedFolderByFolder() throws {
    let top = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: top) }
    let folder = top.appendingPathComponent("drivers/base")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Data().write(to: folder.appendingPathComponent("core.c"))
    func near(_ path: String) -> String? { Nearest.path(to: path, in: top.path) }
    XCTAssertEqual(near("drivers/base/coer.c"), "drivers/base/core.c")
    XCTAssertEqual(near("drviers/bse/core.c"), "drivers/base/core.c")
    XCTAssertNil(near("drivers/base/core.c"), "it is there")
    XCTAssertNil(near("drivers/base/none.h"))
    XCTAssertEqual(
      Nearest.path(to: "\(top.path)/driver/base"), "\(top.path)/drivers/base")
  }

  func test_pace_tellsRateAndTimeLeft_onceTheyAreKnown() {
    XCTAssertEqual(Pace.text(0, of: 120, "mutants", seconds: 3), "0 of 120 mutants")
    XCTAssertEqual(Pace.text(2, of: 120, "mutants", seconds: 0.1), "2 of 120 mutants")
    XCTAssertEqual(
      Pace.text(40, of: 120, "mutants", seconds: 5), "40 of 120 mutants, 8.0/s, 10 s left")
    XCTAssertEqual(Pace.text(120, of: 120, "mutants", seconds: 5), "120 of 120 mutants, 24/s")
    XCTAssertEqual(
      Pace.text(10, of: 10_000, "functions", seconds: 10),
      "10 of 10000 functions, 1.0/s, 167 min left")
    XCTAssertEqual(Pace.rounded(123_456), "123k")
  }
}

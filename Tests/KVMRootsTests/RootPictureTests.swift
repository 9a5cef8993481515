// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import XCTest

@testable import KVMRoots

/// Tables as a page draws them.
final class RootPictureTests: RootsTestCase {
  private func picture(
    _ scenario: String, telling wrong: [String] = []
  ) throws -> MemoryPicture {
    var domain = try RootDomain(subject.built)
    let scenario = try Scenario(scenario)
    _ = try XCTUnwrap(Explorer.rerun(scenario, in: &domain, subject: subject.built))
    return try XCTUnwrap(domain.picture(telling: wrong))
  }

  private static let chained =
    "mmu_alloc_shadow_roots:shadow=5,guest=2,direct=0,tdp=1,tables=all,me=0,stale=none,gpte=fits:"

  func test_fiveLevels_areDrawnFromTheRootToTheShadowPages() throws {
    let picture = try picture(Self.chained + "kvivg0.mmpa0")
    let kinds = picture.boxes.map { ($0.name ?? "page") + " \($0.column)" }
    XCTAssertEqual(
      kinds, ["pml5_root 0", "pml4_root 1", "pae_root 2", "page 3", "page 3", "page 3", "page 3"])
    XCTAssertEqual(picture.root, picture.boxes[0].id)
    XCTAssertEqual(picture.boxes[0].entries.map(\.target), [picture.boxes[1].id])
    XCTAssertEqual(picture.boxes[2].entries.compactMap(\.target), picture.boxes[3...].map(\.id))
    XCTAssertEqual(picture.boxes.compactMap(\.wrong), [])
    XCTAssertEqual(picture.boxes.flatMap(\.entries).compactMap(\.wrong), [])
  }

  func test_sentence_standsAtTheTableThatItNames_orAtItsLevel() throws {
    let named = try picture(
      Self.chained + "kvivg0.mmpa0", telling: ["pml4_root is not what it was"])
    XCTAssertEqual(
      named.boxes.map { $0.wrong != nil }, [false, true, false] + [false, false, false, false])
    let leveled = try picture(
      Self.chained + "kvivg0.mmpa0", telling: ["the walk for 0x0 finds no present entry at level 3"]
    )
    XCTAssertEqual(leveled.boxes.filter { $0.wrong != nil }.map(\.name), ["pae_root"])
    XCTAssertEqual(leveled.wrong.count, 1)
  }

  func test_withoutARoot_theTablesThatAreThereAreDrawn() throws {
    let picture = try picture(
      "mmu_alloc_special_roots:shadow=5,guest=3,direct=0,tdp=1,tables=none,me=0:gzp0.gzp0.gzp0")
    XCTAssertEqual(picture.start, "root.hpa = INVALID_PAGE")
    XCTAssertNil(picture.root)
    XCTAssertEqual(
      Set(picture.boxes.compactMap(\.name)), ["pae_root", "pml4_root", "pml5_root"])
  }
}

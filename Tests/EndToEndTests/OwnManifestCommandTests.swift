// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Reporting
import TestSupport
import XCTest

/// Every command that takes a subject takes a manifest from anywhere.
final class OwnManifestCommandTests: EndToEndTestCase {
  /// The manifest and its glue, copied to where a user may have them.
  private func manifest() throws -> String {
    for ending in ["yaml", "c"] {
      let text = try String(
        contentsOfFile: "\(Self.root)/Tests/Subjects/gen-pool/gen-pool.\(ending)", encoding: .utf8)
      try write(text, "own/gen-pool.\(ending)")
    }
    return "own/gen-pool.yaml"
  }

  func test_manifestAnywhere_isCheckedReplayedComparedAndMutated() async throws {
    let manifest = try manifest()
    let patch = try await patch(
      "label.patch",
      [.init("lib/genalloc.c", .replace("goto free_devres", with: "goto free_pool_name"))],
      of: try await kernel())
    let checked = try await kshim("check", "--manifest", manifest, "--patch", patch)
    XCTAssertEqual(checked.status, 1, checked.errors)
    let replay = try XCTUnwrap(
      checked.output.split(separator: "\n").first { $0.contains("replay: kshim ") })
    let arguments = replay.split(separator: " ").dropFirst(2).map(String.init)
    XCTAssertEqual(Array(arguments[...2]), ["replay", "--manifest", manifest])
    let replayed = try await kshim(arguments)
    XCTAssertEqual(replayed.status, 1, replayed.errors)
    XCTAssert(replayed.output.contains("\nleak: "), replayed.output)
    XCTAssert(replayed.output.contains("= NULL"), replayed.output)

    let compared = try await kshim("compare", "--manifest", manifest, "base", patch)
    XCTAssertEqual(compared.status, 1, compared.errors)
    XCTAssert(
      compared.output.contains("devm_gen_pool_create() keeps 1 allocation instead of 0"),
      compared.output)

    let mutated = try await kshim(
      "mutate", "--manifest", manifest, "--function", "gen_pool_destroy", "--operator", "drop-free")
    XCTAssert(mutated.output.contains("mutants killed"), mutated.output + mutated.errors)
    let asTest = try await kshim(arguments + ["--as", "test"])
    XCTAssertEqual(asTest.status, 1, asTest.errors)
    XCTAssert(asTest.output.contains("of: \"gen-pool\")"), asTest.output)
    XCTAssert(
      asTest.output.contains("//   kshim extract --manifest \(manifest) --kernel "), asTest.output)
  }

  /// Within a bound mutants are held against the original; what it does does not tell of them beforehand.
  func test_mutants_withinABound_areRun() async throws {
    let manifest = try manifest()
    let text = try String(contentsOfFile: "\(scratch)/\(manifest)", encoding: .utf8)
    try write(text + "bound: 2\n", manifest)
    let ran = try await kshim("mutate", "--manifest", manifest, "--operator", "relational")
    XCTAssertEqual(ran.status, 0, ran.output + ran.errors)
    XCTAssert(ran.output.contains("3 of 3 mutants killed"), ran.output)
  }

  func test_manifestThatIsWrong_isRefused() async throws {
    let none = try await kshim("check", "--manifest", "none.yaml")
    XCTAssertEqual(none.status, 2)
    XCTAssert(none.errors.contains("there is no such file"), none.errors)
    let both = try await kshim("check", "--manifest", "none.yaml", "--subject", "kvm-mmu-roots")
    XCTAssertEqual(both.status, 2)
    XCTAssert(both.errors.contains("leave out --subject"), both.errors)
  }
}

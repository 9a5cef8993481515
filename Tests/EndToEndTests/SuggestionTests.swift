// SPDX-License-Identifier: GPL-2.0-only
import TestSupport
import XCTest

/// What is mistyped gets the right one.
final class SuggestionTests: EndToEndTestCase {
  /// How the parser's own question reads.
  func test_commandsAndOptions_areAskedFor() async throws {
    for (arguments, meant) in [
      (["chekc"], "'check'"), (["kernels", "fetsh"], "'fetch'"),
      (["help", "comapre"], "'compare'"),
      (["check", "--kernl", "x"], "'--kernel'"), (["check", "--format", "jsno"], "'json'"),
      (["check", "--format=sariff"], "'sarif'"), (["replay", "--as", "tset", "x"], "'test'"),
      (["compare", "--format", "txt", "base", "base"], "'text'"),
    ] {
      let ran = try await kshim(arguments)
      XCTAssertEqual(ran.status, 2, "\(arguments): \(ran.errors)")
      let first = ran.errors.prefix { $0 != "\n" }
      XCTAssert(first.contains("Did you mean \(meant)?"), "\(arguments): \(ran.errors)")
    }
    // Nothing is near.
    let far = try await kshim("frobnicate")
    XCTAssertEqual(far.status, 2)
    XCTAssertFalse(far.errors.contains("Did you mean"), far.errors)
  }

  func test_names_areAskedFor() async throws {
    let tree = try await kernel()
    try write("", "fix.patch")
    let kernel = ["--kernel", tree.directory]
    for (arguments, meant) in [
      (["check", "--kernel", "debain:6.12"], "debian:6.12"),
      (
        ["check", "--kernel", tree.directory.replacing("debian-", with: "debain-")], tree.directory
      ),
      (["check", "--function", "mm/slub.c:kmem_cache_creat"], "do_kmem_cache_create"),
      (["check", "--function", "mm/slubb.c:kmem_cache_create"], "mm/slub.c"),
      (["check", "--file", "lib/argv_splt.c"], "lib/argv_split.c"),
      (["init", "lib/argv_split.c:argv_splt"], "argv_split"),
      (["check", "--subject", "kvm-mmu-root"], "kvm-mmu-roots"),
      (["check", "--patch", "fxi.patch"] + kernel, "fix.patch"),
      (["compare", "base", "fxi.patch"], "fix.patch"), (["compare", "bsae", "fix.patch"], "base"),
      (["check", "--manifest", "fix.pathc"], "fix.patch"),
      (["mutate", "--list", "--operator", "drop-fre"], "drop-free"),
      (["mutate", "--list", "--function", "free_mmu_page"], "free_mmu_pages"),
      (["explain", "wildfree"], "wild-free"),
    ] {
      let ran = try await kshim(arguments)
      XCTAssertEqual(ran.status, 2, "\(arguments): \(ran.errors)")
      XCTAssert(
        ran.errors.contains("remedy: did you mean \(meant)?"), "\(arguments): \(ran.errors)")
    }
  }

  func test_debiansKernels_areListed_andTheNearestAskedFor() async throws {
    for wrong in ["debian:6.21", "debian:6.12x"] {
      let ran = try await kshim("check", "--kernel", wrong)
      XCTAssertEqual(ran.status, 2)
      XCTAssert(ran.errors.contains("remedy: name one of debian:5.10, "), ran.errors)
      XCTAssert(ran.errors.hasSuffix("; did you mean debian:6.12?\n"), ran.errors)
    }
  }

  func test_revisions_areAskedFor() async throws {
    let directory = try await repository(of: kernel())
    try await shell("git tag v6.12", in: directory)
    let ran = try await kshim("check", "--kernel", "\(directory)@v6.21")
    XCTAssertEqual(ran.status, 2)
    XCTAssert(ran.errors.contains("remedy: did you mean v6.12?"), ran.errors)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import Foundation
import KVMRoots
import KernelSource
import TestSupport
import XCTest

@testable import Checking

/// What clang's counters say of a search.
final class CountingTests: XCTestCase {
  /// The package's top directory.
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  private static let driver = "mmu_alloc_direct_roots"

  /// One side of a branch is counted, the other computed of what came to it. A run that goes on from a
  /// checkpoint comes to it as well.
  func test_bothSidesOfABranch_areWholeCounts_howeverTheSearchGoesBack() async throws {
    let store = KernelStore()
    let revision = try await store.revision(tree: store.resolve("debian:6.12"), patches: [])
    defer { revision.close() }
    let work = try WorkDirectory()
    defer { work.remove() }
    let builds = try await Builds.make(
      "kvm-mmu-roots", revision, jobs: 1, counting: true,
      installation: Installation(root: Self.root), sharing: SourceFiles(), in: work.path)
    let searched = try Explorer.search(
      RootDomain.self, jobs: 1, load: builds.load, drives: [Self.driver],
      finish: builds.writeProfile(_:of:))
    let functions = try await builds.coverage(in: work.path).functions()
    let called = try XCTUnwrap(functions.first { $0.name.hasSuffix(Self.driver) })
    let entered = try XCTUnwrap(called.regions.map { $0[4] }.max())
    XCTAssertGreaterThan(entered, 0)
    for branch in functions.flatMap({ $0.branches ?? [] }) {
      // A difference below zero is the largest number that there is.
      XCTAssertLessThan(branch[4], searched.runs * 1_000, "\(branch)")
      XCTAssertLessThan(branch[5], searched.runs * 1_000, "\(branch)")
    }
    // Each run calls it, once or twice.
    let first = try XCTUnwrap(called.branches?.first)
    XCTAssertGreaterThanOrEqual(first[4] + first[5], searched.runs)
  }
}

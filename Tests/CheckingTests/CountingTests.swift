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

  private func counting(in work: WorkDirectory) async throws -> Builds {
    let store = KernelStore()
    let revision = try await store.revision(tree: store.resolve("debian:6.12"), patches: [])
    defer { revision.close() }
    return try await Builds.make(
      "kvm-mmu-roots", revision, jobs: 1, counting: true,
      installation: Installation(root: Self.root), sharing: SourceFiles(), in: work.path)
  }

  /// One side of a branch is counted, the other computed of what came to it. A run that goes on from a
  /// checkpoint comes to it as well.
  func test_bothSidesOfABranch_areWholeCounts_howeverTheSearchGoesBack() async throws {
    let work = try WorkDirectory()
    defer { work.remove() }
    let builds = try await counting(in: work)
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

  /// A block begins with what counts it, and that is of no line.
  func test_aBlock_hasTheLineOfItsCode_notOfWhatCountsIt() async throws {
    let work = try WorkDirectory()
    defer { work.remove() }
    let builds = try await counting(in: work)
    let subject = try builds.load(0)
    var domain = try RootDomain(subject)
    let special = "mmu_alloc_special_roots"
    _ = try Explorer.replay(
      Scenario("\(special):shadow=4,guest=3,direct=0,tdp=1,tables=none,me=0:gzp0.gzp1.gzp0.gzp0"),
      in: &domain,
      subject: subject)
    let happened = subject.world.happened.pointee
    let blocks = Set(
      (0..<Int(happened.block_count)).map { happened.blocks[$0] &- subject.moduleStart })
    XCTAssertGreaterThan(blocks.count, 5)
    let symbolizer = Symbolizer(module: builds.path, sources: [builds.extraction.provenance.source])
    let own = try await symbolizer.places(of: blocks)
    XCTAssertLessThan(own.count, blocks.count)
    let told = try await symbolizer.places(of: blocks, orAt: subject.place(ofBlock:))
    XCTAssertEqual(told.count, blocks.count)
    for (block, place) in own { XCTAssertEqual(told[block]?.line, place.line) }
    let function = try XCTUnwrap(
      builds.extraction.provenance.functions.first { $0.name == special })
    for place in told.values where place.function == special {
      XCTAssert((function.firstLine...function.lastLine).contains(place.line), "\(place)")
    }
  }
}

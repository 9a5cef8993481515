// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource
import XCTest

@testable import Extraction

/// The services against the kernels that Debian has, with the configuration that they were built with.
final class ServicesTests: ExtractionTestCase {
  /// Each rule's C is compiled with the tree's own prototype.
  func test_everyService_fitsEachKernel() async throws {
    for spec in ["debian:6.1", "debian:6.12", "debian:7.3"] {
      let tree = try await kernel(spec, required: spec == "debian:6.12")
      let revision = try await store.revision(tree: tree, patches: [])
      defer { revision.close() }
      let manifest = try installation.manifest(Self.subject)
      let output = try OutputDirectory("\(scratch)/\(tree.version)", asked: "compile all services")
      defer { output.discard() }
      let (_, extracted, _) = try await Extraction.extract(
        manifest, from: revision, installation: installation, as: .object(counting: false),
        needed: manifest.answered, into: output)
      let names = Set(extracted.callees.map(\.name))
      for name in ["kfree", "mutex_lock", "__rcu_read_lock", "queue_work_on", "kmem_cache_free"] {
        XCTAssert(names.contains(name), "\(name) in \(spec)")
      }
      XCTAssertGreaterThan(names.count, 200, spec)
      XCTAssert(extracted.variables.contains { $0.name == "jiffies" }, spec)
    }
  }

  func test_aProjectsRules_winOverTheServices() throws {
    let path = "\(scratch)/rules.yaml"
    try Data("boundary:\n  kfree: {ignored: true}\n  my_own: {returns: [0]}\n".utf8)
      .write(to: URL(fileURLWithPath: path))
    let manifest = try installation.adding(rules: [path]).manifest(Self.subject)
    XCTAssertEqual(manifest.boundary.first { $0.name == "kfree" }?.rule.action, .ignored)
    XCTAssertEqual(manifest.boundary.filter { $0.name == "kfree" }.count, 1)
    XCTAssert(manifest.boundary.contains { $0.name == "my_own" })
    let wrong = "\(scratch)/no-such.yaml"
    XCTAssertThrowsError(try self.installation.adding(rules: [wrong])) {
      XCTAssertEqual(($0 as? Failure)?.place, wrong)
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import XCTest

/// A subject in another file of the kernel: a manifest of names, and no change to kshim.
final class SecondSubjectTests: ExtractionTestCase {
  func test_avicTables_linux6_1_extractsAndBuilds() async throws { try await check("debian:6.1") }

  func test_avicTables_linux6_12_extractsAndBuilds() async throws { try await check("debian:6.12") }

  private func check(_ spec: String) async throws {
    let name = "kvm-avic-tables"
    let installation = try installation.adding(
      manifest: "\(Self.root)/Tests/Subjects/\(name)/\(name).yaml")
    let tree = try await kernel(spec)
    let extraction = try await extract(tree, installation: installation, subject: name)
    let names = extraction.provenance.functions.map(\.name)
    XCTAssertEqual(
      names.filter { $0.hasPrefix("avic_vm") }.sorted(), ["avic_vm_destroy", "avic_vm_init"])
    let unit = try String(contentsOfFile: "\(out)/unit.c", encoding: .utf8)
    XCTAssert(unit.contains("svm_vm_data_hash"))
    _ = try await SharedObject.build(
      extraction, counting: false, installation: installation, into: "\(scratch)/a.so")
  }
}

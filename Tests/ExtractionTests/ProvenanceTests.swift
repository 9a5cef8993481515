// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Failures
import Foundation
import KernelSource
import TestSupport
import XCTest

/// Whether an extraction still belongs to its tree.
final class ProvenanceTests: ExtractionTestCase {
  func test_staleFiles_nameTheSourceAndTheHeaderThatChanged() async throws {
    let tree = try await copy(of: kernel())
    let provenance = try await extract(tree).provenance
    var stale = provenance.staleFiles()
    XCTAssertEqual(stale, [])

    let header = "arch/x86/include/asm/kvm_host.h"
    try flip(Self.mmu, tree.directory)
    stale = provenance.staleFiles()
    XCTAssertEqual(stale, [Self.mmu])
    try flip(header, tree.directory)
    stale = provenance.staleFiles()
    XCTAssertEqual(stale, [header, Self.mmu].sorted())
    try flip(Self.mmu, tree.directory)
    try flip(header, tree.directory)
    try FileManager.default.removeItem(atPath: "\(tree.directory)/include/linux/mm.h")
    stale = try Provenance.read(in: out).staleFiles()
    XCTAssertEqual(stale, ["include/linux/mm.h"])
  }

  /// Turns one bit of the last byte but one, or back.
  private func flip(_ file: String, _ directory: String) throws {
    let url = URL(fileURLWithPath: "\(directory)/\(file)")
    var data = try Data(contentsOf: url)
    data[data.count - 2] ^= 1
    try data.write(to: url)
  }

  func test_nothingExtracted_isARequestFailure() async throws {
    let error = try await failure(.request) { try Provenance.read(in: out) }
    XCTAssertEqual(error.cause, "nothing was extracted yet")
  }

  func test_damagedProvenance_isAToolFailure() async throws {
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    try Data("{}".utf8).write(to: URL(fileURLWithPath: "\(out)/provenance.json"))
    let error = try await failure(.tool) { try Provenance.read(in: out) }
    XCTAssertEqual(error.place, "\(out)/provenance.json")
  }

  func test_patch_isInTheProvenance() async throws {
    let tree = try await kernel()
    let edit = KernelEdit(Self.mmu, .insertBefore("\(Self.special)(", "/* one line */"))
    var patch = try await KernelEdit.patch([edit], of: tree, name: "one.patch")
    patch = PatchFile(
      name: patch.name, content: Data("Subject: [PATCH] one line\n\n".utf8) + patch.content)
    let before = try await extract(tree).provenance
    let extraction = try await extract(tree, [patch])
    XCTAssertEqual(
      extraction.provenance.patches,
      [Provenance.Patch(file: "one.patch", subject: "one line")])
    XCTAssertEqual(extraction.touched.count, 1)
    let stale = extraction.provenance.staleFiles()
    XCTAssertEqual(stale, [])
    // Everything behind the line moved by one; the text itself did not change.
    let first = before.functions.first { $0.name == Self.special }?.firstLine ?? 0
    let moved = extraction.provenance.functions.first { $0.name == Self.special }?.firstLine
    XCTAssertEqual(moved, first + 1)
    XCTAssert(
      try String(contentsOfFile: "\(out)/unit.c", encoding: .utf8).contains("* with one.patch"))
  }
}

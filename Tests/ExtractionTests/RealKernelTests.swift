// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Failures
import Foundation
import KernelSource
import XCTest

/// What an extraction of the project's first subject holds, on each kernel.
final class RealKernelTests: ExtractionTestCase {
  func test_linux6_1_extractsVerbatimAndCompiles() async throws {
    try await check(kernel("debian:6.1"))
  }

  func test_linux6_12_extractsVerbatimAndCompiles() async throws {
    try await check(kernel("debian:6.12"))
  }

  func test_linux7_2_extractsVerbatimAndCompiles() async throws {
    try await check(kernel("debian:7.2", required: false))
  }

  func test_linux7_3_extractsVerbatimAndCompiles() async throws {
    try await check(kernel("debian:7.3", required: false))
  }

  func test_theSameRevision_givesTheSameBytes() async throws {
    let tree = try await kernel()
    let first = try await extract(tree)
    let before = try FileManager.default.contentsOfDirectory(atPath: out).sorted().map {
      FileManager.default.contents(atPath: "\(out)/\($0)")
    }
    let second = try await extract(tree)
    let after = try FileManager.default.contentsOfDirectory(atPath: out).sorted().map {
      FileManager.default.contents(atPath: "\(out)/\($0)")
    }
    XCTAssertEqual(first.provenance, second.provenance)
    XCTAssertEqual(before, after)
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: out).sorted(),
      ["provenance.json", "rename.h", "standins", "unit.c", "unit.i"])
    XCTAssertEqual(try Provenance.read(in: out), second.provenance)
  }

  func test_statements_nameWhatCallsAreGivenAndStoredIn() async throws {
    let extraction = try await extract(kernel())
    let functions = extraction.provenance.functions
    let special = try XCTUnwrap(functions.first { $0.name == "mmu_alloc_special_roots" })
    let lines = special.firstLine...special.lastLine
    let statements = extraction.statements
    let calls = statements.calls.filter { lines.contains($0.lines.lowerBound) }
    XCTAssertEqual(
      Set(calls.filter { $0.written == "get_zeroed_page" }.map(\.into)),
      ["pae_root", "pml4_root", "pml5_root"])
    let freed = calls.filter { $0.written == "free_page" }
    XCTAssertEqual(freed.map(\.arguments.first), ["pml4_root", "pae_root"])
    XCTAssertEqual(Set(freed.map(\.callee)), ["free_pages"])
    let line = try XCTUnwrap(freed.first).lines.lowerBound
    XCTAssertEqual(statements.call(of: "free_pages", on: line)?.arguments.first, "pml4_root")
    XCTAssertEqual(
      statements.returns.filter { lines.contains($0.line) }.map(\.value),
      ["0", "0", "-EIO", "-ENOMEM", "0", "-ENOMEM"])
    let shadow = try XCTUnwrap(functions.first { $0.name == "mmu_alloc_shadow_roots" })
    let written = statements.accesses.filter {
      $0.isWrite && $0.lines.lowerBound >= shadow.firstLine
        && $0.lines.lowerBound <= shadow.lastLine
    }
    XCTAssert(written.contains { $0.pointer == "mmu->pml4_root" }, "\(written)")
    XCTAssert(written.allSatisfy { statements.stored(on: $0.lines.lowerBound) != nil })
  }

  private func check(_ tree: KernelTree) async throws {
    let extraction = try await extract(tree)
    let manifest = try installation.manifest(Self.subject)
    let provenance = extraction.provenance
    XCTAssertEqual(provenance.version, tree.version)
    XCTAssertEqual(provenance.patches, [])
    XCTAssertEqual(extraction.touched, [:])
    let stale = provenance.staleFiles()
    XCTAssertEqual(stale, [])

    let text = try lines("\(tree.directory)/\(manifest.source)")
    let unit = try lines("\(out)/unit.c")
    let names = provenance.functions.map(\.name)
    XCTAssertEqual(Set(names).count, names.count)
    for name in manifest.targets + manifest.extract { XCTAssert(names.contains(name), name) }
    for function in provenance.functions {
      let first = try XCTUnwrap(
        unit.firstIndex(of: "#line \(function.firstLine) \"\(manifest.source)\""), function.name)
      let expected = text[(function.firstLine - 1)..<function.lastLine]
      // But for what tells of variables without a first value.
      let written = unit[(first + 1)...].prefix(expected.count).map {
        $0.replacing(/\ kshim_unset\([^;]*;/, with: "")
      }
      XCTAssertEqual(written.map { "\($0)" }, expected.map { "\($0)" }, function.name)
      XCTAssert(expected.contains { $0.contains(function.name) }, function.name)
      XCTAssertEqual(expected.last, "}", function.name)
      XCTAssert(
        unit.prefix(60).contains(
          " * \(function.name): \(manifest.source):\(function.firstLine)-\(function.lastLine)"))
    }

    try checkHeaders(tree, provenance)
    for counting in [false, true] {
      let path = "\(scratch)/\(counting).so"
      _ = try await SharedObject.build(
        extraction, counting: counting, installation: installation, into: path)
      let symbols = try await Command.run(
        Toolchain.locate().tool("llvm-nm"), ["-D", "--defined-only", "-j", path])
      XCTAssert(symbols.outputText.contains("kshim_table\n"), symbols.outputText)
    }
  }

  /// Every file that the preprocessed text names is the tree's or kshim's.
  private func checkHeaders(_ tree: KernelTree, _ provenance: Provenance) throws {
    var files: Set<String> = []
    for line in try lines("\(out)/unit.i") where line.hasPrefix("#line ") || line.hasPrefix("# ") {
      let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
      if parts.count >= 3 { files.insert(String(parts[1])) }
    }
    XCTAssertGreaterThan(files.count, 300)
    let own = ["unit.c", "kshim-harness", "<built-in>", "<command line>", provenance.source]
    for file in files.sorted() where !own.contains(file) && !file.hasPrefix("standins/") {
      XCTAssert(
        file.hasPrefix("\(tree.directory)/") || file.hasPrefix("\(installation.shims)/")
          || file.hasPrefix("\(installation.glue)/"), file)
    }
    let inTree = files.filter { $0.hasPrefix("\(tree.directory)/") }
    XCTAssertEqual(
      Set(inTree.map { String($0.dropFirst(tree.directory.count + 1)) })
        .subtracting(provenance.files.keys), [])
    XCTAssertFalse(try String(contentsOfFile: "\(out)/unit.i", encoding: .utf8).contains(scratch))
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource
import TestSupport
import XCTest

@testable import Extraction

/// What is read once of a source file, and when it is read again.
final class PreambleTests: ExtractionTestCase {
  private static let header = "arch/x86/include/asm/kvm_host.h"

  private var own: Installation {
    var own = installation
    own.cache = "\(scratch)/cache/builds"
    return own
  }

  /// What is kept, by name, with what tells when it was written.
  private func kept(_ ending: String = ".pch") -> [String: String] {
    let files = KeptFile.aged(in: own.cache, ending: ending)
    return Dictionary(uniqueKeysWithValues: files.map { ($0, FileStamp($0).text ?? "") })
  }

  private func unit(
    _ tree: KernelTree, _ edits: [KernelEdit] = [], installation: Installation? = nil
  ) async throws -> String {
    let patches = edits.isEmpty ? [] : [try await KernelEdit.patch(edits, of: tree)]
    let extraction = try await extract(tree, patches, installation: installation ?? own)
    XCTAssertNotNil(extraction.precompiled)
    return try String(contentsOfFile: "\(out)/unit.c", encoding: .utf8)
  }

  private func field(_ name: String) -> KernelEdit {
    KernelEdit(Self.header, .insertAfter("u64 *pml5_root;", "\tu64 *\(name);"))
  }

  func test_samePreamble_isReadOnce() async throws {
    let tree = try await kernel()
    _ = try await unit(tree)
    let first = kept()
    XCTAssertEqual(first.count, 1)
    let patched = try await unit(
      tree, [KernelEdit(Self.mmu, in: Self.special, .insertAfter("return -EIO", "\t/* kshim */"))])
    XCTAssert(patched.contains("/* kshim */"))
    XCTAssertEqual(kept(), first)
  }

  func test_patchOfAHeader_hasItsOwn() async throws {
    let tree = try await kernel()
    let use = KernelEdit(
      Self.mmu, in: "free_mmu_pages", .insertAfter("pml5_root", "\tmmu->kshim_a = NULL;"))
    _ = try await unit(tree)
    _ = try await unit(tree, [field("kshim_a"), use])
    let both = kept()
    XCTAssertEqual(both.count, 2)
    // Another header of this length, and the same once more.
    _ = try await unit(tree, [field("kshim_b")])
    XCTAssertEqual(kept().count, 3)
    _ = try await unit(tree, [field("kshim_a"), use])
    _ = try await unit(tree)
    XCTAssertEqual(kept().count, 3)
    for (path, stamp) in both { XCTAssertEqual(kept()[path], stamp) }
    let error = try await failure(.build) { try await unit(tree, [field("kshim_b"), use]) }
    XCTAssert(error.cause.contains("no member named 'kshim_a'"), error.description)
  }

  func test_damaged_isReadAgain() async throws {
    let tree = try await kernel()
    let before = try await unit(tree)
    let path = try XCTUnwrap(kept().keys.first)
    let whole = try XCTUnwrap(FileManager.default.contents(atPath: path))
    var damaged = whole
    for index in stride(from: whole.count / 3, to: whole.count / 2, by: 97) { damaged[index] ^= 1 }
    for content in [damaged, whole.prefix(whole.count / 2), Data()] {
      try content.write(to: URL(fileURLWithPath: path))
      let after = try await unit(tree)
      XCTAssertEqual(after, before)
      let fresh = FileManager.default.contents(atPath: path)?.count ?? 0
      XCTAssertGreaterThan(fresh, whole.count * 9 / 10)
    }
    for record in kept(".json").keys { try Data("{}".utf8).write(to: URL(fileURLWithPath: record)) }
    for header in kept(".h").keys { try FileManager.default.removeItem(atPath: header) }
    let after = try await unit(tree)
    XCTAssertEqual(after, before)
  }

  func test_withoutAny_theTextTheCodeAndTheReadingAreTheSame() async throws {
    let tree = try await kernel()
    var without = own
    try Data().write(to: URL(fileURLWithPath: "\(scratch)/file"))
    without.cache = "\(scratch)/file/none"
    var texts: [String] = []
    var codes: [Data] = []
    var readings: [Reading] = []
    for installation in [own, without] {
      let revision = try await store.revision(tree: tree, patches: [])
      let directory = "\(scratch)/out-\(texts.count)"
      let extraction = try await Extraction.extract(
        Self.subject, from: revision, installation: installation, as: .object(counting: false),
        into: directory)
      XCTAssertEqual(extraction.precompiled != nil, texts.isEmpty)
      texts.append(try String(contentsOfFile: "\(directory)/unit.c", encoding: .utf8))
      let code = "\(scratch)/code"
      let copied = try await Command.run(
        Toolchain.locate().tool("llvm-objcopy"),
        ["-O", "binary", "--only-section=.text", try XCTUnwrap(extraction.object), code])
      XCTAssertEqual(copied.status, 0, copied.errorText)
      codes.append(try XCTUnwrap(FileManager.default.contents(atPath: code)))
      readings.append(extraction.reading)
      _ = try await SharedObject.build(
        extraction, counting: true, installation: installation,
        into: "\(scratch)/counting.so")
    }
    XCTAssertEqual(texts[0], texts[1])
    XCTAssertGreaterThan(codes[0].count, 10_000)
    XCTAssertEqual(codes[0], codes[1])
    XCTAssertEqual(readings[0], readings[1])
  }

  func test_ownTree_isReadAgainWhenAHeaderChangesOrHidesAnother() async throws {
    let tree = try await copy(of: kernel())
    let header = URL(fileURLWithPath: "\(tree.directory)/\(Self.header)")
    _ = try await unit(tree)
    let first = kept()
    _ = try await unit(tree)
    XCTAssertEqual(kept(), first)
    // As an editor does beside the file that it saves.
    try Data().write(to: URL(fileURLWithPath: "\(tree.directory)/arch/x86/kvm/mmu/.mmu.c.swp"))
    _ = try await unit(tree)
    XCTAssertEqual(kept(), first)

    let text = try String(contentsOf: header, encoding: .utf8)
    try Data(text.replacing("u64 *pml5_root;", with: "u64 *pml5_rout;").utf8).write(to: header)
    // The header is in order, and what is read of it is kept.
    changeable.insert("cache")
    let error = try await failure(.build) { try await unit(tree) }
    XCTAssert(error.cause.contains("no member named 'pml5_root'"), error.description)
    changeable.remove("cache")
    try Data(text.utf8).write(to: header)
    // What was written at this very moment may be written again, and is not kept.
    try await Task.sleep(for: .milliseconds(50))
    _ = try await unit(tree)

    let hiding = URL(fileURLWithPath: "\(tree.directory)/arch/x86/include/linux/srcu.h")
    try FileManager.default.createDirectory(
      at: hiding.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("#error hidden\n".utf8).write(to: hiding)
    let hidden = try await failure(.build) { try await unit(tree) }
    XCTAssert(hidden.cause.contains("hidden"), hidden.description)
  }

  func test_kept_areBounded() throws {
    for number in 0..<40 {
      try KeptFile.write(Data(), to: "\(own.cache)/preamble-\(number)-x.json")
      try Data().write(to: URL(fileURLWithPath: "\(own.cache)/preamble-\(number)-x.pch"))
      try Data().write(to: URL(fileURLWithPath: "\(own.cache)/preamble-\(number).h"))
    }
    // What was used just now may still be read by another process.
    PreambleCache.prune(own.cache)
    for ending in [".json", ".pch", ".h"] { XCTAssertEqual(kept(ending).count, 40, ending) }
    for number in 0..<40 {
      let time = timeval(tv_sec: 1_000_000 + number, tv_usec: 0)
      for name in ["\(number)-x.json", "\(number).h"] {
        utimes("\(own.cache)/preamble-\(name)", [time, time])
      }
    }
    PreambleCache.prune(own.cache)
    for ending in [".json", ".pch", ".h"] {
      XCTAssertEqual(kept(ending).count, PreambleCache.most, ending)
      XCTAssertNotNil(kept(ending).keys.first { $0.contains("/preamble-39") })
    }
  }

  func test_preamble_endsBehindTheLastLeadingInclude() {
    func preamble(_ text: String) -> String {
      let bytes = Array(text.utf8)
      let preamble = Preamble(of: bytes)
      XCTAssertEqual(preamble.blanked(bytes).count, bytes.count)
      XCTAssertEqual(preamble.blanked(bytes).count { $0 == 10 }, bytes.count { $0 == 10 })
      return preamble.text(of: bytes)
    }
    XCTAssertEqual(preamble("int a;\n#include <a.h>\n"), "")
    XCTAssertEqual(preamble(""), "")
    XCTAssertEqual(preamble("#include <a.h>"), "#include <a.h>")
    XCTAssertEqual(
      preamble("// a\n/* b\n */\n#define B 1\n# include <a.h> /* c\n */\n#define C\nint a;\n"),
      "// a\n/* b\n */\n#define B 1\n# include <a.h> /* c\n */\n")
    XCTAssertEqual(
      preamble(
        "#include <a.h>\n#if A\n#include <b.h>\n#endif\n#if B\n#include <c.h>\nint a;\n#endif\n"),
      "#include <a.h>\n#if A\n#include <b.h>\n#endif\n")
    XCTAssertEqual(
      preamble("#include <a.h>\n#define D \\\n 1\n#include <b.h>\n"),
      "#include <a.h>\n#define D \\\n 1\n#include <b.h>\n")
    XCTAssertEqual(
      preamble("#include <a.h>\n#define CREATE_TRACE_POINTS\n#include <t.h>\n"), "#include <a.h>\n")
    XCTAssertEqual(preamble("#include <a.h>\n#endif\n#include <b.h>\n"), "#include <a.h>\n")
    XCTAssertEqual(preamble("#include <a.h>\n/* open\n#include <b.h>\n"), "#include <a.h>\n")
  }
}

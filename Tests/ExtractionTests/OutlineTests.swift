// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

@testable import Extraction

/// What the compiler begins with while a file is parsed.
final class OutlineTests: ExtractionTestCase {
  private static let text = """
    #define TWICE(x) \\
    	twice(x)
    #define ONCE(x) once(x)
    static int twice(int x) { return 2 * x; }
    static int once(int x) { return x; }
    static int far(int x)
    {
    	/* { */
    	return once(x);
    }
    static int answered(int x) { return far(x); }
    int near(int x)
    {
    	return TWICE(x) + answered(x);
    }

    """

  private func outline(_ text: String, of functions: [String], without: Set<String>) -> String {
    String(bytes: Outline(Array(text.utf8)).text(of: functions, without: without))
  }

  func test_whatNothingLeadsTo_isEmpty_andAllElseStays() {
    let short = outline(Self.text, of: ["near"], without: ["answered"])
    let expected = Self.text
      .replacingOccurrences(of: "{ return x; }", with: "{           }")
      .replacingOccurrences(of: "{ return far(x); }", with: "{                }")
      .replacingOccurrences(
        of: "{\n\t/* { */\n\treturn once(x);\n}", with: "{\n        \n                \n}")
    XCTAssertEqual(short, expected)
    XCTAssertEqual(outline(Self.text, of: ["near"], without: []).count { $0 == "}" }, 5)
  }

  func test_namesOfMacrosAndFunctions_areFollowed() {
    let whole = outline(Self.text, of: ["near"], without: [])
    XCTAssert(whole.contains("return once(x)"))
    XCTAssertEqual(outline(Self.text, of: [], without: []).count, Self.text.utf8.count)
    XCTAssertFalse(outline(Self.text, of: [], without: []).contains("return"))
  }

  func test_textThatEndsAmidAFunction_isLeft() {
    let text = "int f(void)\n{\n\treturn 1;\n"
    XCTAssertEqual(outline(text, of: [], without: []), text)
  }

  /// Otherwise the compiler begins twice, and nothing tells.
  func test_subject_isTheSameFromTheOutline() async throws {
    let tree = try await kernel()
    let patch = try await KernelEdit.patch(
      [KernelEdit(Self.mmu, in: Self.special, .insertAfter("return -EIO", "\t/* kshim */"))],
      of: tree)
    let revision = try await store.revision(tree: tree, patches: [patch])
    defer { revision.close() }
    let manifest = try installation.manifest(Self.subject)
    let following = try Following(manifest, revision, installation: installation)
    try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    var build = KernelBuild(revision: revision, installation: installation, work: out)
    try build.prepare()
    build.standins = try await Extraction.standins(build)
    let extractor = try await Extraction.extractor(manifest, build, .search, following).opened()
    func unit(_ extracted: Extractor.Result) -> String {
      UnitWriter(manifest: manifest, extracted: extracted, provenance: [], textSHA256: "").unit
    }
    let seen = try await extractor.glimpse()
    let whole = try await extractor.extract()
    XCTAssertEqual(unit(seen), unit(whole))
    XCTAssert(unit(seen).contains("/* kshim */"))
    // Most of the file is in no unit.
    func statements(_ extracted: Extractor.Result) -> Int {
      extracted.functions.values.filter(\.isInMainFile).count { function in
        function.children.last { $0.kind == .compound }?.children.isEmpty == false
      }
    }
    XCTAssertLessThan(2 * statements(seen), statements(whole))
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import KernelSource
import TestSupport
import XCTest

/// The helper that makes the other tests' patches.
final class KernelEditTests: ExtractionTestCase {
  private let text = """
    int f(int a);
    static int g(void)
    {
    \treturn f(1) + f(2);
    }

    int f(int a)
    {
    \tone(a);
    \ttwo(a,
    \t    b);
    \treturn one(a);
    }
    int last;

    """

  private func apply(_ function: String?, _ change: KernelEdit.Change, _ occurrence: Int = 1) throws
    -> String
  {
    try KernelEdit("a.c", in: function, change, occurrence: occurrence).apply(to: text)
  }

  func test_edits_changeWhatTheyAnchorTo() throws {
    XCTAssertEqual(
      try apply("f", .replace("one(", with: "three("), 2),
      text.replacing("return one(", with: "return three("))
    XCTAssertEqual(
      try apply("f", .insertBefore("two(", "x")), text.replacing("\ttwo(", with: "x\n\ttwo("))
    XCTAssertEqual(
      try apply("f", .insertAfter("one(", "x\n")),
      text.replacing("\tone(a);\n", with: "\tone(a);\nx\n"))
    XCTAssertEqual(
      try apply("f", .delete("two(", through: ");")),
      text.replacing("\ttwo(a,\n\t    b);\n", with: ""))
    XCTAssertEqual(
      try apply("f", .append("int x;")), text.replacing("}\nint last", with: "}\nint x;\nint last"))
    XCTAssertEqual(try apply(nil, .append("int x;")), text + "int x;\n")
    XCTAssertEqual(try apply(nil, .replace("int", with: "long")), "long" + text.dropFirst(3))
  }

  func test_anchorThatIsNotThere_isAnError() throws {
    XCTAssertThrowsError(try apply("g", .replace("one(", with: "x"))) {
      XCTAssertEqual("\($0)", "a.c has no 'one(' number 1 in g")
    }
    XCTAssertThrowsError(try apply("f", .delete("one("), 3))
    XCTAssertThrowsError(try apply("f", .delete("one(", through: "last")))
    XCTAssertThrowsError(try apply("one", .append("x"))) {
      XCTAssertEqual("\($0)", "a.c has no function one")
    }
  }

  func test_patch_appliesWithP1AndSeveralFiles() async throws {
    let tree = try await kernel()
    let files = ["Makefile", Self.mmu]
    let patch = try await KernelEdit.patch(
      files.map { KernelEdit($0, .append("/* kshim */")) }, of: tree)
    let lines = String(decoding: patch.content, as: UTF8.self).split(separator: "\n")
    for file in files {
      XCTAssert(lines.contains("--- a/\(file)") && lines.contains("+++ b/\(file)"))
    }
    let revision = try await store.revision(tree: tree, patches: [patch])
    XCTAssertEqual(revision.overlay.keys.sorted(), files.sorted())
    do {
      _ = try await KernelEdit.patch([KernelEdit("no/such.c", .append("x"))], of: tree)
      XCTFail("no error")
    } catch let error as KernelEdit.Misplaced {
      XCTAssertEqual(error.description, "debian:6.12 has no no/such.c")
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import XCTest

@testable import Extraction

/// What no compiler takes is found before one is asked.
final class NestingTests: ExtractionTestCase {
  private func excess(_ text: String) -> Nesting.Excess? { Nesting.excess(in: Array(text.utf8)) }

  private func repeated(_ text: String, _ count: Int) -> String {
    String(repeating: text, count: count)
  }

  func test_brackets_areCounted() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{", "}")] {
      XCTAssertNil(excess("x\n" + repeated(open, 256) + repeated(close, 256)))
      XCTAssertEqual(excess("x\n" + repeated(open, 257)), .brackets(line: 2))
      XCTAssertNil(excess(repeated(open + close, 5000)))
    }
  }

  func test_bracketsInLiteralsAndComments_areNone() {
    let many = repeated("(", 300)
    XCTAssertNil(
      excess("/* \(many)\n\(many) */ // \(many)\nchar *a = \"\\\"\(many)\"; '('; '\\'';"))
    XCTAssertEqual(excess("\"\\\"\" /* \n */ \(many)"), .brackets(line: 2))
    // A quote that is not closed ends with its line.
    XCTAssertEqual(excess("#error don't\n\(many)"), .brackets(line: 2))
  }

  /// Where #if has a bracket twice, only one is closed.
  func test_endOfAFunction_endsAll() {
    XCTAssertNil(excess(repeated("f()\n{\n#if A\nif (a) {\n#else\nif (b) {\n#endif\n}\n}\n", 400)))
  }

  func test_expressions_areBounded() {
    XCTAssertEqual(excess("\n;x = " + repeated("- ", 10_001) + "1;"), .expression(line: 2))
    XCTAssertNil(excess("x = " + repeated("-", 9_000) + "1;"))
    // Constants, a table, and a long text.
    XCTAssertNil(excess(repeated("#define A \\\n 1\n", 5_000)))
    XCTAssertNil(excess("int x[] = { " + repeated("0xffff, ", 50_000) + "};"))
    XCTAssertNil(excess("char *x = \"" + repeated("x", 50_000) + "\";"))
  }

  func test_branches_areBounded() {
    let branch = "else if (a) ;\n"
    XCTAssertNil(excess("if (a) ;\n" + repeated(branch, 1999)))
    XCTAssertEqual(excess("if (a) ;\n" + repeated(branch, 2001)), .branches(line: 2002))
  }

  /// No file of a kernel is refused.
  func test_kernel_isNotRefused() async throws {
    let tree = try await KernelStore().resolve("debian:6.12")
    for folder in ["arch/x86", "include", "lib", "mm", "virt"] {
      for file in Files.below([folder], in: tree.directory)
      where file.hasSuffix(".c") || file.hasSuffix(".h") {
        let text = FileManager.default.contents(atPath: "\(tree.directory)/\(file)")
        XCTAssertNil(Nesting.excess(in: text.map(Array.init) ?? []), file)
      }
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import Extraction

/// What is read off a file's text to tell what a patch renames and moves.
final class FollowingTests: XCTestCase {
  private func top(_ text: String) -> TopLevel { TopLevel(of: Array(text.utf8)) }

  func test_functions_areTheirNameHeadAndBody() throws {
    let text = """
      /* f(x) */
      #define G(x) \\
      \tg(x)
      static int f(struct s *a, int (*b)(void), unsigned long);
      static __always_inline int f(struct s *a, int (*b)(void), unsigned long c)
      {
      \tif (a) {
      \t\treturn '}';
      \t}
      }
      EXPORT_SYMBOL(f);
      void __printf(1, 2) h(void) { f(0, "}{", 1); }
      """
    let top = top(text)
    XCTAssertEqual(top.functions.keys.sorted(), ["f", "h"])
    let f = try XCTUnwrap(top.functions["f"])
    XCTAssert(f.isDefinition && f.isStatic)
    XCTAssertEqual(
      f.parameters,
      [
        ["struct", "s", "*"], ["int", "(", "*", "b", ")", "(", "void", ")"], ["unsigned", "long"],
      ])
    XCTAssertEqual(f.body.filter(TopLevel.isWord), ["if", "a", "return"])
    let bytes = Array(text.utf8)
    XCTAssert(String(decoding: bytes[f.range], as: UTF8.self).hasPrefix("static __always_inline"))
    XCTAssertEqual(bytes[f.range.upperBound - 1], UInt8(ascii: "}"))
    XCTAssertEqual(bytes[f.headEnd - 1], UInt8(ascii: ")"))
    XCTAssertEqual(top.functions["h"]?.body.filter(TopLevel.isWord), ["f"])
  }

  func test_recordsAndVariables_areNamed() {
    let top = top(
      """
      struct a {
      \tstruct { int in; } b;
      };
      enum e { one, two };
      typedef struct { int x; } t;
      static const struct a table[] = { { .b = { 1 } } };
      extern bool __read_mostly on;
      int plain = 1;
      struct a *pointer;
      """)
    XCTAssertEqual(top.records.keys.sorted(), ["a", "e"])
    XCTAssertEqual(top.variables.keys.sorted(), ["on", "plain", "pointer", "table"])
    XCTAssert(top.members.contains("b"))
  }

  func test_branchesWithABraceEach_spoilNothingBehindThem() {
    let top = top(
      """
      #ifdef A
      int f(int a) {
      #else
      int f(long a) {
      #endif
      \treturn 0;
      }
      int g(void)
      {
      }
      """)
    XCTAssertEqual(top.functions.keys.sorted(), ["f", "g"])
  }

  func test_substitutions_countWordsInTheirPlace() {
    var words = Substitutions()
    words.add(
      Array("int a;\nf(old, x);\nkeep;\ny = p->old;\n".utf8),
      Array("int a;\nf(new, x);\nkeep;\ny = p->new;\nmore();\n".utf8))
    XCTAssertEqual(words.count("old", "new"), 2)
    XCTAssertEqual(words.count("new", "old"), 0)
    XCTAssertEqual(Substitutions.lines(Array("a\nb\n".utf8), Array("a\nx\ny\nb\n".utf8)), [2...3])
    // So much differs that nobody looks for what is the same.
    let old = (0..<60_000).map { "\($0)\n" }.joined()
    let new = (0..<60_000).map { "\($0 * 7 % 60_000 + 1)\n" }.joined()
    XCTAssertEqual(
      Substitutions.lines(Array("a\n\(old)b\n".utf8), Array("a\n\(new)b\n".utf8)), [2...60_001])
  }

  func test_places_areThoseOfEachPart() {
    let text = SourceText(
      Array("#line 1\nab\ncd\n#line 9\nef\n".utf8),
      parts: [.init(start: 8, file: "a.c", line: 1), .init(start: 22, file: "b.c", line: 9)])
    XCTAssertEqual(text.place(of: 8), .init(file: "a.c", line: 1))
    XCTAssertEqual(text.place(of: 12), .init(file: "a.c", line: 2))
    XCTAssertEqual(text.place(of: 23), .init(file: "b.c", line: 9))
  }
}

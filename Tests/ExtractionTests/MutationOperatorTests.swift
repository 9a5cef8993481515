// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import XCTest

@testable import Extraction

/// Each operator on a few lines of C, found by the real libclang.
final class MutationOperatorTests: XCTestCase {
  static let declarations = """
    typedef unsigned int gfp_t;
    typedef _Bool bool;
    #define GFP_KERNEL 1u
    #define __GFP_DMA32 2u
    #define EIO 5
    #define EINVAL 22
    #define TOP_LEVEL 4
    #define MASK 7
    #define WARN_ON_ONCE(condition) ({ int c = !!(condition); if (c) report(); c; })
    #define INNER(x) ((x) & MASK)
    #define USED use(1, 2, 0)
    #define WARN_ON_OTHERS(x, y) WARN_ON_ONCE((x) != (y))
    #define WARN_ONCE(condition, format...) WARN_ON_ONCE(condition)
    void report(void);
    void take(void *lock);
    void drop(void *lock);
    void release(void *page);
    void *grab(gfp_t gfp, int order);
    int use(int a, int b, void *page);
    static inline void release_all(void *page) { release(page); }
    struct state { int level; void *page; void *lock; unsigned int bits : 3; signed int narrow : 3; };

    """

  /// What an operator makes of the body of a function with `s`, `a` and `b`: `old → new`.
  private func changes(
    _ finder: any EditFinder.Type, _ body: String, returning type: String = "int"
  ) throws -> [String] {
    try Self.read(body, returning: type) { function in
      finder.edits(in: function).map { "\(function.text($0.range)) → \($0.replacement)" }
    }
  }

  /// Reads a function `f` with `s`, `a` and `b`.
  static func read<Result>(
    _ body: String, returning type: String = "int", _ take: (FunctionText) throws -> Result
  ) throws -> Result {
    let text = declarations + "\(type) f(struct state *s, int a, int b)\n{\n\(body)\n}\n"
    let unit = try XCTUnwrap(
      ClangUnit(path: "/kshim-test.c", contents: Array(text.utf8), arguments: ["-std=gnu11"]))
    XCTAssertEqual(unit.diagnostics.filter(\.isError).map(\.message), [])
    var found: ClangCursor?
    unit.root.visit { cursor in
      if cursor.name == "f" { found = cursor }
      return false
    }
    let function = FunctionText(
      try XCTUnwrap(found), in: unit, source: Array(text.utf8),
      effects: { name in
        switch name {
        case "release", "release_all": [.frees]
        case "take": [.locks]
        case "drop": [.unlocks]
        default: []
        }
      })
    return try withExtendedLifetime(unit) { try take(function) }
  }

  func test_operators_haveDistinctIdsAndASentence() {
    let ids = MutationOperators.all.map { $0.id }
    XCTAssertEqual(Set(ids).count, ids.count)
    for finder in MutationOperators.all {
      XCTAssertNotNil(finder.id.wholeMatch(of: /[a-z-]+/), finder.id)
      XCTAssertFalse(finder.sentence.isEmpty || finder.sentence.hasSuffix("."), finder.sentence)
    }
  }

  func test_differences_areToldByWhatIsReadAnyway() throws {
    func told(_ finder: any EditFinder.Type, _ body: String) throws -> [String] {
      try Self.read(body) { function in
        finder.edits(in: function).map { edit in
          switch edit.difference {
          case nil: "nil"
          case .whereTrue: "where true"
          case .whereFalse: "where false"
          case .whereOtherwise(let left, let sign, let right, let other):
            "\(function.text(left)) \(sign) \(function.text(right)): \(other)"
          }
        }
      }
    }
    XCTAssertEqual(
      try told(Relational.self, "return use(a, b, s->page) < s->level;"),
      ["<=", "!=", ">"].map { "use(a, b, s->page) < s->level: \($0)" })
    XCTAssertEqual(
      try told(FixCondition.self, "if (a & MASK) a = 1; return a;"), ["where false", "where true"])
    // A condition that does something is not left out unseen.
    for condition in ["use(a, b, s->page)", "a++", "a = b", "({ a; })"] {
      XCTAssertEqual(
        try told(FixCondition.self, "if (\(condition)) a = 1; return a;"), ["nil", "nil"], condition
      )
    }
    XCTAssertEqual(
      try told(WeakenWarning.self, "WARN_ON_ONCE(use(a, b, s)); return 0;"), ["where true"])
    XCTAssertEqual(try told(DropWarning.self, "WARN_ON_ONCE(use(a, b, s)); return 0;"), ["nil"])
    XCTAssertEqual(try told(DropWarning.self, "WARN_ON_ONCE(a > b); return 0;"), ["where true"])
    // What a macro makes inside of another's argument is no less of an effect.
    for condition in ["USED", "a + USED", "INNER(a) && USED"] {
      XCTAssertEqual(
        try told(DropWarning.self, "WARN_ON_ONCE(\(condition)); return 0;"), ["nil"], condition)
    }
    // The value of another macro is not known.
    for finder in [WeakenWarning.self, DropWarning.self] as [any EditFinder.Type] {
      XCTAssertEqual(try told(finder, "WARN_ON_OTHERS(a, b); return 0;"), ["nil"])
      XCTAssertEqual(try told(finder, "WARN_ONCE(a, \"%d\", b); return 0;"), ["where true"])
    }
    XCTAssertEqual(try told(Negate.self, "if (a) b = 1; return b;"), ["nil"])
  }

  func test_dropFree_leavesOutWhatFrees() throws {
    let body = "release(s->page); if (a) release_all(s->page); report(); return 0;"
    XCTAssertEqual(
      try changes(DropFree.self, body), ["release(s->page); → ;", "release_all(s->page); → ;"])
  }

  func test_locks_areDroppedAndMoved() throws {
    let body = "take(s->lock); a++; drop(s->lock); b++; return 0;"
    XCTAssertEqual(try changes(DropLock.self, body), ["take(s->lock); → ;"])
    XCTAssertEqual(try changes(DropUnlock.self, body), ["drop(s->lock); → ;"])
    XCTAssertEqual(
      try changes(MoveLock.self, body), ["take(s->lock); a++; → a++; take(s->lock);"])
    XCTAssertEqual(
      try changes(MoveUnlock.self, body),
      ["a++; drop(s->lock); → drop(s->lock); a++;", "drop(s->lock); b++; → b++; drop(s->lock);"])
  }

  func test_moveUnlock_staysBeforeTheReturn() throws {
    XCTAssertEqual(try changes(MoveUnlock.self, "drop(s->lock); return 0;"), [])
  }

  func test_swapLabel_takesEachOtherLabel() throws {
    let body = "if (a) goto one; if (b) goto two; return 0; one: a = 1; two: return a;"
    XCTAssertEqual(try changes(SwapLabel.self, body), ["one → two", "two → one"])
  }

  func test_dropInitialiser_leavesTheDeclaration() throws {
    XCTAssertEqual(
      try changes(DropInitialiser.self, "int c = a + 1, d; static int e = 3; d = e; return c + d;"),
      [" = a + 1 → "])
  }

  func test_swapGFP_takesOtherFlags() throws {
    XCTAssertEqual(
      try changes(SwapGFP.self, "s->page = grab(GFP_KERNEL | __GFP_DMA32, 0); return 0;"),
      [
        "GFP_KERNEL → GFP_KERNEL_ACCOUNT", "GFP_KERNEL → GFP_ATOMIC", "__GFP_DMA32 → ((gfp_t)0)",
      ])
  }

  func test_warnings_areWeakenedAndDropped() throws {
    let body = "if (WARN_ON_ONCE(a || !b)) return 1; WARN_ON_ONCE(s->page); return 0;"
    XCTAssertEqual(
      try changes(WeakenWarning.self, body),
      [
        "WARN_ON_ONCE(a || !b) → (!!(a || !b))", "WARN_ON_ONCE(s->page) → (!!(s->page))",
      ])
    XCTAssertEqual(
      try changes(DropWarning.self, body),
      ["WARN_ON_ONCE(a || !b) → 0", "WARN_ON_ONCE(s->page) → 0"])
  }

  /// Of what is told of a WARN without a run, the stub header says what it is.
  func test_plainWarnings_areThoseOfTheStubHeader() throws {
    let header = try String(
      contentsOfFile: "\(ExtractionTestCase.root)/shims/include/asm/bug.h", encoding: .utf8)
    let defined = header.matches(of: /#define (WARN\w*)\(condition\b.*\) KSHIM_WARN\(condition\)/)
    XCTAssertEqual(Set(defined.map { String($0.1) }), FunctionText.plainWarnings)
  }

  func test_errorValue_exchangesErrorsAndZero() throws {
    XCTAssertEqual(
      try changes(ErrorValue.self, "if (a) return -EIO; a = -EINVAL; if (b) return 0; return a;"),
      [
        "-EIO → 0", "-EIO → -EINVAL", "-EINVAL → 0", "-EINVAL → -EIO", "0 → -EINVAL", "a → 0",
      ])
    XCTAssertEqual(
      try changes(ErrorValue.self, "return a > 1;", returning: "bool"), ["a > 1 → !(a > 1)"])
    XCTAssertEqual(
      try changes(ErrorValue.self, "return s->page;", returning: "void *"), ["s->page → NULL"])
  }

  func test_level_isOffByOne() throws {
    XCTAssertEqual(
      try changes(OffByOneLevel.self, "return s->level == TOP_LEVEL;"),
      ["TOP_LEVEL → (TOP_LEVEL + 1)", "TOP_LEVEL → (TOP_LEVEL - 1)"])
  }

  func test_swapArguments_takesOnlyThoseOfOneKind() throws {
    XCTAssertEqual(
      try changes(SwapArguments.self, "return use(a, b + 1, s->page) + use(a, a, s->lock);"),
      ["a, b + 1 → b + 1, a"])
  }

  func test_negate_turnsConditionsAlsoInsideOfMacroArguments() throws {
    XCTAssertEqual(
      try changes(
        Negate.self, "if (a > b) a = !b; WARN_ON_ONCE(!s->page); while (a) a--; return 0;"
      )
      .sorted(),
      ["! → ", "! → ", "a > b → !(a > b)", "a → !(a)"])
  }

  func test_fixCondition_leavesLoopsAlone() throws {
    XCTAssertEqual(
      try changes(FixCondition.self, "while (b) b--; if (a) b = 1; return a > 1 ? 2 : 3;"),
      ["a → 1", "a → 0", "a > 1 → 1", "a > 1 → 0"])
  }

  func test_deleteStatement_leavesOutWhatNoOtherOperatorHas() throws {
    let body =
      "int c; take(s->lock); c = a; for (;;) { if (c) break; c++; } WARN_ON_ONCE(a); return c;"
    XCTAssertEqual(
      try changes(DeleteStatement.self, body).sorted(),
      ["break; → ;", "c = a; → ;", "c++; → ;", "return c; → ;"])
  }

  func test_logical_exchangesAndDrops() throws {
    XCTAssertEqual(
      try changes(Logical.self, "return WARN_ON_ONCE(a && (b || s->level));"),
      [
        "a && (b || s->level) → a || (b || s->level)", "a &&  → ", " && (b || s->level) → ",
        "b || s->level → b && s->level", "b ||  → ", " || s->level → ",
      ])
  }

  func test_logical_keepsWhatBelongsTogether() throws {
    XCTAssertEqual(
      try changes(Logical.self, "return a && b || s->level;").first,
      "a && b || s->level → (a && b) && s->level")
  }

  func test_relational_takesTheNeighbours() throws {
    XCTAssertEqual(
      try changes(Relational.self, "return a < b;"),
      ["a < b → a <= b", "a < b → a != b", "a < b → a > b"])
  }

  func test_bitwise_seesAMacroAtTheEndOfAnArgument() throws {
    XCTAssertEqual(
      try changes(Bitwise.self, "a |= b; return WARN_ON_ONCE(a & ~MASK);"),
      [
        "|= → &=", "|= → =", "a & ~MASK → a | ~MASK", "a &  → ", " & ~MASK → ", "~ → ",
      ])
  }

  func test_arithmetic_takesTheOpposite() throws {
    XCTAssertEqual(
      try changes(Arithmetic.self, "a += 2; return (a << 3) - b * -a;"),
      [
        "+= → -=", "(a << 3) - b * -a → (a << 3) + (b * -a)", "a << 3 → a >> 3",
        "b * -a → (b / (-a))", "- → ",
      ])
  }

  func test_increment_isTurned() throws {
    XCTAssertEqual(try changes(Increment.self, "a++; --b; return a;"), ["++ → --", "-- → ++"])
  }

  func test_constant_isChangedByOneAndToZero() throws {
    XCTAssertEqual(
      try changes(Constant.self, "s->level = 0; a = 4ul; b = 1; return a & MASK & TOP_LEVEL;"),
      ["0 → 1", "4ul → 5ul", "4ul → 3ul", "4ul → 0ul", "1 → 2", "1 → 0", "MASK → 0"])
  }

  func test_macros_areNotChangedInside() throws {
    XCTAssertEqual(try changes(Bitwise.self, "return INNER(a);"), [])
    XCTAssertEqual(try changes(Negate.self, "return WARN_ON_ONCE(a);"), ["a → !(a)"])
  }

  func test_directives_areNotChanged() throws {
    XCTAssertEqual(try changes(Constant.self, "#if 1\n\ta = 3;\n#endif\n\treturn a;").count, 3)
  }
}

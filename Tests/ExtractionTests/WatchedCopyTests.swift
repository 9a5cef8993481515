// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import XCTest

@testable import Extraction

/// A watched copy, its original and its mutants, compiled and run side by side.
final class WatchedCopyTests: ExtractionTestCase {
  /// Comparisons in comparisons, in macros and over two lines; of bit-fields, pointers and what is called.
  private static let body = """
    int sum = 0;
    if ((a == b) == (use(a, b, 0) < s->bits)) sum++;
    if (a > 1 && s->bits >=
        s->narrow) sum += 2;
    if (WARN_ON_ONCE(a != b || (b & 1))) sum += 4;
    if (s->page == s->lock || s->level <= -1) sum += 8;
    WARN_ON_ONCE(s->bits > 20);
    if (use(a, 1, 0) == 2 && sum < 9) return -1;
    return sum + (b > s->narrow ? 16 : 32) + (a < b) * 64;
    """

  private static func mutants(of function: FunctionText) -> [Mutant] {
    let edits = MutationOperators.finders.flatMap { $0.edits(in: function) }
      .filter { $0.difference != nil }
    let place = Mutant.Position(line: 1, column: 1)
    return edits.enumerated().map { number, edit in
      Mutant(
        number: number + 1, key: "", operatorID: "", function: "f", range: edit.range,
        replacement: edit.replacement, description: "", start: place, end: place,
        difference: edit.difference)
    }
  }

  /// In every call in which a mutant is not marked it does the same as the original.
  func test_whatIsNotMarked_isTheSame() async throws {
    let (mutants, source, all) = try MutationOperatorTests.read(Self.body) {
      (Self.mutants(of: $0), $0.source, $0.cursor.extent)
    }
    func text(_ range: Range<Int>) -> String { String(bytes: source[range]) }
    XCTAssertEqual(mutants.count, 49)
    let marks = MutantMarks(mutants, watches: true)
    let copy = WatchedCopy(mutants, marks: marks.mutants, of: source)
    let watched = copy.text(all, write: text)
    for mutant in mutants {
      let mark = "kshim_differs(\(marks.mutants[mutant.number]!));"
      XCTAssertEqual(watched.ranges(of: mark).count, 1, "\(mutant.range)")
    }
    func named(_ text: String, _ name: String) -> String {
      "#define f \(name)\n\(text)\n#undef f\n"
    }
    let changed = mutants.map { mutant in
      named(
        text(all.lowerBound..<mutant.range.lowerBound) + mutant.replacement
          + text(mutant.range.upperBound..<all.upperBound), "mutant_\(mutant.number)")
    }
    let program = """
      \(MutationOperatorTests.declarations)
      int printf(const char *format, ...);
      static int reported, used, marked[64];
      void report(void) { reported++; }
      int use(int a, int b, void *page) { used++; return a - b; }
      static void kshim_differs(unsigned int mark) { marked[mark] = 1; }
      \(named(text(all), "original"))
      \(named(watched, "watched"))
      \(changed.joined())
      static int (*const mutants[])(struct state *, int, int) = {
      \(mutants.map { "mutant_\($0.number)," }.joined(separator: " "))
      };
      static long called(int (*f)(struct state *, int, int), struct state *s, int a, int b)
      {
      \treported = used = 0;
      \tlong result = f(s, a, b);
      \treturn result * 10000 + reported * 100 + used;
      }
      int main(void)
      {
      \tint made[64] = {0}, wrong = 0, differing = 0;
      \tfor (int a = -3; a <= 3; a++) for (int b = -3; b <= 3; b++)
      \tfor (int level = -2; level <= 1; level++) for (int bits = 0; bits < 8; bits++)
      \tfor (int narrow = -4; narrow < 4; narrow++) for (int same = 0; same < 2; same++) {
      \t\tstruct state s = {level, &made, same ? &made : marked, bits, narrow};
      \t\tfor (int i = 0; i < 64; i++) marked[i] = 0;
      \t\tlong result = called(original, &s, a, b);
      \t\twrong += called(watched, &s, a, b) != result;
      \t\tfor (int i = 0; i < \(mutants.count); i++) {
      \t\t\tint differs = called(mutants[i], &s, a, b) != result;
      \t\t\tmade[i] += marked[i + \(marks.functions.count)];
      \t\t\tdiffering += differs;
      \t\t\twrong += differs && !marked[i + \(marks.functions.count)];
      \t\t}
      \t}
      \tint never = 0;
      \tfor (int i = 0; i < \(mutants.count); i++) never += !made[i];
      \tprintf("%d wrong, %d never, %s\\n", wrong, never, differing > 100000 ? "many" : "few");
      \treturn 0;
      }
      """
    try program.write(toFile: "\(scratch)/watched.c", atomically: true, encoding: .utf8)
    let made = try await Toolchain.run(
      "clang", ["-std=gnu11", "-O1", "-w", "watched.c", "-o", "watched"], directory: scratch)
    XCTAssert(made.succeeded, made.errorLines.joined(separator: "\n"))
    let ran = try await Command.run("\(scratch)/watched", [], directory: scratch)
    XCTAssertEqual(ran.outputText, "0 wrong, 6 never, many\n")
  }
}

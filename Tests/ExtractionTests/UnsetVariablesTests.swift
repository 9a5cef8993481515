// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import TestSupport
import XCTest

/// Which local variables the runtime is told of.
final class UnsetVariablesTests: ExtractionTestCase {
  /// Lines of a function, the variables that may be used before they are set, and those that may not.
  private static let cases: [(lines: String, watched: [String], others: [String])] = [
    (
      """
      \tint always; int sometimes; int handed; int array[2]; int *never;
      \tif (depth > 2)
      \t\talways = 1;
      \telse
      \t\talways = 2;
      \tif (depth > 3)
      \t\tsometimes = 1;
      \tif (depth > 3)
      \t\tdepth += sometimes;
      \tkshim_test_take(&handed, array);
      \tif (depth > 9)
      \t\tnever = &depth;
      \treturn always + handed + array[0] + (depth > 9 ? *never : 0);
      """, ["sometimes", "handed", "array", "never"], ["always"]
    ),
    (
      // No constant is left out, and no other value has a way.
      """
      \tint chosen;
      \tswitch ((enum kshim_test_kind)depth) {
      \tcase KSHIM_TEST_ONE: chosen = 1; break;
      \tcase KSHIM_TEST_TWO: chosen = 2; break;
      \t}
      \treturn chosen;
      """, ["chosen"], []
    ),
    (
      """
      \tint chosen;
      \tswitch (depth) {
      \tcase 1: chosen = 1; break;
      \tdefault: chosen = 2; break;
      \t}
      \treturn chosen;
      """, [], ["chosen"]
    ),
    (
      """
      \tlong read; long written;
      \tasm("mov %1, %0" : "=r"(written) : "r"(read));
      \treturn (int)written;
      """, ["read", "written"], []
    ),
  ]

  func test_variables_thatMayBeUsedBeforeTheyAreSet_areWatched() async throws {
    let functions = Self.cases.enumerated().map { number, one in
      "static noinline int kshim_test_\(number)(int depth)\n{\n\(one.lines)\n}\n"
    }
    let helpers = """
      enum kshim_test_kind { KSHIM_TEST_ONE = 1, KSHIM_TEST_TWO };
      static noinline void kshim_test_take(int *to, int *all) { *to = all[0] = 1; }

      """
    let sum = Self.cases.indices.map { "kshim_test_\($0)(0)" }.joined(separator: " + ")
    var installation = installation
    installation.allowed = [.asm]
    _ = try await extract(
      kernel(),
      [
        KernelEdit(
          Self.mmu, .insertBefore("\(Self.special)(", helpers + functions.joined(separator: "\n"))),
        KernelEdit(
          Self.mmu, in: Self.special,
          .insertAfter("struct kvm_mmu *mmu", "\tint __maybe_unused kshim_sum = \(sum);")),
      ], installation: installation)
    let unit = try String(contentsOfFile: "\(out)/unit.c", encoding: .utf8)
    for (number, one) in Self.cases.enumerated() {
      let start = try XCTUnwrap(unit.range(of: "int kshim_test_\(number)(int depth)\n{"))
      let end = try XCTUnwrap(unit.range(of: "\n}\n", range: start.upperBound..<unit.endIndex))
      let text = unit[start.upperBound..<end.lowerBound]
      func isWatched(_ name: String) -> Bool { text.contains("kshim_unset((void *)&(\(name))") }
      for name in one.watched { XCTAssert(isWatched(name), "\(number): \(name)\n\(text)") }
      for name in one.others { XCTAssertFalse(isWatched(name), "\(number): \(name)\n\(text)") }
    }
  }
}

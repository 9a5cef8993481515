// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import Extraction

/// Choosing mutants, and telling the same code.
final class MutantTests: XCTestCase {
  private func mutant(_ number: Int, line: Int = 1) -> Mutant {
    Mutant(
      number: number, key: "f@0123456789ab:negate:\(number)", operatorID: "negate", function: "f",
      range: 0..<1, replacement: "", description: "", start: .init(line: line, column: 1),
      end: .init(line: line, column: 2))
  }

  private func taken(_ selection: MutantSelection, touched: [ClosedRange<Int>] = []) -> [Int] {
    (1...1000).filter { selection.takes(mutant($0, line: $0), touched: touched) }
  }

  func test_sample_isAboutItsShareAndTheSeedsChoice() {
    var selection = MutantSelection()
    XCTAssertEqual(taken(selection).count, 1000)
    selection.sample = 10
    selection.seed = 7
    let seven = taken(selection)
    XCTAssert((60...140).contains(seven.count), "\(seven.count)")
    XCTAssertEqual(taken(selection), seven)
    selection.seed = 8
    XCTAssertNotEqual(taken(selection), seven)
  }

  func test_samples_ofAllSeedsReachEveryMutant() {
    var selection = MutantSelection()
    selection.sample = 4
    var reached: Set<Int> = []
    for seed in 0..<64 {
      selection.seed = UInt64(seed)
      reached.formUnion(taken(selection))
    }
    XCTAssertEqual(reached.count, 1000)
  }

  func test_touchedLines_limit() {
    var selection = MutantSelection()
    selection.touchedOnly = true
    XCTAssertEqual(taken(selection, touched: [3...4, 9...9]), [3, 4, 9])
    XCTAssertEqual(taken(selection), [])
  }

  func test_namesThatNothingHas_areRefused() {
    func refusal(_ change: (inout MutantSelection) -> Void) -> String? {
      var selection = MutantSelection()
      change(&selection)
      do {
        try selection.check([mutant(1)], functions: ["f"])
        return nil
      } catch {
        return "\(error)"
      }
    }
    XCTAssertNil(refusal { $0.functions = ["f"] })
    XCTAssert(refusal { $0.functions = ["g"] }?.contains("no function 'g'") ?? false)
    XCTAssert(refusal { $0.operators = ["halve"] }?.contains("no operator 'halve'") ?? false)
    XCTAssert(refusal { $0.key = "f@0123456789ab:negate:9" }?.contains("no mutant") ?? false)
  }

  func test_parts_haveEachFunctionOnce_andAboutAsManyLines() {
    func mutants(_ counts: [String: Int]) -> [Mutant] {
      counts.flatMap { name, count in
        (1...count).map { number in
          var mutant = mutant(number)
          mutant.function = name
          return mutant
        }
      }
    }
    let counts = ["a": 7, "b": 4, "c": 3, "d": 1]
    func parts(_ most: Int, _ lines: [String: Int] = [:]) -> [Set<String>] {
      MutantCompiler.parts(of: mutants(counts), lines: lines, at: most)
    }
    XCTAssertEqual(parts(2), [["a", "d"], ["b", "c"]])
    XCTAssertEqual(parts(2, ["a": 2, "b": 3, "c": 2, "d": 20]), [["c", "d"], ["a", "b"]])
    XCTAssertEqual(parts(1), [Set(counts.keys)])
    XCTAssertEqual(parts(9).count, 4)
    // The first has the watched copies besides.
    XCTAssertEqual(
      MutantCompiler.parts(
        of: mutants(counts), lines: [:], watched: ["a", "b", "c", "d"], at: 2),
      [["b", "d"], ["a", "c"]])
  }

  private func function(_ name: String, _ number: Int, _ body: String, data: String = "") -> String
  {
    "\(name):\n\t.cfi_startproc\n\(body)\n.Lfunc_end\(number):\n\t.size\t\(name), 1\n\(data)"
  }

  func test_assembly_ofTheSameCodeIsTheSame() {
    let assembly = Assembly(
      function("one", 0, "\tjmp\t.LBB0_2\n.LBB0_2:\n\tcall\tone")
        + function("two", 7, "\tjmp\t.LBB7_2\n.LBB7_2:\n\tcall\ttwo")
        + function("three", 8, "\tjmp\t.LBB8_2\n.LBB8_2:\n\tcall\tone"))
    XCTAssertNotNil(assembly.code(of: "one"))
    XCTAssertEqual(assembly.code(of: "one"), assembly.code(of: "two"))
    XCTAssertNotEqual(assembly.code(of: "one"), assembly.code(of: "three"))
    XCTAssertNil(assembly.code(of: "four"))
  }

  func test_assembly_countsItsOwnData() {
    // Tables to jump by, constants, tables that a switch was made to, static variables.
    for label in [".LJTI#_0", ".LCPI#_0", ".Lswitch.table.NAME", "NAME.seen"] {
      func text(_ number: Int, _ name: String, _ values: String) -> String {
        let own = label.replacing("#", with: "\(number)").replacing("NAME", with: name)
        return function(
          name, number, "\tmovslq\t\(own)(,%rax,4), %rax", data: "\(own):\n\t.long\t\(values)\n")
      }
      let assembly = Assembly(
        text(0, "one", "1") + text(1, "two", "1") + text(2, "three", "2"))
      XCTAssertEqual(assembly.code(of: "one"), assembly.code(of: "two"), label)
      XCTAssertNotEqual(assembly.code(of: "one"), assembly.code(of: "three"), label)
    }
  }

  func test_assembly_sharedData_isTheSameForAll() {
    // The compiler joins what two functions have the same of.
    let label = ".L__const.one.list"
    let assembly = Assembly(
      function("one", 0, "\tmovq\t\(label)(%rip), %rax")
        + function("two", 1, "\tmovq\t\(label)(%rip), %rax", data: "\(label):\n\t.quad\t7\n"))
    XCTAssertEqual(assembly.code(of: "one"), assembly.code(of: "two"))
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting
import XCTest

/// Single defects break exactly the properties that are theirs, and rewrites break none.
///
/// docs/defects.md is what these tests saw. To make it anew:
///
///     KSHIM_DEFECT_TABLE=docs/defects.md swift test --filter ChangeTests
final class ChangeTests: EndToEndTestCase {
  func test_changes_breakExactlyTheirProperties_asTheTableSays() async throws {
    let judged = try await judge(Change.defects + Change.rewrites)
    for one in judged {
      let causes = one.verdict.causes.map(\.sentence)
      XCTAssertEqual(one.broken, one.change.breaks, "\(one.change.name): \(causes)")
      let counted = one.verdict.causes.flatMap(\.findings).sorted()
      XCTAssertEqual(counted, Array(one.verdict.findings.indices), one.change.name)
      for (number, cause) in one.verdict.causes.enumerated() {
        for index in cause.findings {
          XCTAssertEqual(one.verdict.findings[index].cause, number, one.change.name)
        }
      }
    }
    let page = DefectPage(judged).text
    if let path = ProcessInfo.processInfo.environment["KSHIM_DEFECT_TABLE"], !path.isEmpty {
      try page.write(toFile: path, atomically: true, encoding: .utf8)
    }
    let path = "\(Self.root)/docs/defects.md"
    let committed = try String(contentsOfFile: path, encoding: .utf8)
    XCTAssertEqual(DefectPage.rows(committed), DefectPage.rows(page))
  }

  func test_eachProperty_isBrokenAloneByADefect() {
    let alone = Set(Change.defects.filter { $0.breaks.count == 1 }.flatMap(\.breaks))
    XCTAssertEqual(alone, Set(ReleasedKernelTests.properties))
  }

  func test_defects_areInEveryFunction() {
    XCTAssertEqual(
      Set(Change.defects.map(\.function)),
      [
        Change.special, Change.shadow, Change.direct, Change.create, Change.allocRoot,
        Change.freePages, Change.freeRoots, Change.freeRootPage,
      ])
    let names = (Change.defects + Change.rewrites).map(\.name)
    XCTAssertEqual(Set(names).count, names.count)
    XCTAssert(Change.rewrites.allSatisfy(\.breaks.isEmpty))
    XCTAssertFalse(Change.defects.contains(where: \.breaks.isEmpty))
  }
}

/// docs/defects.md.
struct DefectPage {
  let judged: [Judgement]

  init(_ judged: [Judgement]) { self.judged = judged }

  var text: String {
    let (rewrites, defects) = (
      judged.filter(\.change.breaks.isEmpty), judged.filter { !$0.change.breaks.isEmpty }
    )
    return """
      # Defects and rewrites

      Each row is one small edit of Linux \(judged.first?.verdict.revision.version ?? ""), checked by itself by the tests
      (`Tests/EndToEndTests/Change*.swift`), which also make this page. Lines are those of the edited file.

      ## Defects

      Each breaks the properties in its row and no other. a to g are those of the patch series in the README. The sentence
      is that of the first cause.

      | name | what is wrong | function | broken | what kshim says |
      |---|---|---|---|---|
      \(defects.map(defect).joined(separator: "\n"))

      ## Rewrites

      Each writes the function differently and does the same: nothing is found, and no note is made.

      | name | what is written differently | function | scenarios |
      |---|---|---|---|
      \(rewrites.map(rewrite).joined(separator: "\n"))

      """
  }

  private func defect(_ one: Judgement) -> String {
    let (change, verdict) = (one.change, one.verdict)
    let note = verdict.notes.first.map { "note: \($0.message) (mmu.c:\($0.line))" }
    let ids = change.breaks.sorted().map { "[`\($0)`](properties/\($0).md)" }
    return "| \(change.name) | \(change.title) | `\(change.function)` | "
      + "\(ids.joined(separator: ", ")) | \(verdict.causes.first?.sentence ?? note ?? "") |"
  }

  private func rewrite(_ one: Judgement) -> String {
    "| \(one.change.name) | \(one.change.title) | `\(one.change.function)` | "
      + "\(one.verdict.exploration.scenarios) |"
  }

  /// The rows of the tables, without what moves with a kernel's point release: lines, numbers of
  /// scenarios, addresses.
  static func rows(_ page: String) -> [String] {
    page.split(separator: "\n").filter { $0.hasPrefix("| ") }.map {
      String($0).replacing(/[0-9a-f]{3,}/) {
        $0.output.contains(where: \.isNumber) ? "#" : $0.output
      }
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Reporting
import XCTest

/// Single defects break exactly the properties that are theirs, and rewrites break none.
///
/// docs/defects.md and the examples in docs/properties are what these tests saw. To make them anew:
///
///     KSHIM_DEFECT_PAGES=1 swift test --filter ChangeTests
final class ChangeTests: EndToEndTestCase {
  func test_changesOfSpecialRoots_breakWhatTheTableSays() async throws {
    try await areAsTheTableSays(Change.special)
  }

  func test_changesOfShadowRoots_breakWhatTheTableSays() async throws {
    try await areAsTheTableSays(Change.shadow)
  }

  func test_changesOfDirectRoots_breakWhatTheTableSays() async throws {
    try await areAsTheTableSays(Change.direct, Change.allocRoot)
  }

  func test_changesOfTheFirstRoot_breakWhatTheTableSays() async throws {
    try await areAsTheTableSays(Change.firstRoot, Change.walkStart)
  }

  func test_changesOfAnMMUsLife_breakWhatTheTableSays() async throws {
    try await areAsTheTableSays(Change.create, Change.freePages)
  }

  func test_changesOfReleases_breakWhatTheTableSays() async throws {
    try await areAsTheTableSays(Change.freeRoots, Change.freeRootPage)
  }

  /// The changes of some functions break exactly their properties, and the table says how.
  private func areAsTheTableSays(_ functions: String...) async throws {
    let changes = (Change.defects + Change.rewrites).filter { functions.contains($0.function) }
    XCTAssertFalse(changes.isEmpty)
    // The page is made by the one test that has all of it.
    let judged = try await judge(changes)
    let page = try String(contentsOfFile: Self.page, encoding: .utf8)
    let rows = Set(DefectPage.rows(page))
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
      let row = DefectPage.still(DefectPage.row(one))
      XCTAssert(Self.isWriting || rows.contains(row), "docs/defects.md lacks \(row)")
    }
  }

  func test_page_hasARowForEachChange_inOrder() async throws {
    let all = Change.defects + Change.rewrites
    if Self.isWriting {
      try await DefectPage(judge(all)).text.write(
        toFile: Self.page, atomically: true, encoding: .utf8)
    }
    let rows = DefectPage.rows(try String(contentsOfFile: Self.page, encoding: .utf8))
      .map { $0.split(separator: "|").first.map { $0.trimmingCharacters(in: .whitespaces) } }
    XCTAssertEqual(
      rows, ["name"] + Change.defects.map(\.name) + ["name"] + Change.rewrites.map(\.name))
  }

  func test_propertyPages_showWhatTheirDefectGives() async throws {
    for id in ReleasedKernelTests.properties {
      let path = "\(Self.docs)/properties/\(id).md"
      var page = try PropertyPage(String(contentsOfFile: path, encoding: .utf8))
      let change = try XCTUnwrap(Change.defects.first { $0.name == page.defect }, id)
      let judgements = try await judge([change])
      let example = try XCTUnwrap(PropertyPage.example(of: id, in: judgements[0]), id)
      if Self.isWriting {
        page.example = example
        try page.text.write(toFile: path, atomically: true, encoding: .utf8)
      }
      XCTAssertEqual(DefectPage.still(page.example), DefectPage.still(example), id)
    }
  }

  func test_removedRecheckUnderTheLock_isFound() async throws {
    try await isFound(Change.recheckRemoved, "idempotent")
  }

  func test_flagPublishedTooEarly_isFound() async throws {
    try await isFound(Change.flagEarly, "early-publication")
  }

  func test_swappedLockOrder_isFound() async throws {
    try await isFound(Change.locksSwapped, "deadlock")
  }

  /// With two vCPUs, in an order of their steps that the trace shows.
  private func isFound(_ change: Change, _ property: String) async throws {
    let judgements = try await judge([change])
    let finding = try XCTUnwrap(
      judgements[0].verdict.findings.first { $0.property == property }, change.name)
    XCTAssert(finding.scenario.hasPrefix("two_vcpus:"), finding.scenario)
    XCTAssertEqual(Set(finding.trace.map(\.thread)), ["vcpu 0", "vcpu 1"])
  }

  private static let docs = "\(root)/docs"
  private static let page = "\(docs)/defects.md"
  /// Whether the pages are made anew instead of compared.
  private static let isWriting =
    ProcessInfo.processInfo.environment["KSHIM_DEFECT_PAGES"].map { !$0.isEmpty } ?? false

  func test_eachProperty_isBrokenAloneByADefect() {
    let alone = Set(Change.defects.filter { $0.breaks.count == 1 }.flatMap(\.breaks))
    XCTAssertEqual(Set(ReleasedKernelTests.properties).subtracting(alone), [])
  }

  /// A function of its own needs a method above.
  func test_defects_areInEveryFunction() {
    let functions: Set = [
      Change.special, Change.shadow, Change.direct, Change.create, Change.allocRoot,
      Change.freePages, Change.freeRoots, Change.freeRootPage, Change.walkStart, Change.firstRoot,
    ]
    XCTAssertEqual(Set(Change.defects.map(\.function)), functions)
    XCTAssert(Change.rewrites.allSatisfy { functions.contains($0.function) })
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
      \(defects.map(Self.row).joined(separator: "\n"))

      ## Rewrites

      Each writes the function differently and does the same: nothing is found, and no note is made.

      | name | what is written differently | function | scenarios |
      |---|---|---|---|
      \(rewrites.map(Self.row).joined(separator: "\n"))

      \(ReleasedTree.section)
      """
  }

  static func row(_ one: Judgement) -> String {
    let (change, verdict) = (one.change, one.verdict)
    guard !change.breaks.isEmpty else {
      return "| \(change.name) | \(change.title) | `\(change.function)` | "
        + "\(verdict.exploration.scenarios) |"
    }
    let note = verdict.notes.first.map { "note: \($0.message) (mmu.c:\($0.line))" }
    let ids = change.breaks.sorted().map { "[`\($0)`](properties/\($0).md)" }
    return "| \(change.name) | \(change.title) | `\(change.function)` | "
      + "\(ids.joined(separator: ", ")) | \(verdict.causes.first?.sentence ?? note ?? "") |"
  }

  /// The rows of the tables, but for scenarios.
  static func rows(_ page: String) -> [String] {
    let own = page.range(of: ReleasedTree.heading)?.lowerBound ?? page.endIndex
    return page[..<own].split(separator: "\n").filter { $0.hasPrefix("| ") }.map {
      still(String($0))
    }
  }

  /// A text without what moves with a kernel's point release: versions, lines, numbers of
  /// scenarios, addresses.
  static func still(_ text: String) -> String {
    text.replacing(/[0-9a-f]{3,}/) { $0.output.contains(where: \.isNumber) ? "#" : $0.output }
  }
}

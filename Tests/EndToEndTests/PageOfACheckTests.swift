// SPDX-License-Identifier: GPL-2.0-only
import KernelSource
import Reporting
import TestSupport
import XCTest

/// Pages that the real tool makes of real kernels, in a browser.
final class PageOfACheckTests: EndToEndTestCase {
  /// What is looked at in every page.
  private static let always = [
    "console", "axe_twice", "narrow", "filters", "opening", "printing", "plain",
  ]

  /// Of a check with findings, too.
  private static let ofFindings = always + ["events", "source", "covered", "copying"]

  /// Makes a page, and says where it is.
  private func page(
    _ name: String, status: Int32, _ command: [String]
  ) async throws -> BrowserPage.Asked {
    let ran = try await kshim(command + ["--html", name])
    XCTAssertEqual(ran.status, status, "\(command): \(ran.errors)")
    return .init("\(scratch)/\(name)/index.html", [])
  }

  func test_subjectFunctionAndComparison() async throws {
    let tree = try await kernel(Self.defectKernel)
    let chain = try await patch(
      "chain.patch", [Defect.edit(Defect.shadow, .replace("pml4_root[0]", with: "pml4_root[1]"))],
      of: tree)
    let swallowed = try await patch(
      "swallowed.patch",
      [KernelEdit("lib/genalloc.c", in: "gen_pool_add_owner", .replace("-ENOMEM", with: "0"))],
      of: tree)
    let mended = try await patch(
      "mended.patch", [Defect.edit(Defect.shadow, .insertAfter("write_unlock(", "\t;"))], of: tree)
    let kernel = ["--kernel", Self.defectKernel]
    var asked = try await [
      page("subject", status: 1, ["check", "--patch", chain] + kernel),
      page("function", status: 1, ["check", "--patch", swallowed] + kernel),
      page("compare", status: 0, ["compare", "base", chain, mended] + kernel),
    ]
    asked[0].run = Self.ofFindings + ["picture"]
    asked[1].run = Self.ofFindings
    asked[2].run = Self.always + ["matrix", "beside"]
    let wrong = try await BrowserPage.look(asked)
    XCTAssertEqual(wrong, [])
  }
}

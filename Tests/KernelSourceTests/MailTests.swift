// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import XCTest

@testable import KernelSource

/// What git makes of a file is what kshim makes of it, whatever form the file has.
final class MailTests: MailTestCase {
  /// Puts each shape on the tree, with git and with kshim.
  ///
  /// - Returns: the shapes that both refuse, and those that fit only with less context.
  private func compare(
    _ shapes: [MailShape], _ tree: KernelTree
  ) async throws -> (refused: [String], fuzzy: [String]) {
    let base = try files(in: tree.directory)
    var refused: [String] = []
    var fuzzy: [String] = []
    for shape in shapes {
      let expected = try await byGit(shape.command, shape.content)
      do {
        let patches = try await read(shape.content)
        let revision = try await store.revision(tree: tree, patches: patches)
        let result = try files(of: revision)
        if revision.remarks.contains(where: { $0.contains("with fuzz") }) {
          fuzzy.append(shape.name)
        }
        if let expected {
          XCTAssertEqual(result, expected, shape.name)
          // Modes are no part of what is compared.
          if shape.name != "mode" { XCTAssertNotEqual(result, base, shape.name) }
        } else {
          XCTFail("\(shape.name): git refuses it: \(try text("git.log"))")
        }
      } catch let failure as Failure {
        XCTAssertEqual(failure.kind, .request, "\(shape.name): \(failure)")
        XCTAssertNil(expected, "\(shape.name): \(failure)")
        refused.append(shape.name)
      }
    }
    return (refused, fuzzy)
  }

  func test_changes_asFormatPatchWritesThem() async throws {
    let tree = try await makeRepository()
    let names = names(in: "\(scratch)/mails")
    let shapes = try names.map { MailShape($0, try data("mails/\($0)")) }
    // git am takes the carriage returns off a mail, and the file has them.
    let (refused, fuzzy) = try await compare(shapes, tree)
    XCTAssertEqual(fuzzy, [])
    XCTAssertEqual(refused, ["crlf"])
    XCTAssertGreaterThan(names.count, 20)
  }

  func test_attachAndInline_asFormatPatchWritesThem() async throws {
    let tree = try await makeRepository()
    try await shell(
      """
      cd repository; mkdir ../attached
      for name in line two utf8 binary rename; do
        git format-patch -q --binary --attach --stdout base..change-$name > ../attached/$name-attach
        git format-patch -q --binary --inline --stdout base..change-$name > ../attached/$name-inline
      done
      """)
    let shapes = try names(in: "\(scratch)/attached").map {
      MailShape($0, try data("attached/\($0)"))
    }
    let (refused, fuzzy) = try await compare(shapes, tree)
    XCTAssertEqual(fuzzy, [])
    XCTAssertEqual(refused, [])
  }

  func test_texts() async throws {
    let tree = try await makeRepository()
    let (refused, fuzzy) = try await compare(try textShapes(), tree)
    XCTAssertEqual(fuzzy, ["flowed, blank context", "wrapped", "blanks at line ends gone"])
    XCTAssertEqual(
      refused,
      [
        "unknown charset", "CRLF file", "base64 of CRLF", "flowed, not stuffed",
        "flowed by name only", "tabs as blanks", "inline PGP",
      ])
  }

  func test_parts() async throws {
    let tree = try await makeRepository()
    let (refused, fuzzy) = try await compare(try partShapes(), tree)
    XCTAssertEqual(fuzzy, [])
    XCTAssertEqual(
      refused, ["alternative with a diff in HTML"])
  }

  func test_plainDiffs() async throws {
    let tree = try await makeRepository()
    let (refused, fuzzy) = try await compare(try plainShapes(), tree)
    XCTAssertEqual(fuzzy, ["CR in one line of a diff"])
    XCTAssertEqual(
      refused,
      ["CRLF diff", "cut diff", "writes through its own link", "link in place of a directory"])
  }
}

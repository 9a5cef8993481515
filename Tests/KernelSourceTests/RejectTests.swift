// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import XCTest

@testable import KernelSource

/// What is said of patches that do not apply.
final class RejectTests: KernelSourceTestCase {
  private static let poemPath = "arch/x86/poem.txt"

  /// A diff that changes `line 10` of a poem, with two lines of context.
  private static func diff(from old: String = "line 10", to new: String = "new 10") -> String {
    """
    --- a/\(poemPath)
    +++ b/\(poemPath)
    @@ -8,5 +8,5 @@
     \tline 8
     line 9
    -\(old)
    +\(new)
     line 11
     line 12

    """
  }

  private static let indented = KernelSourceTestCase.poem.replacing("line 8\n", with: "\tline 8\n")

  private func refusal(
    _ diffs: [(name: String, text: String)], on poem: String = RejectTests.indented
  ) async throws -> Failure {
    let path = try makeTree("linux")
    try write("linux/\(Self.poemPath)", poem)
    let tree = try await store.resolve(path)
    let patches = try diffs.map { try write($0.name, $0.text) }
    return try await failure(.request) {
      try await self.store.revision(tree: tree, patches: try await PatchFile.read(patches))
    }
  }

  // MARK: The diff's form

  func test_carriageReturns_areNamed() async throws {
    let text = Self.diff().replacing("\n", with: "\r\n")
    let failure = try await refusal([("a.patch", text)])
    XCTAssertTrue(failure.cause.contains("only in white space"), failure.description)
    XCTAssertTrue(failure.remedy.contains("end in CR LF"), failure.description)
    XCTAssertFalse(failure.remedy.contains("rebase"), failure.description)
    XCTAssertTrue(failure.evidence.contains("-line 10^M"), failure.description)
    // Where more differs, both may be what is wrong.
    let other = Self.diff(from: "gone 10").replacing("\n", with: "\r\n")
    let both = try await refusal([("a.patch", other)])
    XCTAssertTrue(both.remedy.contains("end in CR LF"), both.description)
    XCTAssertTrue(both.remedy.contains("rebase"), both.description)
    // A diff of a file with CR LF is not to blame for them.
    let ofSuch = Self.diff(from: "gone 10\r", to: "new 10\r")
    let rebase = try await refusal([("a.patch", ofSuch)])
    XCTAssertFalse(rebase.remedy.contains("CR LF"), rebase.description)
  }

  func test_whiteSpace_isNamed() async throws {
    for text in [
      Self.diff().replacing("\t", with: "        "), Self.diff(from: "line  10"),
      Self.diff(from: "line 10 "),
    ] {
      let poem = Self.indented.replacing("line 9\n", with: "\tline 9\n")
      let spaced = text.replacing(" line 9\n", with: "         line 9\n")
      let failure = try await refusal([("a.patch", spaced)], on: poem)
      XCTAssertTrue(failure.cause.contains("does not fit"), failure.description)
      XCTAssertTrue(failure.cause.contains("only in white space"), failure.description)
      XCTAssertTrue(failure.remedy.contains("git send-email"), failure.description)
      XCTAssertFalse(failure.remedy.contains("rebase"), failure.description)
      XCTAssertTrue(failure.evidence.contains("! 9: \tline 9"), failure.description)
      XCTAssertFalse(failure.evidence.contains { $0.contains("missing") }, failure.description)
    }
    let failure = try await refusal([("a.patch", Self.diff(from: "gone 10"))])
    XCTAssertFalse(failure.cause.contains("white space"), failure.description)
    XCTAssertTrue(failure.remedy.hasPrefix("rebase"), failure.description)
  }

  func test_wrappedLine_isFoundInTheFileOrLeftOut() async throws {
    let wrapped = Self.diff(to: "new\n10")
    let mail = { (subject: String, form: (MailForm) -> MailForm) in
      let text = "From: A <a@example>\nSubject: \(subject)\n\nSome text.\n---\n\n\(wrapped)"
      return form(MailForm(Data(text.utf8)))
    }
    let text = { (mail: MailForm) in String(decoding: mail.data(envelope: ""), as: UTF8.self) }
    let plain = text(mail("[PATCH] x", { $0 }))
    let lines = plain.components(separatedBy: "\n")
    let line = try XCTUnwrap(lines.firstIndex(of: "10")) + 1
    let files = [
      ("plain.diff", wrapped, "plain.diff:8"), ("wrapped.eml", plain, "wrapped.eml:\(line)"),
      ("crlf.eml", plain.replacing("\n", with: "\r\n"), "crlf.eml:\(line)"),
      ("quoted.eml", text(mail("[PATCH] x", { $0.encoded("quoted-printable") })), nil),
      ("base64.eml", text(mail("[PATCH] x", { $0.encoded("base64") })), nil),
      (
        "twice.mbox",
        String(
          decoding: mail("[PATCH 1/2] x", { $0 }).data() + Data("\n".utf8)
            + mail("[PATCH 2/2] y", { $0 }).data(), as: UTF8.self), nil
      ),
    ]
    for (name, text, place) in files {
      let failure = try await refusal([(name, text)])
      XCTAssertEqual(failure.cause, "git cannot read it", name)
      XCTAssertEqual(failure.place, place.map { "\(scratch)/\($0)" }, name)
      let number = place?.split(separator: ":").last.map(String.init)
      XCTAssertTrue(
        failure.evidence.first?.hasSuffix(number.map { "line \($0)" } ?? "of the mail's patch")
          == true, failure.description)
    }
  }

  // MARK: Patches before it

  func test_earlierPatchWithTheSameChange_isNamed() async throws {
    let other = Self.diff().replacing("line 10", with: "line 17").replacing(
      "new 10", with: "new 17"
    )
    .replacing("\tline 8", with: "line 15").replacing("line 9", with: "line 16")
    .replacing("line 11", with: "line 18").replacing("line 12", with: "line 19")
    .replacing("-8,5 +8,5", with: "-15,5 +15,5")
    // The first one fits only with less context.
    let patches = [("v0.patch", other), ("v1.patch", Self.diff()), ("v2.patch", Self.diff())]
    for poem in [Self.indented, Self.indented.replacing("line 19\n", with: "other 19\n")] {
      let failure = try await refusal(patches, on: poem)
      XCTAssertEqual(
        failure.cause, "an earlier patch, \(scratch)/v1.patch, makes this change already")
      XCTAssertTrue(failure.asked.hasSuffix("v2.patch"), failure.description)
    }
    let there = try await refusal(
      [("v0.patch", other), ("v2.patch", Self.diff())],
      on: Self.indented.replacing("line 10\n", with: "new 10\n"))
    XCTAssertTrue(there.cause.hasPrefix("the kernel, version 9.4.0-rc2"), there.description)
  }

  // MARK: Next to the tree

  /// What is shown of the tree for a diff that does not fit.
  private func shown(on poem: String) async throws -> [String] {
    let failure = try await refusal([("a.patch", Self.diff())], on: poem)
    let start = try XCTUnwrap(
      failure.evidence.firstIndex { $0.contains(" of this kernel") }, failure.description)
    return Array(failure.evidence[start...])
  }

  func test_missingLines_areNamedAndNothingElseIsMarked() async throws {
    let said = "of this kernel, ! where it is not as the hunk has it:"
    let inside = try await shown(on: Self.indented.replacing("line 10\n", with: ""))
    XCTAssertEqual(
      inside,
      [
        "\(Self.poemPath):6-13 \(said)", "  6: line 6", "  7: line 7", "  8: \tline 8",
        "  9: line 9", "! missing: line 10", "  10: line 11", "  11: line 12", "  12: line 13",
        "  13: line 14",
      ])
    let last = try await shown(
      on: Self.indented.replacing("line 10\n", with: "").replacing("line 12\n", with: ""))
    XCTAssertEqual(
      last,
      [
        "\(Self.poemPath):6-12 \(said)", "  6: line 6", "  7: line 7", "  8: \tline 8",
        "  9: line 9", "! missing: line 10", "  10: line 11", "! missing: line 12",
        "  11: line 13", "  12: line 14",
      ])
    let more = try await shown(
      on: Self.indented.replacing("\tline 8\n", with: "").replacing(
        "line 10\n", with: "a\nb\nline 10\n"))
    XCTAssertEqual(
      more,
      [
        "\(Self.poemPath):6-15 \(said)", "  6: line 6", "  7: line 7", "! missing: \tline 8",
        "  8: line 9", "! 9: a", "! 10: b", "  11: line 10", "  12: line 11", "  13: line 12",
        "  14: line 13", "  15: line 14",
      ])
  }
}

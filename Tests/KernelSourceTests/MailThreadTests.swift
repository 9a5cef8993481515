// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import XCTest

@testable import KernelSource

/// Several mails in one file.
final class MailThreadTests: MailTestCase {
  private func joined(_ mails: [Data]) -> Data {
    mails.reduce(Data()) { $0 + $1 + Data("\n".utf8) }
  }

  /// A mail with every line of another quoted, and `added` below.
  private func reply(to mail: Data, _ added: String = "") -> Data {
    let subject = SubjectLine.of(mail)
    let body = MailForm(mail).mapText { text in
      "On Monday A wrote:\n"
        + text.components(separatedBy: "\n").map { "> \($0)" }.joined(separator: "\n")
        + "\n\nLooks good.\n\(added)"
    }
    return body.with("Subject", "Re: \(subject)").with("In-Reply-To", "<x@example>").data()
  }

  private enum SubjectLine {
    static func of(_ mail: Data) -> String {
      let field = MailForm(mail).fields.first { $0.hasPrefix("Subject: ") } ?? ""
      return String(field.dropFirst("Subject: ".count))
    }
  }

  private func retitled(_ mail: Data, _ subject: String) -> Data {
    MailForm(mail).with("Subject", subject).data()
  }

  /// Reads a file, applies its patches, and compares with a branch of the repository.
  private func expect(
    _ content: Data, _ tree: KernelTree, is branch: String, mails: [Int?], remarks: [String] = [],
    file: StaticString = #filePath, line: UInt = #line
  ) async throws {
    let patches = try await read(content)
    XCTAssertEqual(patches.map(\.mail), mails, file: file, line: line)
    let revision = try await store.revision(tree: tree, patches: patches)
    XCTAssertEqual(revision.remarks, remarks, file: file, line: line)
    let expected = try await atBranch(branch)
    XCTAssertEqual(try files(of: revision), expected, file: file, line: line)
  }

  func test_series_inAnyOrder_withCoverLetterAndReplies() async throws {
    let tree = try await makeRepository()
    let (cover, one, two, three) = (try step(0), try step(1), try step(2), try step(3))
    let branch = "series-1"
    try await expect(joined([one, two, three]), tree, is: branch, mails: [1, 2, 3])
    try await expect(joined([three, one, two]), tree, is: branch, mails: [2, 3, 1])
    try await expect(joined([cover, one, two, three]), tree, is: branch, mails: [2, 3, 4])
    let thread = joined([cover, reply(to: cover), two, reply(to: two), three, one, reply(to: one)])
    try await expect(thread, tree, is: branch, mails: [6, 3, 5])
    try await expect(thread.crlf, tree, is: branch, mails: [6, 3, 5])
    let subjects = try await read(thread).map(\.subject)
    XCTAssertEqual(subjects, ["test: Step 1", "test: Step 2", "test: Step 3"])
    let encoded = try [one, two, three].map {
      MailForm($0).encoded("base64")
        .with("Subject", "=?UTF-8?q?=5Blist=5D_?= [PATCH \(try tag($0)) RESEND] b\u{fc}")
    }
    try await expect(
      joined(encoded.reversed().map { $0.data() }), tree, is: branch, mails: [3, 2, 1])
  }

  private func tag(_ mail: Data) throws -> String {
    let tag = SubjectTag(SubjectLine.of(mail))
    return "0\(try XCTUnwrap(tag.number))/0\(try XCTUnwrap(tag.count))"
  }

  func test_coverLetterWithInterdiff_isNoPatch() async throws {
    let tree = try await makeRepository()
    try await shell(
      """
      cd repository; git format-patch -q --cover-letter --interdiff=series-1 -v2 --stdout \
        base..series-2 > ../interdiff
      git format-patch -q --cover-letter --range-diff=series-1 -v2 --stdout base..series-2 \
        > ../range-diff
      """)
    for name in ["interdiff", "range-diff"] {
      try await expect(data(name), tree, is: "series-2", mails: [2, 3, 4])
    }
  }

  func test_newestVersion_isTaken() async throws {
    let tree = try await makeRepository()
    let old = try (1...3).map { try step($0) }
    let new = try (1...3).map { try step($0, v: 2) }
    let remarks = (1...3).map {
      "mail.mbox: mail \($0) \"[PATCH v1 \($0)/3] test: Step \($0)\" is left out:"
        + " the file also holds v2"
    }.map { "\(scratch)/\($0)" }
    try await expect(joined(old + new), tree, is: "series-2", mails: [4, 5, 6], remarks: remarks)
  }

  func test_replyWithADiff_isLeftOutAndSaid() async throws {
    let tree = try await makeRepository()
    let fix = String(decoding: try MailForm(data("mails/utf8")).diff, as: UTF8.self)
    let series = try (1...3).map { try step($0) }
    try await expect(
      joined(series + [reply(to: series[1], fix)]), tree, is: "series-1", mails: [1, 2, 3],
      remarks: [
        "\(scratch)/mail.mbox: mail 4 \"Re: [PATCH v1 2/3] test: Step 2\" is left out:"
          + " it has a diff, but is a reply"
      ])
    let answer = MailForm(reply(to: series[1], fix)).with(
      "Subject", "=?UTF-8?q?AW=3A_[PATCH_v1_2/3]_[list]_gr=C3=BCn?=")
    let remarks = try await read(joined(series + [answer.data()])).flatMap(\.remarks)
    XCTAssertEqual(
      remarks,
      [
        "\(scratch)/mail.mbox: mail 4 \"AW: [PATCH v1 2/3] [list] grün\" is left out:"
          + " it has a diff, but is a reply"
      ])
    // Alone it is what the user wants.
    let alone = try await read(retitled(data("mails/line"), "Re: [PATCH 2/3] x"))
    XCTAssertEqual(alone.map(\.subject), ["x"])
  }

  func test_mailThatCameTwice_countsOnce() async throws {
    let tree = try await makeRepository()
    let series = try (1...3).map { try step($0) }
    let again = MailForm(series[1]).mapText { "A resent mail.\n" + $0 }.data()
    try await expect(joined(series + [again]), tree, is: "series-1", mails: [1, 2, 3])
    let line = try data("mails/line")
    try await expect(joined([line, line]), tree, is: "change-line", mails: [1])
  }

  func test_patchesWithoutNumbers_keepTheirOrder() async throws {
    let tree = try await makeRepository()
    try await shell("cd repository; git format-patch -q -N --stdout base..series-1 > ../unnumbered")
    try await expect(data("unnumbered"), tree, is: "series-1", mails: [1, 2, 3])
  }

  func test_seriesThatIsNotWhole_isRefused() async throws {
    _ = try await makeRepository()
    let (one, two, three) = (try step(1), try step(2), try step(3))
    let refusals: [(mails: [Data], cause: String)] = [
      ([one, three], "patch 2/3 of the series is missing in it"),
      ([try step(0), two], "patches 1/3, 3/3 of the series are missing in it"),
      ([one, two, three, try step(1, v: 2)], "patches 2/3, 3/3 of v2 are missing in it"),
      (
        [try step(0, v: 2), try step(2, v: 2), try step(3, v: 2)],
        "patch 1/3 of v2 is missing in it"
      ),
      (
        [one, two, three, retitled(one, "[PATCH v1.1 2/3] x")], "two patches in it claim one place"
      ),
      ([one, retitled(two, "[PATCH 2/4] x")], "it holds patches of two series"),
      (
        [one, two, three, try data("mails/utf8")], "it holds a series and a patch without a number"
      ),
      ([try step(0), reply(to: one)], "none of its 2 mails has a patch"),
      ([try step(0)], "its mail has no patch: git finds no diff in it"),
    ]
    for (mails, cause) in refusals {
      let failure = try await failure(.request) { try await self.read(self.joined(mails)) }
      XCTAssertEqual(failure.cause, cause)
      XCTAssertTrue(failure.asked.contains("mail.mbox"), failure.description)
      XCTAssertTrue(failure.evidence.contains { $0.hasPrefix("mail ") }, failure.description)
    }
  }

  func test_patchOfASeriesAlone_isTaken() async throws {
    _ = try await makeRepository()
    let patches = try await read(step(2))
    XCTAssertEqual(patches.map(\.subject), ["test: Step 2"])
    XCTAssertEqual(patches.map(\.mail), [nil])
  }

  func test_refusedPatch_isNamedWithItsMail() async throws {
    let tree = try await makeRepository()
    let broken = MailForm(try step(2)).mapText {
      $0.replacing("line 10 1.1", with: "other").replacing("line 9", with: "x")
        .replacing("line 11", with: "y")
    }
    let patches = try await read(joined([step(1), broken.data(), step(3)]))
    let failure = try await failure(.request) {
      try await self.store.revision(tree: tree, patches: patches)
    }
    XCTAssertEqual(
      failure.asked, "apply \(scratch)/mail.mbox, mail 2 \"test: Step 2\"", failure.description)
  }

  func test_packedThread_andStandardInput() async throws {
    _ = try await makeRepository()
    let thread = joined([try step(1), try step(2), try step(3)])
    let plain = try await read(thread)
    try await shell("gzip -c mail.mbox > packed; head -c 300 packed > cut")
    let packed = try await PatchFile.read(["\(scratch)/packed"])
    XCTAssertEqual(packed.map(\.content), plain.map(\.content))
    let cut = try await failure(.request) { try await PatchFile.read(["\(self.scratch)/cut"]) }
    XCTAssertEqual(cut.cause, "gzip cannot unpack it")

    let input = dup(STDIN_FILENO)
    let file = open("\(scratch)/mail.mbox", O_RDONLY)
    dup2(file, STDIN_FILENO)
    defer {
      dup2(input, STDIN_FILENO)
      close(file)
      close(input)
    }
    let piped = try await PatchFile.read(["-"])
    XCTAssertEqual(piped.map(\.content), plain.map(\.content))
    XCTAssertEqual(piped.map(\.title)[1], "standard input, mail 2 \"test: Step 2\"")
  }

  func test_spoiledForms_areNamedInTheRemedy() async throws {
    let tree = try await makeRepository()
    let line = try MailForm(data("mails/line"))
    let forms = [
      (line.flowed(stuffed: false), "format=flowed"),
      (line.mapBody(\.crlf).encoded("base64"), "CR LF"),
    ]
    for (mail, word) in forms {
      let failure = try await failure(.request) {
        try await self.store.revision(tree: tree, patches: try await self.read(mail.data()))
      }
      XCTAssertTrue(failure.remedy.contains(word), failure.description)
    }
  }

  func test_refusedMailbox_leavesNothingBehind() async throws {
    _ = try await makeRepository()
    let before = names(in: temporary)
    _ = try await read(step(1))
    _ = try await failure(.request) { try await self.read(self.step(0)) }
    XCTAssertEqual(names(in: temporary), before)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KernelSource

final class PatchFileTests: KernelSourceTestCase {
  private func subject(_ text: String) -> String? {
    PatchFile(name: "x", content: Data(text.utf8)).subject
  }

  func test_subject_isTheHeaderWithoutItsTag() {
    XCTAssertEqual(subject("From: A\nSubject: [PATCH v2 1/3] a: b\n\ndiff --git a/x b/x\n"), "a: b")
    XCTAssertEqual(subject("Subject: [PATCH]\n folded\n\tline\nDate: x\n"), "folded line")
    XCTAssertEqual(subject("Subject: Re: [RFC PATCH] a\r\nTo: b\r\n"), "a")
    XCTAssertNil(subject("diff --git a/x b/x\n+Subject: no\n"))
    XCTAssertNil(subject("--- a/x\n+++ b/x\n"))
  }

  func test_read_errors() async throws {
    let missing = try await failure(.request) { try await PatchFile.read(["/nowhere/a.patch"]) }
    XCTAssertEqual(missing.cause, "there is no such file")
    let directory = try await failure(.request) { try await PatchFile.read([self.scratch]) }
    XCTAssertEqual(directory.cause, "it is a directory")
    let twice = try await failure(.request) { try await PatchFile.read(["-", "a", "-"]) }
    XCTAssertTrue(twice.cause.contains("more than once"), twice.cause)
  }

  func test_read_keepsBytesOfAPlainDiff() async throws {
    let path = try write("a.patch", "x\r\ny")
    let patches = try await PatchFile.read([path])
    XCTAssertEqual(patches.map(\.content), [Data("x\r\ny".utf8)])
  }

  func test_read_pipesAndDevices() async throws {
    try await shell("mkfifo pipe; printf 'a\\nb' | gzip > packed; gzip < /dev/null > empty.gz")
    let big = String(repeating: "+line\n", count: 50_000)
    try write("big", big)
    try await shell("timeout 20 bash -c 'cat big > pipe' > /dev/null 2>&1 &")
    let piped = try await PatchFile.read(["\(scratch)/pipe"])
    XCTAssertEqual(piped.map(\.content), [Data(big.utf8)])
    let packed = try await PatchFile.read(["\(scratch)/packed"])
    XCTAssertEqual(packed.map(\.content), [Data("a\nb".utf8)])
    try await shell("printf 'a\\nb' | xz > packed.xz; printf 'a\\nb' | bzip2 > packed.bz2")
    for name in ["packed.xz", "packed.bz2"] {
      let packed = try await PatchFile.read(["\(scratch)/\(name)"])
      XCTAssertEqual(packed.map(\.content), [Data("a\nb".utf8)], name)
    }
    XCTAssertEqual(
      ["-", "/dev/null", "\(scratch)/pipe", "\(scratch)/big"].map(PatchFile.isStream),
      [true, true, true, false])
    for name in ["/dev/null", try write("empty", ""), "\(scratch)/empty.gz"] {
      let empty = try await failure(.request) { try await PatchFile.read([name]) }
      XCTAssertEqual(empty.cause, "it is empty")
      XCTAssertTrue(empty.asked.contains(name), empty.asked)
    }
  }

  /// What packs well is not unpacked into memory.
  func test_read_whatUnpacksToTooMuch_isRefused() async throws {
    try await shell(
      """
      head -c 400000000 /dev/zero > zeros
      gzip -1 < zeros > a.gz; xz -0 < zeros > a.xz; bzip2 -1 < zeros > a.bz2; rm zeros
      """)
    for name in ["a.gz", "a.xz", "a.bz2"] {
      let refused = try await failure(.request) { try await PatchFile.read(["\(scratch)/\(name)"]) }
      XCTAssertEqual(refused.cause, "unpacked it holds more than 64 MiB", name)
      XCTAssertTrue(refused.asked.contains(name), refused.asked)
    }
  }
}

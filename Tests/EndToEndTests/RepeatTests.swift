// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import TestSupport
import XCTest

/// The same check once more.
final class RepeatTests: EndToEndTestCase {
  /// Without git no patch can be applied: only a request that is known by its stamps is answered.
  private func withoutGit(_ environment: [String: String?]) throws -> [String: String?] {
    let clang = try Toolchain.locate().folder
    try XCTSkipIf(FileManager.default.fileExists(atPath: "\(clang)/git"))
    return environment.merging(["PATH": clang]) { $1 }
  }

  func test_answersWithoutALook_untilSomethingWasTouched() async throws {
    let directory = try await copy(of: kernel())
    let tree = try await store.resolve(directory)
    let patch = try await patch("p.patch", Defect.c.edits, of: tree)
    let environment = try cacheWithBuilds()
    let blind = try withoutGit(environment)
    let arguments = ["check", "--kernel", directory, "--patch", patch, "--format", "json"]
    try await Task.sleep(for: .milliseconds(100))

    // What cannot be printed is kept all the same.
    let lost = try await kshim(
      arguments, environment: environment, wrapper: ["bash", "-c", "exec \"$@\" >/dev/full", "-"])
    XCTAssertEqual(lost.status, 4)
    XCTAssert(lost.errors.contains("standard output cannot be written"), lost.errors)
    let first = try await kshim(arguments, environment: blind)
    XCTAssertEqual(first.status, 1, first.errors)
    XCTAssertEqual(try verdict(first).exploration.reused, true)
    try JSONContract(first.output).assertHolds()

    // The content decides where a file was touched.
    let mmu = "\(directory)/\(Self.mmu)"
    XCTAssertEqual(utimes(mmu, nil), 0)
    let touched = try await kshim(arguments, environment: blind)
    XCTAssertEqual(touched.status, 4, touched.output)
    try await Task.sleep(for: .milliseconds(100))
    let same = try await kshim(arguments, environment: environment)
    XCTAssertEqual(same.output, first.output)
    let again = try await kshim(arguments, environment: blind)
    XCTAssertEqual(again.output, first.output)

    // Another patch of the same name, another tool, and no use of what is kept.
    let text = try String(contentsOfFile: patch, encoding: .utf8)
    try write(text + "\n", "p.patch")
    let other = try await kshim(arguments, environment: blind)
    XCTAssertEqual(other.status, 4, other.output)
    try write(text, "p.patch")
    let back = try await kshim(arguments, environment: blind)
    XCTAssertEqual(back.output, first.output)
    let alone = try await kshim(arguments + ["--no-cache"], environment: blind)
    XCTAssertEqual(alone.status, 4, alone.output)
    let included = try await kshim(
      arguments, environment: blind.merging(["CPATH": scratch]) { $1 })
    XCTAssertEqual(included.status, 4, included.output)

    // A header in the way of another one, and a cache that is gone.
    try write("", "linux/arch/x86/include/linux/list.h")
    let shadowed = try await kshim(arguments, environment: blind)
    XCTAssertEqual(shadowed.status, 4, shadowed.output)
    try FileManager.default.removeItem(atPath: "\(emptyCache)/kshim/results")
    let gone = try await kshim(arguments, environment: blind)
    XCTAssertEqual(gone.status, 4, gone.output)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// What 'make install' puts below a prefix runs from there, without the checkout, by somebody who may
/// not write there.
final class InstallTests: EndToEndTestCase {
  private static let prefix = "/opt/kshim"

  private func make(_ arguments: String...) async throws {
    // The program that is tested is installed.
    let ran = try await Command.run(
      "make", ["-C", Self.root, "--no-print-directory", "KSHIM=\(Tool.path)"] + arguments,
      environment: ["KERNEL": nil, "PATCH": nil, "MAKEFLAGS": nil, "MAKELEVEL": nil])
    XCTAssertEqual(ran.status, 0, ran.outputText + ran.errorText)
  }

  private func installed(
    _ top: String, _ arguments: String..., environment: [String: String?] = [:]
  ) async throws -> Command.Result {
    try await Command.run(
      "\(top)/bin/kshim", arguments,
      environment: ["KSHIM_ROOT": nil, "KERNEL": nil].merging(environment) { $1 },
      directory: scratch)
  }

  func test_installed_runsFromItsPrefix_andGoesWithUninstall() async throws {
    let tree = try await kernel(Self.defectKernel)
    let stage = "\(scratch)/stage"
    let top = stage + Self.prefix
    try await make("install", "PREFIX=\(Self.prefix)", "DESTDIR=\(stage)")
    for file in [
      "bin/kshim", "share/kshim/shims/include/kshim_runtime.h",
      "share/kshim/kernel-extract/subjects/kvm-mmu-roots.yaml",
      "share/kshim/docs/properties/leak.md", "share/doc/kshim/README.md",
      "share/doc/kshim/docs/schema/check.json", "share/man/man1/kshim.1",
      "share/man/man1/kshim.check.1", "share/bash-completion/completions/kshim",
      "share/zsh/site-functions/_kshim", "share/fish/vendor_completions.d/kshim.fish",
    ] { XCTAssert(FileManager.default.fileExists(atPath: "\(top)/\(file)"), file) }
    XCTAssertFalse(
      FileManager.default.fileExists(atPath: "\(top)/share/kshim/kernel-extract/out"))
    // Nobody may write there, and nothing of the checkout is named.
    try await shell("chmod -R a-w '\(stage)'", in: scratch)
    let before = try await hash(stage)
    let named = try await Command.run("grep", ["-rlF", Self.root, "\(top)/share"])
    XCTAssertEqual(named.outputText, "")

    let subjects = try await installed(top, "subjects")
    XCTAssert(subjects.outputText.contains("kvm-mmu-roots"), subjects.errorText)
    let ran = try await installed(top, "check", "--kernel", Self.defectKernel, "--no-cache")
    XCTAssertEqual(ran.status, 0, ran.errorText)
    XCTAssert(ran.outputText.hasPrefix("kvm-mmu-roots on Linux "), ran.outputText)
    let patch = try await patch("c.patch", Defect.c.edits, of: tree)
    let found = try await installed(
      top, "check", "--kernel", Self.defectKernel, "--patch", patch, "--no-cache")
    XCTAssertEqual(found.status, 1, found.errorText)
    // What 'swift test' links is in a checkout.
    let refused = try await installed(top, "extract", "--kernel", Self.defectKernel)
    XCTAssertEqual(refused.status, 2, refused.errorText)
    XCTAssert(refused.errorText.contains("--into"), refused.errorText)
    let extracted = try await installed(
      top, "extract", "--kernel", Self.defectKernel, "--into", "\(scratch)/into")
    XCTAssertEqual(extracted.status, 0, extracted.errorText)
    let after = try await hash(stage)
    XCTAssertEqual(after, before)

    try await shell("chmod -R u+w '\(stage)'", in: scratch)
    try await make("uninstall", "PREFIX=\(Self.prefix)", "DESTDIR=\(stage)")
    let left = try await Command.run("find", [stage, "-not", "-type", "d"])
    XCTAssertEqual(left.outputText, "")
  }

  func test_manual_isRightForGroff_andCompletionKnowsTheCommands() async throws {
    let stage = "\(scratch)/stage"
    try await make("install", "PREFIX=\(Self.prefix)", "DESTDIR=\(stage)")
    let top = stage + Self.prefix
    func offered(_ line: String) async throws -> [String] {
      let script = "\(top)/share/bash-completion/completions/kshim"
      let ran = try await Command.run(
        "bash", ["\(Self.root)/Tests/Readers/completion.bash", script, line])
      XCTAssertEqual(ran.status, 0, ran.errorText)
      XCTAssertEqual(ran.errorText, "")
      return ran.outputText.split(separator: "\n").map(String.init)
    }
    let commands = try await offered("kshim ch")
    XCTAssertEqual(commands, ["check"])
    let formats = try await offered("kshim check --format s")
    XCTAssertEqual(formats, ["sarif"])
    let pages = try FileManager.default.contentsOfDirectory(atPath: "\(top)/share/man/man1")
    XCTAssertGreaterThan(pages.count, 8, "a page for each command: \(pages)")
    for page in pages {
      let path = "\(top)/share/man/man1/\(page)"
      let ran = try await Readers.run(
        installed: "groff", ["-mandoc", "-ww", "-Tutf8", "-rLL=80n", path])
      XCTAssertEqual(ran.status, 0, page)
      XCTAssertEqual(ran.errors, "", page)
      if page == "kshim.check.1" { XCTAssert(ran.text.contains("--each-commit"), ran.text) }
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// The configuration of a tree counts: Debian's as it is, and what a developer makes of it.
final class ConfigurationTests: EndToEndTestCase {
  private static let macros = "include/generated/autoconf.h"

  /// Debian's 6.12 with its own configuration, changed by lines at its end.
  private func configured(_ lines: String) async throws -> String {
    let tree = try await kernel()
    XCTAssert(tree.isConfigured, "linux-headers of \(tree.version)")
    let directory = "\(scratch)/linux"
    try await OwnKernel.copy(of: tree, to: directory)
    let path = "\(directory)/\(Self.macros)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try (text + lines).write(toFile: path, atomically: true, encoding: .utf8)
    return directory
  }

  private func scenarios(_ directory: String) async throws -> Int {
    let ran = try await kshim("check", "--kernel", directory, "--format", "json")
    XCTAssertEqual(ran.status, 0, ran.errors + ran.output)
    return try verdict(ran).exploration.scenarios
  }

  /// Of the kernel as it is.
  private func released() async throws -> Int {
    try await scenarios("debian:6.12")
  }

  func test_treeForDebugging_isJudgedAsAnyOther() async throws {
    let options = [
      "LOCKDEP", "PROVE_LOCKING", "PROVE_RCU", "DEBUG_LOCK_ALLOC", "DEBUG_SPINLOCK",
      "DEBUG_MUTEXES", "TRACE_IRQFLAGS", "KASAN", "KASAN_GENERIC", "DEBUG_LIST", "KCSAN",
      "DEBUG_VM", "DEBUG_OBJECTS", "UBSAN", "LOCK_STAT",
    ]
    let lines = options.map { "#undef CONFIG_\($0)\n#define CONFIG_\($0) 1\n" }.joined()
    let (count, all) = (try await scenarios(configured(lines)), try await released())
    XCTAssertEqual(count, all)
  }

  /// Without memory encryption there is no bit for it in any state, so nothing misses one.
  func test_treeWithoutEncryption_needsNoBitForIt() async throws {
    let edit = KernelEdit(
      Self.mmu, in: Defect.shadow, .replace("PT_PRESENT_MASK | shadow_me_value", with: "BIT(0)"))
    let tree = try await kernel()
    let patch = try await patch("bit.patch", [edit], of: tree)
    let found = try await kshim(
      "check", "--kernel", "debian:6.12", "--patch", patch, "--format", "json")
    XCTAssertEqual(found.status, 1, found.errors)
    XCTAssert(try verdict(found).findings.contains { $0.property == "entry-bits" })
    let directory = try await configured("#undef CONFIG_AMD_MEM_ENCRYPT\n")
    let clean = try await kshim("check", "--kernel", directory, "--patch", patch)
    XCTAssertEqual(clean.status, 0, clean.errors + clean.output)
  }

  /// As behind `make defconfig`, before anything was built.
  func test_treeWithADotConfigAlone_isJudgedByIt() async throws {
    let directory = try await configured("")
    let path = "\(directory)/\(Self.macros)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let lines = text.split(separator: "\n").compactMap { line -> String? in
      let words = line.split(separator: " ", maxSplits: 2)
      guard words.count == 3, words[0] == "#define" else { return nil }
      return words[1].hasSuffix("_MODULE")
        ? "\(words[1].dropLast(7))=m" : "\(words[1])=\(words[2] == "1" ? "y" : words[2])"
    }
    try lines.joined(separator: "\n").write(
      toFile: "\(directory)/.config", atomically: true, encoding: .utf8)
    for folder in ["include/generated", "arch/x86/include/generated"] {
      try FileManager.default.removeItem(atPath: "\(directory)/\(folder)")
    }
    // The tables of system calls come from the tree, as what the small copy lacks.
    let tree = try await kernel()
    let tables = "arch/x86/entry/syscalls"
    try FileManager.default.createDirectory(
      atPath: "\(directory)/arch/x86/entry", withIntermediateDirectories: true)
    try? FileManager.default.removeItem(atPath: "\(directory)/\(tables)")
    try FileManager.default.createSymbolicLink(
      atPath: "\(directory)/\(tables)", withDestinationPath: "\(tree.directory)/\(tables)")
    let (count, all) = (try await scenarios(directory), try await released())
    XCTAssertEqual(count, all)
  }
}

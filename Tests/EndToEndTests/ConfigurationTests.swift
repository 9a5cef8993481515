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

  /// Without memory encryption there is no bit for it in any state.
  func test_treeWithoutEncryption_hasFewerStates() async throws {
    let options = ["AMD_MEM_ENCRYPT"]
    let lines = options.map { "#undef CONFIG_\($0)\n" }.joined()
    let (count, all) = (try await scenarios(configured(lines)), try await released())
    XCTAssertLessThan(count, all)
    XCTAssertGreaterThan(count, all / 4)
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

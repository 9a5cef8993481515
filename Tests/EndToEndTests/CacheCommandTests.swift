// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// `kshim kernels` on a cache of the test's own, with small made-up kernels in it.
final class CacheCommandTests: EndToEndTestCase {
  private var environment: [String: String?] { ["XDG_CACHE_HOME": "\(scratch)/cache"] }

  /// A cached kernel that nobody has asked for in so many days; its directory.
  private func unpack(_ name: String, days: Int) async throws -> String {
    try await shell(
      """
      mkdir -p linux/arch/x86; printf 'VERSION = 9\\nPATCHLEVEL = 1\\n' > linux/Makefile
      head -c 3000000 /dev/zero > linux/arch/x86/filler; tar -cf \(name).tar linux
      """, in: scratch)
    let ran = try await kshim(
      "kernels", "path", "\(scratch)/\(name).tar", environment: environment)
    XCTAssertEqual(ran.status, 0, ran.errors)
    let path = ran.output.trimmingCharacters(in: .newlines)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -Double(days) * 86_400 - 60)],
      ofItemAtPath: path)
    return path
  }

  private func prune(_ arguments: String...) async throws -> [String] {
    let ran = try await kshim(["kernels", "prune"] + arguments, environment: environment)
    XCTAssertEqual(ran.status, 0, ran.errors)
    XCTAssertEqual(ran.errors, "")
    return ran.output.split(separator: "\n").map(String.init)
  }

  func test_prune_saysWhatItRemoves_andWhatIsLeft() async throws {
    let old = try await unpack("old", days: 29)
    let young = try await unpack("young", days: 1)
    let cache = "\(scratch)/cache/kshim/kernels"
    let listed = try await kshim("kernels", "list", environment: environment)
    let line = try XCTUnwrap(listed.output.split(separator: "\n").first { $0.hasSuffix(old) })
    XCTAssertEqual(
      line.split(separator: " "),
      ["\(scratch)/old.tar", "9.1", "3", "MB", "used", "29", "days", "ago", old[...]])
    XCTAssert(listed.output.contains("used yesterday"), listed.output)

    let none = try await prune()
    XCTAssertEqual(none, ["removed no kernels, 0 kB; 2 kernels, 6 MB, are left in \(cache)"])
    let told = try await prune("--older-than", "29", "--dry-run")
    XCTAssertEqual(
      told,
      [
        "would remove  \(scratch)/old.tar  9.1  3 MB  used 29 days ago",
        "would remove 1 kernel, 3 MB; 1 kernel, 3 MB, would be left in \(cache)",
      ])
    XCTAssert(FileManager.default.fileExists(atPath: old))
    let removed = try await prune("--older-than", "29")
    XCTAssertEqual(removed.first, "removed  \(scratch)/old.tar  9.1  3 MB  used 29 days ago")
    XCTAssertFalse(FileManager.default.fileExists(atPath: old))
    XCTAssert(FileManager.default.fileExists(atPath: young))
    let all = try await prune("--larger-than", "0.5MB")
    XCTAssertEqual(all.last, "removed 1 kernel, 3 MB; no kernels, 0 kB, are left in \(cache)")
  }

  func test_prune_leavesWhatARunningKshimHas() async throws {
    let path = try await unpack("a", days: 100)
    let store = KernelStore(cacheDirectory: "\(scratch)/cache/kshim")
    let tree = try await store.resolve("\(scratch)/a.tar")
    let lines = try await prune("--larger-than", "0")
    XCTAssertEqual(lines.first, "in use  \(scratch)/a.tar  9.1  3 MB  used today")
    XCTAssert(FileManager.default.fileExists(atPath: path))
    XCTAssertEqual(tree.directory, path)
  }

  func test_unpackingAnother_removesTheOld_inOneLine() async throws {
    let old = try await unpack("old", days: 30)
    try FileManager.default.copyItem(
      atPath: "\(scratch)/old.tar", toPath: "\(scratch)/new.tar")
    let ran = try await kshim(
      "kernels", "path", "\(scratch)/new.tar", environment: environment)
    XCTAssertEqual(ran.status, 0)
    XCTAssertEqual(
      ran.errors,
      "kshim: removed 1 unpacked kernel, not used for 30 days or beyond 3 GB (kshim kernels prune --help)\n"
    )
    XCTAssertFalse(FileManager.default.fileExists(atPath: old))
  }

  func test_cachedKernelThatWasCut_isNotBlamedOnAPatch() async throws {
    let path = try await unpack("a", days: 1)
    try await shell("truncate -s 1 '\(path)/arch/x86/filler'", in: scratch)
    let ran = try await kshim(
      "kernels", "path", "\(scratch)/a.tar", environment: environment)
    XCTAssertEqual(ran.status, 0)
    let size = try FileManager.default.attributesOfItem(atPath: "\(path)/arch/x86/filler")[.size]
    XCTAssertEqual(size as? Int, 3_000_000)
  }
}

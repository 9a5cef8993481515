// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KernelSource

/// A cached tree that is no longer what was unpacked is unpacked anew, and never blamed on a patch.
final class DamagedCacheTests: KernelSourceTestCase {
  private func path() async throws -> String {
    try makeTree("linux")
    try await shell("tar -cf a.tar linux")
    return try await store.path("\(scratch)/a.tar")
  }

  func test_damaged_isUnpackedAnew() async throws {
    let path = try await path()
    let before = try snapshot(path)
    for damage in [
      "truncate -s 3 arch/x86/poem.txt", "rm -r virt", "rm .kshim.json", ": > .kshim.json",
      "rm Makefile", "echo new > include/new.h",
      "sleep 1.1; printf TAIL > include/head.txt; truncate -s 5 include/head.txt",
    ] {
      try await shell("cd '\(path)'\n\(damage)")
      let progress = Progress()
      let tree = try await store.resolve("\(scratch)/a.tar", progress: progress.add)
      XCTAssertEqual(tree.directory, path, damage)
      XCTAssertEqual(
        progress.lines,
        [
          "\(scratch)/a.tar in the cache is damaged: unpacking it anew",
          "unpacking \(scratch)/a.tar",
        ], damage)
      let now = try snapshot(path).filter { !$0.key.hasPrefix(".kshim") }
      XCTAssertEqual(now, before.filter { !$0.key.hasPrefix(".kshim") }, damage)
    }
    let progress = Progress()
    _ = try await store.resolve("\(scratch)/a.tar", progress: progress.add)
    XCTAssertEqual(progress.lines, [])
  }

  func test_recordOfAnEarlierKshim_isTakenByItsSize() async throws {
    let path = try await path()
    let record = "\(path)/.kshim.json"
    try await shell(
      "sed -i '/\"count\"/,/}/d' '\(record)'; touch '\(path)/virt/guest.txt'")
    XCTAssertNotNil(CacheRecord(inTree: path))
    // Nobody can say who made it: it was there first.
    func store(_ state: String) -> KernelStore {
      KernelStore(
        cacheDirectory: cache, environment: [:], seal: Seal(directory: "\(scratch)/\(state)"))
    }
    let progress = Progress()
    _ = try await store("one").resolve("\(scratch)/a.tar", progress: progress.add)
    XCTAssertEqual(progress.lines, [])
    try await shell(": > '\(path)/virt/guest.txt'")
    _ = try await store("two").resolve("\(scratch)/a.tar", progress: progress.add)
    XCTAssertEqual(progress.lines.count, 2)
  }

  /// A copy of a cache may not keep times, and what was downloaded is then told by its content.
  func test_download_inACopyOfTheCache_isWholeByItsContent() async throws {
    let tree = try KernelTree(directory: makeTree("linux"), spec: "x")
    let hash = try await TreeFiles.hash(of: tree.directory, at: KernelTree.keptPaths, [:])
    XCTAssertEqual(hash.count, 64)
    let record = CacheRecord(spec: "x", key: "x", unpacked: tree, sha256: hash)
    try await shell("sleep 1.1; touch linux/virt/guest.txt")
    let isWhole = await record.isWhole(tree.directory, [:])
    XCTAssertTrue(isWhole)
    try await shell("printf GUEST > linux/virt/guest.txt; truncate -s 6 linux/virt/guest.txt")
    let isChanged = await record.isWhole(tree.directory, [:])
    XCTAssertFalse(isChanged)
  }

  func test_download_damaged_withoutANetwork_saysBoth() async throws {
    let directory = try makeTree("cache/kernels/debian-6.12")
    let tree = try KernelTree(directory: directory, spec: "debian:6.12")
    try CacheRecord(spec: "debian:6.12", key: "linux-source-6.12", unpacked: tree, sha256: nil)
      .write(inTree: directory)
    try write("cache/kernels/debian-6.12/virt/guest.txt", "")
    let nowhere = ["http", "https"].flatMap {
      ["-o", "Acquire::\($0)::Proxy=http://127.0.0.1:9", "-o", "Acquire::\($0)::Timeout=2"]
    }
    let offline = KernelStore(
      cacheDirectory: cache, environment: [:], aptOptions: nowhere + ["-o", "Acquire::Retries=0"])
    let failure = try await failure(.tool) { try await offline.resolve("debian:6.12") }
    XCTAssertTrue(
      failure.cause.hasPrefix("what the cache holds of it is damaged, and "), failure.cause)
    XCTAssertEqual(failure.place, directory)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource
import Reporting
import XCTest

@testable import Checking

/// When a result stands for another revision, and when it does not.
final class ResultCacheTests: XCTestCase {
  private var scratch = ""
  private let store = KernelStore()
  private let subject = "s"

  override func setUpWithError() throws {
    scratch =
      FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("kshim-cache-\(UUID().uuidString)").path
    try write(["VERSION = 9\n": "Makefile", "int f;\n": "arch/x86/kvm/f.c"], "tree")
    try write(["#define H 1\n": "include/linux/h.h", "other\n": "include/linux/other.h"], "tree")
  }

  override func tearDownWithError() throws {
    try FileManager.default.removeItem(atPath: scratch)
  }

  private var results: String { "\(scratch)/results" }

  private func write(_ files: [String: String], _ tree: String) throws {
    for (text, name) in files {
      let url = URL(fileURLWithPath: "\(scratch)/\(tree)/\(name)")
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
  }

  private func reading(warnings: [[String: Any]] = []) throws -> Reading {
    let text: [String: Any] = [
      "files": ["arch/x86/kvm/f.c", "include/asm-generic/Kbuild", "include/linux/h.h"],
      "names": ["h.h", "version.h"], "roots": ["arch/x86", "include"], "warnings": warnings,
    ]
    return try JSONDecoder().decode(
      Reading.self, from: JSONSerialization.data(withJSONObject: text))
  }

  private func revision(_ tree: String = "tree", _ patch: String? = nil) async throws -> Revision {
    let patches = patch.map { [PatchFile(name: "p", content: Data($0.utf8))] } ?? []
    return try await store.revision(
      tree: store.resolve("\(scratch)/\(tree)"), patches: patches)
  }

  private func cache(identity: String = "k", kept: Bool = true) -> ResultCache {
    ResultCache(
      directory: kept ? results : nil, installation: Installation(root: scratch),
      identity: identity)
  }

  private func verdict(line: Int = 1) -> Verdict {
    func finding(_ property: String) -> Verdict.Finding {
      .init(
        property: property, function: "f", file: "arch/x86/kvm/f.c", line: line, introduced: true,
        message: "m", scenario: "", failing: 1, trace: [])
    }
    return Verdict(
      revision: .init(kernel: "here", version: "9", patches: [.init(file: "p", subject: nil)]),
      subject: subject, findings: [finding("leak")], causes: [], notes: [finding("dead-branch")],
      exploration: .init(scenarios: 1, seconds: 0.1, exhaustive: true), properties: [])
  }

  /// Keeps a verdict of the tree as it is.
  private func keep(
    _ cache: ResultCache, _ reading: Reading? = nil, tree: String = "tree"
  ) async throws {
    try await Task.sleep(for: .milliseconds(60))
    await cache.keep(
      verdict(), of: try revision(tree), reading: try reading ?? self.reading(),
      began: FileStamp.now())
  }

  private func isKnown(_ revision: Revision, identity: String = "k") async -> Bool {
    await cache(identity: identity).known(of: subject, in: revision) != nil
  }

  private func replace(_ old: String, _ new: String, in file: String) -> String {
    "--- a/\(file)\n+++ b/\(file)\n@@ -1 +1 @@\n-\(old)\n+\(new)\n"
  }

  // MARK: What it depends on

  func test_sameContent_inAnotherDirectory_isKnown() async throws {
    try await keep(cache())
    try FileManager.default.copyItem(atPath: "\(scratch)/tree", toPath: "\(scratch)/copy")
    let known = await isKnown(try await revision("copy"))
    XCTAssertTrue(known)
  }

  /// A tree that was unpacked.
  private func unpacked(_ name: String = "tree") async throws -> KernelTree {
    try FileManager.default.createDirectory(
      atPath: "\(scratch)/tree/virt", withIntermediateDirectories: true)
    _ = try await Command.run(
      "tar", ["-C", scratch, "-cf", "\(scratch)/\(name).tar", "tree"])
    return try await KernelStore(cacheDirectory: "\(scratch)/cache")
      .resolve("\(scratch)/\(name).tar")
  }

  private var keptTrees: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: results)) ?? [])
      .filter { $0.hasPrefix("tree-") }
  }

  func test_treeThatWasUnpacked_isKeptInShort_andKnownByItsContent() async throws {
    try await keep(cache())
    XCTAssertEqual(keptTrees, [])
    let tree = try await unpacked()
    XCTAssertTrue(tree.isPartial)
    for _ in 0..<2 {
      let known = await isKnown(Revision(alone: tree))
      XCTAssertTrue(known)
      XCTAssertEqual(keptTrees.count, 1)
    }
    let patch = PatchFile(
      name: "p", content: Data(replace("int f;", "int g;", in: "arch/x86/kvm/f.c").utf8))
    let patched = await isKnown(try await store.revision(tree: tree, patches: [patch]))
    XCTAssertFalse(patched)
    // What is not what was kept is made anew.
    try Data("0\n0\0".utf8).write(to: URL(fileURLWithPath: "\(results)/\(keptTrees[0])"))
    let again = await isKnown(Revision(alone: tree))
    XCTAssertTrue(again)
  }

  func test_otherTreeThatWasUnpacked_isNotKnown() async throws {
    try await keep(cache())
    _ = await isKnown(Revision(alone: try await unpacked()))
    try write(["#define H 2\n": "include/linux/h.h"], "tree")
    let other = await isKnown(Revision(alone: try await unpacked("other")))
    XCTAssertFalse(other)
    XCTAssertEqual(keptTrees.count, 2)
  }

  func test_changeOfWhatIsNotRead_isKnown() async throws {
    try await keep(cache())
    for change in [
      ["changed\n": "include/linux/other.h"], ["new\n": "include/linux/new.h"],
      ["#define H 2\n": "tools/h.h"],
    ] {
      try write(change, "tree")
      let known = await isKnown(try await revision())
      XCTAssertTrue(known, "\(change)")
    }
  }

  func test_changeOfAnythingThatIsRead_isNotKnown() async throws {
    try await keep(cache())
    for (name, change) in [
      "source": ["int g;\n": "arch/x86/kvm/f.c"], "header": ["#define H 2\n": "include/linux/h.h"],
      "header in the way": ["#define H 1\n": "arch/x86/include/linux/h.h"],
      "header for a stand-in": ["": "include/generated/version.h"],
      "file that was not there": ["": "include/asm-generic/Kbuild"],
      "version": ["VERSION = 10\n": "Makefile"],
    ] {
      try FileManager.default.copyItem(atPath: "\(scratch)/tree", toPath: "\(scratch)/\(name)")
      try write(change, name)
      let known = await isKnown(try await revision(name))
      XCTAssertFalse(known, name)
    }
    try FileManager.default.removeItem(atPath: "\(scratch)/tree/include/linux/h.h")
    let known = await isKnown(try await revision())
    XCTAssertFalse(known, "deleted")
  }

  func test_otherKshim_orSubject_isNotKnown() async throws {
    try await keep(cache())
    let revision = try await revision()
    let same = await isKnown(revision)
    let other = await isKnown(revision, identity: "l")
    let subject = await cache().known(of: "t", in: revision)
    XCTAssertTrue(same)
    XCTAssertFalse(other)
    XCTAssertNil(subject?.verdict)
  }

  func test_identity_changesWithEveryFileOfTheInstallation() async throws {
    let files = [
      "shims/include/a.h", "shims/runtime/a.c", "kernel-extract/subjects/a.yaml",
      "kernel-extract/glue/a.c", "kernel-extract/options/a", "kernel-extract/table.inc",
      "kernel-extract/runtime.inc",
    ]
    for file in files { try write(["1": file], "kshim") }
    let installation = Installation(root: "\(scratch)/kshim")
    var seen: Set<String> = [try await Fingerprint.identity(of: installation)]
    let again = try await Fingerprint.identity(of: installation)
    XCTAssertTrue(seen.contains(again))
    for file in files {
      try write(["2": file], "kshim")
      seen.insert(try await Fingerprint.identity(of: installation))
    }
    try write(["": "shims/include/b.h"], "kshim")
    seen.insert(try await Fingerprint.identity(of: installation))
    XCTAssertEqual(seen.count, files.count + 2)
  }

  func test_identity_changesWithAManifestFromElsewhere() async throws {
    let installation = Installation(root: scratch)
    var seen: Set<String> = [try await Fingerprint.identity(of: installation)]
    for (text, path) in [("1", "a/s.yaml"), ("2", "a/s.yaml"), ("2", "b/s.yaml")] {
      try write([text: path], "own")
      let added = try installation.adding(manifest: "\(scratch)/own/\(path)")
      seen.insert(try await Fingerprint.identity(of: added))
    }
    XCTAssertEqual(seen.count, 4)
  }

  /// A process of kshim finds what another one kept, however many threads either has, and whatever
  /// else it has loaded by then.
  func test_identity_isThatOfTheProgram_notOfTheMomentInItsLife() async throws {
    let installation = Installation(root: scratch)
    let before = try await Fingerprint.identity(of: installation)
    let held = DispatchSemaphore(value: 0)
    for _ in 0..<40 { Thread { held.wait() }.start() }
    defer { for _ in 0..<40 { held.signal() } }
    let loaded = dlopen("libanl.so.1", RTLD_NOW)
    defer { loaded.map { _ = dlclose($0) } }
    let later = try await Fingerprint.identity(of: installation)
    XCTAssertEqual(before, later)
  }

  func test_librariesThatCannotBeTold_areATrouble_notAnEmptyList() async throws {
    let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    let libraries = try await Fingerprint.libraries(of: own)
    XCTAssert(libraries.contains { $0.contains("/libc.so") }, "\(libraries)")
    XCTAssert(libraries.contains { $0.contains("/libFoundation.so") }, "\(libraries)")
    try write(["#!/bin/sh\n": "script"], "tree")
    let none = try await Fingerprint.libraries(of: "\(scratch)/tree/script")
    XCTAssertEqual(none, [])
    do {
      let found = try await Fingerprint.libraries(of: "\(scratch)/none")
      XCTFail("\(found)")
    } catch {}
  }

  func test_patched_isKnownByItsContent() async throws {
    try await keep(cache())
    let away = try await revision("tree", replace("#define H 1", "x", in: "include/linux/h.h"))
    let isAway = await isKnown(away)
    XCTAssertFalse(isAway)
    try write(["int g;\n": "arch/x86/kvm/f.c"], "tree")
    let back = try await revision("tree", replace("int g;", "int f;", in: "arch/x86/kvm/f.c"))
    let isBack = await isKnown(back)
    XCTAssertTrue(isBack)
  }

  // MARK: What is told

  func test_reused_isToldOfTheRevisionThatAsks() async throws {
    try await keep(cache())
    let patch = replace("other", "another", in: "include/linux/other.h")
    let found = await cache().known(of: subject, in: try await revision("tree", patch))
    let known = try XCTUnwrap(found).verdict
    XCTAssertEqual(known.exploration.reused, true)
    XCTAssertEqual(known.revision.kernel, "\(scratch)/tree")
    XCTAssertEqual(known.revision.patches.map(\.file), ["p"])
    XCTAssertEqual((known.findings + known.notes).map(\.introduced), [false, false])
    XCTAssertEqual(known.findings.map(\.message), verdict().findings.map(\.message))
  }

  func test_warningOnATouchedLine_isNotPassedOver() async throws {
    let place: [String: Any] = ["file": "include/linux/h.h", "line": 1]
    try await keep(cache(), reading(warnings: [place]))
    let plain = await isKnown(try await revision())
    XCTAssertTrue(plain)
    try write(["#define H 2\n": "include/linux/h.h"], "tree")
    let touching = replace("#define H 2", "#define H 1", in: "include/linux/h.h")
    let touched = await isKnown(try await revision("tree", touching))
    XCTAssertFalse(touched)
  }

  // MARK: Files

  func test_damagedEntry_isIgnoredAndRewritten() async throws {
    try await keep(cache())
    let files = try FileManager.default.contentsOfDirectory(atPath: results).sorted()
    XCTAssertEqual(files.map { $0.prefix(5) }, ["list-", "verdi"])
    for file in files {
      let path = "\(results)/\(file)"
      let whole = try XCTUnwrap(FileManager.default.contents(atPath: path))
      var flipped = whole
      flipped[flipped.count / 2] ^= 1
      for damage in [Data(), whole.dropLast(9), flipped, Data("{}\n{}".utf8)] {
        try damage.write(to: URL(fileURLWithPath: path))
        let known = await isKnown(try await revision())
        XCTAssertFalse(known, "\(file): \(damage.count) bytes")
      }
      try await keep(cache())
      let known = await isKnown(try await revision())
      XCTAssertTrue(known, file)
    }
    try write(["x": "list-foreign.json", "y": "readme"], "results")
    let known = await isKnown(try await revision())
    XCTAssertTrue(known)
  }

  func test_treeThatChangesDuringASearch_isNotKept() async throws {
    let cache = cache()
    let began = FileStamp.now()
    try write(["int g;\n": "arch/x86/kvm/f.c"], "tree")
    await cache.keep(verdict(), of: try await revision(), reading: try reading(), began: began)
    XCTAssertFalse(FileManager.default.fileExists(atPath: results))
  }

  func test_withoutADirectory_resultsLastAsLongAsTheCache() async throws {
    let cache = cache(kept: false)
    try await keep(cache)
    let known = await cache.known(of: subject, in: try await revision())
    XCTAssertNotNil(known?.verdict)
    XCTAssertFalse(FileManager.default.fileExists(atPath: results))
  }

  func test_directoryThatCannotBeWritten_isNoTrouble() async throws {
    try write(["": "results"], "")
    let cache = cache()
    try await keep(cache)
    let known = await cache.known(of: subject, in: try await revision())
    XCTAssertNotNil(known?.verdict)
  }

  func test_oldestEntries_go() async throws {
    for number in 0..<(ResultCache.most + 20) {
      try write(["\(number)": "old-\(number)"], "results")
    }
    for number in 0..<(ResultCache.most + 20) {
      var times = [
        timeval(tv_sec: number + 1, tv_usec: 0), timeval(tv_sec: number + 1, tv_usec: 0),
      ]
      utimes("\(results)/old-\(number)", &times)
    }
    try await keep(cache())
    let left = try FileManager.default.contentsOfDirectory(atPath: results)
    XCTAssertEqual(left.count, ResultCache.most * 9 / 10)
    XCTAssertFalse(left.contains("old-0"))
    let known = await isKnown(try await revision())
    XCTAssertTrue(known)
  }

  func test_manyAtOnce_doNotDisturbEachOther() async throws {
    try await Task.sleep(for: .milliseconds(60))
    let (revision, reading, verdict) = (try await revision(), try reading(), verdict())
    let caches = (0..<8).map { _ in cache() }
    let known = await withTaskGroup(of: Bool.self) { group in
      for cache in caches {
        group.addTask {
          await cache.keep(verdict, of: revision, reading: reading, began: FileStamp.now())
          return await cache.known(of: verdict.subject, in: revision) != nil
        }
      }
      return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    XCTAssertEqual(known, caches.count)
    let left = try FileManager.default.contentsOfDirectory(atPath: results)
    XCTAssertEqual(left.count, 2)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// A cache that somebody else has written to: nothing of it is believed, and a line says so.
final class ForgedCacheTests: EndToEndTestCase {
  private static let damage =
    "kshim: what the cache holds is damaged or not kshim's own, and is made"

  private var leak: [KernelEdit] {
    [
      KernelEdit(
        Self.mmu, in: "mmu_alloc_special_roots",
        .replace("free_page((unsigned long)pae_root);", with: ";"))
    ]
  }

  /// A cache of the test's own, with everybody's kernels.
  private func cache(builds: Bool) throws -> [String: String?] {
    let environment: [String: String?] =
      builds ? try cacheWithBuilds() : ["XDG_CACHE_HOME": emptyCache]
    let kernels = "\(emptyCache)/kshim/kernels"
    try FileManager.default.createDirectory(
      atPath: "\(emptyCache)/kshim", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: kernels, withDestinationPath: "\(store.cacheDirectory)/kernels")
    return environment
  }

  /// Names of what is kept, by how they begin.
  private func kept(_ directory: String, _ beginning: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory)
      .filter { $0.hasPrefix(beginning) }.sorted().map { "\(directory)/\($0)" }
  }

  private func change(_ path: String, _ body: (inout Data) throws -> Void) throws {
    var content = try XCTUnwrap(FileManager.default.contents(atPath: path))
    try body(&content)
    try content.write(to: URL(fileURLWithPath: path))
  }

  /// What is behind the first line.
  private func content(_ path: String) throws -> Data {
    let whole = try XCTUnwrap(FileManager.default.contents(atPath: path))
    let end = try XCTUnwrap(whole.firstIndex(of: UInt8(ascii: "\n")))
    return Data(whole[(end + 1)...])
  }

  /// A verdict that was kept, with nothing found.
  private func cleaned(_ content: Data) throws -> Data {
    // Of a request, two lines stand before it.
    let start = try XCTUnwrap(content.firstIndex(of: UInt8(ascii: "{")))
    var object = try XCTUnwrap(
      JSONSerialization.jsonObject(with: content[start...]) as? [String: Any])
    var verdict = object["verdict"] as? [String: Any] ?? object
    verdict["findings"] = [Any]()
    verdict["causes"] = [Any]()
    if object["verdict"] != nil { object["verdict"] = verdict } else { object = verdict }
    return try content[..<start] + JSONSerialization.data(withJSONObject: object)
  }

  func test_forgedResults_areNotBelieved() async throws {
    let tree = try await kernel()
    let environment = try cache(builds: true)
    let patch = try await patch("leak.patch", leak, of: tree)
    let results = "\(emptyCache)/kshim/results"
    func check(isForged: Bool, _ message: String) async throws {
      let ran = try await kshim(
        "check", "--kernel", tree.spec, "--patch", patch, environment: environment)
      XCTAssertEqual(ran.status, 1, "\(message): \(ran.output)\(ran.errors)")
      XCTAssert(ran.output.contains("introduced by the patch"), "\(message): \(ran.output)")
      let lines = ran.errors.split(separator: "\n")
      XCTAssertEqual(lines.count, isForged ? 1 : 0, "\(message): \(ran.errors)")
      XCTAssert(lines.allSatisfy { $0.hasPrefix(Self.damage) }, "\(message): \(ran.errors)")
    }
    try await check(isForged: false, "at first")
    // What a tree like the patched one would be told of, if it had the leak before.
    let found = try kept(results, "verdict-")
    XCTAssertEqual(found.count, 2)
    let withLeak = try XCTUnwrap(found.max { try content($0).count < content($1).count })

    let forgeries: [(String, (String) throws -> Void)] = [
      (
        "nothing found, by the old seal",
        { path in
          try self.change(path) { $0 = try $0.prefix(65) + self.cleaned(self.content(path)) }
        }
      ),
      (
        "nothing found, by a hash of anybody's",
        { path in
          let forged = try self.cleaned(self.content(path))
          try self.change(path) { $0 = Data("\(Digest.of(forged))\n".utf8) + forged }
        }
      ),
      (
        "the leak, as what the base has",
        { path in
          if path != withLeak {
            try self.change(path) { $0 = try Data(contentsOf: URL(fileURLWithPath: withLeak)) }
          }
        }
      ),
      ("half of it", { path in try self.change(path) { $0 = $0.prefix($0.count / 2) } }),
      ("a byte", { path in try self.change(path) { $0[$0.count / 2] ^= 1 } }),
    ]
    for (message, forge) in forgeries {
      // A request would be answered before anything else is looked at.
      for isWhole in [true, false] {
        let requests = try kept(results, "request-")
        if isWhole {
          for path in requests where path != withLeak { try forge(path) }
        } else {
          for path in requests { try FileManager.default.removeItem(atPath: path) }
          for path in found { try forge(path) }
        }
        if isWhole, message.hasPrefix("the leak") { continue }
        try await check(isForged: true, message)
      }
      try await check(isForged: false, message)
    }
  }

  func test_forgedBuilds_areMadeAnew() async throws {
    let tree = try await kernel()
    let environment = try cache(builds: false)
    let builds = "\(emptyCache)/kshim/builds"
    func check(_ count: Int, _ message: String) async throws {
      let ran = try await kshim(
        "check", "--kernel", tree.spec, "--function", "lib/argv_split.c:argv_split", "--no-cache",
        environment: environment)
      XCTAssertEqual(ran.status, 0, "\(message): \(ran.output)\(ran.errors)")
      let lines = ran.errors.split(separator: "\n")
      XCTAssertEqual(lines.count, count, "\(message): \(ran.errors)")
      XCTAssert(lines.allSatisfy { $0.hasPrefix(Self.damage) }, "\(message): \(ran.errors)")
    }
    try await check(0, "at first")
    for (ending, shell) in [
      // Times are set back.
      (
        ".pch",
        "touch -r \"$1\" \"$1.t\"; printf x | dd of=\"$1\" bs=1 seek=70000 conv=notrunc status=none; touch -r \"$1.t\" \"$1\"; rm \"$1.t\""
      ),
      (".json", "sed -i '2s/include/INCLUDE/' \"$1\""), (".h", "echo '#define KSHIM 1' >> \"$1\""),
      (".o", "printf x | dd of=\"$1\" bs=1 seek=7000 conv=notrunc status=none"),
      (
        ".digest",
        "{ tail -n +2 \"$1\" | sha256sum | cut -c1-64; tail -n +2 \"$1\"; } > \"$1.n\"; mv \"$1.n\" \"$1\""
      ),
      ("standins-", "mkdir -p \"$1/linux\"; echo '#error' > \"$1/linux/err.h\""),
    ] {
      let paths = try kept(builds, "").filter { $0.hasSuffix(ending) || $0.contains("/\(ending)") }
      XCTAssertFalse(paths.isEmpty, ending)
      for path in paths {
        let ran = try await Command.script(shell, [path], needs: ["dd"])
        XCTAssertEqual(ran.status, 0, ran.errorText)
      }
      try await check(1, ending)
    }
    try await check(0, "at last")
  }

  /// A kernel in the cache that somebody changed.
  func test_forgedKernel_isUnpackedAnew() async throws {
    let small = try await OwnKernel.directory(of: kernel())
    try await shell("tar -cf '\(scratch)/linux.tar' -C '\(small)' .", in: scratch)
    let spec = "\(scratch)/linux.tar"
    let environment = try cacheWithBuilds()
    let patch = try await patch("leak.patch", leak, of: kernel())
    let arguments = ["check", "--kernel", spec, "--patch", patch]
    let first = try await kshim(arguments, environment: environment)
    XCTAssertEqual(first.status, 1, first.output + first.errors)
    let kernels = "\(emptyCache)/kshim/kernels"
    let tree = try XCTUnwrap(try kept(kernels, "tarball-").first)
    for damage in [
      // A byte of a comment, with its time set back.
      "touch -r mm.h t; sed -i '1s/G/g/' mm.h; touch -r t mm.h; rm t", "rm -r ../../lib",
      ": > err.h",
      "rm ../../.kshim/seal", "ln -sf /dev/null list.h",
    ] {
      try await shell("cd '\(tree)/include/linux'; \(damage)", in: scratch)
      let ran = try await kshim(arguments, environment: environment)
      XCTAssertEqual(ran.status, 1, damage + ran.output + ran.errors)
      XCTAssertEqual(
        ran.errors,
        "kshim: \(spec) in the cache is damaged, or is not what kshim unpacked: it is unpacked anew\n",
        damage)
      XCTAssert(ran.output.contains("introduced by the patch"), damage + ran.output)
    }
    let again = try await kshim(arguments, environment: environment)
    XCTAssertEqual(again.status, 1)
    XCTAssertEqual(again.errors, "")
  }

  // MARK: Several at once

  func test_tenAtOnce_onAFreshCache_sayTheSame() async throws {
    let tree = try await kernel()
    let environment = try cache(builds: false)
    let patch = try await patch(
      "leak.patch",
      [
        KernelEdit("lib/argv_split.c", in: "argv_split", .delete("kfree(argv_str);"))
      ],
      of: tree)
    let arguments = [
      "check", "--kernel", tree.spec, "--patch", patch, "--jobs", "1", "--format", "checkpatch",
    ]
    let runs = try await withThrowingTaskGroup(of: Tool.Run.self) { group in
      for _ in 0..<10 {
        group.addTask { [scratch] in
          try await Tool.run(arguments, environment: environment, directory: scratch)
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    XCTAssertEqual(Set(runs.map(\.status)), [1])
    XCTAssertEqual(Set(runs.map(\.output)).count, 1)
    XCTAssertEqual(Set(runs.map(\.errors)), [""])
    XCTAssertEqual(Set(runs.map(\.left)), [[]])
    let later = try await kshim(arguments, environment: environment)
    XCTAssertEqual(later.output, runs[0].output)
    XCTAssertEqual(later.errors, "")
  }
}

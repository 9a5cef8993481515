// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource
import Reporting
import XCTest

@testable import Checking

/// When a verdict answers the same request again without a look at any content, and when it does not.
final class RequestTests: XCTestCase {
  private var scratch = ""
  private let store = KernelStore()
  private let reading = """
    {"files": ["arch/x86/kvm/f.c", "include/asm-generic/Kbuild", "include/linux/h.h"],
     "names": ["h.h", "version.h"], "roots": ["arch/x86", "include"], "warnings": []}
    """
  private let tools = "\nint a;\nint t;\nint b;\n"
  private let patch =
    "--- a/tools/t.h\n+++ b/tools/t.h\n@@ -2,3 +2,3 @@\n int a;\n-int t;\n+int u;\n int b;\n"

  override func setUpWithError() throws {
    scratch =
      FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("kshim-request-\(UUID().uuidString)").path
    try write("tree")
  }

  override func tearDownWithError() throws {
    try FileManager.default.removeItem(atPath: scratch)
  }

  private var results: String { "\(scratch)/results" }

  private func write(_ text: String, _ path: String) throws {
    let url = URL(fileURLWithPath: "\(scratch)/\(path)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private func write(_ tree: String) throws {
    for (file, text) in [
      "Makefile": "VERSION = 9\n", "arch/x86/kvm/f.c": "int f;\n", "tools/t.h": tools,
      "include/linux/h.h": "#define H 1\n", "include/linux/other.h": "other\n",
    ] { try write(text, "\(tree)/\(file)") }
  }

  private func request(
    _ tree: String = "tree", subject: String = "s", name: String = "p", patch: String? = nil,
    take: Int? = nil
  ) -> Request {
    Request(
      subject: subject, kernel: "\(scratch)/\(tree)", directory: "\(scratch)/\(tree)",
      patches: [.init(name: name, content: Data((patch ?? self.patch).utf8))], take: take)
  }

  private func cache(_ identity: String = "k") -> ResultCache {
    ResultCache(
      directory: results, installation: Installation(root: scratch), identity: identity)
  }

  private func verdict(exhaustive: Bool = true) -> Verdict {
    Verdict(
      revision: .init(kernel: "here", version: "9", patches: [.init(file: "p", subject: nil)]),
      subject: "s",
      findings: [
        .init(
          property: "leak", function: "f", file: "arch/x86/kvm/f.c", line: 1, introduced: true,
          message: "m", scenario: "", failing: 1, trace: [])
      ], causes: [], notes: [],
      exploration: .init(scenarios: 1, seconds: 0.1, exhaustive: exhaustive), properties: [])
  }

  /// - Parameter during: what happens after the request, before the verdict is kept.
  private func keep(
    _ tree: String = "tree", patch: String? = nil, exhaustive: Bool = true,
    during: () throws -> Void = {}
  ) async throws {
    try await Task.sleep(for: .milliseconds(60))
    let request = request(tree, patch: patch)
    let revision = try await store.revision(
      tree: store.resolve("\(scratch)/\(tree)"),
      patches: [PatchFile(name: "p", content: Data((patch ?? self.patch).utf8))])
    try during()
    let verdict = verdict(exhaustive: exhaustive)
    await cache().keep(
      .init(
        verdict: verdict,
        parts: [
          .init(
            revision: revision, verdict: verdict,
            reading: try JSONDecoder().decode(Reading.self, from: Data(reading.utf8)), began: nil)
        ]), as: request)
  }

  private func isKnown(_ request: Request, identity: String = "k") async -> Bool {
    await cache(identity).verdict(of: request) != nil
  }

  func test_sameRequest_getsTheVerdictAsItWasTold() async throws {
    try await keep()
    var told = verdict()
    told.exploration.reused = true
    let known = await cache().verdict(of: request())
    XCTAssertEqual(known, told)
  }

  func test_otherRequest_isNotKnown() async throws {
    try await keep()
    try write("again")
    for (name, other) in [
      "patch": request(patch: patch.replacing("int u", with: "int v")), "name": request(name: "q"),
      "part": request(take: 1), "subject": request(subject: "t"), "kernel": request("again"),
    ] {
      let known = await isKnown(other)
      XCTAssertFalse(known, name)
    }
    let other = await isKnown(request(), identity: "l")
    XCTAssertFalse(other)
  }

  func test_anyTouch_isSeen() async throws {
    let files = FileManager.default
    func write(_ text: String, _ file: String) -> (String) throws -> Void {
      { try self.write(text, "\($0)/\(file)") }
    }
    func touch(_ file: String) -> (String) throws -> Void {
      { XCTAssertEqual(utimes("\(self.scratch)/\($0)/\(file)", nil), 0) }
    }
    for (name, change) in [
      "source": write("int g;\n", "arch/x86/kvm/f.c"),
      "header": write("#define H 2\n", "include/linux/h.h"),
      "same content": touch("include/linux/h.h"),
      "header in the way": write("", "arch/x86/include/linux/h.h"),
      "file that was not there": write("", "include/asm-generic/Kbuild"),
      "version": write("VERSION = 8\n", "Makefile"),
      "patched": write("int s;\n" + tools, "tools/t.h"),
      "partial": write("", ".kshim.json"),
      "deleted": { try files.removeItem(atPath: "\(self.scratch)/\($0)/include/linux/h.h") },
      "replaced": {
        let file = "\(self.scratch)/\($0)/include/linux/h.h"
        try files.copyItem(atPath: file, toPath: "\(self.scratch)/copy")
        XCTAssertEqual(rename("\(self.scratch)/copy", file), 0)
      },
      "directory that became a link": {
        let directory = "\(self.scratch)/\($0)/tools"
        try files.moveItem(atPath: directory, toPath: "\(directory)-moved")
        try files.createSymbolicLink(atPath: directory, withDestinationPath: "tools-moved")
      },
    ] as [String: (String) throws -> Void] {
      try self.write(name)
      try await keep(name)
      let before = await isKnown(request(name))
      XCTAssertTrue(before, name)
      try change(name)
      let after = await isKnown(request(name))
      XCTAssertFalse(after, name)
    }
  }

  func test_changeOfWhatIsNotRead_isNotLookedFor() async throws {
    try await keep()
    try write("changed\n", "tree/include/linux/other.h")
    try write("#define H 2\n", "tree/lib/h.h")
    let known = await isKnown(request())
    XCTAssertTrue(known)
  }

  func test_linkThatLeadsElsewhere_isSeen() async throws {
    let header = "\(scratch)/tree/include/linux/h.h"
    try FileManager.default.moveItem(atPath: header, toPath: "\(scratch)/h.h")
    try FileManager.default.createSymbolicLink(
      atPath: header, withDestinationPath: "\(scratch)/h.h")
    try await keep()
    let before = await isKnown(request())
    XCTAssertTrue(before)
    try write("#define H 2\n", "h.h")
    let after = await isKnown(request())
    XCTAssertFalse(after)
  }

  func test_touchDuringACheck_keepsNothing() async throws {
    let files = FileManager.default
    try await keep { try self.write("int g;\n", "tree/arch/x86/kvm/f.c") }
    XCTAssertFalse(files.fileExists(atPath: results))
    for gone in ["include/linux/h.h", "tools", "Makefile"] {
      try await keep { try files.removeItem(atPath: "\(self.scratch)/tree/\(gone)") }
      XCTAssertFalse(files.fileExists(atPath: results), gone)
      try write("tree")
    }
  }

  func test_whatIsToldBesideAVerdict_isNotKept() async throws {
    try await keep(exhaustive: false)
    try write("\n" + tools, "tree/tools/t.h")
    try await keep()
    XCTAssertFalse(FileManager.default.fileExists(atPath: results), "fitted at another line")
  }

  func test_oldestFiles_go() async throws {
    for number in 0..<ResultCache.most {
      try write("", "results/old-\(number)")
      var times = [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]
      utimes("\(results)/old-\(number)", &times)
    }
    try await keep()
    let left = try FileManager.default.contentsOfDirectory(atPath: results)
    XCTAssertEqual(left.count, ResultCache.most * 9 / 10)
    let known = await isKnown(request())
    XCTAssertTrue(known)
  }

  func test_damagedOrRemovedFile_isNoAnswer_andIsWrittenAgain() async throws {
    try await keep()
    let files = try FileManager.default.contentsOfDirectory(atPath: results).sorted()
    XCTAssertEqual(files.map { $0.prefix(7) }, ["places-", "request"])
    for file in files {
      let path = "\(results)/\(file)"
      let whole = try XCTUnwrap(FileManager.default.contents(atPath: path))
      var flipped = whole
      flipped[flipped.count / 2] ^= 1
      for damage in [Data(), whole.dropLast(9), flipped, nil] {
        try? FileManager.default.removeItem(atPath: path)
        try damage?.write(to: URL(fileURLWithPath: path))
        let known = await isKnown(request())
        XCTAssertFalse(known, file)
        try await keep()
        let again = await isKnown(request())
        XCTAssertTrue(again, file)
      }
    }
  }
}

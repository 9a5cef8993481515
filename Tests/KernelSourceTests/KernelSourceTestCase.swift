// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import XCTest

@testable import KernelSource

/// A test with a directory of its own and small made-up trees in it. What is temporary lies there
/// too: other tests run beside this one, and what they leave for a moment is not this one's.
class KernelSourceTestCase: XCTestCase {
  /// Absolute, without symbolic links; gone after the test.
  private(set) var scratch = ""
  private var oldTemporary: String?

  override func setUpWithError() throws {
    scratch = realPath(NSTemporaryDirectory()) + "/kshim-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: temporary, withIntermediateDirectories: true)
    oldTemporary = ProcessInfo.processInfo.environment["TMPDIR"]
    setenv("TMPDIR", temporary, 1)
  }

  override func tearDownWithError() throws {
    if let oldTemporary { setenv("TMPDIR", oldTemporary, 1) } else { unsetenv("TMPDIR") }
    try FileManager.default.removeItem(atPath: scratch)
  }

  var cache: String { "\(scratch)/cache" }
  var temporary: String { "\(scratch)/tmp" }
  var store: KernelStore { KernelStore(cacheDirectory: cache) }

  /// The lines of the file that the patches in these tests change.
  static let poem = (1...20).map { "line \($0)\n" }.joined()

  @discardableResult
  func write(_ path: String, _ text: String) throws -> String {
    let file = "\(scratch)/\(path)"
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: file, atomically: false, encoding: .utf8)
    return file
  }

  /// Makes a tree that passes for a kernel, and returns its absolute path.
  @discardableResult
  func makeTree(_ name: String, version: String = "9") throws -> String {
    let makefile = """
      # A made-up tree
      VERSION = \(version)
      PATCHLEVEL = 4
      SUBLEVEL = 0
      EXTRAVERSION = -rc2
      NAME = Test

      """
    try write("\(name)/Makefile", makefile)
    try write("\(name)/Kbuild", "# nothing\n")
    try write("\(name)/arch/x86/poem.txt", Self.poem)
    try write("\(name)/arch/x86/short.txt", "one\ntwo\n")
    try write("\(name)/arch/arm/other.txt", "other\n")
    try write("\(name)/include/head.txt", "head\n")
    try write("\(name)/tools/include/tool.txt", "tool\n")
    try write("\(name)/tools/arch/x86/tool.txt", "tool\n")
    try write("\(name)/virt/guest.txt", "guest\n")
    return "\(scratch)/\(name)"
  }

  /// A name that takes more than a tar member's header has room for.
  static let longName = String(repeating: "long", count: 30) + ".txt"

  /// Adds folders to a tree that are not unpacked by themselves.
  func makeMore(_ name: String) async throws {
    try write("\(name)/drivers/Makefile", "obj-y\n")
    try write("\(name)/drivers/base/core.txt", Self.poem)
    try write("\(name)/drivers/base/empty.txt", "")
    try write("\(name)/drivers/base/power/main.txt", "power\n")
    try write("\(name)/drivers/base/\(Self.longName)", "long\n")
    try write("\(name)/drivers/baseline.txt", "no\n")
    try write("\(name)/fs/namei.txt", "namei\n")
    try write("\(name)/fs/ext4/inode.txt", "inode\n")
    try write("\(name)/fs/a [b]*.txt", "strange\n")
    try write("\(name)/kernel/fork.sh", "fork\n")
    try write("\(name)/MAINTAINERS", "nobody\n")
    try await shell(
      """
      cd '\(name)'; seq 5000 > fs/large.txt; seq 3000 > drivers/net.txt; chmod 755 kernel/fork.sh
      ln -sf ../fs/namei.txt kernel/link.txt
      """)
  }

  /// Runs a bash script in the test's directory; it has to succeed.
  @discardableResult
  func shell(_ script: String) async throws -> String {
    let result = try await Command.script(
      "set -eu\n" + script, [], needs: [],
      environment: [
        "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example",
        "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example",
      ], directory: scratch)
    XCTAssertEqual(result.status, 0, result.errorText)
    return result.outputText
  }

  /// Every file and directory below `directory`, with its content's bytes.
  func snapshot(_ directory: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for case let name as String in FileManager.default.enumerator(atPath: directory) ?? .init() {
      files[name] = FileManager.default.contents(atPath: "\(directory)/\(name)") ?? Data()
    }
    return files
  }

  /// What is in a directory, locks apart.
  func names(in directory: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.filter { !$0.hasPrefix(".lock-") }.sorted()
  }

  /// Expects a failure, and returns it.
  func failure<Value>(
    _ kind: Failure.Kind, file: StaticString = #filePath, line: UInt = #line,
    _ body: () async throws -> Value
  ) async throws -> Failure {
    do {
      let value = try await body()
      XCTFail("no failure but \(value)", file: file, line: line)
    } catch let error as Failure {
      XCTAssertEqual(error.kind, kind, error.description, file: file, line: line)
      return error
    }
    throw XCTSkip("there was no failure")
  }
}

/// Lines that a progress closure was called with, from any thread.
final class Progress: @unchecked Sendable {
  private let lock = NSLock()
  private var stored: [String] = []

  var lines: [String] { lock.withLock { stored } }
  /// What begins, without how far it is: a slow machine tells more of that.
  var steps: [String] { lines.filter { !$0.contains("/s") } }

  @Sendable func add(_ line: String) { lock.withLock { stored.append(line) } }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// A test that runs the built tool, with a directory of its own.
class EndToEndTestCase: XCTestCase {
  static let mmu = "arch/x86/kvm/mmu/mmu.c"

  /// Absolute, without symbolic links; gone after the test.
  private(set) var scratch = ""

  let store = KernelStore()

  override func setUpWithError() throws {
    scratch =
      FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("kshim-e2e-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
  }

  override func tearDownWithError() throws {
    try FileManager.default.removeItem(atPath: scratch)
  }

  /// The package's top directory.
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  /// Runs the tool; whatever it is asked, nothing may be left in its temporary directory.
  func kshim(
    _ arguments: String..., environment: [String: String?] = [:], input: String? = nil,
    wrapper: [String] = [], file: StaticString = #filePath, line: UInt = #line
  ) async throws -> Tool.Run {
    try await kshim(
      arguments, environment: environment, input: input, wrapper: wrapper, file: file, line: line)
  }

  func kshim(
    _ arguments: [String], environment: [String: String?] = [:], input: String? = nil,
    wrapper: [String] = [], file: StaticString = #filePath, line: UInt = #line
  ) async throws -> Tool.Run {
    let ran = try await Tool.run(
      arguments, environment: environment, input: input, directory: scratch, wrapper: wrapper)
    XCTAssertEqual(ran.left, [], "\(arguments) leaves files behind", file: file, line: line)
    return ran
  }

  /// A kernel; where its suite no longer carries one that is not required, the test is skipped.
  func kernel(_ spec: String = "debian:6.12", required: Bool = true) async throws -> KernelTree {
    if !required, let reason = try await store.reasonUnavailable(spec) {
      throw XCTSkip("\(spec): \(reason)")
    }
    return try await store.resolve(spec)
  }

  /// Writes a file into the test's directory, and returns its path.
  @discardableResult
  func write(_ text: String, _ name: String) throws -> String {
    let path = "\(scratch)/\(name)"
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    return path
  }

  /// Writes the edits as a patch into the test's directory, and returns its path.
  func patch(_ name: String, _ edits: [KernelEdit], of tree: KernelTree) async throws -> String {
    let patch = try await KernelEdit.patch(edits, of: tree, name: name)
    let path = try write("", name)
    try patch.content.write(to: URL(fileURLWithPath: path))
    return path
  }

  /// A copy of a kernel that the test may spoil.
  func copy(of tree: KernelTree) async throws -> String {
    let directory = "\(scratch)/linux"
    try await OwnKernel.copy(of: tree, to: directory)
    return directory
  }

  /// A git repository of a kernel that the test may spoil: one commit on `main`, tagged `base`, that a
  /// user's tree would have. Returns its directory.
  func repository(of tree: KernelTree) async throws -> String {
    let environment = Self.gitEnvironment
    let small = try await OwnKernel.directory(of: tree)
    let made = try await TestStore.directory("repository", of: [small]) { path in
      let ran = try await Command.script(
        """
        set -eu
        cp -r --reflink=auto "$1/." .
        git init -q -b main .; git config gc.auto 0; git config core.looseCompression 0
        git add -f .; git commit -q -m import; git tag base; git repack -adq --window=0
        """, [small], needs: ["git"], environment: environment, directory: path)
      guard ran.succeeded else { throw POSIXError(.EIO) }
    }
    let directory = "\(scratch)/linux"
    try await shell(
      """
      git clone -q --no-hardlinks '\(made)' linux; cd linux
      git remote remove origin; git config gc.auto 0
      """, in: scratch)
    return directory
  }

  func verdict(_ ran: Tool.Run, file: StaticString = #filePath, line: UInt = #line) throws
    -> Verdict
  {
    XCTAssertEqual(ran.errors, "", file: file, line: line)
    return try JSONDecoder().decode(Verdict.self, from: Data(ran.output.utf8))
  }

  /// One hash of all names and contents below a directory.
  func hash(_ directory: String) async throws -> String {
    let result = try await Command.script(
      "{ find . -type f -print0 | sort -z | xargs -0 sha256sum; find . -not -type f | sort; } | "
        + "sha256sum",
      [], needs: ["sha256sum"], directory: directory)
    XCTAssertEqual(result.status, 0, result.errorText)
    return result.outputText
  }

  /// What keeps git from this machine's configuration, and gives commits an author.
  static let gitEnvironment: [String: String?] = [
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_DIR": nil,
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example", "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example",
  ]

  /// Runs a script that calls git in a directory; its first failure is the test's.
  func shell(
    _ script: String, in directory: String, file: StaticString = #filePath, line: UInt = #line
  ) async throws {
    let ran = try await Command.script(
      "set -eu\n\(script)", [], needs: ["git"], environment: Self.gitEnvironment,
      directory: directory)
    XCTAssertEqual(ran.status, 0, "\(script): \(ran.errorText)", file: file, line: line)
  }
}

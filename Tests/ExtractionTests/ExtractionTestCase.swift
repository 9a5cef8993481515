// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Failures
import Foundation
import KernelSource
import TestSupport
import XCTest

/// A test with a directory of its own, that extracts from real kernels with the real tools.
class ExtractionTestCase: XCTestCase {
  static let subject = "kvm-mmu-roots"
  static let mmu = "arch/x86/kvm/mmu/mmu.c"
  static let special = "mmu_alloc_special_roots"

  /// Absolute, without symbolic links; gone after the test.
  private(set) var scratch = ""

  let store = KernelStore()
  let installation = Installation(root: ExtractionTestCase.root)

  /// The package's top directory.
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  override func setUpWithError() throws {
    scratch =
      FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("kshim-extraction-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
  }

  override func tearDownWithError() throws {
    try FileManager.default.removeItem(atPath: scratch)
  }

  var out: String { "\(scratch)/out" }

  /// A kernel; where its suite no longer carries one that is not required, the test is skipped.
  func kernel(_ spec: String = "debian:6.12", required: Bool = true) async throws -> KernelTree {
    if !required, let reason = try await store.reasonUnavailable(spec) {
      throw XCTSkip("\(spec): \(reason)")
    }
    return try await store.resolve(spec)
  }

  /// A copy of a kernel that the test may spoil.
  func copy(of tree: KernelTree) async throws -> KernelTree {
    let directory = "\(scratch)/linux"
    try await OwnKernel.copy(of: tree, to: directory)
    return try await store.resolve(directory)
  }

  func extract(
    _ tree: KernelTree, _ patches: [PatchFile] = [], installation: Installation? = nil,
    subject: String = ExtractionTestCase.subject
  ) async throws -> Extraction {
    let revision = try await store.revision(tree: tree, patches: patches)
    defer { revision.close() }
    return try await Extraction.extract(
      subject, from: revision, installation: installation ?? self.installation, into: out)
  }

  func extract(
    _ tree: KernelTree, _ edits: [KernelEdit], installation: Installation? = nil
  ) async throws -> Extraction {
    try await extract(tree, [KernelEdit.patch(edits, of: tree)], installation: installation)
  }

  /// kshim's own files, with a manifest that the test wrote.
  func installation(
    with manifest: String, named name: String = "made-up", services: String? = nil
  ) throws -> Installation {
    let root = "\(scratch)/kshim"
    let files = FileManager.default
    try? files.removeItem(atPath: root)
    try files.createDirectory(
      atPath: "\(root)/kernel-extract/subjects", withIntermediateDirectories: true)
    for folder in [
      "shims", "kernel-extract/glue", "kernel-extract/options", "kernel-extract/table.inc",
      "kernel-extract/runtime.inc",
    ] {
      try files.createSymbolicLink(
        atPath: "\(root)/\(folder)", withDestinationPath: "\(Self.root)/\(folder)")
    }
    let directory = "\(root)/kernel-extract/services"
    let subjects = "\(root)/kernel-extract/subjects"
    if let services {
      try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try Data(services.utf8).write(to: URL(fileURLWithPath: "\(directory)/own.yaml"))
    } else {
      try files.copyItem(atPath: "\(Self.root)/kernel-extract/services", toPath: directory)
      // What the target calls beyond the services.
      let own = "boundary:\n  set_memory_encrypted: {returns: [0]}\n"
      try Data(own.utf8).write(to: URL(fileURLWithPath: "\(directory)/own.yaml"))
    }
    try Data(manifest.utf8).write(to: URL(fileURLWithPath: "\(subjects)/\(name).yaml"))
    return Installation(root: root)
  }

  /// Expects a failure that leaves the output directory as it is, and returns it.
  func failure<Value>(
    _ kind: Failure.Kind, file: StaticString = #filePath, line: UInt = #line,
    _ body: () async throws -> Value
  ) async throws -> Failure {
    let before = try snapshot()
    do {
      _ = try await body()
    } catch let error as Failure {
      XCTAssertEqual(error.kind, kind, error.description, file: file, line: line)
      XCTAssertEqual(try snapshot(), before, "something is left behind", file: file, line: line)
      XCTAssertFalse(error.description.contains(".new-"), error.description, file: file, line: line)
      XCTAssertFalse(
        error.description.contains("kshim-revision"), error.description, file: file, line: line)
      for sentence in [error.cause, error.remedy] {
        XCTAssertFalse(sentence.isEmpty, file: file, line: line)
        XCTAssertFalse(sentence.contains("\n") || sentence.hasSuffix("."), sentence)
      }
      return error
    }
    XCTFail("there was no failure", file: file, line: line)
    throw Failure(.tool, asked: "", cause: "there was no failure", remedy: "")
  }

  /// What a failure may change in the test's directory.
  var changeable: Set = ["linux"]

  /// Everything else in the test's directory, by path.
  private func snapshot() throws -> [String: Data] {
    var files: [String: Data] = [:]
    let all = FileManager.default.enumerator(atPath: scratch)
    while let name = all?.nextObject() as? String {
      if changeable.contains(name) {
        all?.skipDescendants()
        continue
      }
      files[name] = FileManager.default.contents(atPath: "\(scratch)/\(name)") ?? Data()
    }
    return files
  }

  func lines(_ path: String) throws -> [Substring] {
    try String(contentsOfFile: path, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// The number, from 1, of the first line with a text.
  func lineNumber(of text: String, in path: String) throws -> Int {
    try XCTUnwrap(lines(path).firstIndex { $0.contains(text) }, "\(path) lacks \(text)") + 1
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

@testable import Extraction

/// What the functions of one file share, and that it makes no difference.
final class SharedParseTests: ExtractionTestCase {
  private static let file = "lib/genalloc.c"
  private static let names = [
    "gen_pool_create", "gen_pool_add_owner", "gen_pool_destroy", "devm_gen_pool_create",
  ]

  /// The unit of a function, without where it was made.
  private static func unit(
    _ name: String, _ revision: Revision, _ installation: Installation, in scratch: String,
    sharing files: SourceFiles
  ) async throws -> String {
    let directory = "\(scratch)/\(UUID().uuidString)"
    _ = try await Extraction.extract(
      "\(file):\(name)", from: revision, installation: installation, sharing: files,
      as: .object(counting: false), into: directory)
    return try String(contentsOfFile: "\(directory)/unit.c", encoding: .utf8)
  }

  private func unit(
    _ name: String, _ revision: Revision, sharing files: SourceFiles
  ) async throws -> String {
    try await Self.unit(name, revision, installation, in: scratch, sharing: files)
  }

  func test_functionsOfAFile_areParsedOnce_andAreAsAlone() async throws {
    let tree = try await store.need(["lib"], of: kernel())
    let revision = try await store.revision(tree: tree, patches: [])
    let files = SourceFiles(isKeeping: true)
    let (installation, scratch) = (installation, scratch)
    let shared = try await withThrowingTaskGroup(of: (String, String).self) { group in
      for name in Self.names {
        group.addTask {
          (name, try await Self.unit(name, revision, installation, in: scratch, sharing: files))
        }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    XCTAssertEqual(files.parses, 1)
    for name in Self.names {
      let own = SourceFiles()
      let alone = try await unit(name, revision, sharing: own)
      XCTAssertEqual(shared[name], alone, name)
      XCTAssertEqual(own.parses, 1)
    }
    files.forget(Self.file)
    _ = try await unit(Self.names[0], revision, sharing: files)
    XCTAssertEqual(files.parses, 2)
  }

  func test_revisions_haveTheirOwn() async throws {
    let tree = try await store.need(["lib"], of: kernel())
    let patch = try await KernelEdit.patch(
      [KernelEdit(Self.file, in: Self.names[0], .insertAfter("{", "\t/* kshim */"))], of: tree)
    let (base, patched) = (
      try await store.revision(tree: tree, patches: []),
      try await store.revision(tree: tree, patches: [patch])
    )
    defer { patched.close() }
    let files = SourceFiles(isKeeping: true)
    for name in Self.names.prefix(2) {
      let (old, new) = (
        try await unit(name, base, sharing: files), try await unit(name, patched, sharing: files)
      )
      XCTAssertFalse(old.contains("/* kshim */"))
      XCTAssertEqual(new.contains("/* kshim */"), name == Self.names[0])
    }
    XCTAssertEqual(files.parses, 2)
  }
}

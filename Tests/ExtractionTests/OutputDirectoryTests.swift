// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource
import XCTest

@testable import Extraction

/// The output directory appears whole or stays as it was, and is never somebody else's.
final class OutputDirectoryTests: ExtractionTestCase {
  private func write(_ path: String) throws {
    let url = URL(fileURLWithPath: path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("x".utf8).write(to: url)
  }

  private func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  func test_discarded_leavesNeitherItselfNorItsParents() throws {
    let output = try OutputDirectory("\(scratch)/a/b/out", asked: "test")
    try write("\(output.work)/unit.c")
    output.discard()
    XCTAssertEqual(try names(scratch), [])
  }

  func test_committed_isThereUnderItsNameOnly() throws {
    for _ in 1...2 {
      let output = try OutputDirectory("\(scratch)/a/out/", asked: "test")
      XCTAssertEqual(output.path, "\(scratch)/a/out")
      let provenance = Provenance(
        subject: "s", kernel: "k", version: "1", tree: "/", patches: [], source: "a.c",
        functions: [], textSHA256: "", files: [:])
      try JSONEncoder().encode(provenance).write(
        to: URL(fileURLWithPath: "\(output.work)/provenance.json"))
      try output.commit()
      output.discard()
      XCTAssertEqual(try names("\(scratch)/a"), ["out"])
      XCTAssertEqual(try names("\(scratch)/a/out"), ["provenance.json"])
      try write("\(scratch)/a/out/pattern.so")
    }
  }

  func test_directoryWithOtherFiles_isRefusedAndKept() async throws {
    try write("\(scratch)/home/letter.txt")
    for path in ["\(scratch)/home", "\(scratch)/home/letter.txt"] {
      let error = try await failure(.request) { try OutputDirectory(path, asked: "test") }
      XCTAssertEqual(error.place, path)
    }
    XCTAssertEqual(try names("\(scratch)/home"), ["letter.txt"])
  }

  func test_whatAnEndedProcessLeft_isRemoved() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/true")
    try process.run()
    process.waitUntilExit()
    try write("\(scratch)/out.new-\(process.processIdentifier)-ABC/unit.c")
    try write("\(scratch)/out.new-1-ABC/unit.c")
    try write("\(scratch)/out.newer/unit.c")
    let output = try OutputDirectory("\(scratch)/out", asked: "test")
    output.discard()
    XCTAssertEqual(try names(scratch), ["out.new-1-ABC", "out.newer"])
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import XCTest

@testable import Extraction

/// How the linker's command is asked for.
final class LinkerTests: ExtractionTestCase {
  /// In a jail two names out of one process are the same, however random they should be: what is asked
  /// must not lie in a place that others use too.
  func test_twoAtOnce_askInTheirOwnPlaces() async throws {
    let temporary = ProcessInfo.processInfo.environment["TMPDIR"]
    defer {
      if let temporary { setenv("TMPDIR", temporary, 1) } else { unsetenv("TMPDIR") }
    }
    // Nothing can be made there.
    try Data().write(to: URL(fileURLWithPath: "\(scratch)/file"))
    setenv("TMPDIR", "\(scratch)/file", 1)
    let commands = try await withThrowingTaskGroup(of: [String].self) { group in
      for number in 0..<2 {
        var own = installation
        own.cache = "\(scratch)/\(number)"
        let linker = Linker(
          installation: own, options: .searching(counting: true), scratch: "\(scratch)/\(number).o")
        group.addTask { try await linker.command }
      }
      return try await group.reduce(into: [[String]]()) { $0.append($1) }
    }
    XCTAssertEqual(commands[0], commands[1])
    XCTAssert(commands[0].contains("/unit.o") && commands[0].contains("/output.so"))
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: scratch).sorted(), ["0", "1", "file"])
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import TestSupport
import XCTest

/// The commands that judge nothing, and the help.
final class CommandTests: EndToEndTestCase {
  func test_kernelsPath_printsADirectoryWithAKernel() async throws {
    let tree = try await kernel()
    let ran = try await kshim("kernels", "path", "debian:6.12")
    XCTAssertEqual(ran.status, 0)
    XCTAssertEqual(ran.output, tree.directory + "\n")
    XCTAssertEqual(ran.errors, "")
  }

  func test_kernelsList_namesWhatCanBeHadAndWhatIsThere() async throws {
    let tree = try await kernel()
    for arguments in [["kernels", "list"], ["kernels"]] {
      let ran = try await kshim(arguments)
      XCTAssertEqual(ran.status, 0)
      XCTAssertEqual(ran.errors, "")
      let lines = ran.output.split(separator: "\n")
      for version in ["5.10", "6.1", "6.12", "7.2", "7.3"] {
        XCTAssert(lines.contains { $0.hasPrefix("debian:\(version) ") }, ran.output)
      }
      let line = try XCTUnwrap(lines.first { $0.hasPrefix("debian:6.12 ") })
      XCTAssert(line.contains(tree.version) && line.hasSuffix(tree.directory), String(line))
    }
    let empty = try await kshim("kernels", "list", environment: ["XDG_CACHE_HOME": emptyCache])
    XCTAssertEqual(empty.status, 0)
    XCTAssert(empty.output.contains("not fetched"), empty.output)
    XCTAssertFalse(FileManager.default.fileExists(atPath: emptyCache))
  }

  func test_subjects_areListedWithTheirTargets() async throws {
    let ran = try await kshim("subjects")
    XCTAssertEqual(ran.status, 0)
    XCTAssertEqual(ran.errors, "")
    XCTAssert(ran.output.hasPrefix("kvm-mmu-roots  "), ran.output)
    for target in [
      Defect.special, Defect.shadow, Defect.direct, Defect.freePages, Defect.create,
      Defect.freeRoots,
    ] {
      XCTAssert(ran.output.contains("  \(target)()\n"), ran.output)
    }
  }

  func test_version_isOneLine() async throws {
    let ran = try await kshim("--version")
    XCTAssertEqual(ran.status, 0)
    XCTAssertNotNil(ran.output.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+\n/), ran.output)
    XCTAssertEqual(ran.errors, "")
  }

  /// Every command there is, and those below it.
  private func commands(below parent: [String] = []) async throws -> [[String]] {
    let help = try await kshim(parent + ["--help"]).output
    guard let list = help.firstRange(of: "SUBCOMMANDS:\n") else { return [parent] }
    let names = help[list.upperBound...].split(separator: "\n")
      .compactMap { $0.wholeMatch(of: #/  ([a-z]+)( .*)?/#)?.1 }.map(String.init)
    var found = [parent]
    for name in names { found += try await commands(below: parent + [name]) }
    return found
  }

  func test_help_ofEachCommand_hasAnExample_andFits80Columns() async throws {
    let commands = try await commands()
    for command in ["check", "compare", "replay", "mutate", "extract", "init", "explain"] {
      XCTAssert(commands.contains([command]), "\(commands)")
    }
    XCTAssert(commands.contains(["kernels", "prune"]), "\(commands)")
    for command in commands {
      // Whoever's terminal it is.
      let ran = try await kshim(command + ["--help"], environment: ["COLUMNS": "200"])
      XCTAssertEqual(ran.status, 0, "\(command)")
      XCTAssertEqual(ran.errors, "", "\(command)")
      XCTAssert(ran.output.contains("USAGE: "), "\(command)")
      XCTAssertNotNil(
        ran.output.firstMatch(of: #/\nExamples:\n  (cd \$\()?kshim /#), "\(command)")
      for line in ran.output.split(separator: "\n") {
        XCTAssertLessThanOrEqual(line.count, 80, "\(command): \(line)")
      }
    }
  }

  func test_replay_ofTheScenarioInItsHelp_printsATraceAndBreaksNothing() async throws {
    let help = try await kshim("replay", "--help")
    let scenario = try XCTUnwrap(help.output.firstMatch(of: /[a-z_]+:[a-z0-9=,]+:[a-z0-9.-]+/))
    let ran = try await kshim("replay", "--kernel", "debian:6.12", String(scenario.output))
    XCTAssertEqual(ran.status, 0, ran.errors)
    XCTAssertEqual(ran.errors, "")
    let lines = ran.output.split(separator: "\n")
    XCTAssert(lines.first?.hasSuffix("free_mmu_pages  enter") ?? false, ran.output)
    XCTAssertEqual(lines.count { $0.contains("  free ") }, 3, ran.output)
    XCTAssertEqual(lines.last, "no property is broken", ran.output)
  }
}

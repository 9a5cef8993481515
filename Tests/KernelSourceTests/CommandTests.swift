// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KernelSource

final class CommandTests: KernelSourceTestCase {
  func test_run_givesStatusOutputAndErrors() async throws {
    let result = try await Command.run(
      "bash", ["-c", "cat; echo bad >&2; exit 7"], input: Data("in".utf8))
    XCTAssertEqual(result.status, 7)
    XCTAssertEqual(result.outputText, "in")
    XCTAssertEqual(result.errorLines, ["bad"])
  }

  func test_run_signal_countsAsAShellDoes() async throws {
    let result = try await Command.run("bash", ["-c", "kill -TERM $$"])
    XCTAssertEqual(result.status, 128 + 15)
  }

  func test_run_environmentAndDirectory() async throws {
    let result = try await Command.run(
      "bash", ["-c", "echo ${HOME-none} $NEW $LC_ALL; pwd"],
      environment: ["HOME": nil, "NEW": "new"], directory: scratch)
    XCTAssertEqual(result.outputText, "none new C\n\(scratch)\n")
  }

  func test_run_muchOutput_isWhole() async throws {
    let result = try await Command.run(
      "bash", ["-c", "head -c 3000000 /dev/zero; head -c 300000 /dev/zero >&2"])
    XCTAssertEqual(result.output.count, 3_000_000)
    XCTAssertEqual(result.errorText.utf8.count, 300_000)
  }

  func test_run_missingProgram_namesItsDebianPackage() async throws {
    let missing = try await failure(.tool) { try await Command.run("kshim-no-such-program") }
    XCTAssertEqual(missing.cause, "there is no kshim-no-such-program on PATH")
    let xz = try await failure(.tool) {
      try await Command.run("xz", environment: ["PATH": self.scratch])
    }
    XCTAssertTrue(xz.remedy.contains("xz-utils"), xz.remedy)
    let path = try await failure(.tool) { try await Command.run("/nowhere/git") }
    XCTAssertTrue(path.cause.contains("/nowhere/git"), path.cause)
  }

  func test_script_aFailingPartOfAPipeline_failsTheWhole() async throws {
    let result = try await Command.script("false | cat", [], needs: [])
    XCTAssertEqual(result.status, 1)
  }

  func test_script_argumentsNeedNoQuoting() async throws {
    let result = try await Command.script("printf %s \"$1\"", ["a 'b' $c"], needs: ["bash"])
    XCTAssertEqual(result.outputText, "a 'b' $c")
  }

  func test_inputThatNobodyReads_isNoError() async throws {
    let input = Data(repeating: 65, count: 8_000_000)
    let unread = try await Command.run("true", input: input)
    XCTAssertTrue(unread.succeeded)
    let read = try await Command.run("wc", ["-c"], input: input)
    XCTAssertEqual(read.outputText, "8000000\n")
  }
}

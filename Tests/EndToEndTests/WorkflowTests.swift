// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// kshim where the work happens: in a history, under `git bisect` and b4.
final class WorkflowTests: EndToEndTestCase {
  private var repository: String { "\(scratch)/linux" }

  private func git(
    _ arguments: String..., input: Data? = nil, file: StaticString = #filePath, line: UInt = #line
  ) async throws -> String {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let ran = try await Command.run(
      "git", ["-c", "gc.auto=0"] + arguments,
      environment: Self.gitEnvironment.merging(
        ["PATH": "\(Tool.products):\(path)", "KERNEL": nil, "KSHIM_ROOT": nil]
      ) { $1 }, directory: repository, input: input)
    XCTAssertEqual(
      ran.status, 0, "\(arguments): \(ran.outputText) \(ran.errorText)", file: file, line: line)
    return ran.outputText.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// A repository with a kernel and a commit for each title, the edits of some with it; each commit
  /// touches the subject's file. Returns the commits, the kernel as it was first.
  private func history(_ commits: [(title: String, edits: [KernelEdit])]) async throws -> [String] {
    _ = try await self.repository(of: kernel())
    let source = "\(repository)/\(Self.mmu)"
    var made = [try await git("rev-parse", "HEAD")]
    for (number, commit) in commits.enumerated() {
      var text = try String(contentsOfFile: source, encoding: .utf8)
      for edit in commit.edits { text = try edit.apply(to: text) }
      try "\(text)/* \(number) */\n".write(toFile: source, atomically: false, encoding: .utf8)
      _ = try await git("commit", "-qam", commit.title)
      made.append(try await git("rev-parse", "HEAD"))
    }
    return made
  }

  func test_gitBisectRun_namesTheCommitWithTheDefect() async throws {
    let commits = try await history([
      ("One", []), ("Two", []), ("Return no error", Defect.e.edits), ("Four", []), ("Five", []),
    ])
    _ = try await git("bisect", "start", "HEAD", commits[0])
    let told = try await git("bisect", "run", "kshim", "check", "--kernel", ".", "--bisect")
    XCTAssert(told.contains("\(commits[3]) is the first bad commit"), told)
    let culprit = try await git("rev-parse", "refs/bisect/bad")
    XCTAssertEqual(culprit, commits[3])
  }

  /// docs/examples/b4-check gets what b4 hands over: a mail, in the top of the repository.
  func test_b4Check_judgesAPatchOfASeriesOnItsParent() async throws {
    let commits = try await history([
      ("One", []), ("Two: ä", Defect.c.edits), ("Three", []),
    ])
    let mail = try await git("format-patch", "--stdout", "-1", commits[2])
    let ran = try await Command.run(
      "sh", ["\(Self.root)/docs/examples/b4-check", "checkpatch"],
      environment: [
        "KSHIM": Tool.path, "TMPDIR": scratch, "KERNEL": nil, "KSHIM_ROOT": nil, "GIT_DIR": nil,
      ].merging(cacheWithBuilds(keepsResults: true)) { $1 }, directory: repository,
      input: Data(mail.utf8))
    XCTAssertEqual(ran.status, 1, ran.errorText)
    XCTAssertEqual(ran.errorText, "")
    let lines = ran.outputText.split(separator: "\n").filter { $0.contains("ERROR: ") }
    XCTAssertEqual(lines.count, 1, ran.outputText)
    XCTAssertNotNil(
      lines.first?.wholeMatch(of: /arch.*mmu\.c:[0-9]+: ERROR: .*\[allocation-set\]/),
      ran.outputText)
  }
}

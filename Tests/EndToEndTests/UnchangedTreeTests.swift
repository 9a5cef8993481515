// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// The user's directory and repository are the same after every command, to the byte.
final class UnchangedTreeTests: EndToEndTestCase {
  /// A user's work in progress: two commits, a change in the index, one beside it, a new file.
  private func userTree() async throws -> String {
    let directory = try await repository(of: kernel())
    try await shell(
      """
      echo '/* one */' >> arch/x86/kvm/cpuid.c; git commit -q -a -m one
      echo '/* two */' >> arch/x86/kvm/cpuid.c; git add arch/x86/kvm/cpuid.c
      echo '/* three */' >> arch/x86/kvm/x86.c; echo new > new.txt
      touch arch/x86/kvm/lapic.c; chmod 600 arch/x86/kvm/pmu.c
      """, in: directory)
    return directory
  }

  /// Name, kind, mode, size and times of all that is in a directory, `.git` too: nobody writes without
  /// a new time of change. Then what git says of it, without letting it refresh its index.
  private func state(_ directory: String) async throws -> String {
    let result = try await Command.script(
      """
      find . -printf '%p %y %m %s %T@ %C@ %l\\n' | sort
      GIT_OPTIONAL_LOCKS=0 git status --porcelain
      """, [], needs: ["git"], directory: directory)
    XCTAssertEqual(result.status, 0, result.errorText)
    return result.outputText
  }

  private func isUnchanged(
    _ directory: String, _ before: String, by arguments: [String], file: StaticString = #filePath,
    line: UInt = #line
  ) async throws {
    let after = try await state(directory)
    guard after != before else { return }
    let old = Set(before.split(separator: "\n"))
    let changed = after.split(separator: "\n").filter { !old.contains($0) }.prefix(5)
    XCTFail("\(arguments) changes \(Array(changed))", file: file, line: line)
  }

  func test_everyCommand_leavesDirectoryAndRepositoryAsTheyWere() async throws {
    let directory = try await userTree()
    let tree = try await store.resolve(directory)
    let patch = try await patch("c.patch", Defect.c.edits, of: tree)
    let before = try await state(directory)
    let content = try await hash(directory)
    let scenario =
      "mmu_alloc_special_roots:shadow=4,guest=3,direct=0,tdp=1,tables=none,me=0:gzp0.gzp0"
    let environment = try cacheWithBuilds()
    let pool = "\(Self.root)/Tests/Subjects/gen-pool/gen-pool.yaml"
    for (status, arguments) in [
      (0, ["check", "--kernel", directory]),
      (1, ["check", "--kernel", directory, "--patch", patch]),
      (1, ["check", "--kernel", directory, "--patch", patch, "--each-commit"]),
      (0, ["check", "--kernel", "\(directory)@base..", "--each-commit"]),
      (0, ["check", "--kernel", "\(directory)@base..main", "--each-commit"]),
      (0, ["compare", "--kernel", directory, "base", "base..main", "--manifest", pool]),
      (0, ["replay", "--kernel", directory, scenario]),
      (0, ["replay", "--kernel", "\(directory)@base..", scenario]),
      (0, ["extract", "--kernel", directory, "--patch", patch, "--into", "\(scratch)/out"]),
      (0, ["extract", "--kernel", "\(directory)@HEAD", "--into", "\(scratch)/out"]),
      (0, ["mutate", "--kernel", directory, "--patch", patch, "--list"]),
      (0, ["kernels", "path", directory]),
      (0, ["kernels", "path", "\(directory)@main"]),
      (2, ["check", "--kernel", "\(directory)@main..base"]),
    ] as [(Int32, [String])] {
      let ran = try await kshim(arguments, environment: environment)
      XCTAssertEqual(ran.status, status, "\(arguments): \(ran.errors)")
      try await isUnchanged(directory, before, by: arguments)
    }
    let after = try await hash(directory)
    XCTAssertEqual(after, content)
  }

  func test_twoChecksOfOneTreeAtOnce_sayWhatEachSaysAlone() async throws {
    let directory = try await copy(of: kernel())
    let tree = try await store.resolve(directory)
    let patches = [
      try await patch("c.patch", Defect.c.edits, of: tree),
      try await patch("e.patch", Defect.e.edits, of: tree),
    ]
    let before = try await hash(directory)
    let environment = try cacheWithBuilds()
    func check(_ patch: String) async throws -> Tool.Run {
      try await kshim(
        "check", "--kernel", directory, "--patch", patch, "--format", "json", "--jobs", "1",
        environment: environment)
    }
    async let left = Tool.run(
      [
        "check", "--kernel", directory, "--patch", patches[0], "--format", "json", "--jobs", "1",
      ], environment: environment)
    let right = try await check(patches[1])
    let together = [try await left, right]
    for (patch, ran) in zip(patches, together) {
      let alone = try await check(patch)
      XCTAssertEqual(ran.status, 1)
      XCTAssertEqual(ran.left, [])
      var (one, other) = (try verdict(ran), try verdict(alone))
      (one.exploration.seconds, other.exploration.seconds) = (0, 0)
      (one.exploration.reused, other.exploration.reused) = (nil, nil)
      XCTAssertEqual(one, other, patch)
      XCTAssert(one.findings.contains(where: \.introduced))
    }
    let after = try await hash(directory)
    XCTAssertEqual(after, before)
  }
}

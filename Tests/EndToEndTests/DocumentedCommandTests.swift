// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// Every command in README.md and docs/*.md is run, and prints what stands there.
final class DocumentedCommandTests: EndToEndTestCase {
  /// What no test can run, by how it begins, and why.
  private static let notRun: [(command: String, because: String)] = [
    ("make ", "builds kshim first; CI runs check, mutate, test and fuzz, DemoTests the demo"),
    ("git clone ADDRESS", "needs a network"),
    ("swift build", "builds what this test is a part of"),
    ("swift test", "is what this test is a part of"),
    ("b4 ", "needs a network, and a series that it prepared; WorkflowTests runs what it calls"),
    ("git config b4.", "is of no use without b4"),
    ("git bisect ", "WorkflowTests runs it"),
    ("tools/testing/kunit/kunit.py", "is the kernel's; TestFormatsTests reads what it would"),
    ("kshim check [--kernel K]", "says how a command is written"),
    ("kshim check --kernel ~/linux@v5.14.2..topic", "no Debian has that kernel; OwnTreeTests"),
    ("kshim compare debian:6.1 debian:6.12", "downloads a kernel; CompareTests"),
    ("kshim kernels prune", "removes kernels that other tests are using; PruneTests"),
    ("kshim mutate", "takes minutes; MutateTests"),
    ("kshim extract --kernel ~/linux --patch v2.patch", "replaces what the tests are linked with"),
    (
      "kshim extract --kernel ~/linux --function net/sctp",
      "replaces what the tests are linked with; PrintedTestTests"
    ),
    (
      "kshim extract --kernel ~/linux --function fs/fuse",
      "replaces what the tests are linked with; PrintedTestTests"
    ),
    (
      "kshim replay --kernel ~/linux --function fs/fuse",
      "its scenario is another kernel's; PrintedTestTests"
    ),
  ]

  private static func reason(_ command: DocumentedCommand) -> String? {
    notRun.first { command.text.hasPrefix($0.command) }?.because
  }

  /// Generated pages are held against what generates them elsewhere.
  private static let generated: Set = ["reference.md", "changelog.md"]

  private static func documents() throws -> [(file: String, text: String)] {
    let docs = try FileManager.default.contentsOfDirectory(atPath: "\(root)/docs").sorted()
      .filter { $0.hasSuffix(".md") && !generated.contains($0) }.map { "docs/\($0)" }
    return try (["README.md"] + docs).map {
      ($0, try String(contentsOfFile: "\(root)/\($0)", encoding: .utf8))
    }
  }

  private static func commands() throws -> [DocumentedCommand] {
    try documents().flatMap { DocumentedCommand.all(in: $0.text, file: $0.file) }
  }

  // MARK: Where they run

  private var home: String { "\(scratch)/home" }

  /// For v1.patch and v2.patch.
  private static let scenario =
    "mmu_alloc_special_roots:shadow=4,guest=3,direct=0,tdp=1,tables=none,me=0:gzp1.gzp0.gzp0"

  private static let special = Defect.special
  /// The error path frees what it never allocated.
  private static let v1: [KernelEdit] = [
    Defect.edit(special, .replace("*pml4_root = NULL", with: "*pml4_root")),
    Defect.edit(special, .replace("return -ENOMEM", with: "goto err_pml5")),
  ]
  private static let sctp = [
    KernelEdit(
      "net/sctp/protocol.c", in: "sctp_v4_add_protocol", .delete("unregister_inetaddr_notifier"))
  ]

  /// A user's directory: a tree in `linux`, with a branch `topic` of two commits, and all the files that
  /// the documents name.
  private func makeHome() async throws {
    let tree = try await store.need(["net/sctp", "drivers/base"], of: kernel())
    let made = try await TestStore.directory(
      "documented", of: [TestStore.part(of: tree), "\(Self.v1)"]
    ) { path in
      let copied = try await Command.script(
        #"""
        set -eu
        cp -r "$1/." .; rm -rf .kshim .kshim.json
        git init -q -b master .; git config gc.auto 0; git config core.looseCompression 0
        git add -f .; git commit -q -m 'Linux'; git tag v6.12; git tag v6.1; git checkout -q -b topic
        """#, [tree.directory], needs: ["git"], environment: Self.gitEnvironment, directory: path)
      guard copied.succeeded else { throw POSIXError(.EIO) }
      let source = "\(path)/\(Self.mmu)"
      let before = try String(contentsOfFile: source, encoding: .utf8)
      let after = try Self.v1.reduce(before) { try $1.apply(to: $0) }
      for (text, title) in [(after, "KVM: x86/mmu: Free less"), (before, "KVM: x86/mmu: Mend it")] {
        try text.write(toFile: source, atomically: false, encoding: .utf8)
        let committed = try await Command.run(
          "git", ["commit", "-qam", title], environment: Self.gitEnvironment, directory: path)
        guard committed.succeeded else { throw POSIXError(.EIO) }
      }
    }
    try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
    try await shell("cp -al '\(made)' linux 2>/dev/null || cp -r '\(made)' linux", in: home)
    for (name, edits) in [
      ("sctp.patch", Self.sctp), ("v1.patch", Self.v1), ("v2.patch", Defect.d.edits),
      ("1.patch", Defect.c.edits), ("2.patch", Self.sctp), ("topic-v1.patch", Self.v1),
      ("topic-v2.patch", Defect.d.edits),
    ] {
      _ = try await patch("home/\(name)", edits, of: tree)
    }
    _ = try await Story.write(of: tree, into: home)
    try write("boundary:\n  a_callee_of_my_own: {returns: [0, -5]}\n", "home/own.yaml")
    let pools = "\(Self.root)/Tests/Subjects/gen-pool"
    let manifest = try String(contentsOfFile: "\(pools)/gen-pool.yaml", encoding: .utf8)
    try write(
      manifest.replacing("subject: gen-pool", with: "subject: pools"), "home/own/pools.yaml")
    try FileManager.default.copyItem(
      atPath: "\(pools)/gen-pool.c", toPath: "\(home)/own/gen-pool.c")
    // The tree's own top, for those that run there.
    for name in ["v1.patch", "v2.patch"] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(home)/linux/\(name)", withDestinationPath: "../\(name)")
    }
    for name in ["bin", "tmp"] {
      try FileManager.default.createDirectory(
        atPath: "\(scratch)/\(name)", withIntermediateDirectories: true)
    }
    try FileManager.default.createSymbolicLink(
      atPath: "\(scratch)/bin/kshim", withDestinationPath: Tool.path)
  }

  /// Runs a command by a shell. What it names of a home, a base and a scenario is there.
  private static func run(
    _ command: DocumentedCommand, in scratch: String
  ) async throws -> Command.Result {
    let home = "\(scratch)/home"
    let text = command.text.replacing("/tmp/", with: "\(home)/").replacing("~/", with: "\(home)/")
      .replacing(".@BASE", with: ".@v6.12").replacing("SCENARIO", with: scenario)
    let isInTree = text.contains("--kernel .")
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let environment: [String: String?] = [
      "PATH": "\(scratch)/bin:\(path)", "TMPDIR": "\(scratch)/tmp", "KERNEL": nil,
      "KSHIM_ROOT": nil, "NO_COLOR": nil,
    ]
    return try await Command.run(
      "bash", ["-o", "pipefail", "-c", text],
      environment: gitEnvironment.merging(environment) { $1 },
      directory: isInTree ? "\(home)/linux" : home)
  }

  private func judge(_ ran: Command.Result, of command: DocumentedCommand) {
    let name = "\(command.file):\(command.line): \(command.text)"
    let errors = ran.errorText.split(separator: "\n").filter { !$0.hasPrefix("kshim: arch/") }
    XCTAssert(errors.isEmpty, "\(name): \(ran.errorText)")
    // Findings are no trouble.
    XCTAssert([0, 1].contains(ran.status), "\(name): exit status \(ran.status)")
    guard let expected = command.expected else { return }
    var printed = ran.outputText.replacing("\(home)/", with: "~/")
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    while printed.last?.isEmpty ?? false { printed.removeLast() }
    XCTAssert(
      DocumentedCommand.matches(
        DocumentedCommand.steady(expected)[...], DocumentedCommand.steady(printed)[...]),
      "\(name)\nprints\n\(printed.joined(separator: "\n"))\ninstead of\n"
        + expected.joined(separator: "\n"))
  }

  // MARK: Tests

  func test_commandsOfTheDocuments_printWhatStandsThere() async throws {
    try await makeHome()
    let commands = try Self.commands().filter { Self.reason($0) == nil }
    XCTAssertGreaterThan(commands.count { $0.expected != nil }, 8)
    // Those with their output are in an order.
    for command in commands where command.expected != nil {
      judge(try await Self.run(command, in: scratch), of: command)
    }
    var seen: Set<String> = []
    let listed = commands.filter { $0.expected == nil && seen.insert($0.text).inserted }
    XCTAssertGreaterThan(listed.count, 20)
    let directory = scratch
    for start in stride(from: 0, to: listed.count, by: 2) {
      async let first = Self.run(listed[start], in: directory)
      if start + 1 < listed.count {
        judge(try await Self.run(listed[start + 1], in: directory), of: listed[start + 1])
      }
      judge(try await first, of: listed[start])
    }
    let left = try FileManager.default.contentsOfDirectory(atPath: "\(scratch)/tmp")
    XCTAssertEqual(left, [])
  }

  /// Each entry of the table is of a command that there is.
  func test_commandsThatCannotRun_areInTheDocuments() throws {
    let commands = try Self.commands()
    for entry in Self.notRun {
      XCTAssert(
        commands.contains { $0.text.hasPrefix(entry.command) }, "\(entry.command) is nowhere")
    }
  }

  /// Swift in the guide is what a test compiles and runs.
  func test_swiftOfTheGuide_isThatOfATest() throws {
    let guide = try String(contentsOfFile: "\(Self.root)/docs/guide.md", encoding: .utf8)
    let test = try String(
      contentsOfFile: "\(Self.root)/Tests/ExtractedTests/OwnPropertyTests.swift", encoding: .utf8)
    let blocks = guide.components(separatedBy: "```swift\n").dropFirst()
      .compactMap { $0.components(separatedBy: "```").first }
    XCTAssertEqual(blocks.count, 3)
    for block in blocks { XCTAssert(test.contains(block), block) }
  }

  /// `make docs` has nothing to do.
  func test_reference_isWhatTheCommandsSay() async throws {
    let printed = try await Command.run("bash", ["\(Self.root)/.ci/reference", Tool.path])
    XCTAssertEqual(printed.status, 0, printed.errorText)
    let committed = try String(contentsOfFile: "\(Self.root)/docs/reference.md", encoding: .utf8)
    XCTAssertEqual(printed.outputText, committed, "run 'make docs'")
  }

  // MARK: Reading them

  func test_reader_partsCommandsFromWhatTheyPrint() {
    let text = """
      Text of `kshim check`.

          $ kshim check      a remark
          one
            two

          three
          $ kshim explain leak
          …

          kshim subjects                   what there is

      More text.

          kshim kernels list

      ```
      $ kshim init x
      four
      ```
      """
    let found = DocumentedCommand.all(in: text, file: "a.md")
    XCTAssertEqual(
      found.map(\.text),
      ["kshim check", "kshim explain leak", "kshim subjects", "kshim kernels list", "kshim init x"])
    XCTAssertEqual(
      found.map(\.expected), [["one", "  two", "", "three"], ["…"], nil, nil, ["four"]])
    XCTAssertEqual(found.map(\.line), [3, 8, 11, 15, 18])
  }

  func test_reader_takesWhatIsLeftOut() {
    func matches(_ expected: [String], _ printed: [String]) -> Bool {
      DocumentedCommand.matches(expected[...], printed[...])
    }
    XCTAssertTrue(matches(["a", "  …", "d"], ["a", "b", "c", "d"]))
    XCTAssertTrue(matches(["a", "…", "b"], ["a", "b"]))
    XCTAssertTrue(matches(["a", "…"], ["a"]))
    XCTAssertFalse(matches(["a", "…", "b"], ["a", "b", "c"]))
    XCTAssertFalse(matches(["a"], ["a", "b"]))
    XCTAssertFalse(matches(["a", "b"], ["a"]))
    XCTAssertEqual(
      DocumentedCommand.steady(["1 run in 0.3 s, exhaustive", "  reused from an earlier search"]),
      ["1 run in N s, exhaustive"])
  }
}

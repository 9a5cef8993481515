// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KernelSource

final class CommitRangeTests: KernelSourceTestCase {
  /// A repository with a commit for each script, after one tagged `base`.
  @discardableResult
  private func makeRepository(_ scripts: String...) async throws -> String {
    let tree = try makeTree("linux")
    var script = "cd linux; git init -q -b main .; git add .; git commit -q -m base; git tag base\n"
    for (number, change) in scripts.enumerated() {
      script += "\(change)\ngit add -A; git commit -q --allow-empty -m 'change \(number + 1)'\n"
    }
    try await shell(script)
    return tree
  }

  private func range(_ ends: String) async throws -> CommitRange {
    let range = try await store.range("\(scratch)/linux@\(ends)")
    return try XCTUnwrap(range)
  }

  private func revision(_ number: Int, of range: CommitRange) async throws -> Revision {
    let commit = range.commits[number - 1]
    return try await range.revision(of: commit, since: range.parents(of: commit)[0])
  }

  /// Every file that a revision has, with its content.
  private func contents(_ revision: Revision) throws -> [String: Data] {
    var names = Set(try snapshot(revision.tree.directory).keys)
    names.formUnion(revision.overlay.keys)
    names.subtract([KernelTree.recordName, TreeSeal.name])
    var result: [String: Data] = [:]
    for name in names {
      guard let path = revision.path(of: name), FileKind(path) == .file else { continue }
      result[name] = FileManager.default.contents(atPath: path)
    }
    return result
  }

  /// Every file of an unpacked tree, with its content.
  private func contents(_ tree: KernelTree) throws -> [String: Data] {
    try snapshot(tree.directory).filter {
      ![KernelTree.recordName, TreeSeal.name].contains($0.key)
        && FileKind("\(tree.directory)/\($0.key)") == .file
    }
  }

  // MARK: What a commit is

  func test_eachCommit_isWhatItsTreeUnpackedIs() async throws {
    try await makeRepository(
      "echo more >> arch/x86/poem.txt", "git mv arch/x86/short.txt include/long.txt",
      "git rm -q virt/guest.txt", "chmod +x include/head.txt", "echo x > tools/include/tool.txt",
      "echo 'a b' > 'include/a name.txt'; printf '\\0\\377' > include/bytes.bin",
      "ln -s ../include/head.txt arch/link.txt; ln -s ../../include/long.txt arch/x86/other.txt",
      "sed -i 's/= 9/= 10/' Makefile", "git revert --no-edit HEAD~7 > /dev/null")
    let range = try await range("base..main")
    XCTAssertEqual(range.commits.map(\.subject).prefix(2), ["change 1", "change 2"])
    for commit in range.commits {
      let revision = try await range.revision(of: commit, since: range.base)
      let whole = try await store.resolve("\(scratch)/linux@\(commit.id)")
      XCTAssertEqual(try contents(revision), try contents(whole), commit.subject)
      XCTAssertEqual(revision.tree.version, whole.version, commit.subject)
      XCTAssertEqual(revision.tree.directory, range.baseRevision.tree.directory)
      XCTAssertEqual(revision.tree.spec, "\(scratch)/linux@base..main")
      XCTAssertEqual(revision.commit, commit)
    }
    XCTAssertEqual(range.prefix, "\(scratch)/linux@base..")
  }

  func test_renameModeAndDeletion_areFilesThatComeAndGo() async throws {
    try await makeRepository(
      "git mv arch/x86/short.txt include/long.txt", "git rm -q virt/guest.txt",
      "chmod +x include/head.txt")
    let range = try await range("base..")
    let renamed = try await revision(1, of: range)
    XCTAssertEqual(renamed.deleted, ["arch/x86/short.txt"])
    XCTAssertEqual(renamed.overlay.keys.sorted(), ["include/long.txt"])
    XCTAssertNil(renamed.path(of: "arch/x86/short.txt"))
    let deleted = try await revision(2, of: range)
    XCTAssertEqual(deleted.deleted, ["arch/x86/short.txt", "virt/guest.txt"])
    let mode = try await revision(3, of: range)
    XCTAssertEqual(mode.overlay, deleted.overlay)
    XCTAssertEqual(mode.touched, [:])
    XCTAssertTrue(mode.isChanged)
    XCTAssertFalse(range.baseRevision.isChanged)
  }

  func test_touched_areTheCommitsOwnLines() async throws {
    try await makeRepository(
      "sed -i '3s/$/ more/;7,8d' arch/x86/poem.txt", "sed -i '1i first' arch/x86/poem.txt",
      "echo x >> arch/arm/other.txt", "git checkout -q base -- arch/x86/poem.txt",
      "sed -i '19,20d' arch/x86/poem.txt")
    let range = try await range("base..main")
    var touched: [[ClosedRange<Int>]?] = []
    for number in 1...5 {
      touched.append(try await revision(number, of: range).touched["arch/x86/poem.txt"])
    }
    XCTAssertEqual(touched[0], [3...3, 7...7])
    XCTAssertEqual(touched[1], [1...1])
    XCTAssertNil(touched[2])
    XCTAssertEqual(touched[3], [1...1, 3...3, 7...8])
    XCTAssertEqual(touched[4], [18...18])
    let whole = try await range.revision(of: range.head, since: range.base)
    XCTAssertEqual(whole.touched, ["arch/x86/poem.txt": [18...18]])
  }

  // MARK: Which commits

  func test_merge_hasItsParents_insideAndOutsideOfTheRange() async throws {
    try await makeRepository("echo one >> include/head.txt")
    try await shell(
      """
      cd linux; git checkout -q -b side base; echo side >> virt/guest.txt; git commit -q -a -m side
      git checkout -q main; git merge -q -m merge side
      """)
    let all = try await range("base..main")
    XCTAssertEqual(Set(all.commits.map(\.subject)), ["change 1", "side", "merge"])
    XCTAssertEqual(all.head.subject, "merge")
    XCTAssertEqual(all.parents(of: all.head).map(\.subject), ["change 1", "side"])
    let last = try await range("main~1..main")
    XCTAssertEqual(Set(last.commits.map(\.subject)), ["side", "merge"])
    XCTAssertEqual(last.base.subject, "change 1")
    // The side branch began before the base.
    let side = try XCTUnwrap(last.commits.first { $0.subject == "side" })
    XCTAssertEqual(last.parents(of: side).map(\.subject), ["base"])
    let revision = try await last.revision(of: side, since: last.parents(of: side)[0])
    XCTAssertEqual(revision.touched, ["virt/guest.txt": [2...2]])
    let whole = try await store.resolve("\(scratch)/linux@side")
    XCTAssertEqual(try contents(revision), try contents(whole))
  }

  func test_baseThatTheHeadDoesNotHave_isTheCommitThatBothHave() async throws {
    try await makeRepository("echo one >> include/head.txt")
    try await shell(
      """
      cd linux; git checkout -q -b topic base; echo t >> virt/guest.txt; git commit -q -a -m topic
      """)
    let range = try await range("main..topic")
    XCTAssertEqual(range.commits.map(\.subject), ["topic"])
    XCTAssertEqual(range.base.subject, "base")
  }

  func test_directoryInside_andABareRepository_areReadAlike() async throws {
    try await makeRepository("echo one >> include/head.txt")
    try await shell("git clone -q --bare linux bare.git")
    for name in ["linux/include", "bare.git"] {
      let named = try await store.range("\(scratch)/\(name)@base..main")
      let range = try XCTUnwrap(named)
      let revision = try await range.revision(of: range.head, since: range.base)
      XCTAssertEqual(revision.overlay.keys.sorted(), ["include/head.txt"], name)
    }
  }

  func test_otherSpellings_areNoRange() async throws {
    try await makeRepository()
    let plain = try await store.range("\(scratch)/linux")
    XCTAssertNil(plain)
    let revision = try await store.range("\(scratch)/linux@base")
    XCTAssertNil(revision)
  }

  // MARK: What goes wrong

  func test_emptyRange_andWrongEnds_areRefused() async throws {
    try await makeRepository("echo one >> include/head.txt")
    for (ends, cause) in [
      ("main..base", "the range is empty: main has every commit of base"),
      ("main..", "the range is empty: main has every commit of HEAD"),
      ("nix..main", "the repository has no revision nix"),
      ("base..nix", "the repository has no revision nix"),
      ("base..main:Makefile", "the repository has no revision main:Makefile"),
    ] {
      let failure = try await failure(.request) { try await self.range(ends) }
      XCTAssertEqual(failure.cause, cause)
    }
    try await shell("cd linux; git checkout -q --orphan alone; git commit -q -m alone")
    let apart = try await failure(.request) { try await self.range("main..alone") }
    XCTAssertEqual(apart.cause, "main and alone have no commit in common")
    XCTAssertEqual(names(in: "\(cache)/kernels"), [])
  }

  func test_partialClone_isNotFilled() async throws {
    try await makeRepository("echo one >> include/head.txt", "echo two >> include/head.txt")
    try await shell(
      """
      git -C linux config uploadpack.allowFilter true
      git clone -q --no-checkout --filter=blob:none "file://$PWD/linux" partial
      """)
    let before = try snapshot("\(scratch)/partial")
    let failure = try await failure(.request) {
      try await self.store.range("\(self.scratch)/partial@HEAD~1..HEAD")
    }
    XCTAssertTrue(failure.remedy.contains("partial clone"), failure.description)
    XCTAssertEqual(try snapshot("\(scratch)/partial"), before)
  }

  func test_shallowClone_saysSo() async throws {
    try await makeRepository("echo one >> include/head.txt", "echo two >> include/head.txt")
    try await shell("git clone -q --depth 1 \"file://$PWD/linux\" shallow")
    let failure = try await failure(.request) {
      try await self.store.range("\(self.scratch)/shallow@HEAD~1..HEAD")
    }
    XCTAssertEqual(failure.cause, "the repository has no revision HEAD~1")
    XCTAssertTrue(failure.remedy.contains("fetch it first"), failure.remedy)
  }

  func test_repositoryAndTemporaryDirectory_areLeftAsTheyWere() async throws {
    let tree = try await makeRepository("echo one >> include/head.txt")
    try await shell("cd linux; echo dirty >> Makefile; touch virt/guest.txt; echo n > new")
    let before = try snapshot(tree)
    var range: CommitRange? = try await self.range("base..main")
    let files = try await XCTUnwrap(range).revision(
      of: XCTUnwrap(range).head, since: XCTUnwrap(range).base
    ).overlay.values.map(\.self)
    XCTAssertEqual(try snapshot(tree), before)
    range = nil
    for file in files { XCTAssertEqual(FileKind(file), .nothing) }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KernelSource

final class RevisionTests: KernelSourceTestCase {
  /// The patch that an edit of the tree makes, which is then taken back.
  private func patch(_ edit: String, name: String = "a.patch", mail: String = "") async throws
    -> PatchFile
  {
    let diff = try await shell(
      """
      rm -rf work; cp -r linux work; cd work; git init -q .; git add -A; git commit -q -m base
      \(edit)
      git add -A; git diff --cached -M
      """)
    return PatchFile(name: name, content: Data((mail + diff).utf8))
  }

  private func leftovers() -> [String] {
    names(in: KernelStore.temporaryDirectory).filter {
      $0.hasPrefix(PatchApplication.scratchPrefix)
    }
  }

  private func tree() async throws -> KernelTree {
    let path = try makeTree("linux")
    return try await store.resolve(path)
  }

  func test_noPatches_isTheTree() async throws {
    let tree = try await tree()
    let revision = try await store.revision(tree: tree, patches: [])
    XCTAssertEqual(revision.overlay, [:])
    XCTAssertEqual(
      revision.path(of: "arch/x86/poem.txt"), "\(tree.directory)/arch/x86/poem.txt")
    revision.close()
  }

  func test_patch_changesACopyAndNotTheTree() async throws {
    let tree = try await tree()
    let change = try await patch("sed -i 's/line 10$/new 10/' arch/x86/poem.txt")
    let before = try snapshot(tree.directory)
    let revision = try await store.revision(tree: tree, patches: [change])
    XCTAssertEqual(try snapshot(tree.directory), before)
    XCTAssertEqual(Array(revision.overlay.keys), ["arch/x86/poem.txt"])
    let path = try XCTUnwrap(revision.path(of: "arch/x86/poem.txt"))
    XCTAssertEqual(
      try String(contentsOfFile: path, encoding: .utf8),
      Self.poem.replacing("line 10\n", with: "new 10\n"))
    XCTAssertEqual(revision.touched, ["arch/x86/poem.txt": [10...10]])
    XCTAssertEqual(revision.remarks, [])
    XCTAssertEqual(revision.skipped, [])
    revision.close()
    XCTAssertEqual(FileKind(path), .nothing)
    revision.close()
  }

  func test_touched_areTheLinesOfThePatchedFile() async throws {
    let tree = try await tree()
    let change = try await patch(
      """
      sed -i -e '3s/.*/a\\nb\\nc/' -e '8,9d' -e '15a -- dash\\n++ plus' -e '20d' arch/x86/poem.txt
      """)
    let revision = try await store.revision(tree: tree, patches: [change])
    // Lines 3 to 5 changed; 8 and 9 went, which leaves old line 10 at 10; two came after old 15;
    // the last went, which leaves the one ahead of it.
    XCTAssertEqual(
      revision.touched, ["arch/x86/poem.txt": [3...5, 10...10, 16...17, 21...21]])
  }

  func test_newDeletedAndRenamedFiles() async throws {
    let tree = try await tree()
    let change = try await patch(
      """
      echo fresh > include/new.txt; rm virt/guest.txt
      git mv arch/x86/poem.txt arch/x86/verse.txt; sed -i 's/line 2$/new 2/' arch/x86/verse.txt
      """)
    let revision = try await store.revision(tree: tree, patches: [change])
    XCTAssertEqual(revision.overlay.keys.sorted(), ["arch/x86/verse.txt", "include/new.txt"])
    XCTAssertEqual(revision.deleted, ["arch/x86/poem.txt", "virt/guest.txt"])
    XCTAssertNil(revision.path(of: "virt/guest.txt"))
    XCTAssertEqual(revision.touched["include/new.txt"], [1...1])
    // A renamed file is new where it is.
    XCTAssertEqual(revision.touched["arch/x86/verse.txt"], [1...20])
  }

  func test_patchesInOrder_buildOnEachOther() async throws {
    let tree = try await tree()
    let first = try await patch("sed -i 's/line 10$/new 10/' arch/x86/poem.txt", name: "1")
    let second = PatchFile(
      name: "2",
      content: Data(
        """
        --- a/arch/x86/poem.txt
        +++ b/arch/x86/poem.txt
        @@ -9,3 +9,3 @@
         line 9
        -new 10
        +newer 10
         line 11

        """.utf8))
    let both = try await store.revision(tree: tree, patches: [first, second])
    let path = try XCTUnwrap(both.overlay["arch/x86/poem.txt"])
    XCTAssertTrue(try String(contentsOfFile: path, encoding: .utf8).contains("newer 10"))
    let alone = try await failure(.request) {
      try await self.store.revision(tree: tree, patches: [second])
    }
    XCTAssertEqual(alone.place, "arch/x86/poem.txt:9")
    // Deleted by one patch, a file is not there for the next.
    let delete = try await patch("rm arch/x86/poem.txt", name: "3")
    let gone = try await failure(.request) {
      try await self.store.revision(tree: tree, patches: [delete, first])
    }
    XCTAssertTrue(gone.cause.contains("No such file"), gone.cause)
  }

  func test_patch_thatIsTakenBack_leavesNoOverlay() async throws {
    let tree = try await tree()
    let there = try await patch("sed -i 's/line 1$/x/' arch/x86/poem.txt", name: "1")
    let back = try await patch(
      "sed -i 's/line 1$/x/' arch/x86/poem.txt; git commit -q -a -m x; git revert -n HEAD")
    let revision = try await store.revision(tree: tree, patches: [there, back])
    XCTAssertEqual(revision.overlay, [:])
    XCTAssertEqual(revision.touched, [:])
  }

  func test_patch_atAnotherLine_isRemarked() async throws {
    let tree = try await tree()
    let change = try await patch("sed -i 's/line 10$/new 10/' arch/x86/poem.txt")
    try write("linux/arch/x86/poem.txt", "ahead\n" + Self.poem)
    let revision = try await store.revision(tree: tree, patches: [change])
    XCTAssertEqual(
      revision.remarks, ["arch/x86/poem.txt: Hunk #1 succeeded at 8 (offset 1 line)."])
    XCTAssertEqual(revision.touched, ["arch/x86/poem.txt": [11...11]])
  }

  func test_patch_doesNotApply_showsHunkAndLeavesNothing() async throws {
    let tree = try await tree()
    let change = try await patch(
      "sed -i -e 's/line 3$/new 3/' -e 's/line 17$/new 17/' arch/x86/poem.txt")
    try write(
      "linux/arch/x86/poem.txt", Self.poem.replacing("line 16\n", with: "other 16\n"))
    let before = try snapshot(tree.directory)
    let failure = try await failure(.request) {
      try await self.store.revision(tree: tree, patches: [change])
    }
    XCTAssertEqual(failure.place, "arch/x86/poem.txt:14")
    XCTAssertTrue(failure.evidence.contains("+new 17"), "\(failure)")
    XCTAssertFalse(failure.evidence.contains("+new 3"), "\(failure)")
    XCTAssertTrue(failure.evidence.contains { $0.contains("patch failed") }, "\(failure)")
    XCTAssertTrue(failure.remedy.contains("9.4.0-rc2"), failure.remedy)
    XCTAssertTrue(failure.remedy.contains("--kernel"), failure.remedy)
    XCTAssertEqual(try snapshot(tree.directory), before)
    XCTAssertEqual(leftovers(), [])
  }

  func test_patch_alreadyApplied_isSaid() async throws {
    let tree = try await tree()
    let change = try await patch("sed -i 's/line 10$/new 10/' arch/x86/poem.txt")
    try write("linux/arch/x86/poem.txt", Self.poem.replacing("line 10\n", with: "new 10\n"))
    let failure = try await failure(.request) {
      try await self.store.revision(tree: tree, patches: [change])
    }
    XCTAssertTrue(failure.cause.contains("has this patch already"), failure.cause)
  }

  func test_patch_ofAFileThatIsNotThere_saysSo() async throws {
    let tree = try await tree()
    let change = try await patch("sed -i 's/line 10$/new 10/' arch/x86/poem.txt")
    try FileManager.default.removeItem(atPath: "\(tree.directory)/arch/x86/poem.txt")
    let failure = try await failure(.request) {
      try await self.store.revision(tree: tree, patches: [change])
    }
    XCTAssertTrue(failure.cause.contains("arch/x86/poem.txt: No such file"), failure.cause)
  }

  func test_notAPatch_andCorruptPatch_areToldApart() async throws {
    let tree = try await tree()
    for text in ["", "hello\n"] {
      let none = try await failure(.request) {
        try await self.store.revision(
          tree: tree, patches: [PatchFile(name: "x", content: Data(text.utf8))])
      }
      XCTAssertEqual(none.cause, "it is not a patch: git finds no diff in it")
    }
    var cut = try await patch("sed -i 's/line 10$/new 10/' arch/x86/poem.txt")
    let lines = String(decoding: cut.content, as: UTF8.self).split(separator: "\n").prefix(8)
    cut = PatchFile(name: "cut.patch", content: Data(lines.joined(separator: "\n").utf8))
    let corrupt = try await failure(.request) {
      try await self.store.revision(tree: tree, patches: [cut])
    }
    XCTAssertEqual(corrupt.cause, "git cannot read it")
    XCTAssertEqual(corrupt.place?.hasPrefix("cut.patch:"), true, "\(corrupt)")
  }

  func test_patch_outsideOfTheTree_isRefused() async throws {
    let tree = try await tree()
    let text = "--- a/../evil\n+++ b/../evil\n@@ -0,0 +1 @@\n+x\n"
    let failure = try await failure(.request) {
      try await self.store.revision(
        tree: tree, patches: [PatchFile(name: "x", content: Data(text.utf8))])
    }
    XCTAssertTrue(failure.cause.contains("../evil"), failure.cause)
  }

  func test_partialTree_getsTheFoldersThatAPatchTouches() async throws {
    _ = try makeTree("linux")
    try await makeMore("linux")
    try await shell("tar -cf a.tar linux")
    let tree = try await store.resolve("\(scratch)/a.tar")
    let change = try await patch(
      """
      sed -i 's/line 10$/new 10/' arch/x86/poem.txt drivers/base/core.txt; git rm -q MAINTAINERS
      echo more >> arch/arm/other.txt; mkdir Documentation; echo doc > 'Documentation/a [new] file'
      git mv kernel/fork.sh kernel/spoon.sh; git mv fs/ext4/inode.txt include
      """)
    let progress = Progress()
    let revision = try await store.revision(
      tree: tree, patches: [change], progress: progress.add)
    XCTAssertEqual(revision.skipped, [])
    XCTAssertEqual(revision.remarks, [])
    XCTAssertEqual(
      revision.overlay.keys.sorted(),
      [
        "Documentation/a [new] file", "arch/arm/other.txt", "arch/x86/poem.txt",
        "drivers/base/core.txt", "include/inode.txt", "kernel/spoon.sh",
      ])
    XCTAssertEqual(revision.deleted, ["MAINTAINERS", "fs/ext4/inode.txt", "kernel/fork.sh"])
    XCTAssertEqual(revision.touched["drivers/base/core.txt"], [10...10])
    XCTAssertEqual(progress.lines.count, 1)
    XCTAssertEqual(
      revision.tree.kept.filter { !KernelTree.keptPaths.contains($0) }.sorted(),
      ["Documentation/*", "MAINTAINERS", "arch/arm/*", "drivers/base/*", "fs/ext4/*", "kernel/*"])
    XCTAssertNotNil(
      FileManager.default.contents(atPath: "\(tree.directory)/drivers/base/empty.txt"))
    XCTAssertEqual(FileKind("\(tree.directory)/drivers/base/power"), .nothing)
    let again = try await store.revision(
      tree: tree, patches: [change], progress: progress.add)
    XCTAssertEqual(again.overlay.count, 6)
    XCTAssertEqual(progress.lines.count, 1)
  }

  func test_partialTree_ofWhichNoMoreCanBeHad_leavesOutWhatItDoesNotHold() async throws {
    _ = try makeTree("linux")
    try await shell("tar -cf a.tar linux")
    let tree = try await store.resolve("\(scratch)/a.tar")
    try await shell("rm a.tar")
    let change = try await patch(
      """
      sed -i 's/line 10$/new 10/' arch/x86/poem.txt
      echo more >> arch/arm/other.txt; mkdir Documentation; echo doc > 'Documentation/a [new] file'
      """)
    let revision = try await store.revision(tree: tree, patches: [change])
    XCTAssertEqual(revision.skipped, ["Documentation/a [new] file", "arch/arm/other.txt"])
    XCTAssertEqual(Array(revision.overlay.keys), ["arch/x86/poem.txt"])
    XCTAssertEqual(
      revision.remarks,
      [
        "no more of \(scratch)/a.tar can be unpacked: the tarball cannot be read"
          + " (No such file or directory)"
      ])
    let outside = try await patch("echo more >> arch/arm/other.txt")
    let failure = try await failure(.request) {
      try await self.store.revision(tree: tree, patches: [outside])
    }
    XCTAssertTrue(failure.cause.contains("not unpacked"), failure.cause)
    XCTAssertTrue(failure.cause.contains("cannot be read"), failure.cause)
    revision.close()
    XCTAssertEqual(leftovers(), [])
  }

  /// `git diff --no-prefix` and `diff -u FILE.orig FILE`: the first part of the path is the kernel's.
  func test_partialTree_pathsOfAnotherStrip_areRefused() async throws {
    _ = try makeTree("linux")
    try await shell("tar -cf a.tar linux")
    let tree = try await store.resolve("\(scratch)/a.tar")
    let text = try await patch("sed -i 's/line 10$/new 10/' arch/x86/poem.txt").content
    let bare = String(decoding: text, as: UTF8.self)
      .replacing(" a/", with: " ").replacing(" b/", with: " ")
    let failure = try await failure(.request) {
      try await self.store.revision(
        tree: tree, patches: [PatchFile(name: "bare.patch", content: Data(bare.utf8))])
    }
    XCTAssertTrue(failure.cause.contains("x86/poem.txt"), failure.cause)
    XCTAssertTrue(failure.remedy.contains("taken off"), failure.remedy)
  }

  func test_userConfigurationAndEnclosingRepository_doNotMatter() async throws {
    let tree = try await tree()
    let change = try await patch("sed -i 's/line 10$/new 10 /' arch/x86/poem.txt")
    try write("home/.gitconfig", "[apply]\n  whitespace = fix\n[core]\n  autocrlf = true\n")
    let store = KernelStore(
      cacheDirectory: cache,
      environment: ["HOME": "\(scratch)/home", "GIT_DIR": "\(scratch)/work/.git"])
    let revision = try await store.revision(tree: tree, patches: [change])
    let path = try XCTUnwrap(revision.overlay["arch/x86/poem.txt"])
    XCTAssertTrue(try String(contentsOfFile: path, encoding: .utf8).contains("new 10 \n"))
  }

  func test_revision_thatNobodyHolds_isGone() async throws {
    let tree = try await tree()
    let change = try await patch("sed -i 's/line 10$/new 10/' arch/x86/poem.txt")
    var revision: Revision? = try await store.revision(tree: tree, patches: [change])
    let path = try XCTUnwrap(revision?.overlay["arch/x86/poem.txt"])
    XCTAssertEqual(FileKind(path), .file)
    revision = nil
    XCTAssertEqual(FileKind(path), .nothing)
  }

  func test_missingGit_namesItsPackage() async throws {
    let tree = try await tree()
    let change = try await patch("sed -i 's/line 10$/new 10/' arch/x86/poem.txt")
    let store = KernelStore(cacheDirectory: cache, environment: ["PATH": scratch])
    let failure = try await failure(.tool) {
      try await store.revision(tree: tree, patches: [change])
    }
    XCTAssertTrue(failure.remedy.contains("Debian package git"), failure.remedy)
  }
}

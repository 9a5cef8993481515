// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KernelSource

/// Folders of a cached kernel that are unpacked when somebody needs them.
final class NeedTests: KernelSourceTestCase {
  private static let base = [
    "drivers/base/core.txt", "drivers/base/empty.txt", "drivers/base/\(longName)",
    "drivers/base/power/main.txt",
  ].sorted()

  /// One kernel from each of the places that kernels come from, each with its own store.
  private func kernels() async throws -> [(spec: String, store: KernelStore)] {
    var archive = DebianArchive(self)
    try await archive.addSource("9.4.11", "9.4.11-1")
    try await archive.publish()
    try makeTree("linux")
    try await makeMore("linux")
    try await shell(
      """
      tar -cf a.tar linux; tar -cJf b.tar.xz -C linux .; (cd linux; tar -czf ../c.tar.gz *)
      cd linux; git init -q -b main .; git add .; git commit -q -m one
      """)
    return [
      ("debian:9.4", archive.store), ("\(scratch)/a.tar", store), ("\(scratch)/b.tar.xz", store),
      ("\(scratch)/c.tar.gz", store), ("\(scratch)/linux@main", store),
    ]
  }

  private func debian() async throws -> KernelStore {
    var archive = DebianArchive(self)
    try await archive.addSource("9.4.11", "9.4.11-1")
    try await archive.publish()
    return archive.store
  }

  private func files(_ tree: KernelTree, _ paths: String...) -> [String] {
    Files.below(paths.isEmpty ? ["drivers", "fs", "kernel", "tools"] : paths, in: tree.directory)
  }

  private func text(_ tree: KernelTree, _ file: String) -> String? {
    FileManager.default.contents(atPath: "\(tree.directory)/\(file)")
      .map { String(decoding: $0, as: UTF8.self) }
  }

  // MARK: From where

  func test_folder_comesWithAllBelowIt_andNothingElse_whereverTheKernelIsFrom() async throws {
    for (spec, store) in try await kernels() {
      let progress = Progress()
      let before = try await store.resolve(spec)
      XCTAssertEqual(files(before), [], spec)
      let tree = try await store.need(["drivers/base"], of: before, progress: progress.add)
      XCTAssertEqual(progress.lines, ["unpacking drivers/base of \(spec)"])
      XCTAssertEqual(files(tree), Self.base, spec)
      XCTAssertEqual(text(tree, "drivers/base/core.txt"), Self.poem, spec)
      XCTAssertEqual(text(tree, "drivers/base/\(Self.longName)"), "long\n", spec)
      XCTAssertEqual(text(tree, "drivers/base/empty.txt"), "", spec)
      XCTAssertEqual(tree.kept, KernelTree.keptPaths + ["drivers/base"], spec)
      XCTAssertEqual(tree.directory, before.directory)
      XCTAssertEqual(tree.identity, before.identity)
      // Nobody unpacks it again, nor takes the tree for damaged.
      let again = try await store.resolve(spec, progress: progress.add)
      XCTAssertEqual(again.kept, tree.kept, spec)
      for needed in [["drivers/base"], ["drivers/base/power", "drivers/base/*", "mm"]] {
        let same = try await store.need(needed, of: again, progress: progress.add)
        XCTAssertEqual(same, tree)
        _ = try await store.need(needed, of: before, progress: progress.add)
      }
      XCTAssertEqual(progress.lines.count, 1, spec)
    }
  }

  func test_ownFiles_comeWithoutWhatIsBelow() async throws {
    for (spec, store) in try await kernels() {
      let before = try await store.resolve(spec)
      var tree = try await store.need(["fs/*", "MAINTAINERS"], of: before)
      XCTAssertEqual(
        files(tree), ["fs/a [b]*.txt", "fs/large.txt", "fs/namei.txt"], spec)
      XCTAssertEqual(text(tree, "MAINTAINERS"), "nobody\n", spec)
      XCTAssertEqual(
        text(tree, "fs/large.txt"), (1...5000).map { "\($0)\n" }.joined(), spec)
      let inode = try FileManager.default.attributesOfItem(
        atPath: "\(tree.directory)/fs/namei.txt")[.systemFileNumber]
      tree = try await store.need(["fs/namei.txt"], of: tree)
      XCTAssertEqual(tree.kept.suffix(2), ["fs/*", "MAINTAINERS"], spec)
      tree = try await store.need(["fs"], of: tree)
      XCTAssertEqual(text(tree, "fs/ext4/inode.txt"), "inode\n", spec)
      XCTAssertEqual(tree.kept.suffix(2), ["MAINTAINERS", "fs"], spec)
      let same = try FileManager.default.attributesOfItem(
        atPath: "\(tree.directory)/fs/namei.txt")[.systemFileNumber]
      XCTAssertEqual(same as? Int, inode as? Int, "what was there stays: \(spec)")
      let again = try await store.resolve(spec)
      XCTAssertEqual(again.kept, tree.kept)
    }
  }

  func test_kindsOfFiles_areKept() async throws {
    for (spec, store) in try await kernels() {
      let tree = try await store.need(["kernel"], of: store.resolve(spec))
      XCTAssertEqual(access("\(tree.directory)/kernel/fork.sh", X_OK), 0, spec)
      let link = try FileManager.default.destinationOfSymbolicLink(
        atPath: "\(tree.directory)/kernel/link.txt")
      XCTAssertEqual(link, "../fs/namei.txt", spec)
    }
  }

  func test_whatTheKernelHasNot_isKnownNotToBeThere() async throws {
    for (spec, store) in try await kernels() {
      let progress = Progress()
      var tree = try await store.resolve(spec)
      for _ in 0..<2 {
        tree = try await store.need(
          ["drivers/none", "none.txt", "net/*"], of: tree, progress: progress.add)
        XCTAssertEqual(files(tree), [], spec)
        XCTAssertTrue(tree.holds("net/core.c"))
      }
      XCTAssertEqual(progress.lines.count, 1, spec)
    }
  }

  func test_names_areNoPatterns() async throws {
    for (spec, store) in try await kernels() {
      let tree = try await store.need(
        ["fs/a [b]*.txt", "drivers/b[a]se", "f?"], of: store.resolve(spec))
      XCTAssertEqual(files(tree), ["fs/a [b]*.txt"], spec)
    }
  }

  func test_pathThatLeadsOut_isRefused() async throws {
    try makeTree("linux")
    try await shell("tar -cf a.tar linux")
    let tree = try await store.resolve("\(scratch)/a.tar")
    for path in ["../x", "/etc", "", "a//b", "./fs", ".kshim/x", ".kshim.json", "/*"] {
      let failure = try await failure(.request) { try await self.store.need([path], of: tree) }
      XCTAssertTrue(failure.cause.contains("is no path of a kernel"), failure.cause)
    }
  }

  func test_directory_hasAllAlready() async throws {
    let path = try makeTree("linux")
    let tree = try await store.resolve(path)
    let same = try await store.need(["drivers/none", "fs/*"], of: tree)
    XCTAssertEqual(same, tree)
    XCTAssertEqual(names(in: cache), [])
  }

  func test_cachedDirectory_namedByItsPath() async throws {
    for (spec, store) in try await kernels() {
      let path = try await store.path(spec)
      let tree = try await store.need(["drivers/base"], of: store.resolve(path))
      XCTAssertEqual(files(tree), Self.base, spec)
    }
  }

  // MARK: The archive

  func test_debian_isUnpackedWithoutTheMirror_ofAnyBlocks() async throws {
    for blockSize in [0, 512, 5000, 1_000_000] {
      var archive = DebianArchive(self)
      archive.blockSize = blockSize
      try await archive.addSource("9.4.11", "9.4.11-1")
      try await archive.publish()
      var tree = try await archive.store.fetch("debian:9.4", refresh: true)
      XCTAssertEqual(
        names(in: "\(tree.directory)/.kshim"), ["seal", "source.list", "source.tar.xz"])
      try await shell("rm -r archive/*.deb")
      for path in ["drivers", "fs", "kernel", "tools", "MAINTAINERS", "arch/arm"] {
        tree = try await archive.store.need([path], of: tree)
      }
      try await shell(
        """
        diff -r --exclude=.kshim --exclude=.kshim.json archive/source/linux-source-9.4 \
          '\(tree.directory)'
        """)
      let size = XZBlocks("\(tree.directory)/.kshim/source.tar.xz")?.blocks.count ?? 0
      XCTAssertEqual(size > 1, blockSize == 512 || blockSize == 5000, "\(size)")
    }
  }

  func test_debian_archiveIsCounted_andSeenToBeDamaged() async throws {
    let store = try await debian()
    let path = try await store.path("debian:9.4")
    let size = try FileManager.default.attributesOfItem(
      atPath: "\(path)/.kshim/source.tar.xz")[.size]
    let bytes = store.list().first { $0.path == path }?.bytes
    XCTAssertGreaterThan(try XCTUnwrap(bytes), try XCTUnwrap(size as? Int))
    try await shell("truncate -s -1 '\(path)/.kshim/source.tar.xz'")
    let progress = Progress()
    _ = try await store.resolve("debian:9.4", progress: progress.add)
    XCTAssertEqual(
      progress.lines.first, "debian:9.4 in the cache is damaged: unpacking it anew")
  }

  func test_debian_damageThatNoSizeShows_isToldWhenItIsRead() async throws {
    let store = try await debian()
    let tree = try await store.resolve("debian:9.4")
    try await shell(
      """
      cd '\(tree.directory)/.kshim'; touch -r source.tar.xz time
      dd if=/dev/zero of=source.tar.xz bs=1 seek=20 count=5000 conv=notrunc status=none
      touch -r time source.tar.xz; rm time
      """)
    let failure = try await failure(.tool) { try await store.need(["drivers"], of: tree) }
    XCTAssertEqual(failure.cause, "the archive that the cache keeps of it is damaged")
    XCTAssertEqual(failure.remedy, "fetch it again: kshim kernels fetch debian:9.4")
    XCTAssertEqual(files(tree), [])
  }

  func test_listing_saysWhereContentIs() throws {
    // The third has a name that takes two blocks before its own.
    let listing = """
      block 0: drwxr-xr-x 0/0               0 2026-09-10 14:48 linux-source-9.4/
      block 1: -rw-r--r-- 0/0             513 2026-08-28 06:22 linux-source-9.4/one
      block 4: -rwxr-xr-x 0/0             512 2026-08-28 06:22 linux-source-9.4/two words
      block 6: -rw-r--r-- 0/0               1 2026-08-28 06:22 linux-source-9.4/long
      block 10: lrwxrwxrwx 0/0               0 2026-08-28 06:22 linux-source-9.4/link -> two words
      block 11: hrw-r--r-- 0/0               0 2026-08-28 06:22 linux-source-9.4/hard link to linux-source-9.4/one
      block 12: ** Block of NULs **

      """
    XCTAssertEqual(
      try SourceArchive.members(listing: listing),
      [
        .init(kind: .file, offset: 1024, size: 513, path: "one"),
        .init(kind: .program, offset: 2560, size: 512, path: "two words"),
        .init(kind: .file, offset: 4608, size: 1, path: "long"),
        .init(kind: .link, offset: 5632, size: 0, path: "link", target: "two words"),
        .init(kind: .file, offset: 1024, size: 513, path: "hard"),
      ])
    let cut = listing.split(separator: "\n").dropLast().joined(separator: "\n")
    XCTAssertThrowsError(try SourceArchive.members(listing: cut))
  }

  // MARK: What is not there any longer

  func test_tarballThatChanged_isRefused() async throws {
    try makeTree("linux")
    try await makeMore("linux")
    try await shell("tar -cf a.tar linux")
    let tree = try await store.resolve("\(scratch)/a.tar")
    try await shell("sleep 0.01; touch a.tar")
    let other = try await failure(.request) { try await self.store.need(["fs"], of: tree) }
    XCTAssertEqual(other.cause, "the tarball is another than when it was unpacked")
    try await shell("rm a.tar")
    let gone = try await failure(.request) { try await self.store.need(["fs"], of: tree) }
    XCTAssertTrue(gone.cause.hasPrefix("the tarball cannot be read"), gone.cause)
    XCTAssertEqual(files(tree), [])
  }

  func test_repositoryThatIsGone_isRefused_andAnotherWithTheTreeServes() async throws {
    try makeTree("linux")
    try await makeMore("linux")
    try await shell(
      "cd linux; git init -q -b main .; git add .; git commit -q -m one; cp -a . ../copy")
    let tree = try await store.resolve("\(scratch)/linux@main")
    try await shell("rm -rf linux")
    let failure = try await failure(.request) { try await self.store.need(["fs"], of: tree) }
    XCTAssertTrue(failure.cause.contains("git cannot read a repository"), failure.cause)
    let copy = try await store.resolve("\(scratch)/copy@main")
    XCTAssertEqual(copy.directory, tree.directory)
    let more = try await store.need(["fs/ext4"], of: copy)
    XCTAssertEqual(files(more), ["fs/ext4/inode.txt"])
  }

  // MARK: Several at once, and what was interrupted

  func test_severalAtOnce_unpackEachOnce() async throws {
    let store = try await debian()
    let tree = try await store.resolve("debian:9.4")
    let progress = Progress()
    try await withThrowingTaskGroup(of: KernelTree.self) { group in
      for number in 0..<12 {
        let paths = [["drivers/base"], ["fs/*"], ["fs", "kernel"]][number % 3]
        group.addTask { try await store.need(paths, of: tree, progress: progress.add) }
      }
      for try await tree in group { XCTAssertTrue(tree.isPartial) }
    }
    let unpacked = progress.lines.filter { $0.hasPrefix("unpacking") }
    XCTAssertTrue((2...3).contains(unpacked.count), "\(progress.lines)")
    let again = try await store.resolve("debian:9.4", progress: progress.add)
    XCTAssertEqual(Set(again.kept.suffix(3)), ["drivers/base", "fs", "kernel"])
    XCTAssertEqual(text(again, "drivers/base/core.txt"), Self.poem)
    XCTAssertFalse(progress.lines.contains { $0.contains("damaged") }, "\(progress.lines)")
  }

  func test_usersMeanwhile_neverSeeADamagedTree() async throws {
    let store = try await debian()
    let tree = try await store.resolve("debian:9.4")
    let progress = Progress()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for path in ["drivers/base", "fs/*", "kernel", "fs", "drivers", "tools"] {
          _ = try await store.need([path], of: tree)
        }
      }
      for _ in 0..<3 {
        group.addTask {
          for _ in 0..<20 { _ = try await store.resolve("debian:9.4", progress: progress.add) }
        }
      }
      try await group.waitForAll()
    }
    XCTAssertFalse(progress.lines.contains { $0.contains("damaged") }, "\(progress.lines)")
  }

  func test_whatAnInterruptedKshimLeft_isReplaced_andNoDamage() async throws {
    for (spec, store) in try await kernels() {
      let tree = try await store.resolve(spec)
      try await shell(
        """
        cd '\(tree.directory)'; mkdir -p drivers/base/power
        echo half > drivers/base/power/main.txt; echo half > drivers/base/core.txt
        """)
      let progress = Progress()
      let again = try await store.resolve(spec, progress: progress.add)
      XCTAssertEqual(progress.lines, [])
      let more = try await store.need(["drivers/base"], of: again)
      XCTAssertEqual(files(more), Self.base, spec)
      XCTAssertEqual(text(more, "drivers/base/core.txt"), Self.poem, spec)
      XCTAssertEqual(text(more, "drivers/base/power/main.txt"), "power\n", spec)
    }
  }

  /// What was unpacked first stays; the rest comes again when it is needed.
  func test_whatWasAdded_andIsDamaged_isUnpackedAgain() async throws {
    let store = try await debian()
    let path = try await store.need(["fs/*", "kernel"], of: store.resolve("debian:9.4")).directory
    for (damage, kept) in [
      ("rm fs/namei.txt", "kernel"), ("echo more >> kernel/fork.sh", "fs/*"),
      ("echo new > fs/new.txt", "kernel"),
    ] {
      _ = try await store.need(["fs/*", "kernel"], of: store.resolve("debian:9.4"))
      try await shell("cd '\(path)'; \(damage)")
      let progress = Progress()
      let tree = try await store.resolve("debian:9.4", progress: progress.add)
      XCTAssertEqual(progress.lines, [], damage)
      XCTAssertEqual(tree.kept, KernelTree.keptPaths + [kept])
      let again = try await store.need(["fs/*", "kernel"], of: tree, progress: progress.add)
      XCTAssertEqual(progress.lines.count, 1)
      XCTAssertEqual(text(again, "fs/namei.txt"), "namei\n")
      XCTAssertEqual(text(again, "kernel/fork.sh"), "fork\n")
      XCTAssertNil(text(again, "fs/new.txt"))
    }
    // Not of it: fs/* are the folder's own files.
    _ = try await store.need(["fs/*"], of: store.resolve("debian:9.4"))
    try await shell("mkdir '\(path)/fs/other'; echo new > '\(path)/fs/other/new.txt'")
    let progress = Progress()
    _ = try await store.resolve("debian:9.4", progress: progress.add)
    XCTAssertEqual(progress.lines, [])
  }

  func test_copyOfTheCache_withoutTimes_isWholeByItsContent() async throws {
    let store = try await debian()
    let path = try await store.need(["fs/*", "kernel"], of: store.resolve("debian:9.4")).directory
    try await shell("sleep 1.1; find '\(path)' -type f -exec touch {} +")
    let progress = Progress()
    let tree = try await store.resolve("debian:9.4", progress: progress.add)
    XCTAssertEqual(progress.lines, [])
    XCTAssertEqual(tree.kept.suffix(2), ["fs/*", "kernel"])
  }

  func test_cacheThatCannotBeWritten_servesWhatItHas() async throws {
    let store = try await debian()
    let tree = try await store.need(["fs/*"], of: store.resolve("debian:9.4"))
    // Root may write to a read-only directory, but nobody may write to one as to a file.
    try await shell("cd cache/kernels; rm .lock-debian-9.4; mkdir .lock-debian-9.4")
    let same = try await store.need(["fs/*", "mm"], of: tree)
    XCTAssertEqual(same, tree)
    let failure = try await failure(.tool) { try await store.need(["kernel"], of: tree) }
    XCTAssertTrue(failure.cause.hasPrefix("the cache directory cannot be written"), failure.cause)
  }

  func test_treeInUse_isNotPruned_whileMoreIsUnpacked() async throws {
    let store = try await debian()
    let tree = try await store.need(["kernel"], of: store.resolve("debian:9.4"))
    XCTAssertEqual(store.prune(.init(bytes: 0)).items.map(\.outcome), [.inUse])
    XCTAssertEqual(text(tree, "kernel/fork.sh"), "fork\n")
    let bytes = store.list().first { $0.path == tree.directory }?.bytes
    let before = try XCTUnwrap(bytes)
    _ = try await store.need(["fs"], of: tree)
    let after = store.list().first { $0.path == tree.directory }?.bytes
    XCTAssertGreaterThan(try XCTUnwrap(after), before + 20_000)
  }

  // MARK: Ranges

  func test_range_isToldByWhatIsNeeded_too() async throws {
    try makeTree("linux")
    try await makeMore("linux")
    try await shell(
      """
      cd linux; git init -q -b main .; git add .; git commit -q -m one
      echo more >> drivers/base/core.txt; echo more >> fs/namei.txt; echo more >> fs/ext4/inode.txt
      git commit -q -a -m two
      """)
    let found = try await store.range(
      "\(scratch)/linux@HEAD~1..", needing: ["drivers/base", "fs/*"])
    let range = try XCTUnwrap(found)
    let revision = try await range.revision(of: range.head, since: range.base)
    XCTAssertEqual(
      revision.overlay.keys.sorted(), ["drivers/base/core.txt", "fs/namei.txt"])
    XCTAssertEqual(revision.touched["drivers/base/core.txt"], [21...21])
    XCTAssertEqual(files(revision.tree).count, Self.base.count + 3)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KernelSource

final class KernelStoreTests: KernelSourceTestCase {
  private let kept = [
    ".kshim", ".kshim.json", ".kshim/seal", "Kbuild", "Makefile", "arch", "arch/x86",
    "arch/x86/poem.txt",
    "arch/x86/short.txt", "include", "include/head.txt", "virt", "virt/guest.txt",
  ]

  private var kernels: String { "\(cache)/kernels" }

  // MARK: Tarballs

  func test_tarball_everyFormatAndTop_keepsOnlyWhatIsNeeded() async throws {
    try makeTree("linux-9")
    try await shell(
      """
      tar -cf a.tar linux-9; tar -czf b.tar.gz linux-9; tar -cJf c.tar.xz linux-9
      tar -c linux-9 | zstd -q > d.tar.zst; tar -cjf e.tar.bz2 linux-9
      tar -cf f.tar -C linux-9 .; cd linux-9; tar -cf ../g.tar *; tar -cf ../h.tar ../linux-9/*
      cd ..; tar -cf i.tar ./linux-9
      """)
    let archives = names(in: scratch).filter { $0.contains(".tar") }
    XCTAssertEqual(archives.count, 9)
    for archive in archives {
      let tree = try await store.resolve("\(scratch)/\(archive)")
      XCTAssertEqual(tree.version, "9.4.0-rc2", archive)
      XCTAssertEqual(try snapshot(tree.directory).keys.sorted(), kept, archive)
      XCTAssertTrue(tree.isPartial)
      XCTAssertEqual(tree.kept, KernelTree.keptPaths)
    }
    XCTAssertEqual(names(in: kernels).count, 9)
  }

  func test_tarball_secondTime_comesFromTheCache_untilItChanges() async throws {
    try makeTree("linux")
    try await shell("tar -cf a.tar linux")
    let progress = Progress()
    let first = try await store.resolve("\(scratch)/a.tar", progress: progress.add)
    XCTAssertEqual(progress.lines, ["unpacking \(scratch)/a.tar"])
    let second = try await store.resolve("\(scratch)/a.tar", progress: progress.add)
    XCTAssertEqual(second, first)
    XCTAssertEqual(progress.lines.count, 1)
    try makeTree("linux", version: "10")
    try await shell("tar -cf a.tar linux")
    let third = try await store.resolve("\(scratch)/a.tar", progress: progress.add)
    XCTAssertEqual(third.version, "10.4.0-rc2")
    XCTAssertEqual(progress.lines.count, 2)
  }

  func test_tree_ofAnotherListOfFiles_isUnpackedAnewOnceNobodyReadsIt() async throws {
    try makeTree("linux")
    try write("linux/lib/pool.txt", "pool\n")
    try await shell("tar -cf a.tar linux")
    let directory = try await store.resolve("\(scratch)/a.tar").directory
    let record = "\(directory)/.kshim.json"
    let text = try String(contentsOfFile: record, encoding: .utf8)
    try await shell("rm -r '\(directory)/lib'")
    try text.replacing("    \"lib\",\n", with: "")
      .write(toFile: record, atomically: false, encoding: .utf8)
    var reader: FileLock? = try KernelStore.use(directory)
    XCTAssertNotNil(reader)
    let (store, scratch, progress) = (store, scratch, Progress())
    async let resolved = store.resolve("\(scratch)/a.tar", progress: progress.add)
    while progress.lines.count < 2 { try await Task.sleep(for: .milliseconds(20)) }
    XCTAssertEqual(progress.lines.last, "waiting for another kshim that uses \(scratch)/a.tar")
    XCTAssertNil(FileManager.default.contents(atPath: "\(directory)/lib/pool.txt"))
    reader = nil
    let tree = try await resolved
    XCTAssertEqual(tree.kept, KernelTree.keptPaths)
    XCTAssertNotNil(FileManager.default.contents(atPath: "\(tree.directory)/lib/pool.txt"))
  }

  func test_tarball_damaged_leavesNothing() async throws {
    try makeTree("linux")
    try await shell(
      """
      head -c 200000 /dev/urandom > linux/virt/noise
      tar -cJf a.tar.xz linux; head -c 100000 a.tar.xz > cut.tar.xz; echo no > bad.tar.gz
      tar -cf b.tar linux; head -c 100000 b.tar > cut.tar
      """)
    for name in ["cut.tar.xz", "bad.tar.gz", "cut.tar"] {
      let failure = try await failure(.request) {
        try await self.store.resolve("\(self.scratch)/\(name)")
      }
      XCTAssertEqual(failure.cause, "the tarball is damaged")
      XCTAssertFalse(failure.evidence.isEmpty)
      XCTAssertEqual(names(in: kernels), [])
    }
  }

  func test_tarball_withoutAKernel_leavesNothing() async throws {
    try write("a/readme", "hello\n")
    try await shell("tar -cf a.tar a")
    let failure = try await failure(.request) {
      try await self.store.resolve("\(self.scratch)/a.tar")
    }
    XCTAssertTrue(failure.cause.contains("it holds no kernel"), failure.cause)
    XCTAssertEqual(names(in: kernels), [])
  }

  func test_missingProgram_namesItsPackage_andLeavesNothing() async throws {
    try makeTree("linux")
    try await shell(
      """
      tar -cJf a.tar.xz linux; git init -q linux; mkdir bin
      ln -s "$(command -v bash)" "$(command -v tar)" bin
      """)
    let store = KernelStore(cacheDirectory: cache, environment: ["PATH": "\(scratch)/bin"])
    let xz = try await failure(.tool) { try await store.resolve("\(self.scratch)/a.tar.xz") }
    XCTAssertTrue(xz.remedy.contains("xz-utils"), xz.remedy)
    let git = try await failure(.tool) { try await store.resolve("\(self.scratch)/linux@HEAD") }
    XCTAssertTrue(git.remedy.contains("Debian package git"), git.remedy)
    let apt = try await failure(.tool) { try await store.resolve("debian:6.12") }
    XCTAssertTrue(apt.remedy.contains("Debian package apt"), apt.remedy)
    XCTAssertEqual(names(in: kernels), [])
  }

  // MARK: Git

  func test_git_revisions_areTreesOfTheirOwn() async throws {
    try makeTree("linux")
    try await shell(
      """
      cd linux; git init -q -b main .; git add .; git commit -q -m one; git tag one
      sed -i 's/= 9/= 10/' Makefile; git commit -q -a -m two
      echo dirty > Makefile
      """)
    let before = try snapshot("\(scratch)/linux")
    let progress = Progress()
    do {
      let one = try await store.resolve("\(scratch)/linux@one", progress: progress.add)
      let two = try await store.resolve("\(scratch)/linux@main", progress: progress.add)
      XCTAssertEqual(one.version, "9.4.0-rc2")
      XCTAssertEqual(two.version, "10.4.0-rc2")
      XCTAssertEqual(try snapshot(one.directory).keys.sorted(), kept)
      XCTAssertEqual(progress.lines.count, 2)
      // The same tree by another name is not unpacked again.
      let same = try await store.resolve("\(scratch)/linux@HEAD~1", progress: progress.add)
      XCTAssertEqual(same.directory, one.directory)
      XCTAssertEqual(same.spec, "\(scratch)/linux@HEAD~1")
    }
    // From a directory inside, the whole tree is meant.
    let inside = try await store.fetch("\(scratch)/linux/arch@one", refresh: true)
    XCTAssertEqual(try snapshot(inside.directory).keys.sorted(), kept)
    XCTAssertEqual(try snapshot("\(scratch)/linux"), before)
  }

  func test_git_bareRepository() async throws {
    try makeTree("linux")
    try await shell(
      "cd linux; git init -q .; git add .; git commit -q -m one; git clone -q --bare . ../bare.git")
    let tree = try await store.resolve("\(scratch)/bare.git@HEAD")
    XCTAssertEqual(try snapshot(tree.directory).keys.sorted(), kept)
  }

  func test_git_wrongRequests_showGitsMessage() async throws {
    try makeTree("linux")
    let none = try await failure(.request) {
      try await self.store.resolve("\(self.scratch)/linux@HEAD")
    }
    XCTAssertTrue(none.evidence.joined().contains("not a git repository"), "\(none)")
    try await shell("cd linux; git init -q .; git add Kbuild; git commit -q -m one")
    let unknown = try await failure(.request) {
      try await self.store.resolve("\(self.scratch)/linux@v99")
    }
    XCTAssertEqual(unknown.cause, "the repository has no revision v99")
    XCTAssertFalse(unknown.evidence.isEmpty)
    let option = try await failure(.request) {
      try await self.store.resolve("\(self.scratch)/linux@--all")
    }
    XCTAssertEqual(option.cause, "the repository has no revision --all")
    let noKernel = try await failure(.request) {
      try await self.store.resolve("\(self.scratch)/linux@HEAD")
    }
    XCTAssertTrue(noKernel.cause.contains("is no kernel"), noKernel.cause)
    XCTAssertEqual(names(in: kernels), [])
  }

  // MARK: The cache

  func test_cache_concurrentFills_unpackOnce() async throws {
    try makeTree("linux")
    try await shell("tar -cf a.tar linux")
    let (progress, path, store) = (Progress(), "\(scratch)/a.tar", store)
    let trees = try await withThrowingTaskGroup(of: KernelTree.self) { group in
      for _ in 0..<6 { group.addTask { try await store.resolve(path, progress: progress.add) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    XCTAssertEqual(Set(trees.map(\.directory)).count, 1)
    XCTAssertEqual(progress.lines.filter { $0.hasPrefix("unpacking") }.count, 1)
    XCTAssertEqual(names(in: kernels).count, 1)
  }

  func test_cache_leftByAnInterruptedProcess_isSweptByTheNext() async throws {
    try makeTree("linux")
    try await shell(
      """
      tar -cf a.tar linux
      mkdir -p cache/kernels/.filling-dead/tree/locked; cd cache/kernels/.filling-dead
      touch .lock tree/locked/file; chmod 500 tree/locked
      """)
    let alive = try ScratchDirectory(prefix: ".filling-", in: kernels)
    let tree = try await store.resolve("\(scratch)/a.tar")
    XCTAssertEqual(
      names(in: kernels), [alive.path, tree.directory].map { ($0 as NSString).lastPathComponent })
    alive.remove()
    XCTAssertEqual(names(in: kernels), [(tree.directory as NSString).lastPathComponent])
  }

  func test_cache_withAnotherListOfKeptPaths_isUnpackedAnew() async throws {
    try makeTree("linux")
    try await shell("tar -cf a.tar linux")
    let tree = try await store.resolve("\(scratch)/a.tar")
    try await shell(
      "sed -i 's/\"virt\"/\"old\"/' cache/kernels/*/.kshim.json; rm cache/kernels/*/Kbuild")
    _ = try await store.resolve("\(scratch)/a.tar")
    XCTAssertEqual(try snapshot(tree.directory).keys.sorted(), kept)
    XCTAssertEqual(names(in: kernels).count, 1)
  }

  func test_cache_unwritable_saysWhereAndHowToHelp() async throws {
    try makeTree("linux")
    try await shell("tar -cf a.tar linux; touch file")
    // Root may write to a read-only directory, but nobody may make one below a file.
    for place in ["\(scratch)/file/cache", "/proc/kshim"] {
      let failure = try await failure(.tool) {
        try await KernelStore(cacheDirectory: place).resolve("\(self.scratch)/a.tar")
      }
      XCTAssertEqual(failure.place, "\(place)/kernels")
      XCTAssertTrue(failure.remedy.contains("XDG_CACHE_HOME"), failure.remedy)
    }
  }

  func test_cachedDirectory_namedByItsPath_isStillPartial() async throws {
    try makeTree("linux")
    try await shell("tar -cf a.tar linux")
    let path = try await store.path("\(scratch)/a.tar")
    let tree = try await store.resolve(path)
    XCTAssertTrue(tree.isPartial)
  }

  func test_list_namesTheKnownAndTheCached() async throws {
    XCTAssertEqual(
      store.list().map(\.spec),
      ["debian:5.10", "debian:6.1", "debian:6.12", "debian:7.2", "debian:7.3"])
    XCTAssertFalse(store.list().contains { $0.isCached })
    try makeTree("linux")
    try await shell("tar -cf a.tar linux")
    let tree = try await store.resolve("\(scratch)/a.tar")
    let last = try XCTUnwrap(store.list().last)
    XCTAssertEqual(last.spec, "\(scratch)/a.tar")
    XCTAssertEqual(last.version, "9.4.0-rc2")
    XCTAssertEqual(last.path, tree.directory)
    let bytes = try snapshot(tree.directory).filter { !$0.key.hasPrefix(".kshim") }.values
    XCTAssertEqual(last.bytes, bytes.map(\.count).reduce(0, +))
  }
}

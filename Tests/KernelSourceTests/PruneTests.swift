// SPDX-License-Identifier: GPL-2.0-only
import XCTest

@testable import KernelSource

/// What is removed from the cache, and what is not.
final class PruneTests: KernelSourceTestCase {
  private var kernels: String { "\(cache)/kernels" }

  /// Unpacks a kernel that is so many days old then, and returns its directory.
  @discardableResult
  private func unpack(
    _ name: String, days: Int = 0, kilobytes: Int = 100, in store: KernelStore? = nil
  ) async throws -> String {
    try makeTree("linux")
    try await shell(
      "head -c \(kilobytes * 1000) /dev/zero > linux/virt/filler; tar -cf \(name).tar linux")
    let path = try await (store ?? self.store).path("\(scratch)/\(name).tar")
    try age(path, days)
    return path
  }

  private func age(_ directory: String, _ days: Int) throws {
    // Seconds ahead of the day's end, so that it has certainly passed.
    let date = Date(timeIntervalSinceNow: -Double(days) * 86_400 - 5)
    try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: directory)
  }

  private func isThere(_ path: String) -> Bool { FileKind(path) == .directory }

  /// Its directory's name says that it came from Debian.
  private func pretendToBeDebian(_ path: String) throws -> String {
    let directory = "\(kernels)/debian-6.12"
    try FileManager.default.moveItem(atPath: path, toPath: directory)
    return directory
  }

  // MARK: By hand

  func test_age_whatNobodyAskedForGoes() async throws {
    let old = try await unpack("old", days: 10)
    let young = try await unpack("young", days: 9)
    let none = store.prune(.init(days: 11))
    XCTAssertEqual(none.items, [])
    let pruning = store.prune(.init(days: 10))
    XCTAssertEqual(pruning.removed.map(\.path), [old])
    XCTAssertEqual(pruning.removed.map(\.spec), ["\(scratch)/old.tar"])
    XCTAssertEqual(pruning.removed.map { $0.age() }, [10])
    XCTAssertEqual(pruning.left, 1)
    XCTAssertGreaterThanOrEqual(pruning.freed, 100_000)
    XCTAssertGreaterThanOrEqual(pruning.leftBytes, 100_000)
    XCTAssertFalse(isThere(old))
    XCTAssertTrue(isThere(young))
    let left = try FileManager.default.contentsOfDirectory(atPath: kernels)
    XCTAssertEqual(left.count, 2, "a tree and its lock: \(left)")
  }

  func test_size_theLongestUnusedGoes_untilTheRestIsSmallEnough() async throws {
    var paths: [String] = []
    for (name, days) in [("a", 2), ("b", 4), ("c", 1), ("d", 3)] {
      paths.append(try await unpack(name, days: days))
    }
    let each = store.prune(.init()).leftBytes / 4
    let pruning = store.prune(.init(bytes: each * 2))
    XCTAssertEqual(pruning.removed.map(\.path), [paths[1], paths[3]])
    XCTAssertLessThanOrEqual(pruning.leftBytes, each * 2)
    XCTAssertEqual(paths.map(isThere), [true, false, true, false])
    XCTAssertEqual(store.prune(.init(bytes: each * 2)).items, [])
    XCTAssertEqual(store.prune(.init(bytes: 0)).left, 0)
  }

  func test_inUse_staysWholeForAsLongAsItIs() async throws {
    let path = try await unpack("a", days: 10)
    func use() async throws {
      let tree = try await store.resolve("\(scratch)/a.tar")
      try age(path, 10)
      for dryRun in [true, false] {
        let pruning = store.prune(.init(days: 1), dryRun: dryRun)
        XCTAssertEqual(pruning.items.map(\.outcome), [.inUse])
        XCTAssertEqual(pruning.left, 1)
      }
      let revision = try await store.revision(tree: tree, patches: [])
      XCTAssertTrue(isThere(revision.tree.directory))
    }
    try await use()
    XCTAssertEqual(store.prune(.init(days: 1)).removed.map(\.path), [path])
    XCTAssertFalse(isThere(path))
  }

  func test_inUse_byItsPath_too() async throws {
    let path = try await unpack("a", days: 10)
    let tree = try await store.resolve(path)
    try age(path, 10)
    XCTAssertEqual(store.prune(.init(days: 1)).items.map(\.outcome), [.inUse])
    XCTAssertTrue(isThere(tree.directory))
  }

  func test_beingUnpacked_stays() async throws {
    let path = try await unpack("a", days: 10)
    let lock = try FileLock.attempt("\(kernels)/.lock-\((path as NSString).lastPathComponent)")
    XCTAssertEqual(store.prune(.init(days: 1)).items.map(\.outcome), [.inUse])
    lock?.release()
    XCTAssertEqual(store.prune(.init(days: 1)).items.map(\.outcome), [.removed])
  }

  func test_dryRun_removesNothing() async throws {
    let path = try await unpack("a", days: 10)
    let told = store.prune(.init(days: 1), dryRun: true)
    XCTAssertTrue(isThere(path))
    XCTAssertEqual(store.prune(.init(days: 1)), told)
    XCTAssertFalse(isThere(path))
  }

  func test_whatNobodyCanUse_goesInAnyCase() async throws {
    let path = try await unpack("a")
    try FileManager.default.removeItem(atPath: "\(path)/.kshim.json")
    try write("cache/kernels/.filling-dead/tree/file", "")
    try write("cache/kernels/.filling-dead/.lock", "")
    let pruning = store.prune(.init(days: 1000))
    XCTAssertEqual(pruning.items.map(\.outcome), [.removed])
    XCTAssertEqual(pruning.items.map(\.entry.version), [nil])
    XCTAssertEqual(names(in: kernels), [])
  }

  func test_emptyCache_isNotMade() {
    XCTAssertEqual(store.prune(.standard).left, 0)
    XCTAssertEqual(FileKind(cache), .nothing)
  }

  func test_whatIsUsed_isNotOld() async throws {
    let path = try await unpack("a", days: 40)
    let record = "\(path)/.kshim.json"
    let unpacked = try FileManager.default.attributesOfItem(atPath: record)[.modificationDate]
    XCTAssertEqual(store.list().last?.age(), 40)
    XCTAssertEqual(store.list().last?.age(), 40, "to list is no use")
    _ = try await store.resolve("\(scratch)/a.tar")
    XCTAssertEqual(store.list().last?.age(), 0)
    let now = try FileManager.default.attributesOfItem(atPath: record)[.modificationDate]
    XCTAssertEqual(unpacked as? Date, now as? Date)
  }

  func test_manyThatUseAndPrune_doNotDisturbEachOther() async throws {
    try makeTree("linux")
    try await shell("tar -cf a.tar linux")
    let (store, path) = (store, "\(scratch)/a.tar")
    let failures = await withTaskGroup(of: Int.self) { group in
      for number in 0..<4 {
        group.addTask {
          var failures = 0
          for _ in 0..<20 {
            if number == 0 {
              _ = store.prune(.init(bytes: 0))
            } else if let tree = try? await store.resolve(path) {
              let file = "\(tree.directory)/virt/guest.txt"
              if FileManager.default.contents(atPath: file) != Data("guest\n".utf8) {
                failures += 1
              }
            } else {
              failures += 1
            }
          }
          return failures
        }
      }
      return await group.reduce(0, +)
    }
    XCTAssertEqual(failures, 0)
  }

  // MARK: By itself

  private func limited(_ limits: KernelStore.Limits, _ remarks: Progress) -> KernelStore {
    KernelStore(cacheDirectory: cache, environment: [:], limits: limits, remark: remarks.add)
  }

  func test_unpackingAnother_removesWhatIsBeyondTheLimits() async throws {
    let remarks = Progress()
    let limits = KernelStore.Limits(days: 20, bytes: 1_000_000)
    let old = try await unpack("old", days: 20)
    let young = try await unpack("young", days: 19)
    _ = try await limited(limits, remarks).resolve("\(scratch)/young.tar")
    XCTAssertTrue(isThere(old), "nothing was unpacked")
    try await unpack("new", in: limited(limits, remarks))
    XCTAssertFalse(isThere(old))
    XCTAssertTrue(isThere(young))
    XCTAssertEqual(
      remarks.lines,
      [
        "removed 1 unpacked kernel, not used for 20 days or beyond 1 MB (kshim kernels prune --help)"
      ])
    let large = try await unpack("large", kilobytes: 2000, in: limited(limits, remarks))
    XCTAssertTrue(isThere(large), "it was just asked for")
    XCTAssertEqual(names(in: kernels).count, 1)
  }

  func test_unpackingAnother_sparesDownloads_forAge_andForSizeToTheLast() async throws {
    let remarks = Progress()
    let debian = try pretendToBeDebian(try await unpack("a", days: 100))
    let git = try await unpack("b", days: 1)
    try await unpack("c", in: limited(.init(days: 30), remarks))
    XCTAssertTrue(isThere(debian))
    try await unpack("d", in: limited(.init(days: 30, bytes: 400_000), remarks))
    XCTAssertTrue(isThere(debian))
    XCTAssertFalse(isThere(git))
    try await unpack("e", in: limited(.init(bytes: 1), remarks))
    XCTAssertFalse(isThere(debian))
    XCTAssertEqual(store.prune(.init(days: 0)).left, 0)
  }

  // MARK: Fetching anew

  func test_fetch_waitsForThoseThatUseTheOld() async throws {
    let path = try await unpack("a")
    let (store, spec, progress) = (store, "\(scratch)/a.tar", Progress())
    func start() async throws -> Task<KernelTree, any Error> {
      let tree = try await store.resolve(spec)
      try write("cache/kernels/\((path as NSString).lastPathComponent)/virt/old", "")
      let task = Task { try await store.fetch(spec, refresh: true, progress: progress.add) }
      while !progress.lines.contains("waiting for another kshim that uses \(spec)") {
        try await Task.sleep(for: .milliseconds(10))
      }
      XCTAssertTrue(FileKind("\(tree.directory)/virt/old") == .file)
      return task
    }
    _ = try await start().value
    XCTAssertTrue(FileKind("\(path)/virt/old") == .nothing)
  }

  // MARK: Revisions that share files

  private func revisions() async throws -> (one: String, two: String) {
    try makeTree("linux")
    try await shell(
      """
      cd linux; head -c 3000000 /dev/urandom > virt/large; chmod 755 virt/guest.txt
      git init -q -b main .; git add .; git commit -q -m one; git tag one
      echo headless > include/head.txt; chmod 644 virt/guest.txt; echo new > include/new.txt
      git rm -q arch/x86/short.txt; git add .; git commit -q -m two
      """)
    return (
      try await store.path("\(scratch)/linux@one"), try await store.path("\(scratch)/linux@main")
    )
  }

  private func inode(_ path: String) -> UInt64 {
    var status = stat()
    return lstat(path, &status) == 0 ? UInt64(status.st_ino) : 0
  }

  func test_revisions_shareWhatIsTheSame_andNothingElse() async throws {
    let (one, two) = try await revisions()
    for (file, isShared) in [
      ("virt/large", true), ("arch/x86/poem.txt", true), ("Makefile", true),
      ("include/head.txt", false), ("virt/guest.txt", false), (".kshim.json", false),
    ] {
      XCTAssertEqual(inode("\(one)/\(file)") == inode("\(two)/\(file)"), isShared, file)
    }
    let archived = try await shell(
      "git -C linux archive main -- Kbuild Makefile arch/x86 include virt | sha256sum; tar -c -C '\(two)' --exclude=.kshim.json . | tar -t | sort"
    )
    XCTAssertFalse(archived.contains(".kshim-link"), archived)
    try await shell(
      "mkdir plain; git -C linux archive main -- Kbuild Makefile arch/x86 include virt | tar -x -C plain; diff -r --exclude=.kshim --exclude=.kshim.json plain '\(two)'"
    )
  }

  func test_revisionsThatShare_countOnce_andGoOneByOne() async throws {
    let (one, two) = try await revisions()
    let before = store.prune(.init())
    XCTAssertEqual(before.left, 2)
    XCTAssertTrue((3_000_000..<4_000_000).contains(before.leftBytes), "\(before.leftBytes)")
    try age(one, 10)
    let pruning = store.prune(.init(days: 5))
    XCTAssertEqual(pruning.removed.map(\.path), [one])
    XCTAssertLessThan(pruning.freed, 100_000)
    XCTAssertEqual(pruning.leftBytes, before.leftBytes - pruning.freed)
    let progress = Progress()
    _ = try await store.resolve("\(scratch)/linux@main", progress: progress.add)
    XCTAssertEqual(progress.lines, [], "what is left is whole")
    XCTAssertGreaterThan(store.prune(.init(bytes: 0)).freed, 3_000_000)
    XCTAssertFalse(isThere(two))
  }

  func test_sharedFileThatSomebodyEdits_isUnpackedAnew_inBoth() async throws {
    let (one, two) = try await revisions()
    try await shell(
      "sleep 1.1; printf LINE | dd conv=notrunc status=none of='\(one)/arch/x86/poem.txt'")
    for (name, path) in [("main", two), ("one", one)] {
      let tree = try await store.resolve("\(scratch)/linux@\(name)")
      let poem = try String(contentsOfFile: "\(tree.directory)/arch/x86/poem.txt", encoding: .utf8)
      XCTAssertEqual(poem, Self.poem)
      XCTAssertEqual(tree.directory, path)
    }
  }

  // MARK: Words

  func test_sizes_asPeopleReadThem() {
    let sizes = [0: "0 kB", 61_400_000: "61 MB", 1_540_000_000: "1.5 GB", 2_000_000_000: "2 GB"]
    for (bytes, text) in sizes { XCTAssertEqual(KernelStore.size(bytes), text) }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import XCTest

@testable import KernelSource

/// What this user's kshim kept is known, and nothing else is taken for it.
final class SealTests: KernelSourceTestCase {
  private var state: String { "\(scratch)/state" }
  private let remarks = Progress()

  override func setUpWithError() throws {
    try super.setUpWithError()
    CacheRemark.show(remarks.add)
  }

  override func tearDownWithError() throws {
    CacheRemark.show(nil)
    try super.tearDownWithError()
  }

  /// As another process reads it.
  private var seal: Seal { Seal(directory: state) }

  private func store(_ name: String = "cache", _ seal: Seal? = nil) -> KernelStore {
    KernelStore(
      cacheDirectory: "\(scratch)/\(name)", environment: [:], seal: seal ?? self.seal,
      remark: remarks.add)
  }

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o777 : 0
  }

  // MARK: The key

  func test_key_isTheUsersOwn_andMadeWhenSomethingIsKept() throws {
    XCTAssertNil(seal.code(of: Data(), as: "a"))
    XCTAssertFalse(FileManager.default.fileExists(atPath: state))
    let code = try XCTUnwrap(seal.code(of: Data("x".utf8), as: "a", making: true))
    XCTAssertEqual(code.count, 64)
    XCTAssertEqual(mode(state), 0o700)
    XCTAssertEqual(mode(seal.path), 0o600)
    XCTAssertEqual(FileManager.default.contents(atPath: seal.path)?.count, 32)
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: state), ["cache.key"])
    XCTAssertEqual(seal.code(of: Data("x".utf8), as: "a"), code)
    XCTAssertNotEqual(seal.code(of: Data("x".utf8), as: "b"), code)
    XCTAssertNotEqual(seal.code(of: Data("y".utf8), as: "a"), code)
    let other = Seal(directory: "\(scratch)/other")
    XCTAssertNotEqual(other.code(of: Data("x".utf8), as: "a", making: true), code)
    XCTAssertEqual(remarks.lines, [])
  }

  func test_manyAtOnce_makeOneKey() async throws {
    let (state, count) = (state, 24)
    let codes = await withTaskGroup(of: String?.self) { group in
      for _ in 0..<count {
        group.addTask { Seal(directory: state).code(of: Data(), as: "", making: true) }
      }
      return await group.reduce(into: [String?]()) { $0.append($1) }
    }
    XCTAssertEqual(codes.count, count)
    XCTAssertEqual(Set(codes).count, 1)
  }

  func test_keyThatOthersCouldRead_isMadeAnew() throws {
    for damage in ["chmod 640", "chmod 604", "truncate -s 31", "truncate -s 33", "truncate -s 0"] {
      CacheRemark.show(remarks.add)
      let count = remarks.lines.count
      let before = try XCTUnwrap(seal.code(of: Data(), as: "", making: true))
      let ran = Process()
      ran.executableURL = URL(fileURLWithPath: "/bin/sh")
      ran.arguments = ["-c", "\(damage) '\(seal.path)'"]
      try ran.run()
      ran.waitUntilExit()
      let after = try XCTUnwrap(seal.code(of: Data(), as: ""))
      XCTAssertNotEqual(after, before, damage)
      XCTAssertEqual(mode(seal.path), 0o600)
      XCTAssertEqual(remarks.lines.count, count + 1, damage)
      XCTAssert(remarks.lines.last?.contains("is made anew") ?? false, "\(remarks.lines)")
    }
  }

  func test_keyThatCannotBeHad_isTold_andNothingIsKept() throws {
    try write("file", "")
    try FileManager.default.createDirectory(
      atPath: "\(scratch)/link", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: "\(scratch)/link/cache.key", withDestinationPath: "\(scratch)/file")
    for (directory, words) in [
      ("\(scratch)/file/state", "cannot be made"), ("\(scratch)/link", "cannot be read"),
    ] {
      CacheRemark.show(remarks.add)
      let seal = Seal(directory: directory)
      XCTAssertThrowsError(try KeptFile.write(Data(), to: "\(scratch)/kept", by: seal))
      XCTAssertFalse(FileManager.default.fileExists(atPath: "\(scratch)/kept"))
      XCTAssert(remarks.lines.last?.contains(words) ?? false, "\(remarks.lines)")
    }
    XCTAssertEqual(remarks.lines.count, 2)
  }

  func test_keyOfSomebodyElse_isNotUsed() throws {
    try XCTSkipIf(geteuid() != 0, "only root can give a file away")
    let code = try XCTUnwrap(seal.code(of: Data(), as: "", making: true))
    chown(seal.path, 12345, 12345)
    XCTAssertNil(seal.code(of: Data(), as: "", making: true))
    XCTAssert(remarks.lines.last?.contains("is not yours") ?? false, "\(remarks.lines)")
    chown(seal.path, 0, 0)
    XCTAssertEqual(seal.code(of: Data(), as: ""), code)
  }

  // MARK: Entries

  func test_entry_isKnownByItsNameAndItsKey() throws {
    let (path, content) = ("\(scratch)/results/verdict-1", Data("clean".utf8))
    try KeptFile.write(content, to: path, by: seal)
    XCTAssertEqual(KeptFile.read(path, by: seal), content)
    let whole = try XCTUnwrap(FileManager.default.contents(atPath: path))
    let forged: [(name: String, content: Data)] = [
      ("verdict-2", whole),
      ("verdict-1", whole.dropLast(5) + Data("CLEAN".utf8)),
      // As an earlier kshim wrote them.
      ("verdict-1", Data("\(Digest.of(content))\n".utf8) + content),
      ("verdict-1", Data("\n".utf8) + content), ("verdict-1", content), ("verdict-1", Data()),
      ("verdict-1", whole.dropLast()), ("verdict-1", whole + Data("\n".utf8)),
      ("verdict-1", whole.prefix(64)),
    ]
    for (name, content) in forged {
      CacheRemark.show(remarks.add)
      let (path, count) = ("\(scratch)/results/\(name)", remarks.lines.count)
      try content.write(to: URL(fileURLWithPath: path))
      XCTAssertNil(KeptFile.read(path, by: seal), "\(content)")
      XCTAssertFalse(FileManager.default.fileExists(atPath: path))
      try content.write(to: URL(fileURLWithPath: path))
      XCTAssertNil(KeptFile.read(path, by: seal))
      XCTAssertEqual(remarks.lines.count, count + 1, "once a run")
      XCTAssert(remarks.lines.last?.contains(path) ?? false, "\(remarks.lines)")
    }
    try whole.write(to: URL(fileURLWithPath: path))
    XCTAssertNil(KeptFile.read(path, by: Seal(directory: "\(scratch)/other")))
    XCTAssertNil(KeptFile.read("\(scratch)/results/none", by: seal))
  }

  func test_codes_areTheSameInAllDigits_orNotAtAll() {
    func code() -> String { Digest.of(Data((0..<16).map { _ in UInt8.random(in: 0...255) })) }
    for _ in 0..<2000 {
      let (mine, other) = (code(), code())
      XCTAssertTrue(KeptFile.isSame(mine, Data(mine.utf8)))
      XCTAssertFalse(KeptFile.isSame(mine, Data(other.utf8)), "\(mine) \(other)")
      var digits = Array(mine.utf8)
      let place = Int.random(in: digits.indices)
      digits[place] = digits[place] == UInt8(ascii: "0") ? UInt8(ascii: "p") : UInt8(ascii: "0")
      XCTAssertFalse(KeptFile.isSame(mine, Data(digits)), "\(mine) at \(place)")
    }
    XCTAssertFalse(KeptFile.isSame(code(), Data()))
  }

  // MARK: Kernels

  private func tarball() async throws -> String {
    try makeTree("linux")
    try await makeMore("linux")
    try await shell("tar -cf a.tar linux; tar -cf b.tar linux")
    return "\(scratch)/a.tar"
  }

  private func line(_ spec: String) -> String {
    "\(spec) in the cache is damaged, or is not what kshim unpacked: it is unpacked anew"
  }

  /// Resolves a kernel that must be whole afterwards.
  private func resolve(
    _ store: KernelStore, _ spec: String, _ remarks: [String], _ message: String = "",
    file: StaticString = #filePath, line: UInt = #line
  ) async throws {
    let before = self.remarks.lines.count
    let tree = try await store.resolve(spec)
    XCTAssertEqual(
      Array(self.remarks.lines.dropFirst(before)), remarks, message, file: file, line: line)
    XCTAssertEqual(
      FileManager.default.contents(atPath: "\(tree.directory)/arch/x86/poem.txt"),
      Data(Self.poem.utf8), message, file: file, line: line)
    let extra = ["include/new.h", "evil/new.h", "include/link.h"].filter {
      var status = stat()
      return lstat("\(tree.directory)/\($0)", &status) == 0
    }
    XCTAssertEqual(extra, [], message, file: file, line: line)
  }

  func test_whatIsChangedWithItsTimesSetBack_isFound() async throws {
    let spec = try await tarball()
    let store = store()
    let path = try await store.path(spec)
    try await resolve(store, spec, [])
    for damage in [
      "touch -r arch/x86/poem.txt t; sed -i 's/line 7/line 8/' arch/x86/poem.txt; touch -r t arch/x86/poem.txt; rm t",
      "printf LINE | dd of=arch/x86/poem.txt conv=notrunc status=none; touch -d @1 arch/x86/poem.txt",
      "ln -s /etc/passwd include/link.h", "chmod +x virt/guest.txt",
      "mkfifo include/new.h", "mv virt lib", "rm -r arch/x86",
    ] {
      try await shell("cd '\(path)'\n\(damage)")
      try await resolve(store, spec, [line(spec)], damage)
      try await resolve(store, spec, [])
    }
  }

  func test_whatCameTwiceTheSame_isReadAndTaken() async throws {
    let spec = try await tarball()
    let store = store()
    let path = try await store.path(spec)
    try await shell("cd '\(path)'; cp arch/x86/poem.txt p; mv p arch/x86/poem.txt; touch virt/*")
    try await resolve(store, spec, [])
    // A copy of the whole cache, too: where it lies and when it was made do not count.
    try await shell("cp -r cache copy")
    try await resolve(self.store("copy"), spec, [])
  }

  func test_recordAndSeal_areBoundToTheirTree() async throws {
    let spec = try await tarball()
    let store = store()
    let path = try await store.path(spec)
    let other = try await store.path("\(scratch)/b.tar")
    for damage in [
      "rm .kshim/seal", ": > .kshim/seal", "cp '\(other)/.kshim/seal' .kshim/seal",
      "sed -i 's/9.4/9.5/' .kshim.json", "cp '\(other)/.kshim.json' .",
      "find . -mindepth 1 -delete; cp -a '\(other)'/. .",
      "cp .kshim.json r; find . -mindepth 1 ! -name r -delete; cp -a '\(other)'/. .; mv r .kshim.json",
    ] {
      try await shell("cd '\(path)'; \(damage)")
      let progress = Progress()
      let tree = try await store.resolve(spec, progress: progress.add)
      XCTAssertEqual(progress.lines.last, "unpacking \(spec)", damage)
      XCTAssertEqual(tree.version, "9.4.0-rc2")
      try await resolve(store, spec, [])
    }
  }

  func test_whatWasNotUnpackedThere_isRemoved() async throws {
    let spec = try await tarball()
    let store = store()
    let path = try await store.path(spec)
    let tree = try await store.need(["drivers/base/*"], of: store.resolve(spec))
    XCTAssertEqual(remarks.lines, [])
    for (damage, names) in [
      ("mkdir evil; echo '#define' > evil/new.h", "evil"), ("echo x > new.h", "new.h"),
      ("ln -s /etc evil", "evil"),
      ("mkdir drivers/base/power; echo x > drivers/base/power/new.h", "drivers/base/power"),
      ("echo x > drivers/new.h; echo x > drivers/other.h", "drivers/new.h and 1 more"),
      // Of no part that is sealed.
      (
        "mkdir fs; echo x > fs/new.h; sed -i 's,\"drivers/base/\\*\",\"fs\",' .kshim/added.json",
        "drivers and 1 more"
      ),
    ] {
      try await shell("cd '\(path)'; \(damage)")
      try await resolve(
        store, spec,
        ["what was not unpacked there is removed from \(spec) in the cache: \(names)"], damage)
      try await resolve(store, spec, [])
    }
    let again = try await store.need(["drivers/base/*"], of: store.resolve(spec))
    XCTAssertEqual(again.kept, tree.kept)
    XCTAssertEqual(
      FileManager.default.contents(atPath: "\(path)/drivers/base/core.txt"), Data(Self.poem.utf8))
  }

  // MARK: What was there before the key

  func test_cacheOfAnEarlierKshim_isTakenOnce() async throws {
    let spec = try await tarball()
    let older = Seal(directory: "\(scratch)/file/none")
    try write("file", "")
    CacheRemark.show(nil)
    let path = try await store("cache", older).path(spec)
    _ = try await store("cache", older).path("\(scratch)/b.tar")
    XCTAssertFalse(FileManager.default.fileExists(atPath: "\(path)/.kshim/seal"))

    let store = store()
    try await resolve(
      store, spec,
      [
        "\(spec) in the cache was unpacked before there was a key to seal it with: it is taken as it is"
          + " (kshim kernels fetch unpacks it anew)"
      ])
    try await resolve(store, spec, [])
    // From then on it is known.
    try await shell("rm '\(path)/.kshim/seal'")
    try await resolve(store, spec, [line(spec)])
    // What comes into a cache that is known is not earlier.
    try await shell(
      "cp -r '\(path)' one; rm -r one/.kshim '\(path)'; cp -r one '\(path)'")
    try await resolve(store, spec, [line(spec)])
  }

  func test_afterAKeyThatOthersCouldRead_nothingIsTakenAsItIs() async throws {
    let spec = try await tarball()
    let path = try await store().path(spec)
    chmod(seal.path, 0o644)
    CacheRemark.show(nil)
    try await resolve(store(), spec, [line(spec)])
    try await shell("rm '\(path)/.kshim/seal'")
    try await resolve(store(), spec, [line(spec)])
  }

  func test_withoutAKey_kernelsAreTakenAsTheyAre() async throws {
    let spec = try await tarball()
    let path = try await store().path(spec)
    try write("file", "")
    let none = Seal(directory: "\(scratch)/file/none")
    _ = try await store("cache", none).resolve(spec)
    XCTAssertEqual(
      remarks.lines,
      [
        "the cache's key \(none.path) cannot be made (Not a directory): results are not kept, and"
          + " unpacked kernels are taken as they are"
      ])
    try await shell("rm '\(path)/virt/guest.txt'")
    try await resolve(store("cache", none), spec, [line(spec)])
  }
}

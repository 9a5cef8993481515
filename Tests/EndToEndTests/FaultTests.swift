// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource
import TestSupport
import XCTest

/// Faults of the world: a message names the cause, and what to do.
final class FaultTests: EndToEndTestCase {
  /// In a jail all that is temporary lies in memory.
  private static let noJail: [String: String?] = ["KSHIM_NO_JAIL": "1"]

  private static let function = "lib/genalloc.c:devm_gen_pool_create"

  private func arguments(_ more: String...) async throws -> [String] {
    ["check", "--kernel", try await kernel().spec, "--function", Self.function, "--jobs", "1"]
      + more
  }

  /// A cache with everybody's kernels and builds.
  private func cache() throws -> [String: String?] {
    let environment = try cacheWithBuilds()
    let kernels = "\(emptyCache)/kshim/kernels"
    if !FileManager.default.fileExists(atPath: kernels) {
      try FileManager.default.createSymbolicLink(
        atPath: kernels, withDestinationPath: "\(store.cacheDirectory)/kernels")
    }
    return environment
  }

  /// A small disk, gone with the run: what is below it is the run's only.
  private func small(_ size: String, at directory: String) async throws -> [String] {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    return try await mounted("mount -t tmpfs -o size=\(size) none '\(directory)'")
  }

  /// A command that runs another with something mounted.
  private func mounted(_ script: String) async throws -> [String] {
    let wrapper = ["unshare", "-m", "bash", "-c", "\(script) && exec \"$@\"", "-"]
    let probe = try? await Command.run(wrapper[0], wrapper.dropFirst() + ["true"])
    guard probe?.succeeded == true else { throw XCTSkip("nothing can be mounted here") }
    return wrapper
  }

  // MARK: Temporary directory

  func test_temporaryDirectory_thatTakesNothing_isNamedWithTheReason() async throws {
    try write("", "file")
    let patch = try await patch(
      "p.patch", [KernelEdit("lib/genalloc.c", .append("int one;"))], of: kernel())
    for (directory, reason) in [
      ("\(scratch)/none", "No such file or directory"), ("\(scratch)/file", "Not a directory"),
      ("/proc", "No such file or directory"), ("/sys", nil),
    ] {
      let ran = try await kshim(
        try await arguments("--no-cache", "--patch", patch), environment: ["TMPDIR": directory])
      XCTAssertEqual(ran.status, 4, ran.output + ran.errors)
      let refusal = try XCTUnwrap(Refusal(ran.errors), ran.errors)
      XCTAssert(
        refusal.cause.contains("the temporary directory cannot be written (\(reason ?? "")"),
        ran.errors)
      XCTAssertEqual(refusal.place, directory)
      XCTAssert(refusal.remedy.contains("TMPDIR"), ran.errors)
    }
  }

  /// At whatever file the room ends.
  func test_fullDisk_isNamed_andNothingIsLeft() async throws {
    let environment = try cache()
    var fulls = 0
    for size in ["16k", "64k", "128k", "256k", "512k", "1m"] {
      let temporary = "\(scratch)/small"
      let wrapper = try await small(size, at: temporary)
      let list = "\"$@\"; status=$?; ls -A '\(temporary)' > '\(scratch)/left'; exit $status"
      let ran = try await kshim(
        try await arguments("--no-cache"),
        environment: environment.merging(["TMPDIR": temporary]) { $1 }
          .merging(Self.noJail) { $1 },
        wrapper: wrapper + ["bash", "-c", list, "-"])
      let left = try String(contentsOfFile: "\(scratch)/left", encoding: .utf8)
      XCTAssertEqual(left, "", size)
      if ran.status == 0 { continue }
      fulls += 1
      XCTAssertEqual(ran.status, 4, "\(size): \(ran.output)\(ran.errors)")
      XCTAssert(ran.errors.contains("No space left on device"), "\(size): \(ran.errors)")
      XCTAssert(ran.errors.contains("make room there"), "\(size): \(ran.errors)")
      XCTAssertLessThan(ran.errors.utf8.count, 1000, "\(size): \(ran.errors)")
    }
    XCTAssertGreaterThan(fulls, 2)
  }

  func test_limitOfFileSizes_isNamed() async throws {
    for blocks in [8, 64, 200] {
      let ran = try await kshim(
        try await arguments("--no-cache"),
        wrapper: ["bash", "-c", "ulimit -f \(blocks) && exec \"$@\"", "-"])
      XCTAssertEqual(ran.status, 4, "\(blocks): \(ran.output)\(ran.errors)")
      XCTAssert(ran.errors.contains("File too large"), "\(blocks): \(ran.errors)")
      XCTAssert(ran.errors.contains("remedy: make room"), "\(blocks): \(ran.errors)")
    }
  }

  // MARK: Cache and home

  /// What cannot be kept is made again: that is no failure.
  func test_cacheWithoutRoom_orThatCannotBeWritten_isNoTrouble() async throws {
    let own = "\(scratch)/own/kshim"
    let kernels = "\(store.cacheDirectory)/kernels"
    let full = try await small("100k", at: own)
    let readOnly = try await mounted(
      "mount -t tmpfs -o size=1m none '\(own)' && ln -s '\(kernels)' '\(own)/kernels' && mount -o remount,ro '\(own)'"
    )
    let link = "ln -s '\(kernels)' '\(own)/kernels'; exec \"$@\""
    for wrapper in [full + ["bash", "-c", link, "-"], readOnly] {
      let ran = try await kshim(
        try await arguments(), environment: ["XDG_CACHE_HOME": "\(scratch)/own"], wrapper: wrapper)
      XCTAssertEqual(ran.status, 0, ran.output + ran.errors)
      XCTAssertEqual(ran.errors, "")
    }
  }

  func test_homeThatCannotBeWritten_isTold_andNoTrouble() async throws {
    let home = "\(scratch)/home"
    let wrapper = try await small("1m,ro", at: home)
    let environment = try cache().merging(["HOME": home, "XDG_STATE_HOME": nil]) { $1 }
    let ran = try await kshim(
      try await arguments(), environment: environment, wrapper: wrapper)
    XCTAssertEqual(ran.status, 0, ran.output + ran.errors)
    XCTAssertEqual(
      ran.errors,
      "kshim: the cache's key \(home)/.local/state/kshim/cache.key cannot be made (Read-only file system):"
        + " results are not kept, and unpacked kernels are taken as they are\n")
  }

  // MARK: The clock

  /// As after a clock that was set back: what is there is from the future.
  func test_filesFromTheFuture_areNoTrouble() async throws {
    let own = try await copy(of: kernel())
    let environment = try cache()
    try await shell("find . -exec touch -h -d '+3 days' {} +", in: own)
    let arguments = ["check", "--kernel", own]
    let first = try await kshim(arguments, environment: environment)
    XCTAssertEqual(first.status, 0, first.output + first.errors)
    try await shell(
      "find '\(emptyCache)/kshim/results' -exec touch -d '+3 days' {} +", in: scratch)
    for _ in 0..<2 {
      let later = try await kshim(arguments, environment: environment)
      XCTAssertEqual(later.status, 0, later.output + later.errors)
      XCTAssert(later.output.contains("reused from an earlier search"), later.output)
      XCTAssertEqual(first.errors + later.errors, "")
    }
    try await shell("echo '/* */' >> \(Self.mmu); touch -d '+3 days' \(Self.mmu)", in: own)
    let changed = try await kshim(arguments, environment: environment)
    XCTAssertFalse(changed.output.contains("reused"), changed.output)
  }

  // MARK: Programs

  /// A folder with the compiler and its companions, and something in the place of one of them.
  private func tools(_ name: String, _ script: String?) throws -> [String: String?] {
    let folder = "\(scratch)/tools-\(UUID().uuidString)"
    let files = FileManager.default
    try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let toolchain = try Toolchain.locate()
    for tool in ["clang", "llvm-nm", "llvm-symbolizer", "llvm-cov", "llvm-profdata", "swiftc"]
    where tool != name {
      try files.createSymbolicLink(
        atPath: "\(folder)/\(tool)", withDestinationPath: toolchain.tool(tool))
    }
    if let script {
      let path = "\(folder)/\(name)"
      try "#!/bin/sh\n\(script)\nexec \(toolchain.tool(name)) \"$@\"\n"
        .write(toFile: path, atomically: false, encoding: .utf8)
      chmod(path, 0o755)
    }
    return ["PATH": "\(folder):/usr/bin:/bin"]
  }

  func test_compilerThatIsKilled_isNamedWithTheSignal() async throws {
    for (name, script) in [
      ("clang", "case \"$*\" in *unit.c*) kill -9 $$;; esac"),
      ("clang", "case \"$*\" in *-shared*) kill -15 $$;; esac"),
      ("llvm-nm", "kill -9 $$"),
    ] {
      let ran = try await kshim(
        try await arguments("--no-cache"),
        environment: tools(name, script).merging(Self.noJail) { $1 })
      XCTAssertEqual(ran.status, 4, ran.output + ran.errors)
      XCTAssert(
        ran.errors.contains(
          "run \(name): it was ended by signal \(script.contains("-15") ? 15 : 9)"),
        ran.errors)
      XCTAssert(ran.errors.contains("remedy: run the command again"), ran.errors)
    }
    // What is only quicker with it.
    let ran = try await kshim(
      try await arguments("--no-cache"),
      environment: tools("clang", "case \"$*\" in *c-header*) kill -9 $$;; esac")
        .merging(kernelsAlone()) { $1 }.merging(Self.noJail) { $1 })
    XCTAssertEqual(ran.status, 0, ran.output + ran.errors)
  }

  private func kernelsAlone() throws -> [String: String?] {
    let own = "\(scratch)/alone/kshim"
    try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: "\(own)/kernels", withDestinationPath: "\(store.cacheDirectory)/kernels")
    return ["XDG_CACHE_HOME": "\(scratch)/alone"]
  }

  func test_compilerThatIsMissing_isNamed() async throws {
    try XCTSkipIf(FileManager.default.fileExists(atPath: "/usr/bin/llvm-profdata"))
    for name in ["clang", "llvm-profdata"] {
      let ran = try await kshim(
        try await arguments("--no-cache"), environment: tools(name, nil))
      XCTAssertEqual(ran.status, 4, ran.output + ran.errors)
      XCTAssert(ran.errors.contains("no folder on PATH has clang"), ran.errors)
    }
  }

  func test_withoutApt_itIsNamed() async throws {
    let folder = try Toolchain.locate().folder
    try XCTSkipIf(FileManager.default.fileExists(atPath: "\(folder)/apt-get"))
    let refusal = try await refused(
      4, "check", "--kernel", "debian:6.12",
      environment: ["PATH": folder, "XDG_CACHE_HOME": "\(scratch)/none"])
    XCTAssert(refusal.cause.contains("there is no apt-get on PATH"), refusal.text)
    XCTAssert(refusal.remedy.contains("apt"), refusal.text)
  }
}

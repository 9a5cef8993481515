// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import TestSupport
import XCTest

/// That there is a jail, and what is said where there can be none.
final class JailTests: EndToEndTestCase {
  private let function = ["--function", "lib/genalloc.c:gen_pool_create", "--no-cache"]

  /// A PATH with a bwrap of the test's own in front.
  private func path(with script: String) throws -> String {
    let program = try write("#!/bin/sh\n\(script)\n", "bin/bwrap")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    return "\(scratch)/bin:\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
  }

  private var environment: [String: String?] { ["KSHIM_NO_JAIL": nil] }

  func test_noJailCanBeMade_asksForIt() async throws {
    var environment = environment
    environment["PATH"] = try path(with: "echo 'bwrap: no namespaces' >&2; exit 1")
    let tree = try await kernel()
    let asked = ["check", "--kernel", tree.spec] + function
    let ran = try await kshim(asked, environment: environment)
    XCTAssertEqual(ran.status, 4, ran.output)
    XCTAssertEqual(ran.output, "")
    for words in [
      "cannot put the code under test into a jail: bwrap cannot make one here",
      "| bwrap: no namespaces", "allow user namespaces", "--no-jail",
    ] { XCTAssert(ran.errors.contains(words), ran.errors) }
    let free = try await kshim(asked + ["--no-jail"], environment: environment)
    XCTAssertEqual(free.status, 0, free.errors)
    environment["KSHIM_NO_JAIL"] = "1"
    let same = try await kshim(asked, environment: environment)
    XCTAssertEqual(same.status, 0, same.errors)
  }

  func test_noBubblewrap_namesThePackage() async throws {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    // Links to all that PATH has but that one.
    try FileManager.default.createDirectory(
      atPath: "\(scratch)/bin", withIntermediateDirectories: true)
    for folder in path.split(separator: ":") {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: String(folder))) ?? []
      where name != "bwrap" {
        try? FileManager.default.createSymbolicLink(
          atPath: "\(scratch)/bin/\(name)", withDestinationPath: "\(folder)/\(name)")
      }
    }
    let tree = try await kernel()
    var environment = environment
    environment["PATH"] = "\(scratch)/bin"
    let ran = try await kshim(
      ["check", "--kernel", tree.spec] + function, environment: environment)
    XCTAssertEqual(ran.status, 4, ran.output)
    XCTAssert(ran.errors.contains("there is no bwrap on PATH"), ran.errors)
    XCTAssert(ran.errors.contains("install the Debian package bubblewrap"), ran.errors)
    XCTAssert(ran.errors.contains("--no-jail"), ran.errors)
  }

  /// What bwrap is asked for.
  func test_jail_isClosed() async throws {
    let list = "\(scratch)/list"
    var environment = environment
    environment["PATH"] = try path(
      with: "printf '%s\\n' \"$@\" > \(list); exec /usr/bin/bwrap \"$@\"")
    try XCTSkipUnless(FileManager.default.isExecutableFile(atPath: "/usr/bin/bwrap"))
    try XCTSkipUnless(
      ProcessInfo.processInfo.environment["KSHIM_NO_JAIL"] == nil, "no jail can be made here")
    let tree = try await kernel()
    let ran = try await kshim(
      ["check", "--kernel", tree.spec] + function, environment: environment)
    XCTAssertEqual(ran.status, 0, ran.errors)
    let asked = try String(contentsOfFile: list, encoding: .utf8)
      .split(separator: "\n").map(String.init)
    for option in [
      "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session",
      "--clearenv", "--seccomp",
    ] { XCTAssert(asked.contains(option), option) }
    // Nothing can be written but what goes with it, and no device but one is there.
    XCTAssertFalse(asked.contains("--bind"))
    XCTAssertFalse(asked.contains("--share-net"))
    let devices = asked.indices.filter { asked[$0].hasPrefix("--dev") }.map { asked[$0 + 1] }
    XCTAssertEqual(devices, ["/dev/null"])
    let seen = asked.indices.filter { asked[$0] == "--ro-bind" }.map { asked[$0 + 1] }
    let home = ProcessInfo.processInfo.environment["HOME"] ?? "/root"
    for place in ["/", "/etc", "/home", "/root", "/var", "/run", "/proc", "/sys", "/tmp", home] {
      XCTAssertFalse(seen.contains(place), place)
    }
    XCTAssertFalse(seen.contains { "\(store.cacheDirectory)/results".hasPrefix($0) }, "\(seen)")
  }

  /// The code goes on in no other process, and tells nothing by itself.
  func test_systemCall_isAFault() async throws {
    try XCTSkipUnless(
      ProcessInfo.processInfo.environment["KSHIM_NO_JAIL"] == nil, "no jail can be made here")
    let tree = try await kernel()
    // 39 is getpid(), 231 is exit_group(0).
    for (name, number) in [("getpid", 39), ("exit", 231)] {
      let call =
        "asm volatile(\"syscall\" : : \"a\"(\(number)), \"D\"(0) : \"rcx\", \"r11\", \"memory\");"
      let patch = try await patch(
        "\(name).patch",
        [
          KernelEdit(
            Self.mmu, in: "mmu_alloc_special_roots",
            .insertBefore("free_page((unsigned long)pae_root);", call))
        ], of: tree)
      let ran = try await kshim(
        "check", "--kernel", tree.spec, "--patch", patch, "--allow", "asm")
      XCTAssertEqual(ran.status, 1, ran.output + ran.errors)
      XCTAssert(ran.output.contains("crash: the code makes a system call of its own"), ran.output)
      XCTAssert(ran.output.contains("introduced by the patch"), ran.output)
    }
  }

  /// As `kshim check | head` does.
  func test_readerThatGoes_leavesNothing() async throws {
    let tree = try await kernel()
    let program = try write(
      "#!/bin/bash\n\"$@\" | true\necho \"status ${PIPESTATUS[0]}\"\n", "piped")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    let ran = try await kshim(
      ["check", "--kernel", tree.spec] + function, wrapper: [program])
    XCTAssertEqual(ran.output, "status 141\n")
    XCTAssertEqual(ran.errors, "")
  }
}

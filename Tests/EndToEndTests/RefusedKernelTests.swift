// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// Kernels that cannot be read or do not have the subject.
final class RefusedKernelTests: EndToEndTestCase {
  func test_noSuchDirectory_isAWrongRequest() async throws {
    let refusal = try await refused(2, "check", "--kernel", "/no/such/kernel")
    XCTAssert(refusal.cause.contains("/no/such/kernel"), refusal.text)
    XCTAssert(refusal.remedy.contains("directory"), refusal.text)
  }

  func test_directoryThatIsNoKernel_isAWrongRequest() async throws {
    try write("all:\n", "plain/Makefile")
    let refusal = try await refused(2, "check", "--kernel", "\(scratch)/plain")
    XCTAssert(refusal.cause.contains("no kernel"), refusal.text)
    XCTAssertEqual(refusal.place, "\(scratch)/plain/Makefile")
  }

  func test_unknownDebianVersion_isAWrongRequest() async throws {
    let refusal = try await refused(2, "check", "--kernel", "debian:six")
    XCTAssert(refusal.remedy.contains("debian:6.12"), refusal.text)
  }

  func test_kernelBeforeTheSubject_isAWrongRequest() async throws {
    let tree = try await kernel("debian:5.10", required: false)
    let refusal = try await refused(2, "check", "--kernel", tree.directory)
    XCTAssert(refusal.cause.contains("there is no function \(Defect.special)"), refusal.text)
    XCTAssert(refusal.remedy.contains("5.13"), refusal.text)
    XCTAssertEqual(refusal.place, Self.mmu)
  }

  func test_sourceTruncatedInTheFunction_doesNotBuild() async throws {
    let copy = try await copy(of: kernel())
    let path = "\(copy)/\(Self.mmu)"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let body = try XCTUnwrap(KernelEdit.lines(of: Defect.special, in: text))
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let half = body.lowerBound + body.count / 2
    try lines.prefix(half).joined(separator: "\n").write(
      toFile: path, atomically: false, encoding: .utf8)
    let before = try await hash("\(copy)/arch/x86/kvm")
    let refusal = try await refused(3, "check", "--kernel", copy)
    XCTAssertEqual(refusal.place, "\(Self.mmu):\(half)", refusal.text)
    XCTAssertEqual(refusal.remedy, "check that the tree is complete")
    let after = try await hash("\(copy)/arch/x86/kvm")
    XCTAssertEqual(after, before)
  }

  func test_readOnlyCache_isTheToolsTrouble() async throws {
    let file = try write("", "file")
    let refusal = try await refused(
      4, "check", "--kernel", "debian:6.12", environment: ["XDG_CACHE_HOME": "\(file)/cache"])
    XCTAssert(refusal.cause.contains("cannot be written"), refusal.text)
    XCTAssertEqual(refusal.place, "\(file)/cache/kshim/kernels")
    XCTAssert(refusal.remedy.contains("XDG_CACHE_HOME"), refusal.text)
  }

  func test_noNetwork_isTheToolsTrouble() async throws {
    let wrapper = try await isolation()
    try FileManager.default.createDirectory(
      atPath: "\(scratch)/lists/partial", withIntermediateDirectories: true)
    let configuration = try write("Dir::State::Lists \"\(scratch)/lists\";\n", "apt.conf")
    let refusal = try await refused(
      4, "check", "--kernel", "debian:6.12", environment: ["APT_CONFIG": configuration],
      wrapper: wrapper)
    XCTAssert(refusal.cause.contains("mirror does not answer"), refusal.text)
    XCTAssert(refusal.remedy.contains("network"), refusal.text)
  }

  /// A command that runs another without any network.
  private func isolation() async throws -> [String] {
    for wrapper in [["unshare", "-n"], ["unshare", "-r", "-n"]] {
      let probe = try? await Command.run(wrapper[0], wrapper.dropFirst() + ["true"])
      if probe?.succeeded == true { return wrapper }
    }
    throw XCTSkip("unshare cannot make a network namespace here")
  }
}

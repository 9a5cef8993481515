// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import XCTest

@testable import Workers

/// What comes of workers that do not do what they are asked for.
final class WorkerPoolTests: XCTestCase {
  private struct Doubling: Work {
    var number: Int
    var group = "one"
    func run(in shop: Workshop, note: @escaping @Sendable (String) -> Void) async throws -> Int {
      note("doubling")
      return 2 * number
    }
  }

  private func failure(
    _ script: String, _ limits: WorkerLimits = WorkerLimits(), line: UInt = #line
  ) async -> Failure? {
    let pool = WorkerPool(
      "/bin/sh", arguments: ["-c", script], jail: nil, limits: limits,
      answering: { { _ in nil } })
    defer { pool.end() }
    do {
      let number = try await pool.perform(Doubling(number: 4))
      XCTFail("it came to \(number)", line: line)
      return nil
    } catch let failure as Failure {
      XCTAssertEqual(failure.kind, .build, line: line)
      return failure
    } catch {
      XCTFail("\(error)", line: line)
      return nil
    }
  }

  private func assert(
    _ script: String, _ limits: WorkerLimits = WorkerLimits(), says cause: String,
    line: UInt = #line
  ) async {
    let failure = await failure(script, limits, line: line)
    XCTAssertTrue(failure?.cause.contains(cause) ?? false, failure?.cause ?? "", line: line)
  }

  func test_local_doesIt() async throws {
    let number = try await LocalWorker().perform(Doubling(number: 4))
    XCTAssertEqual(number, 8)
  }

  func test_end_isNoProduct() async {
    await assert("exit 0", says: "ended by itself, with status 0")
    await assert("exit 7", says: "ended by itself, with status 7")
    await assert("kill -KILL $$", says: "was ended by signal 9")
    // The socket is closed, and it goes on.
    await assert("exec 0<&- 1>&-; sleep 0.3; exit 0", says: "ended by itself, with status 0")
  }

  /// A record as a shell's printf writes it.
  private func record(_ head: String, _ body: String) -> String {
    func length(_ count: Int) -> String { "\\0\(String(count, radix: 8))\\000\\000\\000" }
    return length(4 + head.utf8.count + body.utf8.count) + length(head.utf8.count) + head + body
  }

  func test_record_isBelieved() async throws {
    let script = "sleep 0.3; printf '\(record(#"{"id":1,"kind":"product"}"#, "8"))'; sleep 20"
    let pool = WorkerPool(
      "/bin/sh", arguments: ["-c", script], jail: nil, answering: { { _ in nil } })
    defer { pool.end() }
    let number = try await pool.perform(Doubling(number: 4))
    XCTAssertEqual(number, 8)
  }

  func test_garbledRecord_isNotBelieved() async {
    // What it was asked, back again.
    await assert("exec cat", says: "told what cannot be understood")
    await assert(
      "printf '\\002\\000\\000\\000{}'; sleep 20", says: "told what cannot be understood")
    // A head that is longer than its record.
    await assert(
      "printf '\\006\\000\\000\\000\\007\\000\\000\\000{}'; sleep 20",
      says: "told what cannot be understood")
    // The product of a work that nobody asked for.
    await assert(
      "printf '\(record(#"{"id":9,"kind":"product"}"#, "1"))'; sleep 20",
      says: "told what cannot be understood")
    // A product of another kind.
    await assert(
      "sleep 0.3; printf '\(record(#"{"id":1,"kind":"product"}"#, #""x""#))'; sleep 20",
      says: "told what cannot be understood")
    // More than there is room for.
    await assert("printf '\\377\\377\\377\\377'; sleep 1; exit 3", says: "status 3")
  }

  func test_limits_endIt() async {
    var limits = WorkerLimits()
    limits.idle = 0.5
    await assert("sleep 30", limits, says: "said nothing for")
    limits = WorkerLimits()
    limits.busy = 0.5
    await assert("while :; do :; done", limits, says: "busy, and was ended")
    limits = WorkerLimits()
    limits.memory = 64 << 20
    await assert("x=aaaaaaaa; while :; do x=$x$x; done", limits, says: "took more than 64 MB")
    limits = WorkerLimits()
    limits.processes = 5
    await assert(
      "for i in 1 2 3 4 5 6 7 8; do sleep 30 & done; wait", limits,
      says: "made more than 5 processes")
  }

  func test_limits_leaveNothing() async throws {
    var limits = WorkerLimits()
    limits.idle = 0.5
    let marker = "0.\(UInt32.random(in: 1_000_000...9_999_999))"
    await assert("sleep 3\(marker) & sleep 4\(marker)", limits, says: "said nothing for")
    try await Task.sleep(for: .milliseconds(300))
    let running = try FileManager.default.contentsOfDirectory(atPath: "/proc")
      .filter { Int($0) != nil }.compactMap {
        FileManager.default.contents(atPath: "/proc/\($0)/cmdline")
      }.filter { String(decoding: $0, as: UTF8.self).contains(marker) }
    XCTAssertEqual(running, [])
  }

  func test_missingProgram_isTold() async {
    let pool = WorkerPool(
      "/nonexistent/program", arguments: [], jail: nil, answering: { { _ in nil } })
    do {
      _ = try await pool.perform(Doubling(number: 4))
      XCTFail("it came to something")
    } catch {
      XCTAssertTrue("\(error)".contains("/nonexistent/program cannot be started"), "\(error)")
    }
  }

  func test_fileOfProc_isReadToItsEnd() throws {
    let maps = try XCTUnwrap(ProcessTree.read("/proc/self/maps"))
    XCTAssertGreaterThan(maps.utf8.count, Int(getpagesize()))
    XCTAssert(maps.hasSuffix("\n") && maps.contains("[stack]"), String(maps.suffix(200)))
    XCTAssertNil(ProcessTree.read("/proc/self/no such file"))
  }
}

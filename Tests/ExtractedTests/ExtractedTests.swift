// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import ExtractedSubjects
import XCTest

/// Judges the function that `kshim extract --function FILE:FUNCTION` took out, as `kshim check` does: a
/// test for each property, whose message has the scenario.
final class ExtractedTests: XCTestCase {
  private struct Breach: Sendable {
    var property: Property
    var sentence: String
  }

  /// One search serves all tests.
  private static let found = Task { () throws -> [Breach] in
    let subject = try await ExtractedSubject.load(.function)
    nonisolated(unsafe) let built = subject.built
    let result = try Explorer.search(ManifestDomain.self, jobs: 1, load: { _ in built })
    var domain = try ManifestDomain(built)
    return result.findings.entries.map { breach, entry in
      let scenario = Explorer.scenario(
        state: entry.state, choices: entry.choices, in: &domain, subject: built)
      return Breach(
        property: breach.property,
        sentence: "\(breach.function)(): \(entry.message); kshim replay \(scenario)")
    }
  }

  private func keeps(
    _ properties: Property..., file: StaticString = #filePath, line: UInt = #line
  ) async throws {
    guard ExtractedSubject.isThere(.function) else {
      throw XCTSkip("no function was extracted yet; type: kshim extract --function FILE:FUNCTION")
    }
    for breach in try await Self.found.value where properties.contains(breach.property) {
      XCTFail("\(breach.property): \(breach.sentence)", file: file, line: line)
    }
  }

  func test_leak() async throws { try await keeps(.leak) }
  func test_unchecked() async throws { try await keeps(.unchecked) }
  func test_unreleased() async throws { try await keeps(.unreleased) }
  func test_doubleFree() async throws { try await keeps(.doubleFree) }
  func test_wildFree() async throws { try await keeps(.wildFree) }
  func test_useAfterFree() async throws { try await keeps(.useAfterFree) }
  func test_outOfBounds() async throws { try await keeps(.outOfBounds) }
  func test_uninitialised() async throws { try await keeps(.uninitialised) }
  func test_errorSwallowed() async throws { try await keeps(.errorSwallowed) }
  func test_wrongErrno() async throws { try await keeps(.wrongErrno) }
  func test_partialState() async throws { try await keeps(.partialState) }
  func test_lockImbalance() async throws { try await keeps(.lockImbalance) }
  func test_doubleLock() async throws { try await keeps(.doubleLock) }
  func test_sleepUnderLock() async throws { try await keeps(.sleepUnderLock) }
  func test_warnUnexpected() async throws { try await keeps(.warnUnexpected) }
  func test_crash() async throws { try await keeps(.crash) }
  func test_hang() async throws { try await keeps(.hang) }
}

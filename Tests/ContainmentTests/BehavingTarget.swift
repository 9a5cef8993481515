// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Foundation

@testable import Checking

/// The functions of Tests/Behaviours, linked into this program and searched.
struct BehavingTarget {
  private static let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Behaviours/behaviours.inc").path

  struct Finding: Equatable {
    /// The target, or both of a race with a plus between.
    var function: String
    var property: String
    var line: Int
    var message: String
  }

  let result: Explorer.Result
  let findings: [Finding]
  private let lines: [Substring]

  init() async throws {
    nonisolated(unsafe) let subject = try BehaviourDomain.subject()
    result = try Explorer.search(BehaviourDomain.self, jobs: 1, load: { _ in subject })
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    let places = try await Symbolizer(module: program, sources: [Self.source])
      .places(of: Set(result.findings.entries.keys.map(\.offset)))
    findings = result.findings.entries.map { cause, entry in
      Finding(
        function: cause.function, property: cause.property.id,
        line: places[cause.offset]?.line ?? 0, message: entry.message)
    }
    lines = try String(contentsOfFile: Self.source, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// The line, from 1, that a comment marks.
  func line(of mark: String) -> Int? {
    lines.firstIndex { $0.hasSuffix("/* \(mark) */") }.map { $0 + 1 }
  }

  /// What is found at a behaviour's line by its property.
  func finding(_ behaviour: Behaviour) -> Finding? {
    findings.first {
      $0.function == behaviour.entry && $0.property == behaviour.property
        && $0.line == line(of: behaviour.name)
    }
  }

  /// What is found in one target or race.
  func findings(in function: String) -> [Finding] { findings.filter { $0.function == function } }
}

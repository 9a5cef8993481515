// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// What is wrong is told with its cause, its place and its exit status, at once, and leaves nothing.
final class BadInputTests: EndToEndTestCase {
  func test_badInputs_areRefusedWithCauseAndPlace() async throws {
    _ = try await kernel()
    let inputs = BadInput.all
    XCTAssertGreaterThanOrEqual(inputs.count, 80)
    let runs = try await withThrowingTaskGroup(of: (Int, Tool.Run, Double).self) { group in
      var runs = [(Tool.Run, Double)?](repeating: nil, count: inputs.count)
      var waiting = inputs.indices[...]
      func begin() throws {
        guard let number = waiting.popFirst() else { return }
        let directory = "\(scratch)/\(number)"
        for (name, content) in inputs[number].files {
          let path = "\(directory)/\(name)"
          try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
          try content.write(to: URL(fileURLWithPath: path))
        }
        try FileManager.default.createDirectory(
          atPath: directory, withIntermediateDirectories: true)
        group.addTask {
          let start = ContinuousClock.now
          let ran = try await Tool.run(
            inputs[number].arguments, input: inputs[number].input, directory: directory)
          let (seconds, parts) = start.duration(to: .now).components
          return (number, ran, Double(seconds) + Double(parts) / 1e18)
        }
      }
      for _ in 0..<ProcessInfo.processInfo.activeProcessorCount { try begin() }
      while let (number, run, seconds) = try await group.next() {
        runs[number] = (run, seconds)
        try begin()
      }
      return runs.compactMap(\.self)
    }
    XCTAssertEqual(runs.count, inputs.count)
    for (input, (run, seconds)) in zip(inputs, runs) {
      let asked = input.arguments.map { $0.prefix(60) }.joined(separator: " ")
      XCTAssertEqual(run.status, input.status, "\(asked): \(run.errors)")
      XCTAssertEqual(run.output, "", asked)
      XCTAssertEqual(run.left, [], asked)
      XCTAssertLessThan(seconds, 20, asked)
      XCTAssertLessThan(run.errors.utf8.count, 8000, asked)
      for piece in input.says {
        XCTAssert(
          run.errors.contains(piece), "\(asked): no '\(piece)' in: \(run.errors.prefix(900))")
      }
      let hasRemedy = run.errors.contains("\n  remedy: ") || run.errors.contains("--help'")
      XCTAssert(hasRemedy, "\(asked): \(run.errors)")
    }
  }
}

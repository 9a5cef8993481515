// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import XCTest

/// What programs that others wrote see in kshim's reports. Each throws where the program finds a fault,
/// and `XCTSkip` where it is not there.
public enum ReportReaders {
  /// What a reader finds wrong.
  public struct Fault: Error, CustomStringConvertible {
    public var description: String
  }

  /// Validates JSON with a schema of docs/schema, by the Python package jsonschema.
  ///
  /// - Parameter schema: `check`, `compare` or `mutate`.
  public static func json(_ text: String, schema: String) async throws {
    _ = try await python("schema.py", ["\(Readers.root)/docs/schema/\(schema).json"], text)
  }

  public struct SARIF: Decodable, Sendable {
    public struct Result: Decodable, Sendable, Equatable {
      public var rule: String
      public var level: String
      public var line: Int
      /// The line's text; empty where the log has none.
      public var text: String
      /// Places in its code flow.
      public var steps: Int
    }
    public struct Run: Decodable, Sendable {
      public var exit: Int
      public var notices: [String]
      public var results: [Result]
    }
    public var runs: [Run]
  }

  /// Validates a log with the schema of SARIF 2.1.0.
  public static func sarif(_ text: String) async throws -> SARIF {
    try await decoded(python("sarif.py", [], text))
  }

  public struct JUnit: Decodable, Sendable {
    public struct Result: Decodable, Sendable {
      public var kind: String
      public var message: String
      public var text: String
    }
    public struct Case: Decodable, Sendable {
      public var name: String
      public var file: String
      public var line: Int
      public var results: [Result]
      public var output: String
    }
    public struct Suite: Decodable, Sendable {
      public var name: String
      public var tests: Int
      public var failures: Int
      public var errors: Int
      public var skipped: Int
      public var cases: [Case]
    }
    public var suites: [Suite]
  }

  /// Validates JUnit's XML with Jenkins' XSD; junitparser reads it.
  public static func junit(_ text: String) async throws -> JUnit {
    let xsd = "\(Readers.root)/.build/readers/junit-10.xsd"
    return try await decoded(python("junit.py", [xsd], text))
  }

  public struct KTAP: Decodable, Sendable {
    public struct Test: Decodable, Sendable {
      public var name: String
      /// `SUCCESS`, `FAILURE`, `SKIPPED`, …
      public var status: String
      /// Its diagnostic lines.
      public var log: [String]
      public var tests: [Test]
    }
    public var passed: Int
    public var failed: Int
    public var crashed: Int
    public var skipped: Int
    /// Lines that are not as KTAP has them.
    public var errors: Int
    public var tests: [Test]
  }

  /// What the kernel's own `kunit_parser.py` sees, of Debian's 6.12.
  public static func ktap(_ text: String) async throws -> KTAP {
    let store = KernelStore()
    let tree = try await store.need(["tools/testing/kunit"], of: store.resolve("debian:6.12"))
    return try await decoded(python("ktap.py", ["\(tree.directory)/tools/testing/kunit"], text))
  }

  public struct TAP: Decodable, Sendable {
    public struct Test: Decodable, Sendable {
      public var number: Int
      public var name: String
      public var ok: Bool
      public var skip: Bool
    }
    public var plan: Int
    public var tests: [Test]
    /// How many lines are nothing to it.
    public var strange: Int
  }

  /// What tap.py sees of a report without subtests.
  public static func tap(_ text: String) async throws -> TAP {
    try await decoded(python("tap_lines.py", [], text))
  }

  /// What lcov counts in a tracefile: lines, functions and branches, `3 of 4` each.
  public static func lcov(_ text: String) async throws -> [String] {
    let ran = try await withFile(text) { file in
      try await Readers.run(
        installed: "lcov", ["--rc", "lcov_branch_coverage=1", "--summary", file])
    }
    guard ran.status == 0 else { throw Fault(description: ran.text + ran.errors) }
    return (ran.text + ran.errors).matches(of: /\((\d+ of \d+)\s/).map { String($0.output.1) }
  }

  // MARK: Running

  /// - Returns: what it prints.
  private static func python(
    _ script: String, _ arguments: [String], _ text: String
  ) async throws -> String {
    let ran = try await withFile(text) { file in
      try await Readers.python("Tests/Readers/\(script)", arguments + [file])
    }
    guard ran.status == 0 else { throw Fault(description: ran.text + ran.errors) }
    return ran.text
  }

  private static func withFile<Result>(
    _ text: String, _ body: (String) async throws -> Result
  ) async throws -> Result {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("kshim-report-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(text.utf8).write(to: file)
    return try await body(file.path)
  }

  private static func decoded<Value: Decodable>(_ text: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(text.utf8))
  }
}

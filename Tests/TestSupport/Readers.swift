// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import XCTest

/// Programs that others wrote and that read what kshim writes: from Debian, and from PyPI in
/// `.build/readers`. `.ci/readers` gets them, and `make test` calls it.
public enum Readers {
  /// The checkout.
  public static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  /// What a program said.
  public struct Output: Sendable {
    public var status: Int32
    public var text: String
    public var errors: String
  }

  /// Runs a Python program with the packages of `.ci/requirements.txt`.
  ///
  /// - Parameter script: below the checkout, as `Tests/Browser/page.py`.
  /// - Throws: `XCTSkip` where they were not got.
  public static func python(_ script: String, _ arguments: [String]) async throws -> Output {
    guard FileManager.default.fileExists(atPath: "\(root)/.build/readers/requirements.txt") else {
      throw XCTSkip("the tests' readers are not there: run .ci/readers")
    }
    return try await run("\(root)/.build/readers/bin/python3", ["\(root)/\(script)"] + arguments)
  }

  /// Runs a program of a Debian package.
  ///
  /// - Throws: `XCTSkip` where it is not installed.
  public static func run(
    installed program: String, _ arguments: [String]
  ) async throws -> Output {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let paths = folders.map { "\($0)/\(program)" }
    guard let path = paths.first(where: FileManager.default.isExecutableFile) else {
      throw XCTSkip("\(program) is not installed: run .ci/readers")
    }
    return try await run(path, arguments)
  }

  private static func run(_ path: String, _ arguments: [String]) async throws -> Output {
    let ended = try await Command.run(path, arguments)
    return Output(status: ended.status, text: ended.outputText, errors: ended.errorText)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
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
  public static func python(_ script: String, _ arguments: [String]) throws -> Output {
    let python = "\(root)/.build/readers/bin/python3"
    guard FileManager.default.fileExists(atPath: "\(root)/.build/readers/requirements.txt") else {
      throw XCTSkip("the tests' readers are not there: run .ci/readers")
    }
    return try run(python, ["\(root)/\(script)"] + arguments)
  }

  /// Runs a program of a Debian package.
  ///
  /// - Throws: `XCTSkip` where it is not installed.
  public static func run(installed program: String, _ arguments: [String]) throws -> Output {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let paths = folders.map { "\($0)/\(program)" }
    guard let path = paths.first(where: FileManager.default.isExecutableFile) else {
      throw XCTSkip("\(program) is not installed: run .ci/readers")
    }
    return try run(path, arguments)
  }

  private static func run(_ path: String, _ arguments: [String]) throws -> Output {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("readers-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["output", "errors"].map { folder.appendingPathComponent($0) }
    for file in files { FileManager.default.createFile(atPath: file.path, contents: nil) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    try process.run()
    process.waitUntilExit()
    func text(_ file: URL) -> String {
      String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
    }
    return Output(
      status: process.terminationStatus, text: text(files[0]), errors: text(files[1]))
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource

/// Runs the built `kshim` as a user does: as a process of its own, its output in pipes.
///
///     let ran = try await Tool.run(["check", "--kernel", "debian:6.1"])
///     XCTAssertEqual(ran.status, 0, ran.errors)
///
/// Each run has a temporary directory of its own, and says what was left in it.
public enum Tool {
  /// What one run left behind.
  public struct Run: Sendable, Equatable, Codable {
    /// The exit status; 128 and the signal's number where a signal ended it.
    public let status: Int32
    /// Standard output.
    public let output: String
    /// Standard error.
    public let errors: String
    /// Names of what is left in its temporary directory, sorted.
    public let left: [String]
  }

  /// Where the products of this build are: next to the running test bundle.
  public static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().path

  /// The built command line tool: what `make test` names, which is optimised, else of this build.
  public static let path =
    ProcessInfo.processInfo.environment["KSHIM_TESTED"] ?? "\(products)/kshim"

  /// - Parameters:
  ///   - environment: what differs from this process's environment; nil takes a variable away.
  ///     `KERNEL`, `KSHIM_ROOT` and `NO_COLOR` are taken away unless given.
  ///   - input: standard input; nil gives it none.
  ///   - directory: the working directory; nil is this process's own.
  ///   - wrapper: a command that runs the tool, as `["unshare", "-n"]`.
  public static func run(
    _ arguments: [String], environment: [String: String?] = [:], input: String? = nil,
    directory: String? = nil, wrapper: [String] = []
  ) async throws -> Run {
    let files = FileManager.default
    let temporary = files.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("kshim-run-\(UUID().uuidString)").path
    try files.createDirectory(atPath: temporary, withIntermediateDirectories: true)
    defer { try? files.removeItem(atPath: temporary) }
    var overrides: [String: String?] = ["KERNEL": nil, "KSHIM_ROOT": nil, "NO_COLOR": nil]
    overrides["TMPDIR"] = temporary
    overrides.merge(environment) { _, given in given }
    let command = wrapper + [path] + arguments
    let ended = try await Command.run(
      command[0], Array(command.dropFirst()), environment: overrides, directory: directory,
      input: input.map { Data($0.utf8) })
    return Run(
      status: ended.status, output: ended.outputText, errors: ended.errorText,
      left: try files.contentsOfDirectory(atPath: temporary).sorted())
  }
}

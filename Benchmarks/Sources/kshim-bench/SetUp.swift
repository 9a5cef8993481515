// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import Subprocess
import SystemPackage

/// Programs that prepare a measurement; nobody looks at how long they take.
enum SetUp {
  /// Variables that `make` and a user's habits leave, and that would change what is built or run.
  static let dropped = [
    "KERNEL", "PATCH", "KSHIM_ROOT", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES",
    "GNUMAKEFLAGS", "CC", "CFLAGS", "CPPFLAGS", "LDFLAGS", "CPATH", "C_INCLUDE_PATH",
  ]

  /// What a program wrote to standard output.
  ///
  /// - Parameter allowed: the statuses that are no error.
  /// - Throws: ``Trouble`` for any other, with the end of what was written to standard error.
  @discardableResult
  static func run(
    _ command: [String], in directory: String? = nil, allowed: Set<Int32> = [0]
  ) async throws -> String {
    var changes: [Environment.Key: String?] = ["LC_ALL": "C"]
    for name in dropped { changes[Environment.Key(stringLiteral: name)] = String?.none }
    let name = command[0]
    let status: TerminationStatus
    let (output, errors): (String, String)
    do {
      let ended = try await Subprocess.run(
        name.contains("/") ? .path(FilePath(name)) : .name(name),
        arguments: Arguments(Array(command.dropFirst())),
        environment: .inherit.updating(changes), workingDirectory: directory.map { FilePath($0) },
        input: .none, output: .bytes(limit: .max), error: .bytes(limit: .max))
      status = ended.terminationStatus
      output = String(decoding: ended.standardOutput, as: UTF8.self)
      errors = String(decoding: ended.standardError, as: UTF8.self)
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw Trouble("there is no \(name)", remedy: "install it")
    }
    guard case .exited(let code) = status, allowed.contains(code) else {
      throw Trouble(
        "'\(command.prefix(2).joined(separator: " "))' fails",
        evidence: errors.isEmpty ? output : errors)
    }
    return output
  }

  /// Runs a bash script in which a failing part of a pipeline fails the whole.
  @discardableResult
  static func script(
    _ script: String, _ arguments: [String], in directory: String? = nil
  ) async throws -> String {
    try await run(
      ["bash", "-c", "set -euo pipefail\n" + script, "kshim-bench"] + arguments, in: directory)
  }

  static func note(_ text: String) {
    FileHandle.standardError.write(Data("kshim-bench: \(text)\n".utf8))
  }
}

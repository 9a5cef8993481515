// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Subprocess
import SystemPackage

/// Runs the programs that kshim relies on, and says which Debian package a missing one is in.
package enum Command {
  /// What a program left behind.
  package struct Result: Sendable {
    /// The exit status; 128 and the signal's number where a signal ended it, as a shell counts.
    package let status: Int32
    /// Everything it wrote to standard output.
    package let output: Data
    /// Everything it wrote to standard error, undecodable bytes replaced.
    package let errorText: String

    package var succeeded: Bool { status == 0 }
    /// ``output`` as text, undecodable bytes replaced.
    package var outputText: String { String(decoding: output, as: UTF8.self) }
    /// The lines of ``errorText`` that are not empty, as evidence for a `Failure`.
    package var errorLines: [String] {
      errorText.split(separator: "\n").map(String.init).filter { !$0.allSatisfy(\.isWhitespace) }
    }
  }

  /// Runs a program to its end, in the C locale.
  ///
  /// - Parameters:
  ///   - executable: a name looked up on PATH, or a path if it has a slash in it.
  ///   - environment: what differs from this process's environment; nil takes a variable away.
  ///   - directory: the working directory; nil is this process's own.
  ///   - input: what the program reads from standard input; nil gives it none.
  /// - Throws: `Failure` of kind tool where the program is missing or cannot be started. A
  ///   status other than 0 is a result, not an error.
  package static func run(
    _ executable: String, _ arguments: [String] = [], environment: [String: String?] = [:],
    directory: String? = nil, input: Data? = nil
  ) async throws -> Result {
    var overrides: [Environment.Key: String?] = ["LC_ALL": "C"]
    for (name, value) in environment { overrides[Environment.Key(stringLiteral: name)] = value }
    let configuration = Configuration(
      executable: place(of: executable, environment).map { .path(FilePath($0)) }
        ?? .name(executable),
      arguments: Arguments(arguments), environment: .inherit.updating(overrides),
      workingDirectory: directory.map { FilePath($0) })
    do {
      // Without a limit nothing is reserved ahead: the buffers grow with the output.
      if let input {
        // A program that ends before it has read all would end kshim too, if this were a pipe.
        guard let file = tmpfile() else { throw noRoom(executable) }
        defer { fclose(file) }
        let written = input.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
        guard written == input.count, fflush(file) == 0, lseek(fileno(file), 0, SEEK_SET) == 0
        else { throw noRoom(executable) }
        let ended = try await Subprocess.run(
          configuration,
          input: .fileDescriptor(
            FileDescriptor(rawValue: fileno(file)), closeAfterSpawningProcess: false),
          output: .bytes(limit: .max), error: .bytes(limit: .max))
        return Result(ended.terminationStatus, ended.standardOutput, ended.standardError)
      }
      let ended = try await Subprocess.run(
        configuration, input: .none, output: .bytes(limit: .max), error: .bytes(limit: .max))
      return Result(ended.terminationStatus, ended.standardOutput, ended.standardError)
    } catch let error as SubprocessError {
      if error.code == .executableNotFound { throw missing(executable) }
      throw Failure(
        .tool, asked: "run \(executable)", cause: "it could not be started (\(error))",
        remedy: "check that \(executable) works by hand")
    }
  }

  private static func noRoom(_ executable: String) -> Failure {
    Failure(
      .tool, asked: "run \(executable)",
      cause: "its input cannot be written (\(String(cString: strerror(errno))))",
      place: "/tmp", remedy: "make room in /tmp")
  }

  /// Runs a bash script in which a failing part of a pipeline fails the whole.
  ///
  /// - Parameters:
  ///   - script: the script; it sees `arguments` as `$1`, `$2`, …, so nothing needs quoting.
  ///   - needs: the programs that it calls, checked first, because a shell reports a missing
  ///     one only in the words of its standard error.
  package static func script(
    _ script: String, _ arguments: [String], needs: [String],
    environment: [String: String?] = [:], directory: String? = nil
  ) async throws -> Result {
    for program in needs { try require(program, environment: environment) }
    return try await run(
      "bash", ["-c", "set -o pipefail\n" + script, "kshim"] + arguments,
      environment: environment, directory: directory)
  }

  /// Checks that a program is on PATH.
  ///
  /// - Throws: `Failure` of kind tool that names the program's Debian package.
  package static func require(
    _ executable: String, environment: [String: String?] = [:]
  ) throws {
    if place(of: executable, environment) == nil { throw missing(executable) }
  }

  /// Where a program is: looked up here, because each folder that a child process tries costs a
  /// process.
  private static func place(of executable: String, _ environment: [String: String?]) -> String? {
    if executable.contains("/") { return executable }
    let inherited = ProcessInfo.processInfo.environment["PATH"]
    let path = (environment["PATH"] ?? inherited) ?? ""
    return path.split(separator: ":").map { "\($0)/\(executable)" }.first {
      access($0, X_OK) == 0 && FileKind($0) == .file
    }
  }

  /// The failure for a program that is not there.
  package static func missing(_ executable: String) -> Failure {
    let name = executable.split(separator: "/").last.map(String.init) ?? executable
    let package = debianPackages[name] ?? name
    return Failure(
      .tool, asked: "run \(name)",
      cause: "there is no \(name)\(executable.contains("/") ? " at \(executable)" : " on PATH")",
      remedy: "install the Debian package \(package) (apt-get install \(package))")
  }

  /// Programs whose Debian package has another name than they have.
  private static let debianPackages = [
    "apt-cache": "apt", "apt-get": "apt", "dpkg-deb": "dpkg", "xz": "xz-utils",
    "clang": "clang-19", "clang-19": "clang-19", "cc": "gcc", "spatch": "coccinelle",
  ]
}

extension Command.Result {
  fileprivate init(_ status: TerminationStatus, _ output: [UInt8], _ error: [UInt8]) {
    let code: Int32 =
      switch status {
      case .exited(let code): code
      case .signaled(let signal): 128 + signal
      }
    self.init(
      status: code, output: Data(output), errorText: String(decoding: error, as: UTF8.self))
  }
}

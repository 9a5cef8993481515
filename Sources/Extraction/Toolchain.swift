// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// The compiler and its companions, all from one folder: the Swift toolchain's, else the first on
/// PATH that has them.
public struct Toolchain: Sendable {
  public let folder: String

  /// - Throws: ``Failure`` of kind tool when there is no clang, or one without its companions.
  public static func locate() throws -> Toolchain {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let isThere = FileManager.default.isExecutableFile(atPath:)
    let needed = ["clang", "llvm-nm", "llvm-symbolizer", "llvm-cov", "llvm-profdata"]
    let folders = path.split(separator: ":").map(String.init).flatMap { folder in
      // A link to the compiler leads to where its companions are.
      let real = URL(fileURLWithPath: "\(folder)/clang").resolvingSymlinksInPath()
      return [folder, real.deletingLastPathComponent().path]
    }.filter { folder in needed.allSatisfy { isThere("\(folder)/\($0)") } }
    // A distribution's clang may be older than what the options need; the Swift toolchain's is not.
    if let folder = folders.first(where: { isThere("\($0)/swiftc") }) ?? folders.first {
      return Toolchain(folder: folder)
    }
    throw Failure(
      .tool, asked: "find the compiler",
      cause: "no folder on PATH has clang, llvm-nm, llvm-symbolizer, llvm-cov and llvm-profdata",
      remedy: "put the Swift toolchain's bin folder on PATH; it has all of them")
  }

  public func tool(_ name: String) -> String { "\(folder)/\(name)" }
}

extension Toolchain {
  /// Runs the compiler, one of its companions, or what it calls itself.
  ///
  /// - Parameter name: its name, or the whole path of what the compiler calls.
  /// - Throws: ``Failure`` of kind tool where it was ended from outside, or where nothing can be
  ///   written: neither says anything of what it was given. What it says of that is a result.
  package static func run(
    _ name: String, _ arguments: [String], environment: [String: String?] = [:],
    directory: String? = nil, input: Data? = nil
  ) async throws -> Command.Result {
    // No report of a crash is left in the temporary directory.
    let own = name == "clang" ? ["-fno-crash-diagnostics"] : []
    let result = try await Command.run(
      name.hasPrefix("/") ? name : locate().tool(name), own + arguments, environment: environment,
      directory: directory,
      input: input)
    guard !result.succeeded else { return result }
    let signal = signal(result)
    let tooLarge = signal == SIGXFSZ ? String(cString: strerror(EFBIG)) : nil
    if let reason = tooLarge ?? DiskTrouble.reason(result.errorLines) {
      if DiskTrouble.isBounded, reason == String(cString: strerror(ENOSPC)) {
        throw DiskTrouble.tooMuch("compile what the patch makes of it")
      }
      throw Failure(
        .tool, asked: "run \(name)", cause: "what it makes cannot be written (\(reason))",
        place: FileManager.default.temporaryDirectory.path,
        remedy: "make room there, or set TMPDIR to a directory with more room")
    }
    if let signal {
      throw Failure(
        .tool, asked: "run \(name)",
        cause: "it was ended by signal \(signal) (\(String(cString: strsignal(signal))))",
        remedy:
          "run the command again; if it repeats, look in the system's log for what ended it, as a lack of memory"
      )
    }
    return result
  }

  /// The signal by which something else ended it, or what it started itself; not one that comes of what
  /// it was given.
  private static func signal(_ result: Command.Result) -> Int32? {
    let outer = [SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGXCPU, SIGXFSZ]
    if outer.contains(result.status - 128) { return result.status - 128 }
    return outer.first { signal in
      let words = "unable to execute command: \(String(cString: strsignal(signal)))"
      return result.errorLines.contains { $0.hasPrefix("clang") && $0.contains(words) }
    }
  }
}

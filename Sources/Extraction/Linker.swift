// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// Links a unit and its runtime into a shared object, as clang would. Clang is asked once what it calls
/// for that; the answer is kept, and the linker called without it.
struct Linker {
  let installation: Installation
  let options: BuildOptions
  /// A place of the caller's own. In a jail nothing makes random names, so that those of two who ask at once
  /// would be one.
  let scratch: String

  /// What stands in the kept command for the objects and for what comes of them.
  private static let (unit, runtime, output) = ("/unit.o", "/runtime.o", "/output.so")

  /// - Parameter command: as ``command`` says.
  func run(
    _ command: [String], _ unit: String, _ runtime: String, into output: String
  ) async throws -> Command.Result {
    let words = command.map { word in
      switch word {
      case Self.unit: unit
      case Self.runtime: runtime
      case Self.output: output
      default: word
      }
    }
    return try await Toolchain.run(words[0], Array(words.dropFirst()))
  }

  /// The linker and what it is told, kept before a stranger's text is read.
  var command: [String] {
    get async throws {
      let clang = try Toolchain.locate().tool("clang")
      let compiler = URL(fileURLWithPath: clang).resolvingSymlinksInPath().path
      let flags = options.counters + ["-Wl,-z,defs", "-Wl,-Bsymbolic"]
      let key = Digest.of(
        (["kshim linker 1", compiler, FileStamp(compiler).text ?? ""] + flags)
          .joined(separator: "\n"))
      let path = "\(installation.cache)/linker-\(key.prefix(32)).json"
      let places = [Self.unit, Self.runtime, Self.output]
      // What clang found may have been installed anew since.
      if let kept = await installation.keeper.record(at: path),
        let command = try? JSONDecoder().decode([String].self, from: kept),
        command.allSatisfy({
          !$0.hasPrefix("/") || places.contains($0) || FileStamp($0).text != nil
        })
      {
        return command
      }
      let command = try await ask(flags)
      _ = await installation.keeper.keep(record: try JSONEncoder().encode(command), at: path)
      return command
    }
  }

  /// Asks clang, for objects that need only be there.
  private func ask(_ flags: [String]) async throws -> [String] {
    let folder = "\(scratch).linker"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for name in [Self.unit, Self.runtime] {
      try Data().write(to: URL(fileURLWithPath: folder + name))
    }
    let told = try await Toolchain.run(
      "clang",
      ["-###", "-shared", folder + Self.unit, folder + Self.runtime] + flags
        + ["-o", folder + Self.output])
    // The command is the last line, each word in quotes.
    guard told.succeeded, let line = told.errorLines.last(where: { $0.hasPrefix(" \"") }) else {
      throw Failure(
        .tool, asked: "find the linker", cause: "clang does not tell what it calls",
        evidence: Array(told.errorLines.suffix(5)),
        remedy: "check that clang can link a shared object on this machine")
    }
    return Self.words(line).map {
      $0.hasPrefix("\(folder)/") ? String($0.dropFirst(folder.count)) : $0
    }
  }

  /// What stands in quotes; a backslash stands before a quote or a backslash in it.
  private static func words(_ line: String) -> [String] {
    var words: [String] = []
    var (word, isIn, isEscaped) = ("", false, false)
    for character in line {
      if isEscaped {
        word.append(character)
        isEscaped = false
      } else if character == "\\", isIn {
        isEscaped = true
      } else if character == "\"" {
        if isIn { words.append(word) }
        (word, isIn) = ("", !isIn)
      } else if isIn {
        word.append(character)
      }
    }
    return words
  }
}

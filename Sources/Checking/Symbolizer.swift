// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Failures
import Foundation
import KernelSource

/// Turns offsets in a subject's module into the kernel's functions and lines.
struct Symbolizer {
  struct Place: Equatable, Hashable {
    var function: String
    var file: String
    var line: Int
  }

  let module: String
  /// The kernel's files that are judged: what their functions have inlined from a header is told at
  /// their own line.
  let sources: Set<String>

  private struct Answer: Decodable {
    struct Symbol: Decodable {
      var file: String
      var function: String
      var line: Int

      enum CodingKeys: String, CodingKey {
        case file = "FileName"
        case function = "FunctionName"
        case line = "Line"
      }
    }
    var symbols: [Symbol]?

    enum CodingKeys: String, CodingKey {
      case symbols = "Symbol"
    }
  }

  /// - Parameters:
  ///   - offsets: return addresses; the call is the instruction before.
  ///   - other: where else the line of one may be told.
  /// - Returns: of each the innermost place in the source, else the innermost that there is.
  func places(
    of offsets: Set<UInt64>, orAt other: (UInt64) -> UInt64 = { $0 }
  ) async throws -> [UInt64: Place] {
    let others = Dictionary(uniqueKeysWithValues: offsets.map { ($0, other($0)) })
    let places = try await places(at: offsets.union(others.values))
    return others.reduce(into: [:]) { $0[$1.key] = places[$1.key] ?? places[$1.value] }
  }

  private func places(at offsets: Set<UInt64>) async throws -> [UInt64: Place] {
    guard !offsets.isEmpty else { return [:] }
    let asked = offsets.sorted()
    let input = asked.map { "0x" + String($0 &- 1, radix: 16) + "\n" }.joined()
    let result = try await Toolchain.run(
      "llvm-symbolizer", ["--obj=\(module)", "--output-style=JSON"], input: Data(input.utf8))
    guard result.succeeded else {
      throw Failure(
        .tool, asked: "find the lines of a trace", cause: "llvm-symbolizer failed",
        evidence: result.errorLines, remedy: "run the command again; if it repeats, report it")
    }
    var places: [UInt64: Place] = [:]
    let lines = result.outputText.split(separator: "\n")
    for (offset, line) in zip(asked, lines) {
      guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(line.utf8)),
        let symbols = answer.symbols?.filter({ $0.line > 0 })
      else { continue }
      let frames = symbols.map { symbol in
        Place(
          function: symbol.function,
          file: symbol.file.hasPrefix("./") ? String(symbol.file.dropFirst(2)) : symbol.file,
          line: symbol.line)
      }
      places[offset] = frames.first { sources.contains($0.file) } ?? frames.first
    }
    return places
  }
}

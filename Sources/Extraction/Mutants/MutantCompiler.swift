// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// Sorts out the mutants that the compiler refuses or makes nothing new of, and writes the text of
/// the others.
struct MutantCompiler {
  let extraction: Extraction
  let manifest: Manifest
  let extracted: Extractor.Result
  let installation: Installation
  /// The preamble without instruments.
  let precompiled: PrecompiledPreamble?

  private var asked: String { "compile the mutants of \(manifest.subject)" }

  /// - Returns: the mutants with what became of them, and for each function with a ready one the
  ///   bit that tells when it is reached. `unit.c` holds the ready ones afterwards.
  func sorted(_ mutants: [Mutant]) async throws -> (mutants: [Mutant], reach: [String: Int]) {
    var mutants = mutants
    var assembly = Assembly("")
    // Each round shows only what the one before let the compiler get to.
    for arguments in [["-fsyntax-only"], ["-S", "-O2"]] {
      while true {
        let (refused, output) = try await compile(mutants, arguments)
        for index in mutants.indices {
          guard let message = refused[mutants[index].number] else { continue }
          mutants[index].state = .doesNotCompile(message)
        }
        assembly = Assembly(output)
        if refused.isEmpty { break }
      }
    }
    compare(&mutants, assembly)
    let reach = reach(mutants)
    try write(mutants, reach, isApart: false)
    return (mutants, reach)
  }

  private func reach(_ mutants: [Mutant]) -> [String: Int] {
    let names = Set(mutants.filter { $0.state == .ready }.map(\.function)).sorted()
    return Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0 % 64) })
  }

  private func write(_ mutants: [Mutant], _ reach: [String: Int], isApart: Bool) throws {
    let writer = UnitWriter(
      manifest: manifest, extracted: extracted,
      provenance: Extraction.header(extraction.provenance),
      textSHA256: extraction.provenance.textSHA256,
      mutants: MutantWriter(
        manifest: manifest, extracted: extracted, mutants: mutants.filter { $0.state == .ready },
        reach: reach, isApart: isApart))
    try Data(writer.unit.utf8).write(to: URL(fileURLWithPath: unit))
  }

  private var unit: String { "\(extraction.directory)/unit.c" }

  /// - Returns: the message for each mutant that the compiler refuses, and what it wrote. What the
  ///   kernel's build takes for an error is one.
  private func compile(
    _ mutants: [Mutant], _ arguments: [String]
  ) async throws -> (refused: [Int: String], output: String) {
    try write(mutants, reach(mutants), isApart: true)
    // A variable without a value is not one with any value: the compiler must not choose it.
    let ended = try await UnitCompiler(
      installation: installation, arguments: extraction.arguments, options: .plain,
      precompiled: precompiled
    ).run(
      unit,
      arguments + [
        "-g0", "-fno-verbose-asm", "-fno-asynchronous-unwind-tables", "-ferror-limit=0", "-o", "-",
      ])
    var refused: [Int: String] = [:]
    for line in ended.errorLines {
      guard
        let match = line.prefixMatch(
          of: /kshim-mutant-([0-9]+):[0-9]+:(?:[0-9]+:)? (?:fatal error|error|warning):\s/),
        let number = Int(match.1)
      else { continue }
      refused[number] = refused[number] ?? String(line[match.range.upperBound...])
    }
    if !ended.succeeded, refused.isEmpty {
      throw Failure(
        .tool, asked: asked, cause: "the compiler refuses the text for no mutant's sake",
        evidence: Array(ended.errorLines.prefix(8)),
        remedy: "report it, or leave out the function with --function")
    }
    return (refused, ended.outputText)
  }

  /// Marks what the compiler makes the same of.
  private func compare(_ mutants: inout [Mutant], _ assembly: Assembly) {
    // By function and code the key of the first that has it, "" for the original.
    var seen: [String: [String: String]] = [:]
    for index in mutants.indices where mutants[index].state == .ready {
      let function = mutants[index].function
      if seen[function] == nil {
        seen[function] = [:]
        if let code = assembly.code(of: MutantWriter.original(function)) {
          seen[function]![code] = ""
        }
      }
      guard let code = assembly.code(of: MutantWriter.copy(mutants[index].number)) else { continue }
      if let same = seen[function]![code] {
        mutants[index].state = .sameCode(as: same.isEmpty ? nil : same)
      } else {
        seen[function]![code] = mutants[index].key
      }
    }
  }
}

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

  /// Shares functions out so that a compiler has about as much to do with each part as with another.
  static func parts(of mutants: [Mutant], at most: Int) -> [Set<String>] {
    let sizes = Dictionary(mutants.map { ($0.function, 1) }, uniquingKeysWith: +)
    var parts = Array(repeating: (names: Set<String>(), size: 0), count: min(most, sizes.count))
    for (name, size) in sizes.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      let least = parts.indices.min { parts[$0].size < parts[$1].size }!
      parts[least].names.insert(name)
      parts[least].size += size
    }
    return parts.map(\.names)
  }

  /// - Returns: the mutants with what became of them, and for each function with a ready one the
  ///   bit that tells when it is reached. The units of the parts hold the ready ones afterwards.
  func sorted(
    _ mutants: [Mutant], _ parts: [Set<String>]
  ) async throws -> (mutants: [Mutant], reach: [String: Int]) {
    var mutants = mutants
    // Each round shows only what the one before let the compiler get to. What is refused for a call that
    // optimising leaves in is written nevertheless, as is all else.
    var outputs: [String] = []
    while outputs.contains("") || outputs.isEmpty {
      try write(mutants, parts, isApart: true)
      let refused: [Int: String]
      (refused, outputs) = try await compile(parts.indices.map(unit), ["-S", "-O2"])
      for index in mutants.indices {
        guard let message = refused[mutants[index].number] else { continue }
        mutants[index].state = .doesNotCompile(message)
      }
    }
    let assemblies = outputs.map(Assembly.init)
    for (names, assembly) in zip(parts, assemblies) { compare(&mutants, of: names, assembly) }
    try write(mutants, parts, isApart: false)
    return (mutants, reach(mutants))
  }

  private func reach(_ mutants: [Mutant]) -> [String: Int] {
    let names = Set(mutants.filter { $0.state == .ready }.map(\.function)).sorted()
    return Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0 % 64) })
  }

  /// The extraction with a part's mutants.
  func extraction(_ part: Int) -> Extraction {
    var extraction = extraction
    extraction.unit = name(part)
    extraction.hasMutants = true
    return extraction
  }

  private func name(_ part: Int) -> String { "mutants-\(part).c" }
  private func unit(_ part: Int) -> String { "\(extraction.directory)/\(name(part))" }

  private func write(_ mutants: [Mutant], _ parts: [Set<String>], isApart: Bool) throws {
    let reach = reach(mutants)
    for (part, names) in parts.enumerated() {
      let writer = UnitWriter(
        manifest: manifest, extracted: extracted,
        provenance: Extraction.header(extraction.provenance),
        textSHA256: extraction.provenance.textSHA256,
        mutants: MutantWriter(
          manifest: manifest, extracted: extracted,
          mutants: mutants.filter { $0.state == .ready && names.contains($0.function) },
          reach: reach, isApart: isApart))
      try Data(writer.unit.bytes).write(to: URL(fileURLWithPath: unit(part)))
    }
  }

  /// - Returns: the message for each mutant that the compiler refuses, and what it wrote for each unit.
  ///   What the kernel's build takes for an error is one.
  private func compile(
    _ units: [String], _ arguments: [String]
  ) async throws -> (refused: [Int: String], outputs: [String]) {
    // A variable without a value is not one with any value: the compiler must not choose it.
    let compiler = UnitCompiler(
      installation: installation, arguments: extraction.arguments, options: .plain,
      precompiled: precompiled)
    let options =
      arguments + [
        "-g0", "-fno-verbose-asm", "-fno-asynchronous-unwind-tables", "-ferror-limit=0", "-o", "-",
      ]
    let all = try await withThrowingTaskGroup(of: (Int, Command.Result).self) { group in
      for (part, unit) in units.enumerated() {
        group.addTask { (part, try await compiler.run(unit, options)) }
      }
      return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
    var refused: [Int: String] = [:]
    for ended in all.values {
      let known = refused.count
      for line in ended.errorLines {
        guard
          let match = line.prefixMatch(
            of: /kshim-mutant-([0-9]+):[0-9]+:(?:[0-9]+:)? (?:fatal error|error|warning):\s/),
          let number = Int(match.1)
        else { continue }
        refused[number] = refused[number] ?? String(line[match.range.upperBound...])
      }
      if !ended.succeeded, refused.count == known {
        throw Failure(
          .tool, asked: asked, cause: "the compiler refuses the text for no mutant's sake",
          evidence: Array(ended.errorLines.prefix(8)),
          remedy: "report it, or leave out the function with --function")
      }
    }
    return (refused, units.indices.map { all[$0]!.outputText })
  }

  /// Marks what the compiler makes the same of.
  private func compare(
    _ mutants: inout [Mutant], of functions: Set<String>, _ assembly: Assembly
  ) {
    // By function and code the key of the first that has it, "" for the original.
    var seen: [String: [String: String]] = [:]
    for index in mutants.indices
    where mutants[index].state == .ready && functions.contains(mutants[index].function) {
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

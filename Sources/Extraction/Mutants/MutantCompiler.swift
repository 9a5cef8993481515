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

  /// Shares functions out so that a compiler has about as much to do with each part as with another: each
  /// mutant is its function once more. The first part has the watched copies as well.
  ///
  /// - Parameters:
  ///   - lines: how long each function is.
  ///   - watched: functions with a watched copy.
  static func parts(
    of mutants: [Mutant], lines: [String: Int], watched: some Sequence<String> = [], at most: Int
  ) -> [Set<String>] {
    let sizes = Dictionary(
      mutants.map { ($0.function, lines[$0.function, default: 1]) }, uniquingKeysWith: +)
    var parts = Array(repeating: (names: Set<String>(), size: 0), count: min(most, sizes.count))
    if !parts.isEmpty { parts[0].size = watched.reduce(0) { $0 + lines[$1, default: 1] } }
    for (name, size) in sizes.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      let least = parts.indices.min { parts[$0].size < parts[$1].size }!
      parts[least].names.insert(name)
      parts[least].size += size
    }
    return parts.map(\.names)
  }

  /// What became of a part.
  private enum Step: Sendable {
    case compiled(part: Int, refused: [Int: String], output: Data)
    case sorted(part: Int, mutants: [Mutant])
    case used
  }

  /// Sorts each part's mutants; its unit holds the ready ones afterwards.
  ///
  /// - Parameter use: takes each part as soon as it is there, while others are still sorted.
  /// - Returns: the mutants with what became of them, and the marks that there are.
  func sorted(
    _ mutants: [Mutant], _ parts: [Set<String>], _ marks: MutantMarks,
    use: @escaping @Sendable (Int, Extraction) async throws -> Void
  ) async throws -> ([Mutant], MutantMarks) {
    var marks = marks
    var owned = parts.map { names in mutants.filter { names.contains($0.function) } }
    let compiler = compiler
    let extractions = parts.indices.map(extraction(_:))
    try await withThrowingTaskGroup(of: Step.self) { group in
      func compile(_ part: Int) throws {
        try write(
          owned[part], to: apart(part), marks, part == 0 ? mutants : [], isApart: true)
        let unit = apart(part)
        group.addTask {
          let (refused, output) = try await Self.compile(unit, by: compiler, isQuick: true)
          return .compiled(part: part, refused: refused, output: output)
        }
      }
      for part in parts.indices { try compile(part) }
      while let step = try await group.next() {
        switch step {
        case .compiled(let part, let refused, let output):
          for index in owned[part].indices {
            guard let message = refused[owned[part][index].number] else { continue }
            owned[part][index].state = .doesNotCompile(message)
          }
          marks = marks.without({ refused[$0] != nil }, of: mutants)
          // Each round shows only what the one before let the compiler get to. What is refused for a call
          // that optimising leaves in is written nevertheless, as is all else.
          if output.isEmpty {
            try compile(part)
          } else {
            let mutants = owned[part]
            group.addTask {
              .sorted(part: part, mutants: Self.compared(mutants, Assembly(output)))
            }
          }
        case .sorted(let part, let own):
          owned[part] = own
          try write(
            own, to: unit(part), marks, part == 0 ? mutants : [], isApart: false)
          group.addTask {
            try await use(part, extractions[part])
            return .used
          }
        case .used: break
        }
      }
    }
    // Numbers are in the order of the file.
    return (owned.joined().sorted { $0.number < $1.number }, marks)
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

  /// Where a part's copies stand to be compared.
  private func apart(_ part: Int) -> String { "\(extraction.directory)/apart-\(part).c" }

  /// Where those of each of so many parts stand, for another look.
  func copies(_ parts: Int) -> MutantCopies {
    MutantCopies(units: (0..<parts).map(apart), compiler: compiler)
  }

  private func write(
    _ mutants: [Mutant], to unit: String, _ marks: MutantMarks, _ watched: [Mutant],
    isApart: Bool
  ) throws {
    let writer = UnitWriter(
      manifest: manifest, extracted: extracted,
      provenance: Extraction.header(extraction.provenance),
      textSHA256: extraction.provenance.textSHA256,
      mutants: MutantWriter(
        manifest: manifest, extracted: extracted, mutants: mutants.filter { $0.state == .ready },
        marks: marks, watched: watched, isApart: isApart))
    try Data(writer.unit.bytes).write(to: URL(fileURLWithPath: unit))
  }

  /// A variable without a value is not one with any value: the compiler must not choose it.
  private var compiler: UnitCompiler {
    UnitCompiler(
      installation: installation, arguments: extraction.arguments, options: .plain,
      precompiled: precompiled)
  }

  /// - Parameter isQuick: whether conditions are not derived from conditions: that takes a tenth of the
  ///   time, and few copies become the same by it.
  /// - Returns: the message for each mutant that the compiler refuses, and what it wrote. What the
  ///   kernel's build takes for an error is one.
  fileprivate static func compile(
    _ unit: String, by compiler: UnitCompiler, isQuick: Bool
  ) async throws -> (refused: [Int: String], output: Data) {
    let ended = try await compiler.run(
      unit,
      [
        "-S", "-O2", "-g0", "-fno-verbose-asm", "-fno-asynchronous-unwind-tables",
        "-ferror-limit=0", "-o", "-",
      ] + (isQuick ? ["-mllvm", "-enable-constraint-elimination=0"] : []))
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
        .tool, asked: "compile mutants",
        cause: "the compiler refuses the text for no mutant's sake",
        evidence: Array(ended.errorLines.prefix(8)),
        remedy: "report it, or leave out the function with --function")
    }
    return (refused, ended.output)
  }

  /// Marks what the compiler makes the same of.
  fileprivate static func compared(_ mutants: [Mutant], _ assembly: Assembly) -> [Mutant] {
    var mutants = mutants
    // By function and code the key of the first that has it, "" for the original.
    var seen: [String: [[UInt8]: String]] = [:]
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
    return mutants
  }
}

/// Where the copies of each part stand as they were compared, and who compiled them.
struct MutantCopies: Sendable {
  fileprivate let units: [String]
  fileprivate let compiler: UnitCompiler

  /// Compares some of a part's mutants once more, with all that the optimiser can.
  ///
  /// - Parameter mutants: which ones; of several that are the same the first is ready.
  func compared(_ mutants: [Mutant], in part: Int) async throws -> [Mutant] {
    let (_, output) = try await MutantCompiler.compile(units[part], by: compiler, isQuick: false)
    return MutantCompiler.compared(mutants, Assembly(output))
  }
}

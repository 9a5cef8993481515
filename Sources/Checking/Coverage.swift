// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Failures
import Foundation
import KernelSource
import Reporting

/// How often what was passed, by clang's source-based coverage.
struct Coverage {
  let extraction: Extraction
  /// The build that counts.
  let module: String
  /// What each worker wrote.
  let profiles: [String]
  /// A directory for the merged profile.
  let work: String

  struct Function: Decodable {
    var name: String
    var filenames: [String]
    /// line, column, end line, end column, times, file, expanded file, kind
    var regions: [[Int]]
    /// line, column, end line, end column, times true, times false, file, expanded file, kind
    var branches: [[Int]]?

    /// How often a line of the unit was passed; nil where no code stands there.
    func times(_ line: Int) -> Int? {
      // Code, and what lies between a condition and what it guards.
      let parts = regions.filter {
        $0.count >= 8 && [0, 3].contains($0[7]) && filenames[$0[5]].hasSuffix("/unit.c")
          && $0[0] <= line && line <= $0[2]
      }
      // The innermost region in which it begins, and those that begin on it.
      let around = parts.filter { $0[0] < line }.max { ($0[0], $0[1]) < ($1[0], $1[1]) }
      let on = parts.filter { $0[7] == 0 && $0[0] == line }
      return ([around].compactMap(\.self) + on).map { $0[4] }.max()
    }
  }

  private struct Export: Decodable {
    struct Part: Decodable { var functions: [Function] }
    var data: [Part]
  }

  func functions() async throws -> [Function] {
    let merged = "\(work)/merged.profdata"
    try await run("llvm-profdata", ["merge", "-o", merged] + profiles)
    // Every file is left out: what there is by function is all that counts here.
    let exported = try await run(
      "llvm-cov",
      [
        "export", module, "-instr-profile=\(merged)", "-format=text", "-ignore-filename-regex=.",
      ])
    return try JSONDecoder().decode(Export.self, from: exported).data.flatMap(\.functions)
  }

  /// How often each line of the kernel's files was passed, where code stands.
  func lines() async throws -> [String: [Int: Int]] { try lines(of: await functions()) }

  func lines(of functions: [Function]) throws -> [String: [Int: Int]] {
    var map = try LineMap(path: "\(extraction.directory)/unit.c")
    var times: [String: [Int: Int]] = [:]
    for function in functions {
      guard let first = function.regions.map({ $0[0] }).min(),
        let last = function.regions.map({ $0[2] }).max()
      else { continue }
      for line in first...max(first, last) where map.isCode(line) {
        guard let at = map.place(of: line), let count = function.times(line) else { continue }
        times[at.file, default: [:]][at.line] = max(times[at.file]?[at.line] ?? 0, count)
      }
    }
    return times
  }

  /// How often each branch that is written on a line of the kernel's files went either way.
  func branches(of functions: [Function]) throws -> [String: [Verdict.Branch]] {
    let map = try LineMap(path: "\(extraction.directory)/unit.c")
    var found: [String: [Verdict.Branch]] = [:]
    for function in functions {
      for branch in function.branches ?? [] where function.filenames[branch[6]].hasSuffix("/unit.c")
      {
        guard let at = map.place(of: branch[0]) else { continue }
        found[at.file, default: []].append(
          .init(line: at.line, taken: branch[4], notTaken: branch[5]))
      }
    }
    return found.mapValues { $0.sorted { $0.line < $1.line } }
  }

  /// Lines that the patches touched and that no run passes, in a function of a file.
  ///
  /// - Returns: them, and whether any touched line of the function is passed; nil where none holds code.
  func unreached(
    in function: String, of file: String
  ) async throws -> (lines: [Int], isReached: Bool)? {
    guard let touched = extraction.touched[file],
      let place = extraction.provenance.functions.first(where: {
        $0.name == function && ($0.file ?? extraction.provenance.source) == file
      })
    else { return nil }
    let times = try await lines()[file, default: [:]].filter { line, _ in
      line >= place.firstLine && line <= place.lastLine
        && touched.contains { $0.contains(line) }
    }
    guard !times.isEmpty else { return nil }
    return (
      times.filter { $0.value == 0 }.keys.sorted(), times.contains { $0.value > 0 }
    )
  }

  @discardableResult
  private func run(_ tool: String, _ arguments: [String]) async throws -> Data {
    let result = try await Toolchain.run(tool, arguments)
    guard result.succeeded else {
      throw Failure(
        .tool, asked: "count what was passed", cause: "\(tool) failed",
        evidence: Array(result.errorLines.prefix(5)),
        remedy: "run the command again; if it repeats, report it")
    }
    return result.output
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// An extraction whose functions can be exchanged for mutants at run time.
public struct MutatedExtraction: Sendable {
  public let extraction: Extraction
  /// The part of each function.
  public let part: [String: Int]
  /// Those that were selected, in the order of the file.
  public let mutants: [Mutant]
  /// What the first part tells.
  public let marks: MutantMarks
  /// The source file, patches applied.
  public let source: String
  /// Keys of all mutants of this text, selected or not.
  public let keys: Set<String>
  /// nil where nothing is compiled.
  let copies: MutantCopies?

  /// Those of these mutants that an optimiser that takes its time makes the same code of as of the
  /// original or of an earlier one of them.
  public func sameCode(_ mutants: [Mutant]) async throws -> [Mutant] {
    guard let copies else { return [] }
    var same: [Mutant] = []
    for (part, own) in Dictionary(grouping: mutants, by: { part[$0.function]! }) {
      same += try await copies.compared(own, in: part).filter { $0.state != .ready }
    }
    return same
  }

  /// A line range of the source before and after a mutant's edit.
  public func lines(of mutant: Mutant) -> (before: [String], after: [String]) {
    let text = Array(source.utf8)
    let newline = UInt8(ascii: "\n")
    let start = (text[..<mutant.range.lowerBound].lastIndex(of: newline) ?? -1) + 1
    let end = text[mutant.range.upperBound...].firstIndex(of: newline) ?? text.count
    func string(_ range: Range<Int>) -> String { String(bytes: text[range]) }
    let after =
      string(start..<mutant.range.lowerBound) + mutant.replacement
      + string(mutant.range.upperBound..<end)
    func split(_ text: String) -> [String] {
      text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
    return (split(string(start..<end)), split(after).filter { !$0.allSatisfy(\.isWhitespace) })
  }
}

extension Extraction {
  /// Extracts a subject, and finds and compiles the mutants of its functions.
  ///
  /// - Parameters:
  ///   - jobs: how many compilers may run at once; 0 compiles nothing.
  ///   - use: takes the same extraction with the ready mutants of some functions, by its number: as many
  ///     such parts as there are jobs, or fewer.
  /// - Throws: ``Failure`` as ``extract(_:from:installation:into:)`` does, and of kind request when
  ///   the selection names an operator, a function or a mutant that there is not.
  public static func mutated(
    _ subject: String, from revision: Revision, installation: Installation,
    selection: MutantSelection, jobs: Int, into directory: String,
    use: @escaping @Sendable (_ part: Int, Extraction) async throws -> Void = { _, _ in }
  ) async throws -> MutatedExtraction {
    let given = try installation.manifest(subject)
    let output = try OutputDirectory(directory, asked: "extract \(subject)")
    defer { output.discard() }
    let (extraction, extracted, followed) = try await extract(
      given, from: revision, installation: installation,
      as: .object(counting: false, isAlone: jobs > 1),
      into: output)
    let (manifest, revision) = (followed.manifest, followed.revision)
    let all = MutantFinder(manifest: manifest, extracted: extracted).mutants()
    try selection.check(all, functions: extraction.provenance.functions.map(\.name))
    func takes(_ selection: MutantSelection, _ mutant: Mutant) -> Bool {
      let file = extraction.provenance.file(of: mutant.function)
      return selection.takes(mutant, touched: extraction.touched[file] ?? [])
    }
    let selected = all.filter { takes(selection, $0) }
    guard !selected.isEmpty else {
      var touched = MutantSelection()
      touched.touchedOnly = selection.touchedOnly
      let isTouched = all.contains { takes(touched, $0) }
      throw Failure(
        .request, asked: "make mutants of \(subject) from \(revision.tree.spec)",
        cause: "of \(all.count) mutants none is "
          + (isTouched ? "selected" : "on a line that the patch brings"),
        remedy: !isTouched
          ? "take the patch into a tree of your own, and name that with --kernel"
          : "choose fewer conditions, a smaller --sample or another --seed")
    }
    let source = String(bytes: extracted.text)
    let keys = Set(all.map(\.key))
    guard jobs > 0 else {
      return MutatedExtraction(
        extraction: extraction, part: [:], mutants: selected,
        marks: MutantMarks(selected, watches: false),
        source: source, keys: keys, copies: nil)
    }
    let compiler = MutantCompiler(
      extraction: extraction, manifest: manifest, extracted: extracted, installation: installation,
      precompiled: try await preamble(
        manifest, revision, extracted, installation, work: directory, .plain))
    let lines = extraction.provenance.functions.map { ($0.name, $0.lastLine - $0.firstLine + 1) }
    // Within bounds a mutant is held against the original run by run.
    let wanted = MutantMarks(selected, watches: manifest.bound == nil)
    let parts = MutantCompiler.parts(
      of: selected, lines: Dictionary(lines, uniquingKeysWith: max),
      watched: wanted.copies.keys, at: jobs)
    let (mutants, marks) = try await compiler.sorted(selected, parts, wanted, use: use)
    return MutatedExtraction(
      extraction: extraction,
      part: Dictionary(
        uniqueKeysWithValues: parts.enumerated().flatMap { part, names in
          names.map { ($0, part) }
        }), mutants: mutants, marks: marks, source: source, keys: keys,
      copies: compiler.copies(parts.count))
  }
}

extension MutantSelection {
  /// Refuses names that nothing has.
  func check(_ all: [Mutant], functions known: [String]) throws {
    func refuse(_ cause: String, _ remedy: String) -> Failure {
      Failure(.request, asked: "select mutants", cause: cause, remedy: remedy)
    }
    let ids = MutationOperators.all.map { $0.id }
    if let wrong = operators.sorted().first(where: { !ids.contains($0) }) {
      throw refuse(
        "there is no operator '\(wrong)'",
        Nearest.remedy(
          for: wrong, in: ids, otherwise: "use one of: \(ids.joined(separator: ", "))"))
    }
    if let wrong = functions.sorted().first(where: { !known.contains($0) }) {
      throw refuse(
        "no function '\(wrong)' is extracted",
        Nearest.remedy(
          for: wrong, in: known, otherwise: "use one of: \(known.joined(separator: ", "))"))
    }
    if let key, !all.contains(where: { $0.key == key }) {
      throw refuse(
        "there is no mutant '\(key)' of this text", "list them with 'kshim mutate --list'")
    }
  }
}

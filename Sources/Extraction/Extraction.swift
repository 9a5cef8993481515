// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// A subject, taken out of a revision: a self-contained C text that any clang compiles.
public struct Extraction: Sendable {
  public let provenance: Provenance
  /// Holds `unit.c` (to read), `unit.i` (preprocessed, to compile), `rename.h`, `provenance.json`.
  public let directory: String
  /// How to compile `unit.c` itself, headers and all, while the revision is open.
  public let arguments: [String]
  /// Lines that the patches touched in the source file, ascending, from 1.
  public let touched: [ClosedRange<Int>]

  /// Extracts a subject into a directory, which holds either all of it afterwards or what it held
  /// before.
  ///
  /// - Throws: ``Failure`` of kind request when the kernel lacks the subject, of kind build when it
  ///   does not compile or calls what is neither extracted nor boundary.
  public static func extract(
    _ subject: String, from revision: Revision, installation: Installation, into directory: String
  ) async throws -> Extraction {
    let manifest = try installation.manifest(subject)
    let work = "\(directory).new-\(ProcessInfo.processInfo.processIdentifier)"
    let files = FileManager.default
    defer { try? files.removeItem(atPath: work) }
    do {
      try files.createDirectory(atPath: work, withIntermediateDirectories: true)
    } catch {
      throw Failure(
        .tool, asked: "extract \(subject)", cause: "the directory cannot be written",
        place: directory, remedy: "name another directory")
    }
    let build = KernelBuild(revision: revision, installation: installation, work: work)
    try build.prepare()
    let arguments = build.arguments(for: manifest)
    let extracted = try Extractor(manifest: manifest, revision: revision, arguments: arguments)
      .extract()
    var provenance = Self.provenance(manifest, revision, extracted)
    var writer = UnitWriter(
      manifest: manifest, extracted: extracted, provenance: [], textSHA256: "")
    provenance.textSHA256 = try await Provenance.hash(of: writer.verbatim)
    writer = UnitWriter(
      manifest: manifest, extracted: extracted, provenance: Self.header(provenance),
      textSHA256: provenance.textSHA256)
    try Data(writer.unit.utf8).write(to: URL(fileURLWithPath: "\(work)/unit.c"))
    try Data(writer.renames.utf8).write(to: URL(fileURLWithPath: "\(work)/rename.h"))

    let read = try await preprocess(
      work, arguments + ["-I\(installation.glue)"], revision: revision)
    try await check(work, manifest: manifest, extracted: extracted)
    let prefix = revision.tree.directory + "/"
    let inTree = read.filter { $0.hasPrefix(prefix) }
    let hashes = try await Provenance.hashes(of: inTree)
    provenance.files = Dictionary(
      uniqueKeysWithValues: hashes.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try encoder.encode(provenance).write(to: URL(fileURLWithPath: "\(work)/provenance.json"))
    try? files.removeItem(atPath: directory)
    try files.moveItem(atPath: work, toPath: directory)
    let final = KernelBuild(revision: revision, installation: installation, work: directory)
    return Extraction(
      provenance: provenance, directory: directory,
      arguments: final.arguments(for: manifest) + ["-I\(installation.glue)"],
      touched: revision.touched[manifest.source] ?? [])
  }

  private static func provenance(
    _ manifest: Manifest, _ revision: Revision, _ extracted: Extractor.Result
  ) -> Provenance {
    let functions = extracted.pieces.compactMap { piece -> Provenance.Function? in
      guard let name = piece.function else { return nil }
      let lines = UnitWriter.lines(
        of: [piece.range.lowerBound, piece.range.upperBound], in: extracted.text)
      return Provenance.Function(name: name, firstLine: lines[0], lastLine: lines[1])
    }
    return Provenance(
      subject: manifest.subject, kernel: revision.tree.spec, version: revision.tree.version,
      tree: revision.tree.directory,
      patches: revision.patches.map { .init(file: $0.name, subject: $0.subject) },
      source: manifest.source, functions: functions, textSHA256: "", files: [:])
  }

  private static func header(_ provenance: Provenance) -> [String] {
    ["\(provenance.subject), extracted from Linux \(provenance.version) (\(provenance.tree))"]
      + provenance.patches.map { "with \($0.file)" }
      + provenance.functions.map {
        "\($0.name): \(provenance.source):\($0.firstLine)-\($0.lastLine)"
      } + ["SHA-256 of the extracted text: \(provenance.textSHA256)"]
  }

  /// Makes `unit.i`. Returns every file that was read.
  private static func preprocess(
    _ work: String, _ arguments: [String], revision: Revision
  ) async throws -> [String] {
    let toolchain = try Toolchain.locate()
    let result = try await Command.run(
      toolchain.tool("clang"),
      arguments + ["-E", "-fuse-line-directives", "-MD", "-MF", "\(work)/unit.d"]
        + ["\(work)/unit.c", "-o", "\(work)/unit.i"])
    guard result.succeeded else { throw compilerFailure(result.errorLines, revision.tree.spec) }
    let rule = (try? String(contentsOfFile: "\(work)/unit.d", encoding: .utf8)) ?? ""
    try? FileManager.default.removeItem(atPath: "\(work)/unit.d")
    return rule.replacingOccurrences(of: "\\\n", with: " ").split(separator: " ").map(String.init)
  }

  static func compilerFailure(_ lines: [String], _ kernel: String) -> Failure {
    let errors = lines.filter { $0.contains("error:") }
    let first = (errors.first ?? lines.first ?? "no message").components(separatedBy: ": ")
    let place = first.first?.split(separator: ":").prefix(2).joined(separator: ":")
    return Failure(
      .build, asked: "compile what was extracted from \(kernel)",
      cause: first.dropFirst(2).joined(separator: ": "), place: place, evidence: Array(errors.prefix(5)),
      remedy: "mend the patch at that line")
  }

  /// Compiles once without instruments and looks for what nothing defines: a callee that only a
  /// header's inline function calls has no line of its own in the source file.
  private static func check(
    _ work: String, manifest: Manifest, extracted: Extractor.Result
  ) async throws {
    let toolchain = try Toolchain.locate()
    let object = "\(work)/unit.o"
    defer { try? FileManager.default.removeItem(atPath: object) }
    let compiled = try await Command.run(
      toolchain.tool("clang"),
      SharedObject.subjectOptions + ["-c", "-x", "c", "\(work)/unit.i", "-o", object])
    guard compiled.succeeded else { throw compilerFailure(compiled.errorLines, manifest.subject) }
    let symbols = try await Command.run(toolchain.tool("llvm-nm"), ["-u", "-j", object])
    let unknown = symbols.outputText.split(separator: "\n").map(String.init)
      .filter { !Closure.isKnown($0) && $0 != "_GLOBAL_OFFSET_TABLE_" }
    guard let name = unknown.first else { return }
    throw Failure(
      .build, asked: "extract \(manifest.subject)",
      cause: "an inline function of the headers uses \(name), which is neither extracted nor boundary",
      place: manifest.source, evidence: unknown.count > 1 ? ["also: " + unknown.dropFirst().joined(separator: ", ")] : [],
      remedy: "add '\(name)' under 'boundary:' or 'variables:' in \(manifest.path)")
  }
}

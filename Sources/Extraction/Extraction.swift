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
  /// Whether `unit.i` holds mutants to choose from.
  var hasMutants = false
  /// What the extracted functions say at their lines.
  public let statements: Statements
  /// Callees that allocate, free or lock and do nothing else: a trace shows what they do.
  public let primitives: Set<String>
  /// All that it depended on in the revision.
  public let reading: Reading
  /// The lvalue of each slot that this tree has.
  public let slots: [String: String]

  /// Extracts a subject into a directory, which holds either all of it afterwards or what it held
  /// before.
  ///
  /// - Throws: ``Failure`` of kind request when the kernel lacks the subject, of kind build when it
  ///   does not compile or calls what is neither extracted nor boundary.
  public static func extract(
    _ subject: String, from revision: Revision, installation: Installation, into directory: String
  ) async throws -> Extraction {
    let manifest = try installation.manifest(subject)
    let output = try OutputDirectory(directory, asked: "extract \(subject)")
    let work = output.work
    defer { output.discard() }
    let build = KernelBuild(revision: revision, installation: installation, work: work)
    try build.prepare()
    let arguments = try build.arguments(for: manifest)
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

    let report = CompilerReport(
      asked: "compile \(subject) from \(revision.tree.spec)", tree: revision.tree.directory,
      isPatched: revision.isChanged, manifestPath: manifest.path,
      expressions: manifest.expressions)
    let read = try await preprocess(
      work, arguments + ["-I\(installation.glueDirectory(of: subject))"], report)
    try await check(
      work, manifest: manifest, extracted: extracted, installation: installation, report)
    let inTree = try kernelFiles(read, of: revision.tree, installation: installation)
    let prefix = revision.tree.directory + "/"
    // The source itself is in the unit's text, not among its headers.
    let hashes = try await Provenance.hashes(of: inTree + [prefix + manifest.source])
    provenance.files = Dictionary(
      uniqueKeysWithValues: hashes.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try encoder.encode(provenance).write(to: URL(fileURLWithPath: "\(work)/provenance.json"))
    try output.commit()
    let final = KernelBuild(revision: revision, installation: installation, work: output.path)
    return Extraction(
      provenance: provenance, directory: output.path,
      arguments: try final.arguments(for: manifest) + [
        "-I\(installation.glueDirectory(of: subject))"
      ],
      touched: revision.touched[manifest.source] ?? [],
      statements: Statements(
        of: extracted.pieces.flatMap(\.functions).compactMap { extracted.functions[$0] },
        in: extracted.text),
      primitives: manifest.primitives,
      reading: Reading(
        read + extracted.unit.files, manifest: manifest, tree: revision.tree.directory,
        warnings: extracted.warnings),
      slots: Dictionary(
        uniqueKeysWithValues: extracted.slots.map { ($0.slot.name, $0.resolved.expression) }))
  }

  private static func provenance(
    _ manifest: Manifest, _ revision: Revision, _ extracted: Extractor.Result
  ) -> Provenance {
    let functions = extracted.pieces.flatMap { piece -> [Provenance.Function] in
      let lines = UnitWriter.lines(
        of: [piece.range.lowerBound, piece.range.upperBound], in: extracted.text)
      return piece.functions.map { .init(name: $0, firstLine: lines[0], lastLine: lines[1]) }
    }
    return Provenance(
      subject: manifest.subject, kernel: revision.tree.spec, version: revision.tree.version,
      tree: revision.tree.directory,
      patches: revision.patches.map { .init(file: $0.name, subject: $0.subject) },
      source: manifest.source, functions: functions, textSHA256: "", files: [:])
  }

  static func header(_ provenance: Provenance) -> [String] {
    ["\(provenance.subject), extracted from Linux \(provenance.version) (\(provenance.tree))"]
      + provenance.patches.map { "with \($0.file)" }
      + provenance.functions.map {
        "\($0.name): \(provenance.source):\($0.firstLine)-\($0.lastLine)"
      } + ["SHA-256 of the extracted text: \(provenance.textSHA256)"]
  }

  /// Makes `unit.i`. Returns every file that was read.
  static func preprocess(
    _ work: String, _ arguments: [String], _ report: CompilerReport
  ) async throws -> [String] {
    let toolchain = try Toolchain.locate()
    let result = try await Command.run(
      toolchain.tool("clang"),
      arguments + ["-E", "-fuse-line-directives", "-MD", "-MF", "\(work)/unit.d"]
        + ["unit.c", "-o", "\(work)/unit.i"],
      environment: KernelBuild.environment, directory: work)
    guard result.succeeded else { throw report.failure(result.errorLines) }
    let rule = (try? String(contentsOfFile: "\(work)/unit.d", encoding: .utf8)) ?? ""
    try? FileManager.default.removeItem(atPath: "\(work)/unit.d")
    return prerequisites(rule: rule)
  }

  /// The files that a rule in make's syntax names behind its colon.
  static func prerequisites(rule: String) -> [String] {
    var names: [String] = []
    var name = ""
    var isEscaped = false
    for character in rule.drop(while: { $0 != ":" }).dropFirst() {
      if isEscaped {
        isEscaped = false
        if character == "\n" { continue }
        if character != " ", character != "#" { name.append("\\") }
        name.append(character)
      } else if character == "\\" {
        isEscaped = true
      } else if character.isWhitespace {
        if !name.isEmpty { names.append(name) }
        name = ""
      } else {
        name.append(character)
      }
    }
    if !name.isEmpty { names.append(name) }
    return names.map { $0.replacingOccurrences(of: "$$", with: "$") }
  }

  /// Of the files that were read, those of the tree; refuses any from elsewhere on this machine.
  private static func kernelFiles(
    _ read: [String], of kernel: KernelTree, installation: Installation
  ) throws -> [String] {
    let tree = kernel.directory + "/"
    let own = ["\(installation.shims)/"] + installation.glueDirectories.map { "\($0)/" }
    let inTree = read.filter { $0.hasPrefix(tree) }
    for file in read where file.hasPrefix("/") && !file.hasPrefix(tree) {
      guard own.contains(where: { file.hasPrefix($0) }) else {
        throw Failure(
          .tool, asked: "compile what was extracted from \(kernel.spec)",
          cause: "a header of this machine was used in place of the kernel's",
          place: file, remedy: "unset CPATH and C_INCLUDE_PATH")
      }
    }
    return inTree
  }

  /// Compiles once without instruments and looks for what nothing defines: a callee that only a
  /// header's inline function calls has no line of its own in the source file.
  private static func check(
    _ work: String, manifest: Manifest, extracted: Extractor.Result, installation: Installation,
    _ report: CompilerReport
  ) async throws {
    let toolchain = try Toolchain.locate()
    let object = "\(work)/unit.o"
    defer { try? FileManager.default.removeItem(atPath: object) }
    let compiled = try await Command.run(
      toolchain.tool("clang"),
      try SharedObject.options(installation) + KernelBuild.strictness + [
        "-c", "-x", "c", "\(work)/unit.i", "-o", object,
      ])
    guard compiled.succeeded else { throw report.failure(compiled.errorLines) }
    // In the text and around it, what the kernel's build refuses is refused; headers are the tree's.
    let own =
      [manifest.source, HarnessWriter.fileName].map { "\($0):" }
      + installation.glueDirectories.map { "\($0)/" }
    let strict = compiled.errorLines.map { line in
      own.contains { line.hasPrefix($0) } ? line.replacing(": warning: ", with: ": error: ") : line
    }
    guard CompilerReport.messages(strict).isEmpty else { throw report.failure(strict) }
    let symbols = try await Command.run(toolchain.tool("llvm-nm"), ["-u", "-j", object])
    let unknown = symbols.outputText.split(separator: "\n").map(String.init)
      .filter { !Closure.isKnown($0) && $0 != "_GLOBAL_OFFSET_TABLE_" }
    guard let name = unknown.first else { return }
    let chain = extracted.chain(to: name)
    let others =
      unknown.count > 1 ? ["also unknown: " + unknown.dropFirst().joined(separator: ", ")] : []
    throw Failure(
      .build, asked: report.asked,
      cause: chain.isEmpty
        ? "the manifest or its glue uses \(name), which nothing defines"
        : "\(chain.last!.user) needs \(name), which is neither extracted nor boundary",
      place: chain.last.map { "\(report.place($0.file)):\($0.line)" } ?? manifest.path,
      evidence: chain.map {
        "\($0.name), used at \(report.place($0.file)):\($0.line) by \($0.user)"
      }
        + others,
      remedy: "add '\(name)' under 'boundary:' or 'variables:' in \(manifest.path)")
  }
}

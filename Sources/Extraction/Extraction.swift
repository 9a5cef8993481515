// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// A subject, taken out of a revision.
public struct Extraction: Sendable {
  /// What is made of it.
  public enum Form: Sendable {
    /// A self-contained C text that any clang compiles: `unit.i`, and the hashes of all that was
    /// read.
    case text
    /// The object that is searched.
    ///
    /// - Parameters:
    ///   - counting: whether it counts how often each branch is taken.
    ///   - isAlone: whether a core is idle meanwhile.
    case object(counting: Bool, isAlone: Bool = false)

    fileprivate var isText: Bool { if case .text = self { true } else { false } }
    fileprivate var counts: Bool { if case .object(true, _) = self { true } else { false } }
    fileprivate var isAlone: Bool { if case .object(_, true) = self { true } else { false } }
  }

  public let provenance: Provenance
  /// Holds `unit.c`, to read. As text, also `unit.i` (preprocessed, to compile), `rename.h` and
  /// `provenance.json`.
  public let directory: String
  /// How to compile `unit.c` itself, headers and all, while the revision is open.
  public let arguments: [String]
  /// Lines that the patches touched, by file, ascending, from 1.
  public let touched: [String: [ClosedRange<Int>]]
  /// What the patches rename and move of what the subject needs, and how that was followed.
  public let followed: [String]
  /// The unit's name in ``directory``.
  var unit = "unit.c"
  /// Whether it holds mutants to choose from.
  var hasMutants = false
  /// What the extracted functions say at their lines.
  public let statements: Statements
  /// Callees that allocate, free or lock and do nothing else: a trace shows what they do.
  public let primitives: Set<String>
  /// All that it depended on in the revision.
  public let reading: Reading
  /// The lvalue of each slot that this tree has.
  public let slots: [String: String]
  /// The unit, compiled as it is searched.
  let object: String?
  /// The same, linked; nil where it is a text.
  let linked: Result<String, any Error>?
  /// Whether ``object`` counts how often each branch is taken.
  let isCounting: Bool
  /// What stands for the preamble of `unit.c` when it is compiled as it is searched.
  let precompiled: PrecompiledPreamble?
  /// When nothing of its source file had been read yet.
  public let began: timespec

  /// Extracts a subject into a directory, which holds either all of it afterwards or what it held
  /// before.
  ///
  /// - Throws: ``Failure`` of kind request when the kernel lacks the subject, of kind build when it
  ///   does not compile or calls what is neither extracted nor boundary.
  public static func extract(
    _ subject: String, from revision: Revision, installation: Installation,
    sharing files: SourceFiles = SourceFiles(), as form: Form = .text, into directory: String
  ) async throws -> Extraction {
    let manifest = try installation.manifest(subject)
    let output = try OutputDirectory(directory, asked: "extract \(subject)")
    defer { output.discard() }
    let (extraction, _, _) = try await extract(
      manifest, from: revision, installation: installation, sharing: files, as: form, into: output)
    return extraction
  }

  static func extract(
    _ manifest: Manifest, from revision: Revision, installation: Installation,
    sharing files: SourceFiles = SourceFiles(), as form: Form, needed: Set<String> = [],
    into output: OutputDirectory
  ) async throws -> (Extraction, Extractor.Result, Following) {
    let work = output.work
    var asked = manifest
    if asked.isFromTypes, asked.makefile == nil {
      asked.makefile = files.makefile(of: asked.source, in: revision)
      do {
        return try await extract(
          asked, from: revision, installation: installation, sharing: files, as: form,
          needed: needed, into: output)
      } catch let failure as Failure where failure.kind == .build {
        asked.makefile?.readMore()
        do {
          return try await extract(
            asked, from: revision, installation: installation, sharing: files, as: form,
            needed: needed, into: output)
        } catch is Failure {
          throw failure
        }
      }
    }
    var following = try Following(asked, revision, installation: installation)
    try await following.findMembers(asked, installation, work: work)
    if let glue = following.glue, let name = manifest.glue {
      // Beside the unit it is found first.
      try Data(glue.utf8).write(to: URL(fileURLWithPath: "\(work)/\(name)"))
    }
    let (manifest, revision) = (following.manifest, following.revision)
    var build = KernelBuild(revision: revision, installation: installation, work: work)
    build.missing = manifest.makefile?.missing ?? []
    build.missingTables = manifest.makefile?.missingTables ?? []
    build.prefix = manifest.makefile?.prefix
    try build.prepare()
    let standins = try await standins(build)
    build.standins = standins
    let options = BuildOptions.search
    let glue = [
      "-I\(installation.glueDirectory(of: manifest.subject))",
      "-I\(installation.root)/kernel-extract",
    ]
    let stable = try build.stable(for: manifest)
    let arguments = stable + build.local + glue
    let report = CompilerReport(
      asked: "compile \(manifest.subject) from \(revision.tree.spec)",
      tree: revision.tree.directory,
      isPatched: revision.isChanged, manifestPath: manifest.path,
      services: try installation.serviceFiles("yaml"),
      own: [installation.root, installation.shims, work] + installation.glueDirectories,
      expressions: manifest.expressions)
    var extractor = try extractor(
      manifest, build, options, following, stable: stable, sharing: files)
    extractor.needed = needed
    var made = try await make(extractor, revision, installation, arguments, form, report, in: work)
    // What a destructor of a header calls shows in the object alone.
    // What comes along then may call more.
    for _ in 0..<4 {
      let byPattern = extractor.manifest.byPattern(made.unknown)
      // Any function's harness has an answer for what it is told of.
      let answered =
        manifest.isFromTypes
        ? Set(made.unknown)
        : Set(made.unknown).intersection(manifest.answered).union(byPattern.map(\.name))
      let found = answered.union(made.unknown.filter { manifest.files[$0] != nil })
        .subtracting(extractor.needed)
      guard !found.isEmpty else { break }
      extractor.needed.formUnion(found)
      extractor.companions = made.extracted.files
      extractor.manifest.boundary += byPattern
      made = try await make(extractor, revision, installation, arguments, form, report, in: work)
    }
    let (extracted, writer) = (made.extracted, made.writer)
    var provenance = made.provenance
    try await extractor.file.turn { try made.check.check(unknown: made.unknown) }
    let inTree = try kernelFiles(
      made.read, of: revision.tree,
      own: [installation.shims, installation.cache, work] + installation.glueDirectories)
    if form.isText {
      try? FileManager.default.removeItem(atPath: "\(work)/unit.o")
      build.standins = KernelBuild.relativeStandins
      try await write(
        writer, &provenance, inTree + ["\(revision.tree.directory)/\(manifest.source)"], build,
        glue, report)
    }
    build.standins = standins
    try output.commit()
    build.work = output.path
    return (
      Extraction(
        provenance: provenance, directory: output.path,
        arguments: stable + build.local + glue,
        touched: following.touched,
        followed: following.remarks,
        statements: made.statements,
        primitives: manifest.primitives,
        reading: made.reading,
        slots: Dictionary(
          uniqueKeysWithValues: extracted.slots.map { ($0.slot.name, $0.resolved.expression) }),
        object: form.isText ? nil : "\(output.path)/unit.o",
        linked: made.linked?.map { _ in "\(output.path)/unit.so" },
        isCounting: form.counts,
        precompiled: extracted.precompiled,
        began: extractor.file.began),
      extracted, following
    )
  }

  /// Of what a patch brings, what would be run and cannot be watched.
  private static func refuse(
    _ suspicions: [Suspicion], _ extracted: Extractor.Result,
    _ manifest: Manifest, _ revision: Revision, _ installation: Installation
  ) throws {
    let pieces = extracted.pieces.map { piece in
      let first = extracted.source.place(of: piece.range.lowerBound)
      let last = extracted.source.place(of: piece.range.upperBound)
      return (file: first.file, lines: first.line...max(first.line, last.line))
    }
    let preamble = extracted.source.place(of: extracted.preamble.end)
    let read = Set(extracted.unit.files + (extracted.precompiled?.files ?? []))
    func isRun(_ one: Suspicion) -> Bool {
      pieces.contains { $0.file == one.file && $0.lines.contains(one.line) }
        || preamble.file == one.file && one.line < preamble.line
        || one.file.hasSuffix(".h") && read.contains("\(revision.tree.directory)/\(one.file)")
    }
    let refused = Suspicion.Kind.refused.filter { !installation.allowed.contains($0) }
    let found = suspicions.filter { refused.contains($0.kind) && isRun($0) }
    guard let first = found.first else { return }
    let kinds = Suspicion.Kind.refused.filter { kind in found.contains { $0.kind == kind } }
    throw Failure(
      .build, asked: "check \(manifest.subject) of \(revision.tree.spec)",
      cause: "the patch brings \(kinds.map(\.words).joined(separator: " and ")) into what is run, "
        + "and nothing watches what that does",
      place: first.place, evidence: found.dropFirst().prefix(5).map(\.place),
      remedy:
        "read it, and if you trust it say --allow \(kinds.map(\.rawValue).joined(separator: ","))")
  }

  /// What the compiler makes of a unit.
  private struct Compiled: Sendable {
    var unit: [UInt8]
    var result: Command.Result
    /// What the object needs and nothing defines.
    var unknown: [String] = []
    /// nil where it is a text.
    var linked: Result<Void, any Error>?
  }

  /// A unit, written and compiled.
  private struct Made {
    var extracted: Extractor.Result
    var provenance: Provenance
    var writer: UnitWriter
    var check: UnitCheck
    var statements: Statements
    /// What libclang and the compiler read.
    var read: [String]
    var reading: Reading
    /// What its object needs and nothing defines.
    var unknown: [String]
    /// nil where it is a text.
    var linked: Result<Void, any Error>?
  }

  private static func make(
    _ extractor: Extractor, _ revision: Revision, _ installation: Installation,
    _ arguments: [String], _ form: Form, _ report: CompilerReport, in work: String
  ) async throws -> Made {
    let manifest = extractor.manifest
    let looksAhead = form.isAlone && !manifest.isFromTypes && extractor.needed.isEmpty
    let extractor = looksAhead ? try await extractor.opened() : extractor
    @Sendable func written(
      _ extracted: Extractor.Result
    ) throws -> (provenance: Provenance, writer: UnitWriter) {
      try refuse(revision.suspicions, extracted, manifest, revision, installation)
      var provenance = Self.provenance(manifest, revision, extracted)
      var writer = UnitWriter(
        manifest: manifest, extracted: extracted, provenance: [], textSHA256: "")
      provenance.textSHA256 = Digest.of(writer.verbatim.bytes)
      writer = UnitWriter(
        manifest: manifest, extracted: extracted, provenance: Self.header(provenance),
        textSHA256: provenance.textSHA256)
      return (provenance, writer)
    }
    @Sendable func compile(
      _ unit: [UInt8], _ provenance: Provenance, _ precompiled: PrecompiledPreamble?
    ) async throws -> Compiled {
      try Data(unit).write(to: URL(fileURLWithPath: "\(work)/unit.c"))
      let options = BuildOptions.searching(counting: form.counts)
      let linking = Linking(
        options: options, hasMutants: false, installation: installation,
        scratch: "\(work)/runtime.o")
      // What is there for every unit is looked up meanwhile.
      async let parts = Linking.result { try await linking.parts }
      let counters = try options.counters(
        of: provenance.functions.map(\.name), list: "\(work)/counted")
      let result = try await UnitCompiler(
        installation: installation, arguments: arguments, options: options,
        precompiled: precompiled
      ).run(
        "\(work)/unit.c",
        counters + ["-c", "-MD", "-MF", "\(work)/unit.d", "-o", "\(work)/unit.o"])
      guard result.succeeded else { return Compiled(unit: unit, result: result) }
      let given = await parts
      async let linked: Result<Void, any Error>? =
        form.isText ? nil : linking.result(of: provenance, given, in: work)
      let unknown = try await UnitCheck.unknown(in: "\(work)/unit.o")
      return Compiled(unit: unit, result: result, unknown: unknown, linked: await linked)
    }
    // Where a core is idle a first look has the compiler begin; what is parsed beside it decides.
    @Sendable func ahead() async -> Compiled? {
      guard looksAhead, let extracted = try? await extractor.glimpse(),
        let (provenance, writer) = try? written(extracted)
      else { return nil }
      return try? await compile(writer.unit.bytes, provenance, extracted.precompiled)
    }
    async let early = ahead()
    let (extracted, provenance, writer, statements, parsed) = try await extractor.file.turn {
      let extracted = try await extractor.extract()
      let (provenance, writer) = try written(extracted)
      let statements = Statements(
        of: extracted.pieces.flatMap(\.functions).compactMap { extracted.functions[$0] },
        in: extracted.source)
      return (extracted, provenance, writer, statements, extracted.unit.files)
    }
    let unit = writer.unit.bytes
    var compiled = await early
    if compiled?.unit != unit {
      compiled = try await compile(unit, provenance, extracted.precompiled)
    }
    let check = UnitCheck(
      manifest: manifest, extracted: extracted, installation: installation, report: report)
    try await extractor.file.turn { try check.check(compiled!.result) }
    // What was precompiled stands for what was read for it.
    let read =
      try prerequisites(of: "\(work)/unit.d")
      .filter { path in
        ![installation.cache, PreambleCache.scratch].contains {
          path.hasPrefix(PreambleCache.prefix(in: $0))
        }
      } + parsed
    let reading = Reading(
      read, manifest: manifest, following: extractor.following?.files ?? [],
      tree: revision.tree.directory, warnings: extracted.warnings)
    return Made(
      extracted: extracted, provenance: provenance, writer: writer, check: check,
      statements: statements, read: read, reading: reading, unknown: compiled!.unknown,
      linked: compiled!.linked)
  }

  private static func provenance(
    _ manifest: Manifest, _ revision: Revision, _ extracted: Extractor.Result
  ) -> Provenance {
    let functions = extracted.pieces.flatMap { piece -> [Provenance.Function] in
      let first = extracted.source.place(of: piece.range.lowerBound)
      let last = extracted.source.place(of: piece.range.upperBound)
      return piece.functions.map {
        .init(
          name: $0, firstLine: first.line, lastLine: last.line,
          file: first.file == manifest.source ? nil : first.file)
      }
    }
    return Provenance(
      subject: manifest.subject, kernel: revision.tree.spec, version: revision.tree.version,
      tree: revision.tree.directory,
      patches: revision.patches.map { .init(file: $0.name, subject: $0.subject) },
      source: manifest.source, functions: functions, textSHA256: "", files: [:],
      missing: manifest.makefile.flatMap { $0.missing.isEmpty ? nil : $0.missing })
  }

  static func header(_ provenance: Provenance) -> [String] {
    ["\(provenance.subject), extracted from Linux \(provenance.version) (\(provenance.tree))"]
      + provenance.patches.map { "with \($0.file)" }
      + provenance.functions.map {
        "\($0.name): \($0.file ?? provenance.source):\($0.firstLine)-\($0.lastLine)"
      } + ["SHA-256 of the extracted text: \(provenance.textSHA256)"]
  }

  /// The preamble of an extracted text, precompiled for another build.
  static func preamble(
    _ manifest: Manifest, _ revision: Revision, _ extracted: Extractor.Result,
    _ installation: Installation, work: String, _ options: BuildOptions
  ) async throws -> PrecompiledPreamble? {
    var build = KernelBuild(revision: revision, installation: installation, work: work)
    build.standins = try await standins(build)
    let text = UnitWriter.header(extracted.preamble, of: extracted.text, manifest)
    return try await PreambleCache(
      build: build, manifest: manifest, directory: installation.cache
    ).preamble(
      text, options: build.stable(for: manifest) + options.language(installation))
  }

  static func extractor(
    _ manifest: Manifest, _ build: KernelBuild, _ options: BuildOptions,
    _ following: Following?, stable: [String]? = nil, sharing files: SourceFiles = SourceFiles()
  ) throws -> Extractor {
    let installation = build.installation
    let language = try options.language(installation)
    let kernels = try stable ?? build.stable(for: manifest)
    let stable = kernels + language
    var extractor = Extractor(
      manifest: manifest, revision: build.revision,
      arguments: kernels + build.local + language,
      file: files.file(manifest.source, build.sharing(stable, for: manifest)))
    if let glue = manifest.glue {
      let path = "\(installation.glueDirectory(of: manifest.subject))/\(glue)"
      extractor.glue = FileManager.default.contents(atPath: path).map(Array.init) ?? []
    }
    extractor.following = following
    extractor.ownNames = OwnNames(installation)
    let cache = PreambleCache(build: build, manifest: manifest, directory: installation.cache)
    if build.revision.isChanged { extractor.seal = installation.keeper.seal }
    extractor.precompile = { try await cache.preamble($0, options: stable) }
    return extractor
  }

  /// The stand-ins that depend on the tree, in a directory that is called by their content; in the
  /// build's own where nothing can be kept.
  static func standins(_ build: KernelBuild) async throws -> String {
    let files = build.generated()
    let key = Digest.of(files.map { "\($0) \($1)" }.sorted().joined(separator: "\n"))
    let path = "\(build.installation.cache)/standins-\(key.prefix(32))"
    func isThere() -> Bool {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      return Files.below(names, in: path) == files.keys.sorted()
        && files.allSatisfy {
          FileManager.default.contents(atPath: "\(path)/\($0.key)") == Data($0.value.utf8)
        }
    }
    let keeper = build.installation.keeper
    if isThere() {
      keeper.use(path)
      return path
    }
    if FileManager.default.fileExists(atPath: path) { keeper.tellDamage(path) }
    if await keeper.keep(files: files.mapValues { Data($0.utf8) }, at: path), isThere() {
      return path
    }
    try KernelBuild.write(files, below: "\(build.work)/\(KernelBuild.relativeStandins)")
    return KernelBuild.relativeStandins
  }

  /// Writes what is compiled without the tree, and where it came from.
  private static func write(
    _ writer: UnitWriter, _ provenance: inout Provenance, _ read: [String], _ build: KernelBuild,
    _ glue: [String], _ report: CompilerReport
  ) async throws {
    let work = build.work
    try KernelBuild.write(build.generated(), below: "\(work)/\(build.standins)")
    try Data(writer.renames.utf8).write(to: URL(fileURLWithPath: "\(work)/rename.h"))
    let result = try await Toolchain.run(
      "clang",
      try build.arguments(for: writer.manifest) + glue
        + ["-E", "-fuse-line-directives", "unit.c", "-o", "\(work)/unit.i"],
      environment: KernelBuild.environment, directory: work)
    guard result.succeeded else { throw report.failure(result.errorLines) }
    let prefix = build.revision.tree.directory + "/"
    provenance.files = Dictionary(
      Digest.of(files: read).map { (String($0.key.dropFirst(prefix.count)), $0.value) },
      uniquingKeysWith: { first, _ in first })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try encoder.encode(provenance).write(to: URL(fileURLWithPath: "\(work)/provenance.json"))
  }

  private static func prerequisites(of path: String) throws -> [String] {
    defer { unlink(path) }
    return prerequisites(rule: try String(contentsOfFile: path, encoding: .utf8))
  }

  /// The files that a rule in make's syntax names behind its colon.
  static func prerequisites(rule: String) -> [String] {
    var names: [String] = []
    var name: [UInt8] = []
    var isEscaped = false
    func end() {
      guard !name.isEmpty else { return }
      names.append(String(decoding: name, as: UTF8.self).replacing("$$", with: "$"))
      name.removeAll(keepingCapacity: true)
    }
    let (space, newline, backslash) = (UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\\"))
    for byte in rule.utf8.drop(while: { $0 != UInt8(ascii: ":") }).dropFirst() {
      if isEscaped {
        isEscaped = false
        if byte == newline { continue }
        if byte != space, byte != UInt8(ascii: "#") { name.append(backslash) }
        name.append(byte)
      } else if byte == backslash {
        isEscaped = true
      } else if byte == space || byte == newline {
        end()
      } else {
        name.append(byte)
      }
    }
    end()
    return names
  }

  /// Of the files that were read, those of the tree; refuses any from elsewhere on this machine.
  ///
  /// - Parameter own: kshim's directories.
  private static func kernelFiles(
    _ read: [String], of kernel: KernelTree, own: [String]
  ) throws -> [String] {
    let tree = kernel.directory + "/"
    let inTree = read.filter { $0.hasPrefix(tree) }
    for file in read where file.hasPrefix("/") && !file.hasPrefix(tree) {
      guard own.contains(where: { file.hasPrefix($0 + "/") }) else {
        throw Failure(
          .tool, asked: "compile what was extracted from \(kernel.spec)",
          cause: "a header of this machine was used in place of the kernel's",
          place: file, remedy: "unset CPATH and C_INCLUDE_PATH")
      }
    }
    return inTree
  }
}

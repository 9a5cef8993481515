// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// Finds, in one source file of a revision, everything that a subject's functions need.
struct Extractor {
  var manifest: Manifest
  let revision: Revision
  let arguments: [String]
  /// What the object turned out to need besides, by name.
  var needed: Set<String> = []
  /// Files of the tree that are compiled with the text, whose headers are read too.
  var companions: [String] = []
  /// The subject's own C.
  var glue: [UInt8] = []
  /// What a patch renames and moves; nil where none does.
  var following: Following?
  /// What the text may not name.
  var ownNames: OwnNames?
  /// What others who read the same share.
  let file: SourceFile
  /// Precompiles the preamble of the source file; nil: it is read with the rest.
  var precompile: (@Sendable (_ preamble: String) async throws -> PrecompiledPreamble?)?
  /// Told before libclang reads what a patch may have changed.
  var seal: @Sendable () -> Void = {}

  /// One piece of the source file, copied verbatim.
  struct Piece {
    var range: Range<Int>
    /// Names of the functions in it; none for types, variables and macros.
    var functions: [String] = []
  }

  /// A spelling that this tree has.
  struct Resolved {
    var expression: String
    var type: ClangCursor.ValueType
    var prototype: ClangCursor.Prototype?
    var isBitField: Bool

    /// Whether it has no address that lasts: a bit-field, or a compound literal.
    var isPart: Bool { isBitField || expression.hasSuffix("}") }
  }

  /// A callee that the harness answers, with the tree's own prototype.
  struct Callee {
    enum Home { case sourceFile, headerInline, external }
    var name: String
    var rule: Manifest.Rule
    var prototype: ClangCursor.Prototype
    var home: Home
    /// Where the source file first has it, 0 if nowhere.
    var position: Int
    /// What it leaves behind where it succeeds: a type for each such argument.
    var fills: [(argument: Int, type: Int)] = []
    /// Whether it gives that its first values.
    var isInitialiser = false
    /// The type of what it makes.
    var makes: Int?
    /// Whether that is what it gave before where it is asked for the same.
    var isSame = false
    /// Whether a loop goes on as long as it gives something.
    var isOfLoop = false
    /// Whether another callee frees what it makes.
    var isFreed = false
    /// Which argument it frees.
    var frees: Int?
  }

  /// One use of a name on the way from a target to what nothing defines.
  struct Use {
    var name: String
    var user: String
    var file: String
    var line: Int
  }

  struct Result {
    var source: SourceText
    var text: [UInt8] { source.bytes }
    var preamble: Preamble
    /// What was read in place of it.
    var precompiled: PrecompiledPreamble?
    /// Behind the preamble.
    var includes: [Piece]
    var pieces: [Piece]
    var targets: [(name: String, prototype: ClangCursor.Prototype)]
    var callees: [Callee]
    var slots: [(slot: Manifest.Slot, resolved: Resolved)]
    var objects: [(object: Manifest.Object, expression: String?)]
    var bindings: [(to: String, value: String)]
    var callbacks: [(name: String, resolved: Resolved, rule: Manifest.Rule)]
    /// Variables of other files that the harness defines.
    var variables: [(name: String, type: String, value: String)]
    /// The file's own pointers to caches of objects, which nobody has set here.
    var caches: [String]
    /// Files of the tree that are compiled with the pieces, for what they call there.
    var files: [String]
    /// Functions and variables of the pieces that other files could name.
    var externalNames: [String]
    /// Warnings that count only where a patch touches their line.
    var warnings: [Reading.Place] = []
    /// Of the functions in the pieces, in the order of their declarations.
    var locals: [LocalVariable] = []
    /// What the pieces need and nothing defines.
    var missing: [Missing] = []
    /// What comes from the types; nil where the manifest says all.
    var generated: Generated?
    /// Keeps the cursors alive.
    let unit: ClangUnit
    /// Definitions of the source file; see ``definitions()`` for those of headers.
    let functions: [String: ClangCursor]
  }

  private var sourcePath: String { "\(revision.tree.directory)/\(manifest.source)" }
  private var asked: String { "extract \(manifest.subject) from \(revision.tree.spec)" }

  /// What was read, where it was.
  var read: SourceText?

  /// For more than one look at the text, which is checked and its preamble precompiled.
  func opened() async throws -> Extractor {
    var extractor = self
    let source = try source()
    extractor.read = source
    let preamble = UnitWriter.header(Preamble(of: source.bytes), of: source.bytes, manifest)
    let precompiled = try await precompile?(preamble)
    extractor.precompile = { _ in precompiled }
    return extractor
  }

  /// What is read. Some texts are refused.
  func source() throws -> SourceText {
    if let read { return read }
    guard let path = revision.path(of: manifest.source),
      let data = FileManager.default.contents(atPath: path)
    else {
      throw Failure(
        .request, asked: asked, cause: "this kernel has no \(manifest.source)",
        place: manifest.source,
        remedy: Nearest.remedy(
          forPath: manifest.source, in: revision.tree.directory,
          otherwise: "say where it is from the kernel's top, or name a kernel that has it"))
    }
    let text = following?.text(Array(data)) ?? SourceText(Array(data), file: manifest.source)
    try checkNames(text.bytes)
    return text
  }

  func extract() async throws -> Result {
    let sourceText = try source()
    let text = sourceText.bytes
    let parsed = try await file.parsed(
      text, companions, Probes(manifest: manifest, needed: manifest.isFromTypes ? needed : [])
    ) { try await parse(text, $0) }
    if parsed.isCutShort { try refuseAlone(text, parsed) }
    let shown = parsed.diagnostics.filter { $0.isError && $0.file != Probes.fileName }
    if let first = shown.first {
      for name in manifest.targets + manifest.extract
      where Data(text).range(of: Data("\(name)(".utf8)) == nil {
        throw missing(name)
      }
      try refuseAlone(text, parsed)
      throw buildFailure(first, shown)
    }
    var result = try collect(parsed, sourceText)
    let (refused, others) = refused(
      parsed.warnings + parsed.diagnostics.filter { !$0.isError && !Definedness.isOne($0) },
      in: result)
    if let first = refused.first { throw buildFailure(first, refused) }
    result.warnings = others.map { .init(file: relative($0.file), line: $0.line) }
    return result
  }

  /// What a patch touches, and the source file, know nothing of kshim and read nothing of this machine.
  private func checkNames(_ text: [UInt8]) throws {
    guard let ownNames else { return }
    let asked = "check \(manifest.subject) of \(revision.tree.spec)"
    if let (path, place) = revision.foreignInclusions.first {
      throw Failure(
        .build, asked: asked,
        cause: path.isEmpty
          ? "the patch has read what a macro says, and nothing tells that it is of the kernel's tree"
          : "the patch has '\(path)' read, which is not of the kernel's tree",
        place: place.place, remedy: "include what the tree has")
    }
    if let one = revision.suspicions.first(where: { $0.kind == .directive }) {
      throw Failure(
        .build, asked: asked,
        cause: "the patch has \(one.kind.words), which makes it crash, loop or print",
        place: one.place, remedy: "take it out")
    }
    try ownNames.check(text, of: manifest.source, asked: asked)
    for (file, path) in revision.overlay.sorted(by: { $0.key < $1.key })
    where file.hasSuffix(".c") || file.hasSuffix(".h") || file == manifest.source {
      let text = FileManager.default.contents(atPath: path).map(Array.init) ?? []
      try Nesting.check(text, of: file, asked: asked)
    }
    for (file, path) in revision.overlay.sorted(by: { $0.key < $1.key })
    where file != manifest.source {
      let text = FileManager.default.contents(atPath: path).map(Array.init) ?? []
      try ownNames.check(text, of: file, asked: asked)
    }
  }

  /// Alone a file that does not compile is told where, and with what may have been meant.
  private func refuseAlone(_ source: [UInt8], _ parsed: ParsedFile) throws {
    let broken = try parsed.alone ?? self.alone(source)
    parsed.alone = broken
    if let first = broken.first { throw buildFailure(first, broken) }
  }

  private func alone(_ source: [UInt8]) throws -> [ClangUnit.Diagnostic] {
    guard
      let unit = ClangUnit(
        path: sourcePath, contents: source, arguments: arguments + ["-ferror-limit=0"])
    else { throw unreadable }
    return unit.diagnostics.filter(\.isError)
  }

  /// Reads the source file with the probes behind it. What libclang cannot load of what was
  /// precompiled it reads itself.
  func parse(_ text: [UInt8], _ probes: Probes) async throws -> ParsedFile {
    let preamble = Preamble(of: text)
    let precompiled = try await precompile?(UnitWriter.header(preamble, of: text, manifest))
    // What may have been meant costs a look at every name there is.
    let options = ["-ferror-limit=0", "-fno-spell-checking"] + Definedness.options
    let behind =
      companions.map { path in
        let text = FileManager.default.contents(atPath: path).map(Array.init) ?? []
        return "\n" + Preamble(of: text).text(of: text)
      }.joined() + probes.text
    seal()
    let read = ClangUnit.read(sourcePath, precompiled, arguments: arguments + options) { isWhole in
      (isWhole ? text : preamble.blanked(text)) + behind.bytes
    }
    guard let read else { throw unreadable }
    return ParsedFile(
      text, companions, probes, preamble, read.unit, read.used, precompiled?.warnings ?? [])
  }

  /// Warnings that the kernel's build takes for errors, in what is extracted or patched; and those
  /// elsewhere.
  private func refused(
    _ warnings: [ClangUnit.Diagnostic], in result: Result
  ) -> (here: [ClangUnit.Diagnostic], elsewhere: [ClangUnit.Diagnostic]) {
    let extracted = result.pieces.map { piece in
      let first = result.source.place(of: piece.range.lowerBound)
      let last = result.source.place(of: piece.range.upperBound)
      return (file: first.file, lines: first.line...last.line)
    }
    let isHere = warnings.map { warning in
      let file = relative(warning.file)
      let ranges =
        ((following?.touched ?? revision.touched)[file] ?? [])
        + extracted.filter { $0.file == file }.map(\.lines)
      return ranges.contains { $0.contains(warning.line) }
    }
    return (
      zip(warnings, isHere).filter(\.1).map(\.0), zip(warnings, isHere).filter { !$0.1 }.map(\.0)
    )
  }

  /// A path of the tree, relative to its top.
  private func relative(_ file: String) -> String {
    let prefix = revision.tree.directory + "/"
    return file.hasPrefix(prefix) ? String(file.dropFirst(prefix.count)) : file
  }

  private var unreadable: Failure {
    Failure(
      revision.isChanged ? .build : .tool, asked: asked,
      cause: "libclang cannot parse \(manifest.source)", place: manifest.source,
      remedy: revision.isChanged
        ? "look in the patch for what brings a compiler down"
        : "check that libclang and its headers are of one version")
  }

  /// Why a function is not there that no manifest describes.
  private func missingFunction(_ name: String, _ before: Data) -> Failure {
    let source = SourceFunctions(Array(before))
    let text = String(bytes: before)
    let (cause, remedy): (String, String) =
      if source.contains(name), text.contains("__HAVE_ARCH_\(name.uppercased())") {
        (
          "\(manifest.source) leaves \(name)() to the architecture, and that of x86 is no C",
          "name a function that calls it"
        )
      } else if source.contains(name) {
        (
          "the configuration leaves \(name)() out: it stands behind an #if that does not hold",
          "name a kernel whose configuration has it"
        )
      } else if text.contains(try! Regex("#\\s*define\\s+\(name)\\b")) {
        (
          "\(name) is a macro in \(manifest.source), which has no code of its own",
          "name a function that uses it"
        )
      } else {
        (
          "\(manifest.source) of Linux \(revision.tree.version) defines no function \(name)",
          Nearest.remedy(
            for: name, in: source.names,
            otherwise: "name one that it defines; of a header's inline function, the header")
        )
      }
    return Failure(
      .request, asked: asked, cause: cause, place: manifest.source, remedy: remedy)
  }

  private func missing(_ name: String) -> Failure {
    let before = FileManager.default.contents(atPath: sourcePath) ?? Data()
    let now = revision.path(of: manifest.source).flatMap(FileManager.default.contents) ?? Data()
    // Whatever the configuration makes of it.
    func defines(_ text: Data) -> Bool { SourceFunctions(Array(text)).contains(name) }
    let isRemoved = revision.isChanged && defines(before) && !defines(now)
    if manifest.isFromTypes, !isRemoved { return missingFunction(name, now) }
    let since = manifest.since.map { ": for \(manifest.subject), Linux \($0) or newer" } ?? ""
    return Failure(
      .request, asked: asked,
      cause: isRemoved
        ? "the patch takes the function \(name) out of \(manifest.source)"
        : "there is no function \(name) in \(manifest.source) of Linux \(revision.tree.version)",
      place: manifest.source,
      remedy: isRemoved
        ? "keep its name, or take it out of \(manifest.path)" : "name a kernel that has it\(since)")
  }

  private func buildFailure(
    _ first: ClangUnit.Diagnostic, _ errors: [ClangUnit.Diagnostic]
  ) -> Failure {
    let (cause, remedy) =
      explained(first)
      ?? (
        "\(relative(first.file)) does not compile: \(first.message)",
        revision.isChanged ? "mend the patch at that line" : "check that the tree is complete"
      )
    return Failure(
      .build, asked: asked, cause: cause, place: "\(relative(first.file)):\(first.line)",
      evidence: errors.prefix(5).map { "\(relative($0.file)):\($0.line): error: \($0.message)" },
      remedy: remedy)
  }

  /// Why a file that no manifest describes does not compile by itself; nil where only the compiler says.
  private func explained(_ first: ClangUnit.Diagnostic) -> (cause: String, remedy: String)? {
    guard manifest.isFromTypes, let makefile = manifest.makefile else { return nil }
    let file = manifest.source
    let isPatched = revision.overlay[relative(first.file)] != nil
    if !isPatched, let header = first.message.firstMatch(of: /^'([^']+)' file not found/)?.1 {
      return (
        "\(relative(first.file)) needs \(header), which is not there: the kernel's build makes it",
        "build \((file as NSString).deletingLastPathComponent) in a tree of your own, and name that with --kernel"
      )
    }
    if let whole = makefile.whole {
      return (
        "\(file) is a part of \(whole), and does not compile by itself: \(first.message)",
        "name a function of \(whole) that calls it"
      )
    }
    if !makefile.leftOutBy.isEmpty {
      let switches = makefile.leftOutBy.prefix(3).joined(separator: ", ")
      return (
        "the configuration leaves \(file) out, and it does not compile as if \(switches) were on: \(first.message)",
        "name a kernel whose configuration has \(makefile.leftOutBy[0])"
      )
    }
    guard !isPatched else { return nil }
    return (
      "\(relative(first.file)) does not compile: \(first.message)",
      "check that the tree is complete, and that its configuration builds \(file)"
    )
  }

  func collect(_ parsed: ParsedFile, _ source: SourceText) throws -> Result {
    let (text, functions, declarations) = (source.bytes, parsed.functions, parsed.declarations)
    let (named, inclusions, firstFunction) = (parsed.named, parsed.inclusions, parsed.firstFunction)
    for name in manifest.targets + manifest.extract
    where functions[name]?.isInMainFile != true { throw missing(name) }

    func declared(_ name: String, as kind: ClangCursor.Kind) -> ClangCursor? {
      guard case .declaration(let cursor) = named[name], cursor.kind == kind else { return nil }
      return cursor
    }
    lazy var tree = TreeText(path: sourcePath)
    let resolved = try parsed.probes.resolve(
      parsed.probed, failed: parsed.failed, for: manifest, asked: asked,
      unclear: following?.unclear ?? [],
      has: { functions[$0] != nil || declared($0, as: .function) != nil },
      mentions: { tree.mentions($0) })
    var closure = Closure(
      manifest: manifest, functions: functions, declarations: declarations,
      tentative: parsed.tentative, included: parsed.included, macros: parsed.macros, text: text)
    let targets =
      manifest.targets
      + manifest.optionalTargets.filter { functions[$0]?.isInMainFile == true }
    var harnessing =
      manifest.isFromTypes
      ? Harnessing(
        manifest, functions,
        file.neighbours { Neighbours(of: manifest.source, in: revision) }) : nil
    // What a header calls is defined once.
    closure.cut = (harnessing?.cut(targets + source.added) ?? []).subtracting(needed)
    for name in targets + manifest.extract + source.added {
      closure.add(function: functions[name]!)
    }
    if manifest.isFromTypes {
      // What only headers name.
      for name in needed.sorted() {
        if let function = functions[name], function.isInMainFile { closure.add(function: function) }
        if let variable = declared(name, as: .variable) { closure.need(variable) }
      }
    }
    for probe in resolved.used { closure.follow(probe, from: "the harness") }
    // A header, unlike a part of this file that it includes: whatever stands behind it may need it.
    for inclusion in inclusions
    where inclusion.extent.lowerBound > firstFunction
      && inclusion.extent.lowerBound < text.count && inclusion.includesGuardedFile
    {
      closure.add(
        inclusion: directiveRange(at: inclusion.extent.lowerBound, in: text))
    }
    closure.run()

    let glueWords = Closure.words(self.glue[...])
    let byPattern = manifest.byPattern(closure.byPattern.keys.sorted())
    let callees = try (manifest.boundary + byPattern).compactMap { entry -> Callee? in
      let name = entry.name
      if manifest.ownRules[name] != nil { return nil }
      let declaration = declared(name, as: .function) ?? closure.byPattern[name]
      let definition = functions[name] ?? declaration?.definition
      guard let cursor = definition ?? declaration, let prototype = cursor.prototype
      else { return nil }
      let home: Callee.Home =
        definition == nil
        ? .external
        : !cursor.isInMainFile ? .headerInline : cursor.isStatic ? .sourceFile : .external
      // What nobody calls would only be an unused function. The glue's macros are not looked into.
      guard
        closure.boundaryCalled.contains(name) || glueWords.contains(name)
          || needed.contains(name) || entry.rule.action == .translatesPhysical && home == .external
      else { return nil }
      let isByGFP =
        switch entry.rule.action {
        case .allocates(_, .byGFP): true
        default: entry.rule.sleeps == .byGFP
        }
      let order = entry.rule.order ?? -1
      if order >= prototype.arguments.count
        || isByGFP && !prototype.arguments.contains(where: { $0.spelling == "gfp_t" })
      {
        throw Failure(
          .build, asked: asked,
          cause: isByGFP && order < prototype.arguments.count
            ? "boundary '\(entry.name)' goes by gfp, and this kernel's has no argument of gfp_t"
            : "'order: \(order)' of boundary '\(entry.name)' names no argument of this kernel's",
          place: manifest.path, evidence: ["\(entry.name) has \(prototype.arguments.count)"],
          remedy: "count the arguments from 0, or write the rule without them")
      }
      let places = (declarations[name] ?? []) + [definition].compactMap { $0 }
      let position = places.filter(\.isInMainFile).map(\.extent.lowerBound).min() ?? 0
      return Callee(
        name: name, rule: entry.rule, prototype: prototype, home: home, position: position)
    }
    let external = manifest.variables.compactMap { variable -> (String, String, String)? in
      guard
        !variable.isService || closure.variablesUsed.contains(variable.name)
          || glueWords.contains(variable.name) || needed.contains(variable.name)
      else { return nil }
      if let declared = declared(variable.name, as: .variable) {
        // A variable of the source file comes with the pieces.
        if declared.definition?.isInMainFile == true { return nil }
        let type = declared.valueType.spelling
        return (
          variable.name, type.hasPrefix("typeof") ? variable.type ?? type : type, variable.value
        )
      }
      return named[variable.name] != nil
        ? nil : variable.type.map { (variable.name, $0, variable.value) }
    }
    let byType = closure.byType.keys.sorted()
      .filter { name in !external.contains { $0.0 == name } }
      .map { name -> (String, String, String) in
        let type = closure.byType[name]!.valueType.spelling
        return (name, type, "(\(type))\(manifest.types[type]!)")
      }
    let pieces = closure.pieces()
    let generated = harnessing?.generate(
      targets: targets.map { functions[$0]! },
      text: pieces.flatMap(\.functions).compactMap { functions[$0] },
      callees: closure.unanswered.merging(
        needed.compactMap { name in
          functions[name]?.isInMainFile == true
            ? nil : declared(name, as: .function).map { (name, $0) }
        }
      ) { first, _ in first },
      answered: callees, variables: closure.unknownVariables, own: closure.ownVariables,
      tentative: closure.declaredByHeaders,
      needed: needed.filter { manifest.files[$0] == nil }.compactMap {
        declared($0, as: .variable)
      },
      unknown: needed.filter { named[$0] == nil && functions[$0] == nil })
    if let generated, !manifest.isOfBase {
      // What a patch takes away was there.
      let isChanged = revision.isChanged
      func wasThere(_ name: String) -> Bool {
        isChanged && TreeText.words(path: sourcePath).contains(name)
      }
      try ManifestNames(
        manifest: manifest, asked: asked, version: revision.tree.version, generated: generated,
        functions: Set(functions.keys).union(closure.unanswered.keys), served: callees.map(\.name),
        isFunction: { declared($0, as: .function) != nil || wasThere($0) },
        isVariable: { named[$0] != nil || wasThere($0) },
        isInput: { parsed.probes.has(input: $0, failed: parsed.failed) },
        words: { Set(Closure.words(text[...])) }
      ).check()
    }
    if generated == nil {
      try check(targets.map { ($0, functions[$0]!) }, resolved.objects.map(\.object))
    }
    let leading = inclusions.filter { $0.extent.lowerBound < firstFunction }
      .map { Piece(range: directiveRange(at: $0.extent.lowerBound, in: text)) }
    let files = Set(
      closure.ofFiles.union(needed).compactMap { name in
        manifest.files[name].map { "\(revision.tree.directory)/\($0)" }
      }
    ).sorted()
    let locals = pieces.flatMap(\.functions).compactMap { functions[$0] }
      .flatMap { Self.localVariables(of: $0, in: text, parsed.definedness) }.sorted {
        $0.end < $1.end
      }
    return Result(
      source: source, preamble: parsed.preamble, precompiled: parsed.precompiled, includes: leading,
      pieces: pieces,
      targets: targets.map { ($0, functions[$0]!.prototype!) },
      callees: callees + (generated?.callees ?? []), slots: resolved.slots,
      objects: resolved.objects,
      bindings: resolved.bindings, callbacks: resolved.callbacks,
      variables: external + byType + (generated?.variables ?? []),
      caches: closure.caches.sorted(), files: files,
      externalNames: closure.externalNames(), locals: locals,
      missing: closure.missing, generated: generated, unit: parsed.unit,
      functions: functions)
  }
}

/// The whole directive that a position lies in: its line, and those it continues on.
func directiveRange(at position: Int, in text: [UInt8]) -> Range<Int> {
  let newline = UInt8(ascii: "\n")
  var start = position
  while start > 0, text[start - 1] != newline { start -= 1 }
  var end = position
  while end < text.count {
    if text[end] == newline, text[end - 1] != UInt8(ascii: "\\") { break }
    end += 1
  }
  return start..<min(end, text.count)
}

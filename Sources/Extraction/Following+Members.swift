// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

extension Following {
  /// Finds the members of structs that the patch renames or puts elsewhere: the base's harness says
  /// which members the manifest and its glue mean, and both trees what their structs have.
  ///
  /// - Parameters:
  ///   - given: the manifest as it is for the base.
  ///   - work: a directory for what is compiled.
  mutating func findMembers(
    _ given: Manifest, _ installation: Installation, work: String
  ) async throws {
    guard changesRecords else { return }
    let options = BuildOptions.search
    var base = KernelBuild(revision: revision.base, installation: installation, work: work)
    base.standins = try await Extraction.standins(base)
    var patched = KernelBuild(revision: revision, installation: installation, work: work)
    patched.standins = try await Extraction.standins(patched)
    try patched.prepare()
    let old = try Extraction.extractor(given, base, options, nil)
    let new = try Extraction.extractor(manifest, patched, options, self)
    // A base that cannot be extracted says nothing.
    guard let extracted = try? await old.extract() else { return }
    let unit = UnitWriter(manifest: given, extracted: extracted, provenance: [], textSHA256: "")
      .unit.bytes
    let path = "\(work)/base-unit.c"
    let folder = installation.glueDirectory(of: given.subject)
    guard
      let parsed = ClangUnit.read(
        path, extracted.precompiled,
        arguments: old.arguments + ["-I\(folder)", "-ferror-limit=0"], contents: { _ in unit }
      )?.unit
    else { return }
    let glue = given.glue.map { "\(folder)/\($0)" } ?? ""
    let uses = Members.uses(in: parsed, of: [glue])
    let records = Set(uses.map(\.record)).sorted()
    guard let before = try await old.layouts(of: records),
      let after = try await new.layouts(of: records)
    else { return }
    var moves = Members.moves(of: uses, from: before, to: after, substitutions)
    for index in moves.indices where moves[index].path == nil {
      moves[index].isElsewhere = reaches(member: moves[index].member)
    }
    guard !moves.isEmpty else { return }
    let writer = MemberRewriter(moves: moves, uses: uses)
    try rewriteGlue(glue, writer)
    rewriteManifest(given, extracted, parsed, unit, path, writer)
    unclear = moves.filter { $0.path == nil }
    remarks += moves.filter { $0.path != nil }.map(\.sentence)
  }

  private mutating func rewriteGlue(_ path: String, _ writer: MemberRewriter) throws {
    guard !path.isEmpty, let data = FileManager.default.contents(atPath: path) else { return }
    let text = Array(data)
    for use in writer.uses where use.file == path {
      guard
        let gone = writer.moves.first(where: {
          $0.record == use.record && $0.member == use.member && $0.path == nil
        })
      else { continue }
      let line = text[..<use.offset].count { $0 == UInt8(ascii: "\n") } + 1
      throw Failure(
        .build, asked: "extract \(manifest.subject) from \(revision.tree.spec)",
        cause: "the glue uses '\(use.member)' of \(use.record), which the patch takes away",
        place: "\(path):\(line)", evidence: [gone.sentence],
        remedy:
          "write what it is now into the glue, or name a copy of the manifest and its glue with"
          + " --manifest")
    }
    if let rewritten = writer.rewrite(0..<text.count, of: text, file: path) {
      glue = "#line 1 \"\(path)\"\n\(rewritten)"
    }
  }

  /// Spellings are added to, other expressions replaced.
  private mutating func rewriteManifest(
    _ given: Manifest, _ extracted: Extractor.Result, _ unit: ClangUnit, _ text: [UInt8],
    _ path: String, _ writer: MemberRewriter
  ) {
    var bodies: [String: Range<Int>] = [:]
    unit.root.visit { cursor in
      if cursor.kind == .function, cursor.isDefinition,
        cursor.place.file == HarnessWriter.fileName
      {
        bodies[cursor.name] = cursor.extent
      }
      return false
    }
    /// An expression as it is now, from where the harness has it; nil where it stays.
    func now(_ expression: String, in range: Range<Int>?) -> String? {
      let sought = Array(expression.utf8)
      guard !sought.isEmpty else { return nil }
      var start = range?.lowerBound ?? 0
      let end = range?.upperBound ?? text.count
      while start + sought.count <= end {
        if text[start..<start + sought.count].elementsEqual(sought),
          let result = writer.rewrite(start..<start + sought.count, of: text, file: path)
        {
          return result
        }
        start += 1
      }
      return nil
    }
    func spellings(_ list: [String]) -> [String] {
      list + list.compactMap { now($0, in: nil) }.filter { !list.contains($0) }
    }
    func changed(_ expression: String, in range: Range<Int>? = nil) -> String {
      now(expression, in: range) ?? expression
    }
    func rule(_ rule: Manifest.Rule, of callee: String) -> Manifest.Rule {
      guard let body = bodies[callee] ?? bodies["kshim_\(callee)"] else { return rule }
      var result = rule
      result.records = rule.records?.map { changed($0, in: body) }
      result.size = rule.size.map { changed($0, in: body) }
      if case .returns(let values) = rule.action {
        result.action = .returns(values.map { changed($0, in: body) })
      }
      return result
    }
    for index in manifest.objects.indices {
      manifest.objects[index].spellings = spellings(manifest.objects[index].spellings)
    }
    for index in manifest.slots.indices {
      manifest.slots[index].spellings = spellings(manifest.slots[index].spellings)
      manifest.slots[index].values = manifest.slots[index].values.map { changed($0) }
    }
    for index in manifest.bindings.indices {
      manifest.bindings[index].spellings = spellings(manifest.bindings[index].spellings)
      manifest.bindings[index].value = changed(manifest.bindings[index].value)
    }
    for index in manifest.locks.indices {
      manifest.locks[index].expression = changed(manifest.locks[index].expression)
    }
    for index in manifest.callbacks.indices {
      let name = manifest.callbacks[index].name
      manifest.callbacks[index].spellings = spellings(manifest.callbacks[index].spellings)
      manifest.callbacks[index].rule = rule(
        manifest.callbacks[index].rule, of: "callback_\(name)")
    }
    for index in manifest.boundary.indices {
      manifest.boundary[index].rule = rule(
        manifest.boundary[index].rule, of: manifest.boundary[index].name)
    }
  }
}

extension Extractor {
  /// What some records have in this revision; nil where the source cannot be read.
  func layouts(of records: [String]) async throws -> [String: Layout]? {
    guard let path = revision.path(of: manifest.source),
      let data = FileManager.default.contents(atPath: path)
    else { return nil }
    let source = following?.text(Array(data)) ?? SourceText(Array(data), file: manifest.source)
    let preamble = Preamble(of: source.bytes)
    let precompiled = try await precompile?(UnitWriter.header(preamble, of: source.bytes, manifest))
    let asked = records.enumerated().map {
      "static __attribute__((unused)) void \(Probes.prefix)\($0.offset)(\($0.element) *r) {}\n"
    }
    seal()
    let read = ClangUnit.read(
      "\(revision.tree.directory)/\(manifest.source)", precompiled,
      arguments: arguments + ["-ferror-limit=0", "-fno-spell-checking"]
    ) { isWhole in
      (isWhole ? source.bytes : preamble.blanked(source.bytes))
        + "\n#line 1 \"\(Probes.fileName)\"\n\(asked.joined())".utf8
    }
    guard let unit = read?.unit else { return nil }
    var layouts: [String: Layout] = [:]
    unit.root.visit { cursor in
      if cursor.kind == .function, cursor.name.hasPrefix(Probes.prefix),
        let number = Int(cursor.name.dropFirst(Probes.prefix.count)),
        records.indices.contains(number),
        let record = cursor.arguments.first?.record
      {
        layouts[records[number]] = Layout(of: record)
      }
      return false
    }
    return layouts
  }
}

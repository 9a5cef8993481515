// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// What a patch calls differently or puts into another file, of what a manifest needs.
///
/// A new name is read as the old one, by a macro in front of the text; what stands in another source
/// file is read behind the subject's own, and what stands in a header is taken out of it.
struct Following {
  var manifest: Manifest
  /// The revision, without the bodies that were taken out of its headers.
  let revision: Revision
  /// What was followed, a sentence each.
  var remarks: [String] = []
  /// Members of structs that are gone, of which it is not clear what they are now.
  var unclear: [Members.Move] = []
  /// The glue as it is for this revision; nil: as it stands.
  var glue: String?

  private var renamed: [(old: String, new: String)] = []
  /// Other source files, relative to the tree's top.
  private var sources: [String] = []
  private var taken: [(file: String, function: TopLevel.Function)] = []
  private let patched: Versions?
  /// Every word that the manifest and its glue name.
  private var interest: Set<String> = []

  /// The lines that the patch touched, by file: of a source file under another name those that it
  /// did not have under the old one.
  private(set) var touched: [String: [ClosedRange<Int>]]

  /// Whether anything was.
  var isAny: Bool { !remarks.isEmpty }
  /// Files that it was read from.
  var files: [String] { isAny ? patched?.files ?? [] : [] }

  /// Whether a struct, union or enumeration no longer has a word, or has it elsewhere in it, that the
  /// manifest or its glue names.
  var changesRecords: Bool {
    guard let patched else { return false }
    let after = patched.new.values.reduce(into: [String: [String]]()) { all, top in
      all.merge(top.records.mapValues(\.body), uniquingKeysWith: { first, _ in first })
    }
    return patched.old.values.contains { top in
      top.records.contains { tag, record in
        let now = after[renamed.first { $0.old == tag }?.new ?? tag] ?? []
        guard now != record.body else { return false }
        let left = Self.depths(now)
        return Self.depths(record.body).contains { place, count in
          interest.contains(place.word) && left[place, default: 0] < count
        }
      }
    }
  }

  private struct Depth: Hashable {
    var word: String
    var depth: Int
  }

  /// How often a record has each word in how many braces.
  private static func depths(_ body: [String]) -> [Depth: Int] {
    var counts: [Depth: Int] = [:]
    var depth = 0
    for word in body {
      if word == "{" { depth += 1 }
      if word == "}" { depth -= 1 }
      if TopLevel.isWord(word) { counts[Depth(word: word, depth: depth), default: 0] += 1 }
    }
    return counts
  }

  /// Whether the patched files reach a member of that name.
  func reaches(member: String) -> Bool {
    patched?.new.values.contains { $0.members.contains(member) } ?? false
  }

  /// Which words the patch puts in the place of others.
  var substitutions: Substitutions { patched?.substitutions ?? Substitutions() }

  /// The files of a revision that a patch touches, before and after.
  private struct Versions {
    var files: [String]
    var old: [String: TopLevel] = [:]
    var new: [String: TopLevel] = [:]
    var texts: [String: [UInt8]] = [:]
    var substitutions = Substitutions()

    init(_ revision: Revision, near manifest: Manifest) {
      // A whole release apart, most of what differs is far from the subject.
      let folder = manifest.source.split(separator: "/").dropLast().prefix(2).joined(separator: "/")
      let near = ([folder, "include"] + manifest.include).map { "\($0)/" }
      files = (Array(revision.overlay.keys) + revision.deleted)
        .filter { file in
          (file.hasSuffix(".c") || file.hasSuffix(".h")) && near.contains { file.hasPrefix($0) }
        }.sorted()
      let texts = Parallel.map(
        files.flatMap { ["\(revision.tree.directory)/\($0)", revision.overlay[$0]] }
      ) { path in
        path.flatMap { FileManager.default.contents(atPath: $0) }.map { text in
          (text: Array(text), top: TopLevel(of: Array(text)))
        }
      }
      for (number, file) in files.enumerated() {
        let (old, new) = (texts[2 * number], texts[2 * number + 1])
        self.old[file] = old?.top
        self.new[file] = new?.top
        self.texts[file] = new?.text
        if let old, let new { substitutions.add(old.text, new.text) }
      }
      addMoved()
    }

    /// What is moved is compared with what it was.
    private mutating func addMoved() {
      for (file, top) in old {
        for function in top.functions.values where function.isDefinition {
          guard new[file]?.functions[function.name]?.isDefinition != true,
            let other = definition(function.name, in: new)?.function
          else { continue }
          substitutions.add(function.body, other.body)
        }
      }
    }

    func definition(
      _ name: String, in versions: [String: TopLevel]
    ) -> (file: String, function: TopLevel.Function)? {
      for file in files {
        if let function = versions[file]?.functions[name], function.isDefinition {
          return (file, function)
        }
      }
      return nil
    }

    /// A definition, else a prototype.
    func function(_ name: String, in versions: [String: TopLevel]) -> TopLevel.Function? {
      definition(name, in: versions)?.function
        ?? files.lazy.compactMap { versions[$0]?.functions[name] }.first
    }
  }

  init(_ manifest: Manifest, _ revision: Revision, installation: Installation) throws {
    guard revision.isChanged else {
      (self.manifest, self.revision, patched, touched) = (manifest, revision, nil, [:])
      return
    }
    let versions = Versions(revision, near: manifest)
    var names = Renames(
      manifest: manifest, installation: installation, asked: Self.asked(manifest, revision))
    interest = names.interest
    names.find(versions.old, versions.new, versions.substitutions)
    try names.check()
    renamed = names.renamed
    patched = versions
    remarks = renamed.map { "the patch renames \($0.old) to \($0.new); it is told by its old name" }

    touched = revision.touched
    var changed = manifest
    if revision.deleted.contains(manifest.source) {
      let places = Set(
        manifest.targets.compactMap { name in
          versions.definition(names.new(name), in: versions.new)?.file
        }.filter { $0.hasSuffix(".c") })
      if places.count == 1 {
        changed.source = places.first!
        touched[changed.source] = Self.lines(of: changed.source, unlike: manifest.source, revision)
        remarks.append("\(changed.source) is read for \(manifest.source)")
      }
    }
    let needed = Self.needed(by: changed, from: manifest.source, versions, names)
    sources = Set(needed.filter { $0.file.hasSuffix(".c") }.map(\.file)).sorted()
    taken = needed.filter { $0.file.hasSuffix(".h") }
    remarks += needed.map { "\($0.function.name)() is read from \($0.file)" }
    for file in sources {
      let folder = (file as NSString).deletingLastPathComponent
      if !changed.include.contains(folder) { changed.include.append(folder) }
    }
    self.manifest = changed
    self.revision = try Self.taking(taken, from: revision)
    try checkCollisions()
  }

  private static func asked(_ manifest: Manifest, _ revision: Revision) -> String {
    "extract \(manifest.subject) from \(revision.tree.spec)"
  }

  private static func lines(
    of file: String, unlike old: String, _ revision: Revision
  ) -> [ClosedRange<Int>]? {
    func bytes(_ path: String?) -> [UInt8]? {
      path.flatMap { FileManager.default.contents(atPath: $0) }.map { Array($0) }
    }
    guard let before = bytes("\(revision.tree.directory)/\(old)"),
      let after = bytes(revision.path(of: file))
    else { return nil }
    return Substitutions.lines(before, after)
  }

  // MARK: Moves

  /// The functions that the targets lead to, and that the patch put into another file than the
  /// subject's. Of a header those that stood in the source file before.
  private static func needed(
    by manifest: Manifest, from oldSource: String, _ versions: Versions, _ names: Renames
  ) -> [(file: String, function: TopLevel.Function)] {
    guard versions.new[manifest.source] != nil else { return [] }
    let boundary = Set(manifest.boundary.map { names.new($0.name) })
    let roots = manifest.targets + manifest.optionalTargets + manifest.extract
    var queue = roots.map { (name: names.new($0), file: manifest.source) }
    var seen: Set<String> = []
    var needed: [(file: String, function: TopLevel.Function)] = []
    func find(_ name: String, from file: String) -> (file: String, function: TopLevel.Function)? {
      for place in [file, manifest.source] + versions.files {
        guard let function = versions.new[place]?.functions[name], function.isDefinition else {
          continue
        }
        let isHeader = place.hasSuffix(".h")
        // Each source file has static functions of its own.
        if function.isStatic, !isHeader, place != file { continue }
        let wasThere = versions.old[place]?.functions[name]?.isDefinition == true
        let old = names.old(name)
        let wasInSource = versions.old[oldSource]?.functions[old]?.isDefinition == true
        if place != manifest.source, place != file, wasThere || isHeader && !wasInSource {
          return nil
        }
        return (place, function)
      }
      return nil
    }
    while let (name, file) = queue.popLast() {
      guard !boundary.contains(name), seen.insert(name).inserted, let found = find(name, from: file)
      else { continue }
      if found.file != manifest.source { needed.append(found) }
      let from = found.file.hasSuffix(".h") ? manifest.source : found.file
      for word in Set(found.function.body).sorted()
      where TopLevel.isWord(word) && !seen.contains(word) {
        queue.append((word, from))
      }
    }
    return needed.sorted {
      ($0.file, $0.function.range.lowerBound) < ($1.file, $1.function.range.lowerBound)
    }
  }

  /// The revision with prototypes in place of some functions of its headers.
  private static func taking(
    _ functions: [(file: String, function: TopLevel.Function)], from revision: Revision
  ) throws -> Revision {
    var texts: [String: Data] = [:]
    for (file, function) in functions {
      guard let path = revision.path(of: file),
        var data = texts[file] ?? FileManager.default.contents(atPath: path)
      else { continue }
      let newline = UInt8(ascii: "\n")
      let body = function.headEnd..<function.range.upperBound
      let blank = data[body].map { $0 == newline ? newline : UInt8(ascii: " ") }
      data.replaceSubrange(body, with: [UInt8(ascii: ";")] + blank.dropFirst())
      texts[file] = data
    }
    return texts.isEmpty ? revision : try revision.replacing(texts)
  }

  /// Static names that two files have cannot be read together.
  private func checkCollisions() throws {
    guard let patched, !sources.isEmpty else { return }
    var owners: [String: String] = [:]
    for file in [manifest.source] + sources {
      guard let top = patched.new[file] else { continue }
      let names =
        top.functions.values.filter { $0.isDefinition && $0.isStatic }.map(\.name)
        + top.variables.filter { $0.value.contains("static") }.map(\.key) + top.records.keys
      for name in names.sorted() {
        guard let other = owners.updateValue(file, forKey: name) else { continue }
        let moved = remarks.first { $0.hasSuffix(" \(file)") } ?? ""
        throw Failure(
          .build, asked: Self.asked(manifest, revision),
          cause: "what moved to \(file) cannot be followed: '\(name)' is in \(other) too",
          place: file, evidence: moved.isEmpty ? [] : [moved],
          remedy:
            "call one of the two differently, or put rules for what moved under 'boundary:' in"
            + " \(manifest.path)")
      }
    }
  }

  // MARK: Text

  /// What the text has at its top level, where that is known.
  func top(of source: SourceText) -> TopLevel? {
    source.parts.count == 1 && renamed.isEmpty ? patched?.new[manifest.source] : nil
  }

  /// All that is read, in order: macros for new names, the preambles of all files, the subject's
  /// source, what else is followed.
  func text(_ source: [UInt8]) -> SourceText {
    guard !renamed.isEmpty || !sources.isEmpty || !taken.isEmpty else {
      return SourceText(source, file: manifest.source)
    }
    var bytes: [UInt8] = []
    var parts: [SourceText.Part] = []
    let newline = UInt8(ascii: "\n")
    func add(_ file: String, _ text: [UInt8], _ range: Range<Int>) {
      if let last = bytes.last, last != newline { bytes.append(newline) }
      let line = text[..<range.lowerBound].count { $0 == newline } + 1
      bytes += Array("#line \(line) \"\(file)\"\n".utf8)
      parts.append(.init(start: bytes.count, file: file, line: line))
      bytes += text[range]
    }
    for (old, new) in renamed { bytes += Array("#define \(new) \(old)\n".utf8) }
    let others = sources.map { ($0, patched?.texts[$0] ?? []) }
    let files = [(manifest.source, source)] + others
    for (file, text) in files { add(file, text, 0..<Preamble(of: text).end) }
    for (file, text) in files { add(file, text, Preamble(of: text).end..<text.count) }
    for (file, function) in taken {
      add(file, patched?.texts[file] ?? [], function.range)
    }
    var all = SourceText(bytes + [newline], parts: parts)
    all.added = taken.map { one in
      renamed.first { $0.new == one.function.name }?.old ?? one.function.name
    }
    return all
  }
}

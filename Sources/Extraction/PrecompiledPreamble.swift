// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource

/// A source file's preamble as clang has read it before, with the options of one build.
struct PrecompiledPreamble: Sendable {
  /// What the compiler reads in its place.
  let path: String
  /// Every file that was read for it, absolute.
  let files: [String]
  /// What the compiler said of headers, none of it an error.
  let warnings: [ClangUnit.Diagnostic]
  fileprivate let stamp: String
  fileprivate let keeper: any Keeper

  /// A patched copy of a header has a new time in each revision: its content counts.
  fileprivate static let validation = "-fpch-validate-input-files-content"

  /// For clang and libclang, beside the options that it was made with.
  var arguments: [String] { ["-include-pch", path, Self.validation] }

  /// Whether it is still what was made.
  var isIntact: Bool { FileStamp(path).text == stamp }

  /// Keeps it for longer.
  func use() { keeper.use("\(path.dropLast(".pch".count)).json") }
}

/// Precompiled preambles, kept by all that they depend on: the compiler, the options, the preamble's
/// text, the content of every file that was read and the names of those that could be read in their
/// place. What kshim unpacked is known by its identity; of a user's own tree each file's stamp is
/// compared.
struct PreambleCache {
  /// Those beyond this go, the oldest first, when nobody has used them for a while; each is some 16 MB.
  static let most = 12

  let build: KernelBuild
  let manifest: Manifest
  let directory: String

  /// Where those lie that are not kept.
  static var scratch: String { FileManager.default.temporaryDirectory.path }

  /// How the names of all that is kept begin.
  static func prefix(in directory: String) -> String { "\(directory)/preamble-" }

  /// What is kept beside each.
  private struct Record: Codable {
    var stamp: String
    /// Of the tree, relative to its top.
    var files: [String]
    var others: [String: String]
    /// Of a user's own tree.
    var stamps: [String: String]
    var places: Places
    /// In what the revision differed from its tree: digests, "" for what was gone.
    var changes: [String: String]
    var warnings: [Warning]
  }

  private struct Warning: Codable {
    var file: String
    var line: Int
    var message: String
  }

  /// Where headers were looked for: the names there that were asked for, nil for a directory that
  /// was not there.
  private typealias Places = [String: [String]?]

  private var keeper: any Keeper { build.installation.keeper }
  private var tree: String { build.revision.tree.directory }

  /// The preamble, from earlier or made now.
  ///
  /// - Parameter text: what to compile, in front of the source file's own.
  /// - Returns: nil where it does not compile by itself or cannot be kept: the source file is read
  ///   as it is then, and tells why.
  func preamble(_ text: String, options: [String]) async throws -> PrecompiledPreamble? {
    let clang = try Toolchain.locate().tool("clang")
    let compiler = URL(fileURLWithPath: clang).resolvingSymlinksInPath().path
    let scope = Digest.of(
      (["kshim preamble 2", compiler, FileStamp(compiler).text ?? "", build.revision.tree.identity]
        + options + [text]).joined(separator: "\n")
    ).prefix(24)
    let header = "\(Self.prefix(in: directory))\(scope).h"
    for path in KeptFile.aged(in: directory, ending: ".json").reversed()
    where path.hasPrefix("\(header.dropLast(2))-") {
      if let known = await known(path, header, text) {
        keeper.use(path)
        return known
      }
    }
    return try await make(text, options, header)
  }

  // MARK: Looking up

  private func known(
    _ path: String, _ header: String, _ text: String
  ) async -> PrecompiledPreamble? {
    guard let record = await record(path), changes(record) == record.changes,
      record.others.allSatisfy({ FileStamp($0.key).text == $0.value }),
      record.stamps.allSatisfy({ FileStamp("\(tree)/\($0.key)").text == $0.value })
    else { return nil }
    if !build.revision.tree.isPartial {
      let names = Set(record.files.map(Self.name) + record.others.keys.map(Self.name))
      guard Self.places(Array(record.places.keys), names) == record.places else { return nil }
    }
    let place = "\(path.dropLast(".json".count)).pch"
    var preamble = preamble(record, at: place)
    func isIntact() -> Bool {
      preamble.isIntact && FileManager.default.contents(atPath: header) == Data(text.bytes)
    }
    if isIntact() { return preamble }
    for _ in 0..<30 where KeptFile.isYoung(place) {
      try? await Task.sleep(for: .milliseconds(100))
      if let record = await self.record(path) { preamble = self.preamble(record, at: place) }
      if isIntact() { return preamble }
    }
    // What is old may be removed at any time.
    if FileStamp(place).text != nil, FileStamp(path).text != nil { keeper.tellDamage(path) }
    return nil
  }

  private func record(_ path: String) async -> Record? {
    await keeper.record(at: path).flatMap { try? JSONDecoder().decode(Record.self, from: $0) }
  }

  private func preamble(_ record: Record, at path: String) -> PrecompiledPreamble {
    PrecompiledPreamble(
      path: path, files: record.files.map { "\(tree)/\($0)" } + record.others.keys,
      warnings: record.warnings.map {
        .init(isError: false, file: $0.file, line: $0.line, message: $0.message)
      }, stamp: record.stamp, keeper: keeper)
  }

  /// In what the revision differs from its tree, of what was read or could be read.
  private func changes(_ record: Record) -> [String: String] {
    let revision = build.revision
    guard revision.isChanged else { return [:] }
    let files = Set(record.files)
    let names = Set(record.files.map(Self.name) + record.others.keys.map(Self.name))
    var changes: [String: String] = [:]
    for path in Array(revision.overlay.keys) + revision.deleted
    where files.contains(path) || names.contains(Self.name(path)) {
      changes[path] = revision.overlay[path].flatMap { Digest.of(file: $0) } ?? ""
    }
    return changes
  }

  private static func name(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  // MARK: Making

  private func make(
    _ text: String, _ options: [String], _ header: String
  ) async throws -> PrecompiledPreamble? {
    let began = FileStamp.now()
    // What a stranger's header makes of a compiler is nobody else's.
    let isPatched = (build.revision.overlay.keys + build.revision.deleted).contains {
      !$0.hasSuffix(".c")
    }
    if isPatched { keeper.seal() }
    let draft = "\(build.work)/\(UniqueName.make())"
    let endings = ["pch", "d"]
    defer { for ending in endings { unlink("\(draft).\(ending)") } }
    var header = header
    let isKept = await keeper.keep(files: ["": Data(text.bytes)], at: header)
    if !isKept {
      // For this run, where more than one function of the file is looked at.
      guard isPatched else { return nil }
      header =
        "\(Self.scratch)/\((header as NSString).lastPathComponent)"
      guard FileManager.default.createFile(atPath: header, contents: Data(text.bytes)) else {
        return nil
      }
    }
    // Whatever ends it: the headers are read as they are then.
    let compiled = try? await Toolchain.run(
      "clang",
      options + build.local + [
        PrecompiledPreamble.validation, "-fno-diagnostics-show-option", "-x", "c-header", header,
        "-MD", "-MF", "\(draft).d", "-o", "\(draft).pch",
      ], environment: KernelBuild.environment)
    guard let compiled, compiled.succeeded,
      let rule = try? String(contentsOfFile: "\(draft).d", encoding: .utf8)
    else { return nil }
    var record = record(Extraction.prerequisites(rule: rule).filter { $0 != header })
    record.warnings = CompilerReport.warnings(compiled.errorLines).map {
      Warning(file: $0.file, line: $0.line, message: $0.text)
    }
    guard isOlder(record, than: began) else { return nil }
    record.changes = changes(record)
    let difference = record.changes.map { "\($0.key) \($0.value)" }.sorted()
    let path =
      "\(header.dropLast(2))-\(Digest.of(difference.joined(separator: "\n")).prefix(16))"
    if !isKept {
      guard rename("\(draft).pch", "\(path).pch") == 0 else { return nil }
      record.stamp = FileStamp("\(path).pch").text ?? ""
      return preamble(record, at: "\(path).pch")
    }
    guard let made = FileManager.default.contents(atPath: "\(draft).pch") else { return nil }
    // Others may keep the same just now: whoever writes the record last sees to it that it fits.
    for _ in 0..<4 {
      guard await keeper.keep(files: ["": made], at: "\(path).pch") else { return nil }
      record.stamp = FileStamp("\(path).pch").text ?? ""
      guard let written = try? JSONEncoder().encode(record),
        await keeper.keep(record: written, at: "\(path).json")
      else { return nil }
      if FileStamp("\(path).pch").text == record.stamp { break }
    }
    return preamble(record, at: "\(path).pch")
  }

  private func record(_ read: [String]) -> Record {
    let prefix = tree + "/"
    let revision = build.revision
    let files = read.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    let others = read.filter { !$0.hasPrefix(prefix) }
    var record = Record(
      stamp: "", files: files,
      others: Dictionary(
        others.map { ($0, FileStamp($0).text ?? "") }, uniquingKeysWith: { first, _ in first }),
      stamps: [:], places: [:], changes: [:], warnings: [])
    guard !revision.tree.isPartial else { return record }
    for file in files where revision.overlay[file] == nil {
      record.stamps[file] = FileStamp("\(prefix)\(file)").text ?? ""
    }
    record.places = Self.places(places(of: read), Set(read.map(Self.name)))
    return record
  }

  /// The directories in which a header that was read could have been found.
  private func places(of read: [String]) -> [String] {
    let roots = build.includes(for: manifest).filter { $0.hasPrefix("/") }
    var places: Set<String> = []
    for file in read {
      let folder = (file as NSString).deletingLastPathComponent
      places.insert(folder)
      for root in roots where folder == root || folder.hasPrefix(root + "/") {
        for other in roots { places.insert(other + folder.dropFirst(root.count)) }
      }
    }
    return places.sorted()
  }

  private static func places(_ directories: [String], _ names: Set<String>) -> Places {
    var places: Places = [:]
    for directory in directories {
      let found = try? FileManager.default.contentsOfDirectory(atPath: directory)
      places.updateValue(found?.filter { names.contains($0) }.sorted(), forKey: directory)
    }
    return places
  }

  /// Whether nothing that was read was changed since a time: otherwise what was read is not known.
  private func isOlder(_ record: Record, than time: timespec) -> Bool {
    let own = record.others.keys.filter { !$0.hasPrefix(build.standins) }
    return (record.stamps.keys.map { "\(tree)/\($0)" } + own).allSatisfy {
      var status = stat()
      guard stat($0, &status) == 0 else { return false }
      let changed = status.st_ctim
      return (changed.tv_sec, changed.tv_nsec) < (time.tv_sec, time.tv_nsec)
    }
  }

  static func prune(_ directory: String) {
    let records = KeptFile.aged(in: directory, ending: ".json")
    for path in KeptFile.idle(records.dropLast(most)) {
      unlink(path)
      unlink("\(path.dropLast(".json".count)).pch")
    }
    let kept = KeptFile.aged(in: directory, ending: ".json")
    for header in KeptFile.idle(KeptFile.aged(in: directory, ending: ".h"))
    where !kept.contains(where: { $0.hasPrefix("\(header.dropLast(2))-") }) {
      unlink(header)
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource
import Reporting

/// Verdicts by all that they depend on: kshim itself, the compiler, the subject, the content of
/// every file that the extraction read, and the names of those that could be read in their place.
///
/// A lookup tries the lists of files that earlier extractions of the subject read. No trouble with
/// the cache is a check's: what cannot be read is not there, what cannot be written is not kept.
public actor ResultCache {
  /// Entries beyond this go, the oldest first.
  static let most = 500

  /// nil: kept for this process only.
  let directory: String?
  private let installation: Installation
  private var identity: String?
  private var entries: [String: Entry] = [:]
  private var readings: [String: [String: Reading]] = [:]
  private var trees: [String: TreeFingerprint] = [:]
  private var hashes: [String: String] = [:]
  private var keys: [String: String] = [:]

  struct Entry: Codable {
    var verdict: Verdict
    var warnings: [Reading.Place]
  }

  /// - Parameters:
  ///   - directory: made when first needed; nil keeps nothing beyond this process.
  ///   - identity: what stands for kshim and the compiler; nil finds out.
  public init(directory: String?, installation: Installation, identity: String? = nil) {
    self.directory = directory
    self.installation = installation
    self.identity = identity
  }

  // MARK: Looking up

  /// The verdict of a revision that is known without a search: `introduced` false but for notes on
  /// lines that it touched, ``Verdict/Exploration/reused`` true. And what it was read from.
  func known(
    of subject: String, in revision: Revision
  ) async -> (verdict: Verdict, reading: Reading)? {
    guard let scope = try? await scope(subject) else { return nil }
    for (name, reading) in readings(scope).sorted(by: { $0.key < $1.key }) {
      let key = key(scope, name, tree(revision.tree, name, reading), revision)
      guard let entry = entry(key),
        // A warning on a line that a patch touched is an error.
        !entry.warnings.contains(where: { place in
          revision.touched[place.file]?.contains { $0.contains(place.line) } ?? false
        })
      else { continue }
      use("list-\(scope)-\(name).json")
      use("verdict-\(key).json")
      return (Self.verdict(entry, of: revision), reading)
    }
    return nil
  }

  private static func verdict(_ entry: Entry, of revision: Revision) -> Verdict {
    var verdict = entry.verdict
    verdict.revision = .init(
      kernel: revision.tree.spec, version: revision.tree.version,
      patches: revision.patches.map { .init(file: $0.name, subject: $0.subject) })
    verdict.exploration.reused = true
    for index in verdict.notes.indices {
      let note = verdict.notes[index]
      verdict.notes[index].introduced =
        revision.touched[note.file]?.contains { $0.contains(note.line) } ?? false
    }
    return verdict
  }

  // MARK: Keeping

  /// Keeps a verdict. Not, where the user's tree changed since the extraction began: what was read
  /// is not known then.
  ///
  /// - Parameter began: when nothing had been read yet.
  func keep(
    _ verdict: Verdict, of revision: Revision, reading: Reading, began: timespec
  ) async {
    guard verdict.exploration.exhaustive else { return }
    do {
      let scope = try await scope(verdict.subject)
      var list = reading
      list.warnings = []
      // Most revisions read what others did.
      let known = readings(scope).first { $0.value == list }?.key
      let listed = try known == nil ? Self.encoder.encode(list) : Data()
      let name = known ?? String(Digest.of(listed).prefix(16))
      let tree = tree(revision.tree, name, list)
      let key = key(scope, name, tree, revision)
      guard revision.tree.isPartial || tree.isOlder(than: began) else { return }
      let entry = Entry(verdict: Self.bare(verdict), warnings: reading.warnings)
      readings[scope, default: [:]][name] = list
      entries[key] = entry
      let file = "list-\(scope)-\(name).json"
      if known == nil { try write(listed, file) } else { use(file) }
      try write(Self.encoder.encode(entry), "verdict-\(key).json")
      prune()
    } catch {
      // A result that is not kept is searched again.
    }
  }

  /// A verdict without what depends on how the revision is named and made.
  private static func bare(_ verdict: Verdict) -> Verdict {
    var bare = verdict
    bare.revision = .init(kernel: "", version: "", patches: [])
    for index in bare.findings.indices { bare.findings[index].introduced = false }
    for index in bare.notes.indices { bare.notes[index].introduced = false }
    return bare
  }

  // MARK: Keys

  /// What lists of files belong together: those of one kshim and one subject.
  func scope(_ subject: String) async throws -> String {
    let identity: String
    if let known = self.identity {
      identity = known
    } else {
      identity = try await Fingerprint.identity(of: installation)
      self.identity = identity
    }
    let allowed = installation.allowed.map(\.rawValue).sorted()
    let text = ([identity, subject] + allowed).joined(separator: " ")
    if let known = hashes[text] { return known }
    let scope = String(Digest.of(text).prefix(32))
    hashes[text] = scope
    return scope
  }

  /// Kept for what kshim unpacked, which never changes, as long as nothing is added.
  private func tree(
    _ kernel: KernelTree, _ name: String, _ reading: Reading
  ) -> TreeFingerprint {
    let known = ([name] + Self.words(kernel)).joined(separator: "\n")
    if let tree = trees[known] { return tree }
    guard kernel.isPartial else { return TreeFingerprint(reading, in: kernel.directory) }
    let file = "tree-\(Digest.of(known).prefix(32))"
    let kept = directory.flatMap { KeptFile.read("\($0)/\(file)") }
    let tree =
      kept.map { TreeFingerprint(reading, in: kernel.directory, kept: $0) }
      ?? TreeFingerprint(reading, in: kernel.directory)
    if kept == nil { try? write(tree.kept, file) } else { use(file) }
    trees[known] = tree
    return tree
  }

  private static func words(_ kernel: KernelTree) -> [String] {
    [kernel.directory, kernel.identity] + kernel.kept
  }

  /// The key of a revision's verdict, if it reads what a reading of its tree lists.
  private func key(
    _ scope: String, _ name: String, _ tree: TreeFingerprint, _ revision: Revision
  ) -> String {
    let changes = tree.changes(in: revision)
    let copies = changes.values.compactMap(\.self)
    let changed = Digest.of(files: copies)
    let difference = changes.map { "\($0.key) \($0.value.flatMap { changed[$0] } ?? "gone")" }
    let known =
      ([scope, name, revision.tree.version] + Self.words(revision.tree)
      + difference.sorted()).joined(separator: "\n")
    if revision.tree.isPartial, let key = keys[known] { return key }
    let text = "\(scope)\n\(name)\n\(revision.tree.version)\n"
    let key = Digest.of(text + tree.text(changes, changed: changed))
    keys[known] = key
    return key
  }

  // MARK: Files

  static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }()

  private func readings(_ scope: String) -> [String: Reading] {
    if let known = readings[scope] { return known }
    var found: [String: Reading] = [:]
    let prefix = "list-\(scope)-"
    for file in names() where file.hasPrefix(prefix) && file.hasSuffix(".json") {
      guard let reading = read(Reading.self, file) else { continue }
      found[String(file.dropFirst(prefix.count).dropLast(".json".count))] = reading
    }
    readings[scope] = found
    return found
  }

  private func entry(_ key: String) -> Entry? {
    if let known = entries[key] { return known }
    guard let entry = read(Entry.self, "verdict-\(key).json"), entry.verdict.isSound else {
      return nil
    }
    entries[key] = entry
    return entry
  }

  private func names() -> [String] {
    directory.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0) } ?? []
  }

  private func read<Value: Decodable>(_ type: Value.Type, _ name: String) -> Value? {
    directory.flatMap { KeptFile.read("\($0)/\(name)") }.flatMap {
      try? JSONDecoder().decode(type, from: $0)
    }
  }

  func write(_ content: Data, _ name: String) throws {
    if let directory { try KeptFile.write(content, to: "\(directory)/\(name)") }
  }

  /// What is used is not old.
  func use(_ name: String) {
    if let directory { KeptFile.use("\(directory)/\(name)") }
  }

  /// Removes the oldest entries where there are too many.
  func prune() {
    guard let directory else { return }
    let aged = KeptFile.aged(in: directory)
    guard aged.count > Self.most else { return }
    for old in aged.prefix(aged.count - Self.most * 9 / 10) { unlink(old) }
  }
}

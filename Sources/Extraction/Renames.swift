// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// The functions, types and variables of a manifest that a patch calls differently.
struct Renames {
  let manifest: Manifest
  let asked: String
  /// Every word that the manifest and its glue name.
  let interest: Set<String>
  private(set) var renamed: [(old: String, new: String)] = []
  /// What is gone, and what it may be called now, where that is not clear or does not fit.
  private var unclear: [(old: String, new: [String], why: String)] = []

  init(manifest: Manifest, installation: Installation, asked: String) {
    self.manifest = manifest
    self.asked = asked
    interest = Self.words(of: manifest, installation)
  }

  func new(_ old: String) -> String { renamed.first { $0.old == old }?.new ?? old }
  func old(_ new: String) -> String { renamed.first { $0.new == new }?.old ?? new }

  /// - Parameters:
  ///   - old: the files that the patch touches, before it.
  ///   - new: after it.
  mutating func find(
    _ old: [String: TopLevel], _ new: [String: TopLevel], _ substitutions: Substitutions
  ) {
    let known = Set(old.values.lazy.flatMap(\.words)).union(interest)
    func all<Value>(
      _ versions: [String: TopLevel], _ what: (TopLevel) -> [String: Value],
      _ prefer: (Value, Value) -> Value = { first, _ in first }
    ) -> [String: Value] {
      versions.sorted { $0.key < $1.key }.reduce(into: [:]) {
        $0.merge(what($1.value), uniquingKeysWith: prefer)
      }
    }
    /// - Parameters:
    ///   - fits: whether one can stand for the other.
    ///   - likeness: 0 to 1. Two that are much alike need no use that tells, others can be no pair.
    func pair<Value>(
      _ before: [String: Value], _ after: [String: Value], fits: (Value, Value) -> Bool,
      likeness: (Value, Value) -> Double
    ) {
      let added = after.filter { !known.contains($0.key) }
      for name in before.keys.sorted() where interest.contains(name) && after[name] == nil {
        let value = before[name]!
        var best: [(name: String, count: Int)] = []
        for (other, candidate) in added {
          let count = substitutions.count(name, other)
          let likeness = likeness(value, candidate)
          if likeness > 0.75 || likeness > 0.4 && count > 0 { best.append((other, count)) }
        }
        best.sort { ($0.count, $1.name) > ($1.count, $0.name) }
        guard let first = best.first else { continue }
        if best.count > 1, best[1].count == first.count {
          unclear.append((name, best.map(\.name), "it is not clear which of these it is now"))
        } else if !fits(value, added[first.name]!) {
          unclear.append((name, [first.name], "its arguments are not the same"))
        } else {
          renamed.append((name, first.name))
        }
      }
    }
    let records = (all(old, \.records), all(new, \.records))
    pair(
      records.0, records.1, fits: { _, _ in true },
      likeness: { Self.likeness($0.body, $1.body) })
    let variables = (all(old, \.variables), all(new, \.variables))
    pair(
      variables.0, variables.1, fits: { _, _ in true },
      likeness: { Self.type($0) == Self.type($1) ? 0.5 : 0 })
    let prefer = { (first: TopLevel.Function, second: TopLevel.Function) in
      first.isDefinition || !second.isDefinition ? first : second
    }
    let functions = (all(old, \.functions, prefer), all(new, \.functions, prefer))
    let boundary = Set(manifest.boundary.map(\.name))
    let tags = renamed
    func asBefore(_ words: [String]) -> [String] {
      words.map { word in tags.first { $0.new == word }?.old ?? word }
    }
    pair(
      functions.0, functions.1,
      fits: { before, after in
        !boundary.contains(before.name)
          || before.parameters == after.parameters.map(asBefore)
      },
      likeness: { before, after in
        guard before.isDefinition, after.isDefinition else {
          return before.parameters == after.parameters.map(asBefore) ? 0.5 : 0
        }
        return Self.likeness(before.body, asBefore(after.body))
      })
    // One that stands for two is neither.
    for new in Set(renamed.map(\.new)).sorted()
    where renamed.count(where: { $0.new == new }) > 1 {
      for one in renamed where one.new == new {
        unclear.append((one.old, [new], "another is called so too"))
      }
      renamed.removeAll { $0.new == new }
    }
  }

  /// Refuses what is needed and not followed.
  func check() throws {
    let rules = manifest.boundary.map(\.name)
    let needed = manifest.targets + manifest.extract + rules
    guard let first = unclear.first(where: { needed.contains($0.old) }) else { return }
    let isRule = rules.contains(first.old)
    let shown = first.new.map { "\($0)()" }.joined(separator: ", ")
    throw Failure(
      .build, asked: asked,
      cause: "the patch renames \(first.old)(), as \(shown) it seems, and \(first.why)",
      place: manifest.place(of: first.old),
      remedy: isRule
        ? "add a rule for \(first.new[0]) under 'boundary:' in \(manifest.path)"
        : "name \(first.new[0]) in place of \(first.old) in \(manifest.path)")
  }

  /// What part of the words two stretches of C share, each as often as it is there.
  private static func likeness(_ one: [String], _ other: [String]) -> Double {
    guard !one.isEmpty, !other.isEmpty else { return 0 }
    var counts: [String: Int] = [:]
    for word in one { counts[word, default: 0] += 1 }
    var shared = 0
    for word in other where counts[word, default: 0] > 0 {
      counts[word]! -= 1
      shared += 1
    }
    return 2 * Double(shared) / Double(one.count + other.count)
  }

  /// The words of a variable's type.
  private static func type(_ words: [String]) -> Set<String> {
    Set(words).subtracting(["static", "extern", "const", "__read_mostly", "__ro_after_init"])
  }

  private static func words(of manifest: Manifest, _ installation: Installation) -> Set<String> {
    var words = Set(manifest.targets + manifest.optionalTargets + manifest.extract)
    words.formUnion(manifest.boundary.map(\.name))
    words.formUnion(manifest.slots.compactMap(\.with))
    words.formUnion(manifest.variables.map(\.name))
    let texts = manifest.expressions + manifest.objects.map(\.type)
    for text in texts { words.formUnion(Closure.words(Array(text.utf8)[...])) }
    if let glue = manifest.glue,
      let data = FileManager.default.contents(
        atPath: "\(installation.glueDirectory(of: manifest.subject))/\(glue)")
    {
      words.formUnion(CToken.all(of: Array(data)).map(\.text).filter(TopLevel.isWord))
    }
    return words
  }
}

extension Manifest {
  /// The line that a name begins, in the manifest or in the services beside it.
  func place(of name: String) -> String {
    let folder = (path as NSString).deletingLastPathComponent
    for path in [path, "\(folder)/services.yaml"] {
      let text = String(kernelFile: path) ?? ""
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      for index in lines.indices {
        let line = lines[index].drop { " -[".contains($0) }
        if line == name || line.hasPrefix("\(name):") { return "\(path):\(index + 1)" }
      }
    }
    return path
  }
}

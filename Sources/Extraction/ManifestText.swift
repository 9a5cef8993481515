// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

extension Extraction {
  /// The manifest that a check of a function would use, to keep and to sharpen.
  ///
  /// - Parameters:
  ///   - subject: what it is to be called, as its file without `.yaml`.
  ///   - directory: for scratch; it need not be there.
  /// - Throws: ``Failure`` as ``extract(_:from:installation:as:into:)``.
  public static func manifest(
    of name: FunctionName, called subject: String, from revision: Revision,
    installation: Installation, scratch directory: String
  ) async throws -> String {
    var manifest = try installation.manifest("\(name)")
    manifest.makefile = Makefile(of: manifest.source, in: revision)
    let output = try OutputDirectory(directory, asked: "read \(name)")
    defer { output.discard() }
    var build = KernelBuild(revision: revision, installation: installation, work: output.work)
    try build.prepare()
    build.standins = try await standins(build)
    let extracted = try await extractor(manifest, build, .search, nil).extract()
    return ManifestText(name, called: subject, manifest, extracted).text
  }
}

/// A manifest as its file has it, with comments.
struct ManifestText {
  private let name: FunctionName
  private let subject: String
  private let manifest: Manifest
  private let extracted: Extractor.Result

  init(
    _ name: FunctionName, called subject: String, _ manifest: Manifest,
    _ extracted: Extractor.Result
  ) {
    self.name = name
    self.subject = subject
    self.manifest = manifest
    self.extracted = extracted
  }

  private static func quoted(_ word: String) -> String {
    word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_.".contains($0)) }
      ? word : "\"\(word)\""
  }

  private static func list(_ values: [String]) -> String {
    "[\(values.map { $0.contains(where: { ",[]{}#:&*!|>'%@`".contains($0) }) ? "\"\($0)\"" : $0 }.joined(separator: ", "))]"
  }

  private static func rule(_ rule: Manifest.Rule) -> String {
    switch rule.action {
    case .makes(let type):
      let others = rule.answers.isEmpty ? "" : ", returns: \(list(rule.answers))"
      return "{makes: \"\(type)\"\(others)}"
    case .returns(let values): return "{returns: \(list(values))}"
    default: return "{returns: [0]}"
    }
  }

  var text: String {
    guard let generated = extracted.generated else { return "" }
    var lines = [
      "# SPDX-License-Identifier: GPL-2.0-only",
      "#",
      "# What kshim makes of \(name.function)() by itself. Change what you know better, and check it with",
      "#     kshim check --manifest \(subject).yaml",
      "# Every key of docs/manifest.md can stand here.",
      "",
      "subject: \(subject)",
      "title: \(name.function)() of \(name.file)",
      "source: \(name.file)",
      "targets: [\(name.function)]",
      "",
      "# Arguments and objects are made from their types. A run has at most so many answers and inputs",
      "# that are not the ordinary ones.",
      "from-types: true",
      "bound: \(manifest.bound ?? Manifest.bound)",
    ]
    if !generated.callees.isEmpty {
      lines += [
        "",
        "# Callees of other files: what they can answer, the ordinary answer first. 'makes' is a fresh object,",
        "# 'returns' beside it what comes instead. A function of this file can stand here too: then it is",
        "# not run.", "boundary:",
      ]
      let width = generated.callees.map(\.name.count).max() ?? 0
      lines += generated.callees.map { callee in
        "  \(callee.name):\(String(repeating: " ", count: width - callee.name.count)) \(Self.rule(callee.rule))"
      }
    }
    let served = extracted.callees.filter { $0.rule.isService }.map(\.name)
    if !served.isEmpty {
      lines += ["", "# Answered by kernel-extract/services: \(served.joined(separator: ", "))"]
    }
    let pairs = Dictionary(grouping: generated.pairs, by: \.acquires)
      .mapValues { Set($0.map(\.releases)).sorted() }.sorted { $0.key < $1.key }
    if !pairs.isEmpty {
      lines += [
        "",
        "# What one callee takes another gives back: where the function fails, that must have happened.",
        "pairs:",
      ]
      lines += pairs.map { "  \(Self.quoted($0.key)): \(Self.list($0.value))" }
    }
    let inputs = inputs(generated)
    if !inputs.isEmpty {
      lines += [
        "",
        "# Inputs: arguments, and members of structs that the text looks at. Of a pointer 1 is an object,",
        "# 0 is NULL and 2 what an argument of its type points to; of a list 1 is one element and 0 is",
        "# none; '&NAME' is the address of a variable. The ordinary value stands first.",
        "fields:",
      ]
      lines += inputs
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A line for each name. Where one stands for inputs with unlike values, a value here would be all
  /// of theirs: the line is a comment.
  private func inputs(_ generated: Generated) -> [String] {
    let named = (generated.arguments.flatMap { $0 } + generated.types.entries.flatMap(\.fields))
      .filter { $0.name != nil }
    let all = Dictionary(grouping: named, by: { $0.name! })
    var seen: Set<String> = []
    return named.filter { $0.countValues > 1 }.map { $0.name! }
      .filter { seen.insert($0).inserted }.map { name in
        let lists = all[name]!.map { field in
          Self.list(field.values.map(String.init) + field.symbols.map { "&\($0)" })
        }
        let line = "  \(Self.quoted(name)): "
        let unlike = Set(lists).count > 1
        return unlike
          ? "  #\(line.dropFirst())\(Set(lists).sorted().joined(separator: " or ")), each in its place"
          : line + lists[0]
      }
  }
}

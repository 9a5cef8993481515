// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Checking
import Extraction
import Failures
import Foundation
import KernelSource
import Reporting

/// What `--subject` and `--manifest` name.
struct SubjectOptions: ParsableArguments {
  @Option(help: "What is tested; see 'kshim subjects'.")
  var subject: String?

  @Option(
    name: .customLong("function"), parsing: .singleValue,
    help: ArgumentHelp(
      "Any function of the kernel, as drivers/base/dd.c:driver_attach. Of mutate also a name alone: only that function's mutants.",
      valueName: "file:function"))
  var functionNames: [String] = []

  @Option(
    help: ArgumentHelp(
      "Every function of a C file, or of the C files in a folder.", valueName: "file"))
  var file: String?

  @Option(
    help: ArgumentHelp(
      "A subject of your own, NAME.yaml, its glue beside it: docs/manifest.md.",
      valueName: "file"), completion: .file(extensions: ["yaml"]))
  var manifest: String?

  @Option(
    help: ArgumentHelp(
      "Rules for callees that kshim does not know, as kernel-extract/services has them.",
      valueName: "file"), completion: .file(extensions: ["yaml"]))
  var rules: [String] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Run what a patch brings although nothing watches what it does: asm, constructor, section.",
      valueName: "kinds"))
  var allow: [String] = []

  /// What ``allow`` names.
  func allowed() throws -> Set<Suspicion.Kind> {
    let names = allow.flatMap {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    return Set(
      try names.map { name in
        guard let kind = Suspicion.Kind(rawValue: name), Suspicion.Kind.refused.contains(kind)
        else {
          let known = Suspicion.Kind.refused.map(\.rawValue).joined(separator: ", ")
          throw ValidationError("--allow takes \(known), not '\(name)'")
        }
        return kind
      })
  }

  func validate() throws {
    _ = try allowed()
    let named = [
      ("--manifest", manifest), ("--function", function), ("--file", file), ("--subject", subject),
    ].filter { $0.1 != nil }.map(\.0)
    if named.count > 1 {
      throw ValidationError(
        "\(named[0]) says what is judged; leave out \(named.dropFirst().joined(separator: ", "))")
    }
  }

  /// What must be there of a kernel that is unpacked in parts.
  var needs: RevisionOptions.Needs? {
    if let file {
      guard file.hasSuffix(".c") else { return { _ in [Self.plain(file)] } }
      return FunctionName(file: Self.plain(file), function: "").needs(in:)
    }
    return function.flatMap(FunctionName.init)?.needs(in:)
  }

  /// A path without `./` in front and `/` behind.
  private static func plain(_ path: String) -> String {
    var path = path[...]
    while path.hasPrefix("./") { path.removeFirst(2) }
    while path.hasSuffix("/") { path.removeLast() }
    return String(path)
  }

  /// `FILE:FUNCTION`; nil where none is named.
  var function: String? { functionNames.first { FunctionName($0) != nil } }

  /// Names of functions without their file.
  var plainNames: [String] { functionNames.filter { FunctionName($0) == nil } }

  /// Whether nothing says what is judged.
  var isOpen: Bool { subject == nil && manifest == nil && function == nil && file == nil }

  /// The functions that are named, of a revision; nil where none are.
  ///
  /// - Throws: ``Failure`` of kind request where there is no such file, or no function in it.
  func functions(in revision: Revision) throws -> [FunctionName]? {
    let named = functionNames.compactMap(FunctionName.init)
    if !named.isEmpty { return named }
    guard let file else { return nil }
    let path = Self.plain(file)
    let files =
      path.hasSuffix(".c")
      ? [path] : revision.files(below: path).filter { $0.hasSuffix(".c") }
    let found = files.flatMap { file -> [FunctionName] in
      guard let place = revision.path(of: file),
        let text = FileManager.default.contents(atPath: place)
      else { return [] }
      return SourceFunctions(Array(text)).names.map { FunctionName(file: file, function: $0) }
    }
    guard !found.isEmpty else {
      throw Failure(
        .request, asked: "check the functions of \(file)",
        cause: "this kernel has no C file there that defines a function", place: path,
        remedy: Nearest.remedy(
          forPath: path, in: revision.tree.directory,
          otherwise: "name a C file or a folder, relative to the kernel's top"))
    }
    return found
  }

  /// kshim's own files, and the subject's name among them.
  ///
  /// - Parameter takesNames: whether a function's name alone says something.
  func locate(
    takesNames: Bool = false
  ) throws -> (installation: Installation, subject: String) {
    if !takesNames, let name = plainNames.first {
      throw ValidationError(
        "--function takes FILE:FUNCTION, as drivers/base/dd.c:driver_attach, not '\(name)'")
    }
    var installation = try Installation.locate()
    if let manifest { installation = try installation.adding(manifest: manifest) }
    installation = try installation.adding(rules: rules)
    installation.allowed = try allowed()
    return (installation, installation.addedSubject ?? function ?? subject ?? Subjects.standard)
  }

  /// What `kshim replay` needs to see the same subject: nothing where there is only the one that is
  /// taken without being named.
  var replayOptions: String {
    named
      + (rules.map { ("--rules", $0) } + allow.map { ("--allow", $0) })
      .map { "\($0) \(Shell.quoted($1)) " }.joined()
  }

  private var named: String {
    if let function { return "--function \(Shell.quoted(function)) " }
    if let manifest { return "--manifest \(Shell.quoted(manifest)) " }
    let name = subject ?? Subjects.standard
    let names = (try? Installation.locate().subjectNames()) ?? []
    return names == [Subjects.standard] && name == Subjects.standard
      ? "" : "--subject \(Shell.quoted(name)) "
  }
}

extension SubjectOptions {
  /// Refuses revisions that differ only in functions that the subject has not got, where none is named.
  func refuse(_ revisions: [Revision], asked: String, _ installation: Installation) throws {
    guard isOpen else { return }
    let modelled = (try? installation.source(of: Subjects.standard)) ?? ""
    let changed = revisions.filter(\.isChanged).flatMap { ChangedFunctions(of: $0).functions }
    guard let first = changed.first, changed.allSatisfy({ $0.file != modelled }),
      Set(revisions.map { $0.tree.directory }).count == 1
    else { return }
    var names: [String] = []
    for name in changed where !names.contains("\(name)") { names.append("\(name)") }
    throw Failure(
      .request, asked: asked,
      cause:
        "\(revisions.count == 1 ? "the patch changes" : "they differ in") \(names.count == 1 ? "a function" : "functions") that \(Subjects.standard) has not got",
      evidence: Array(names.prefix(10)),
      remedy: "name \(names.count == 1 ? "it" : "one of them"): --function \(first)")
  }
}

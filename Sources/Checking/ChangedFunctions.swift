// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource
import Reporting

/// What a patch changes, function by function.
public struct ChangedFunctions: Sendable {
  /// Functions of C files whose text differs, those that are new included; in the order of the files.
  public var functions: [FunctionName]
  private var lines: [FunctionName: ClosedRange<Int>] = [:]
  /// Other files that differ: headers, assembly, documents.
  public var others: [String]
  /// What differs and is in no function of a C file, `FILE:LINES` or `FILE`; documents left out.
  public private(set) var outside: [String] = []
  /// All files that differ.
  public private(set) var files: [String]

  /// - Parameter base: what it is compared with; nil: its tree as it is.
  public init(of revision: Revision, over base: Revision? = nil) {
    functions = []
    files = []
    others = []
    let all = Array(revision.overlay.keys) + revision.deleted
    files = Set(all + (base.map { Array($0.overlay.keys) + $0.deleted } ?? [])).sorted()
    let sources = files.filter { $0.hasSuffix(".c") || $0.hasSuffix(".h") }
    let read = Parallel.map(
      sources.flatMap { file in
        [
          base.map { $0.path(of: file) } ?? "\(revision.tree.directory)/\(file)",
          revision.path(of: file),
        ]
      }
    ) { path in
      path.flatMap { FileManager.default.contents(atPath: $0) }.map { SourceFunctions(Array($0)) }
    }
    let versions = sources.enumerated().map { number, file in
      (file: file, old: read[2 * number], new: read[2 * number + 1])
    }
    let old = versions.reduce(into: Set<String>()) { $0.formUnion($1.old?.declared ?? []) }
    let new = versions.reduce(into: Set<String>()) { $0.formUnion($1.new?.declared ?? []) }
    // What only moves with its file is what it was.
    let moved = versions.filter { $0.new == nil }.compactMap(\.old)
    for version in versions where version.file.hasSuffix(".c") {
      guard let source = version.new else { continue }
      let changed = source.changed(
        from: version.old, gone: old.subtracting(new), new: new.subtracting(old))
      note(outsideOf: source, in: version.file, revision)
      for name in changed where !moved.contains(where: { source.has(name, as: $0) }) {
        let function = FunctionName(file: version.file, function: name)
        functions.append(function)
        lines[function] = source.lines(of: name)
      }
    }
    others = files.filter { !$0.hasSuffix(".c") }
    let headers = others.filter { $0.hasSuffix(".h") }
    for version in versions where version.file.hasSuffix(".h") {
      if let source = version.new { note(outsideOf: source, in: version.file, revision) }
    }
    outside += others.filter { !headers.contains($0) && !Self.isProse($0) }
    outside += revision.deleted.filter { $0.hasSuffix(".c") || $0.hasSuffix(".h") }
    outside = outside.map { $0.shown() }
  }

  private static func isProse(_ file: String) -> Bool {
    file.hasPrefix("Documentation/") || file == "MAINTAINERS" || file == "CREDITS"
      || [".rst", ".txt", ".md"].contains { file.hasSuffix($0) }
  }

  /// Lines that hold code, and are in no function.
  private mutating func note(
    outsideOf source: SourceFunctions, in file: String, _ revision: Revision
  ) {
    guard let ranges = revision.touched[file] else { return }
    let functions = source.names.compactMap(source.lines(of:))
    let free = [
      "#include", "#endif", "EXPORT_SYMBOL", "MODULE_", "ALLOW_ERROR_INJECTION",
    ]
    let lines = ranges.flatMap(\.self).filter { line in
      guard source.isCode(line) else { return false }
      // What a header defines is judged nowhere.
      if functions.contains(where: { $0.contains(line) }) { return file.hasSuffix(".h") }
      let words = source.line(line).drop { $0.isWhitespace }
      return !free.contains { words.hasPrefix($0) }
        // A prototype says nothing that is run.
        && !(words.hasSuffix(");") && !words.contains("=") && !words.hasPrefix("#"))
    }
    if !lines.isEmpty { outside.append("\(file):\(Lines.ranges(lines.sorted()))") }
  }

  /// Whether it is nothing that a subject's file could have read.
  public func isFar(from modelled: String) -> Bool {
    functions.isEmpty && !files.contains { $0 == modelled || $0.hasSuffix(".h") }
  }

  /// Those of which a check has run nothing.
  public func functions(notIn verdict: Verdict) -> [FunctionName] {
    let run = verdict.exploration.extracted ?? []
    return functions.filter { function in
      guard let lines = lines[function] else { return true }
      return !run.contains {
        $0.file == function.file && lines.overlaps($0.firstLine...max($0.firstLine, $0.lastLine))
      }
    }
  }
}

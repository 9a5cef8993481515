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

  /// - Parameter base: what it is compared with; nil: its tree as it is.
  public init(of revision: Revision, over base: Revision? = nil) {
    functions = []
    others = []
    let all = Array(revision.overlay.keys) + revision.deleted
    let files = Set(all + (base.map { Array($0.overlay.keys) + $0.deleted } ?? [])).sorted()
    func read(_ path: String?) -> SourceFunctions? {
      path.flatMap { FileManager.default.contents(atPath: $0) }.map { SourceFunctions(Array($0)) }
    }
    let versions = files.filter { $0.hasSuffix(".c") || $0.hasSuffix(".h") }.map { file in
      (
        file: file,
        old: read(base.map { $0.path(of: file) } ?? "\(revision.tree.directory)/\(file)"),
        new: read(revision.path(of: file))
      )
    }
    let old = versions.reduce(into: Set<String>()) { $0.formUnion($1.old?.declared ?? []) }
    let new = versions.reduce(into: Set<String>()) { $0.formUnion($1.new?.declared ?? []) }
    for version in versions where version.file.hasSuffix(".c") {
      guard let source = version.new else { continue }
      let changed = source.changed(
        from: version.old, gone: old.subtracting(new), new: new.subtracting(old))
      for name in changed {
        let function = FunctionName(file: version.file, function: name)
        functions.append(function)
        lines[function] = source.lines(of: name)
      }
    }
    others = files.filter { !$0.hasSuffix(".c") }
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

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

  public init(of revision: Revision) {
    functions = []
    others = []
    for file in (Array(revision.overlay.keys) + revision.deleted).sorted() {
      guard file.hasSuffix(".c"), let path = revision.overlay[file],
        let text = FileManager.default.contents(atPath: path)
      else {
        others.append(file)
        continue
      }
      let before = FileManager.default.contents(atPath: "\(revision.tree.directory)/\(file)")
      let source = SourceFunctions(Array(text))
      for name in source.changed(from: before.map { SourceFunctions(Array($0)) }) {
        let function = FunctionName(file: file, function: name)
        functions.append(function)
        lines[function] = source.lines(of: name)
      }
    }
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

// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource

/// What a patch changes, function by function.
public struct ChangedFunctions: Sendable {
  /// Functions of C files whose text differs, those that are new included; in the order of the files.
  public var functions: [FunctionName]
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
      functions += SourceFunctions(Array(text))
        .changed(from: before.map { SourceFunctions(Array($0)) })
        .map { FunctionName(file: file, function: $0) }
    }
  }
}

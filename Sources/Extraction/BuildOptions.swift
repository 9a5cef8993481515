// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// How a subject is compiled: what `kernel-extract/options` says.
struct BuildOptions: Sendable, Equatable {
  /// Files of options, in the order of the command line.
  let files: [String]
  /// Whether it counts how often each branch is taken: in the text as people wrote it, macros not yet
  /// expanded.
  let counts: Bool

  init(_ files: [String], counts: Bool = false) {
    self.files = files
    self.counts = counts
  }

  /// What is searched.
  static let search = BuildOptions(["subject", "instruments"])
  /// What is searched and counts: a preamble that was precompiled for the search serves it, too.
  static let counting = BuildOptions(search.files, counts: true)
  /// What mutants are compared in.
  static let plain = BuildOptions(["subject"])

  /// What a precompiled preamble must be made with.
  func language(_ installation: Installation) throws -> [String] {
    try files.flatMap { try installation.options($0) } + KernelBuild.strictness
  }

  /// What an object is searched with.
  static func searching(counting: Bool) -> BuildOptions { counting ? .counting : .search }

  /// Of the linker, and of the compiler without a unit's own.
  var counters: [String] { counts ? ["-fprofile-instr-generate"] : [] }

  /// Of the compiler.
  ///
  /// - Parameters:
  ///   - functions: where branches are counted.
  ///   - list: a place for their names.
  func counters(of functions: [String], list: String) throws -> [String] {
    guard counts else { return [] }
    let text = "[clang]\ndefault:skip\n" + functions.map { "function:\($0)=allow\n" }.joined()
    try Data(text.utf8).write(to: URL(fileURLWithPath: list))
    return counters + ["-fcoverage-mapping", "-fprofile-list=\(list)"]
  }
}

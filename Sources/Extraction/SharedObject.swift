// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// Compiles an extraction, with the runtime, into shared objects.
public struct SharedObject: Sendable {
  public let path: String

  /// What every build of a subject has.
  static func options(_ installation: Installation) throws -> [String] {
    try ["-target", "x86_64-linux-gnu"] + installation.options("language")
      + installation.options("subject")
  }

  /// - Parameters:
  ///   - counting: also count how often each branch is taken, for the notes.
  /// - Throws: ``Failure`` of kind build with the compiler's messages.
  public static func build(
    _ extraction: Extraction, counting: Bool, installation: Installation,
    into path: String
  ) async throws -> SharedObject {
    let clang = try Toolchain.locate().tool("clang")
    // The extraction's arguments name another working directory.
    let path = URL(fileURLWithPath: path).path
    let unit = "\(path).unit.o"
    // Branches are counted in the text as people wrote it, macros not yet expanded.
    let counters = counting ? ["-fprofile-instr-generate", "-fcoverage-mapping"] : []
    let source =
      counting
      ? extraction.arguments + ["\(extraction.directory)/unit.c"]
      : ["-x", "c", "\(extraction.directory)/unit.i"]
    defer { try? FileManager.default.removeItem(atPath: unit) }
    let compiled = try await Command.run(
      clang,
      try options(installation) + installation.options("instruments") + counters
        + ["-c", "-o", unit] + source)
    guard compiled.succeeded else {
      let provenance = extraction.provenance
      throw CompilerReport(
        asked: "compile \(provenance.subject) from \(provenance.kernel)", tree: provenance.tree,
        isPatched: !provenance.patches.isEmpty,
        manifestPath: installation.manifestPath(of: provenance.subject)
      ).failure(compiled.errorLines)
    }
    let linked = try await Command.run(
      clang,
      [
        "-std=gnu11", "-O2", "-g1", "-fPIC", "-fvisibility=hidden", "-shared",
        "-DKSHIM_DIRECT", "-I\(installation.shims)/public", "-I\(installation.shims)/include",
      ] + (counting ? ["-DKSHIM_COUNTING"] : [])
        + (extraction.hasMutants ? ["-DKSHIM_MUTANTS"] : []) + [
          "-x", "c", "\(installation.root)/kernel-extract/runtime.inc",
          "\(installation.root)/kernel-extract/table.inc", "-x", "none", unit,
        ]
        + counters.prefix(1) + ["-Wl,-z,defs", "-Wl,-Bsymbolic", "-o", path])
    guard linked.succeeded else {
      throw Failure(
        .tool, asked: "link \(extraction.provenance.subject)", cause: "the linker failed",
        evidence: Array(linked.errorLines.prefix(8)),
        remedy: "check that clang can link a shared object on this machine")
    }
    return SharedObject(path: path)
  }
}

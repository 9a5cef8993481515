// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// Compiles an extraction, with the runtime, into shared objects.
public struct SharedObject: Sendable {
  public let path: String

  /// - Parameters:
  ///   - counting: whether it counts how often each branch is taken.
  /// - Throws: ``Failure`` of kind build with the compiler's messages.
  public static func build(
    _ extraction: Extraction, counting: Bool, installation: Installation,
    into path: String
  ) async throws -> SharedObject {
    let options = BuildOptions.searching(counting: counting)
    let object = "\(path).unit.o"
    let runtime = "\(path).runtime.o"
    defer { for scratch in [object, runtime] { unlink(scratch) } }
    let isCompiled = extraction.isCounting == counting && !extraction.hasMutants
    let unit = isCompiled ? extraction.object : nil
    if unit == nil { try await compile(extraction, options, installation, into: object) }
    let defines =
      defines(counting: counting) + (extraction.hasMutants ? ["-DKSHIM_MUTANTS"] : [])
    let linked = try await Toolchain.run(
      "clang",
      [
        "-shared", unit ?? object,
        RuntimeObject(installation: installation, defines: defines).path(scratch: runtime),
      ] + options.counters + ["-Wl,-z,defs", "-Wl,-Bsymbolic", "-o", path])
    guard linked.succeeded else {
      let isPatched = !extraction.provenance.patches.isEmpty
      throw Failure(
        isPatched ? .build : .tool, asked: "link \(extraction.provenance.subject)",
        cause: "the linker failed", evidence: Array(linked.errorLines.prefix(8)),
        remedy: isPatched
          ? "look in the patch for what the linker names"
          : "check that clang can link a shared object on this machine")
    }
    return SharedObject(path: path)
  }

  private static func defines(counting: Bool) -> [String] { counting ? ["-DKSHIM_COUNTING"] : [] }

  /// Makes sure that the runtime is kept, before a stranger's text is read.
  public static func prepare(
    counting: Bool, installation: Installation, in directory: String
  ) async throws {
    let scratch = "\(directory)/runtime.o"
    defer { unlink(scratch) }
    _ = try await RuntimeObject(installation: installation, defines: defines(counting: counting))
      .path(scratch: scratch)
  }

  private static func compile(
    _ extraction: Extraction, _ options: BuildOptions, _ installation: Installation,
    into object: String
  ) async throws {
    // The preprocessed text is there when the tree may no longer be. The extraction's arguments name
    // another working directory.
    let text = "\(extraction.directory)/unit.i"
    let isText =
      !options.counts && !extraction.hasMutants && FileManager.default.fileExists(atPath: text)
    let compiler = try UnitCompiler(
      installation: installation,
      arguments: isText
        ? ["-target", "x86_64-linux-gnu"] + installation.options("language")
        : extraction.arguments, options: options,
      precompiled: isText ? nil : extraction.precompiled)
    let path = URL(fileURLWithPath: object).path
    let list = "\(path).list"
    defer { unlink(list) }
    let compiled = try await compiler.run(
      isText ? text : "\(extraction.directory)/\(extraction.unit)",
      options.counters(of: extraction.provenance.functions.map(\.name), list: list)
        // Nobody asks for the lines of mutants.
        + (extraction.hasMutants ? ["-g0"] : []) + ["-c", "-o", path])
    guard compiled.succeeded else {
      let provenance = extraction.provenance
      throw CompilerReport(
        asked: "compile \(provenance.subject) from \(provenance.kernel)", tree: provenance.tree,
        isPatched: !provenance.patches.isEmpty,
        manifestPath: installation.manifestPath(of: provenance.subject),
        own: [installation.root, installation.shims, extraction.directory]
          + installation.glueDirectories
      ).failure(compiled.errorLines)
    }
  }
}

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
    if extraction.isCounting == counting, !extraction.hasMutants, let linked = extraction.linked {
      try FileManager.default.copyItem(atPath: linked.get(), toPath: path)
      return SharedObject(path: path)
    }
    let object = "\(path).unit.o"
    defer { unlink(object) }
    let options = BuildOptions.searching(counting: counting)
    try await compile(extraction, options, installation, into: object)
    let linking = Linking(
      options: options, hasMutants: extraction.hasMutants, installation: installation,
      scratch: "\(path).runtime.o")
    try await linking.link(object, linking.parts, of: extraction.provenance, into: path)
    return SharedObject(path: path)
  }

  /// Makes sure that the runtime and the linker's command are kept, before a stranger's text is read.
  public static func prepare(
    counting: Bool, installation: Installation, in directory: String
  ) async throws {
    let scratch = "\(directory)/runtime.o"
    defer { unlink(scratch) }
    let linking = Linking(
      options: .searching(counting: counting), hasMutants: false, installation: installation,
      scratch: scratch)
    _ = try await linking.parts
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

/// A unit's object and its runtime become one shared object.
struct Linking {
  let options: BuildOptions
  let hasMutants: Bool
  let installation: Installation
  /// A place for the runtime's object where it cannot be kept. Nobody else's.
  let scratch: String

  /// What there is for every unit: the runtime's object, and the linker with what it is told.
  struct Parts {
    var runtime: String
    var command: [String]
  }

  private var linker: Linker {
    Linker(installation: installation, options: options, scratch: scratch)
  }

  /// Kept before a stranger's text is read.
  var parts: Parts {
    get async throws {
      let defines =
        (options.counts ? ["-DKSHIM_COUNTING"] : []) + (hasMutants ? ["-DKSHIM_MUTANTS"] : [])
      return Parts(
        runtime: try await RuntimeObject(installation: installation, defines: defines)
          .path(scratch: scratch),
        command: try await linker.command)
    }
  }

  /// Links `unit.o` of a directory into `unit.so`.
  func result(
    of provenance: Provenance, _ parts: Result<Parts, any Error>, in work: String
  ) async -> Result<Void, any Error> {
    await Self.result {
      try await link("\(work)/unit.o", parts.get(), of: provenance, into: "\(work)/unit.so")
    }
  }

  static func result<Made: Sendable>(
    _ make: @Sendable () async throws -> Made
  ) async -> Result<Made, any Error> {
    do { return .success(try await make()) } catch { return .failure(error) }
  }

  /// - Throws: ``Failure`` of kind build, or of kind tool without a patch.
  func link(
    _ unit: String, _ parts: Parts, of provenance: Provenance, into path: String
  ) async throws {
    defer { unlink(scratch) }
    let linked = try await linker.run(parts.command, unit, parts.runtime, into: path)
    guard !linked.succeeded else { return }
    let isPatched = !provenance.patches.isEmpty
    throw Failure(
      isPatched ? .build : .tool, asked: "link \(provenance.subject)",
      cause: "the linker failed", evidence: Array(linked.errorLines.prefix(8)),
      remedy: isPatched
        ? "look in the patch for what the linker names"
        : "check that clang can link a shared object on this machine")
  }
}

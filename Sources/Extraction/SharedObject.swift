// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// Compiles an extraction, with the runtime, into shared objects.
public struct SharedObject: Sendable {
  /// How the compiler fills variables that the code leaves uninitialised.
  public enum Poison: String, Sendable, CaseIterable { case pattern, zero }

  public let path: String

  /// What every build of a subject has. At -O1 the kernel's compile-time assertions work and lines
  /// stay exact; nothing is inlined that was not asked to be.
  static let subjectOptions =
    KernelBuild.language + [
      "-target", "x86_64-linux-gnu", "-std=gnu11", "-fms-extensions", "-O1", "-g1", "-fPIC",
      "-fvisibility=hidden", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls",
      "-fno-inline-functions", "-fno-builtin-printf", "-fdebug-compilation-dir=.",
    ]

  /// The instruments: each access and each basic block calls the runtime.
  static let instruments = [
    "-fsanitize=kernel-address", "-mllvm", "-asan-instrumentation-with-call-threshold=0",
    "-mllvm", "-asan-stack=0", "-mllvm", "-asan-globals=0",
    // Its optimiser leaves out accesses that cannot fail; the runtime must see each write.
    "-mllvm", "-asan-opt=0",
    "-mllvm", "-asan-kernel-mem-intrinsic-prefix=1", "-fsanitize-coverage=bb,no-prune,trace-pc",
  ]

  static func poisonOptions(_ poison: Poison) -> [String] {
    switch poison {
    case .pattern: ["-ftrivial-auto-var-init=pattern", "-DKSHIM_DIRTY=0xa5"]
    case .zero: ["-ftrivial-auto-var-init=zero", "-DKSHIM_DIRTY=0x5a"]
    }
  }

  /// - Parameters:
  ///   - counting: also count how often each branch is taken, for the notes.
  /// - Throws: ``Failure`` of kind build with the compiler's messages.
  public static func build(
    _ extraction: Extraction, poison: Poison, counting: Bool, installation: Installation,
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
      subjectOptions + instruments + counters + poisonOptions(poison)
        + ["-c", "-o", unit] + source)
    guard compiled.succeeded else {
      let provenance = extraction.provenance
      throw CompilerReport(
        asked: "compile \(provenance.subject) from \(provenance.kernel)", tree: provenance.tree,
        isPatched: !provenance.patches.isEmpty,
        manifestPath: "\(installation.subjects)/\(provenance.subject).yaml"
      ).failure(compiled.errorLines)
    }
    let runtime = try FileManager.default.contentsOfDirectory(
      atPath: "\(installation.shims)/runtime"
    )
    .filter { $0.hasSuffix(".c") }.sorted().map { "\(installation.shims)/runtime/\($0)" }
    let linked = try await Command.run(
      clang,
      [
        "-std=gnu11", "-O2", "-g1", "-fPIC", "-fvisibility=hidden", "-shared", "-DKSHIM_NAME(x)=x",
        "-I\(installation.shims)/public", "-I\(installation.shims)/include",
      ] + (counting ? ["-DKSHIM_COUNTING"] : []) + runtime + [
        "-x", "c", "\(installation.root)/kernel-extract/table.inc", "-x", "none", unit,
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

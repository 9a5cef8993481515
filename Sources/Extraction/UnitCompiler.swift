// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// Compiles a unit.
struct UnitCompiler {
  let installation: Installation
  /// As for the source file, without those of the build.
  let arguments: [String]
  let options: BuildOptions
  /// Its preamble, made with the same options; nil: read from the headers.
  let precompiled: PrecompiledPreamble?

  /// - Parameter more: what to make, and other options of the compiler.
  func run(_ unit: String, _ more: [String]) async throws -> Command.Result {
    let own = try arguments + options.language(installation) + more + ["-x", "c", unit]
    func compile(_ preamble: [String]) async throws -> Command.Result {
      try await Toolchain.run("clang", preamble + own, environment: KernelBuild.environment)
    }
    guard let precompiled else { return try await compile([]) }
    let result = try await compile(precompiled.arguments)
    // Another process may have removed or replaced it.
    let isTold = result.errorLines.contains { $0.contains("PCH") || $0.contains(".pch") }
    return result.succeeded || precompiled.isIntact && !isTold ? result : try await compile([])
  }
}

/// Looks for what keeps a compiled unit from being one of the kernel's build.
struct UnitCheck {
  let manifest: Manifest
  let extracted: Extractor.Result
  let installation: Installation
  let report: CompilerReport

  /// In the text and around it, what the kernel's build refuses is refused; headers are the tree's.
  func check(_ compiled: Command.Result) throws {
    guard compiled.succeeded else {
      // What is missing may be why.
      try check()
      throw report.failure(compiled.errorLines)
    }
    let own =
      [manifest.source, HarnessWriter.fileName].map { "\($0):" }
      + installation.glueDirectories.map { "\($0)/" }
    let strict = compiled.errorLines.map { line in
      own.contains { line.hasPrefix($0) } ? line.replacing(": warning: ", with: ": error: ") : line
    }
    guard CompilerReport.messages(strict).isEmpty else { throw report.failure(strict) }
  }

  /// What an object needs and neither it nor the runtime defines.
  static func unknown(in object: String) async throws -> [String] {
    let symbols = try await Toolchain.run("llvm-nm", ["-u", "-j", object])
    return symbols.outputText.split(separator: "\n").map(String.init)
      .filter { !Closure.isKnown($0) && !isCompilers($0) }
  }

  /// Refuses what nothing defines, all at once: what the source file says, and what the object needs
  /// besides: a callee that only a header's inline function calls has no line of its own there.
  ///
  /// - Parameter unknown: what the compiled object needs; nil where nothing is compiled. A call that the
  ///   compiler takes out is not missed.
  func check(unknown: [String]? = nil) throws {
    let known = Set(extracted.missing.map(\.name))
    let others = (unknown ?? []).filter { !known.contains($0) }.map { name in
      let chain = extracted.chain(to: name)
      return Missing(
        kind: .symbol, name: name, user: chain.last?.user ?? "",
        place: chain.last.map { "\(report.place($0.file)):\($0.line)" } ?? manifest.path,
        chain: chain.map {
          "\($0.name), used at \(report.place($0.file)):\($0.line) by \($0.user)"
        })
    }
    let asked = "extract" + report.asked.dropFirst("compile".count)
    if let failure = Missing.failure(
      extracted.missing.filter { unknown?.contains($0.name) ?? true } + others, asked: asked,
      manifest: manifest)
    {
      throw failure
    }
  }

  /// What the instruments call, and the linker's own.
  private static func isCompilers(_ name: String) -> Bool {
    name == "_GLOBAL_OFFSET_TABLE_"
      || ["__asan_", "__sanitizer_", "__ubsan_", "__msan_"].contains { name.hasPrefix($0) }
  }
}

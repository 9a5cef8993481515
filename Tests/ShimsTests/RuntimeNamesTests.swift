// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource
import XCTest

/// Two builds of a subject in one program need every name of the runtime twice.
final class RuntimeNamesTests: XCTestCase {
  func test_names_areExactlyWhatTheRuntimeExports() async throws {
    let shims = try Installation.locate().shims
    let toolchain = try Toolchain.locate()
    let work = FileManager.default.temporaryDirectory.appendingPathComponent(
      "kshim-names-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: work) }
    var exported: Set<String> = []
    // The compiler's callbacks keep their names, and what the text calls by the kernel's.
    let files = try FileManager.default.contentsOfDirectory(atPath: "\(shims)/runtime")
      .filter { $0.hasSuffix(".c") && !["instrument.c", "process.c", "string.c"].contains($0) }
    for file in files {
      let object = work.appendingPathComponent("\(file).o").path
      let compiled = try await Command.run(
        toolchain.tool("clang"),
        ["-std=gnu11", "-c", "-I\(shims)/public", "-I\(shims)/include"]
          + ["\(shims)/runtime/\(file)", "-o", object])
      XCTAssertTrue(compiled.succeeded, compiled.errorText)
      let symbols = try await Command.run(
        toolchain.tool("llvm-nm"), ["--defined-only", "--extern-only", "-j", object])
      exported.formUnion(symbols.outputText.split(separator: "\n").map(String.init))
    }
    let header = try String(contentsOfFile: "\(shims)/runtime/names.h", encoding: .utf8)
    let named = header.split(separator: "\n").filter { $0.hasPrefix("#define ") }
      .map { String($0.split(separator: " ")[1]) }
    XCTAssertEqual(named.sorted(), exported.sorted())
  }

  func test_publicHeader_isSelfContained() async throws {
    let shims = try Installation.locate().shims
    let clang = try Toolchain.locate().tool("clang")
    let includes = try String(contentsOfFile: "\(shims)/public/kshim.h", encoding: .utf8)
      .split(separator: "\n").filter { $0.hasPrefix("#include") }
    XCTAssertEqual(
      includes, ["#include <stdbool.h>", "#include <stddef.h>", "#include <stdint.h>"])
    let compiled = try await Command.run(
      clang,
      ["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c"]
        + ["\(shims)/public/kshim.h"])
    XCTAssertTrue(compiled.succeeded, compiled.errorText)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// The compiler and its companions, all from one folder: the first on PATH with clang in it.
public struct Toolchain: Sendable {
  public let folder: String

  /// - Throws: ``Failure`` of kind tool when there is no clang, or one without its companions.
  public static func locate() throws -> Toolchain {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    for folder in path.split(separator: ":").map(String.init)
    where FileManager.default.isExecutableFile(atPath: "\(folder)/clang") {
      let needed = ["llvm-nm", "llvm-symbolizer", "llvm-cov", "llvm-profdata"]
      let real = URL(fileURLWithPath: "\(folder)/clang").resolvingSymlinksInPath()
        .deletingLastPathComponent().path
      for candidate in [folder, real]
      where needed.allSatisfy({ FileManager.default.isExecutableFile(atPath: "\(candidate)/\($0)") }
      ) {
        return Toolchain(folder: candidate)
      }
    }
    throw Failure(
      .tool, asked: "find the compiler",
      cause: "no folder on PATH has clang, llvm-nm, llvm-symbolizer, llvm-cov and llvm-profdata",
      remedy: "put the Swift toolchain's bin folder on PATH; it has all of them")
  }

  public func tool(_ name: String) -> String { "\(folder)/\(name)" }
}

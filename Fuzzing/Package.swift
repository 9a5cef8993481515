// swift-tools-version: 6.1
// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import PackageDescription

/// The newest LLVM folder with libclang's headers (Debian: libclang-19-dev or newer).
let llvm: String = {
  let base = "/usr/lib"
  let names = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
  let versions = names.compactMap { $0.hasPrefix("llvm-") ? Int($0.dropFirst(5)) : nil }
  let usable = versions.filter { version in
    version >= 19
      && FileManager.default.fileExists(atPath: "\(base)/llvm-\(version)/include/clang-c/Index.h")
  }
  return "\(base)/llvm-\(usable.max() ?? 19)"
}()

/// Where libclang is: beside the Swift toolchain's clang, whose precompiled headers it can read; else
/// beside its own headers.
let clangLibraries: String = {
  let path = Context.environment["PATH"] ?? ""
  let folders = path.split(separator: ":").map {
    URL(fileURLWithPath: "\($0)/swiftc").resolvingSymlinksInPath()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("lib").path
  }
  return folders.first { FileManager.default.fileExists(atPath: "\($0)/libclang.so") }
    ?? "\(llvm)/lib"
}()

let libclang: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-I\(llvm)/include"])]

/// libFuzzer without a main(), of the Swift toolchain's clang.
let fuzzer: String = {
  let folder = "\(clangLibraries)/clang"
  let versions = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  return versions.map { "\(folder)/\($0)/lib/linux/libclang_rt.fuzzer_no_main-x86_64.a" }
    .first { FileManager.default.fileExists(atPath: $0) } ?? "libclang_rt.fuzzer_no_main-x86_64.a"
}()

/// What tells libFuzzer which branches an input took is in every function. The rooms are kshim's own, by
/// links, each compiled as a whole, in less time than file by file.
let watched: [SwiftSetting] =
  libclang + [
    .unsafeFlags([
      "-O", "-sanitize=fuzzer", "-enable-testing", "-disable-batch-mode",
      "-whole-module-optimization", "-num-threads", "2",
    ])
  ]

let package = Package(
  name: "Fuzzing",
  dependencies: [
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    .target(name: "Failures", swiftSettings: watched),
    .systemLibrary(name: "CClang"),
    .target(
      name: "KernelSource",
      dependencies: [
        "Failures",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: watched),
    .target(
      name: "Extraction",
      dependencies: [
        "Failures", "KernelSource", "CClang", .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: watched,
      linkerSettings: [
        .unsafeFlags(["-L\(clangLibraries)", "-Xlinker", "-rpath", "-Xlinker", clangLibraries])
      ]),
    .target(
      name: "Shims", exclude: ["include", "standins"],
      // What the instruments call is libFuzzer's here.
      sources: ["runtime/process.c"],
      publicHeadersPath: "public",
      cSettings: [.headerSearchPath("include")]),
    .target(name: "Exploration", dependencies: ["Failures", "Shims"], swiftSettings: watched),
    .target(
      name: "Reporting",
      dependencies: [
        "Failures",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Mustache", package: "swift-mustache"),
      ], resources: [.embedInCode("Page")], swiftSettings: watched),
    .executableTarget(
      name: "kshim-fuzz",
      dependencies: ["Failures", "KernelSource", "Extraction", "Exploration", "Reporting"],
      swiftSettings: watched + [.unsafeFlags(["-parse-as-library"])],
      linkerSettings: [.unsafeFlags(["-Xlinker", fuzzer]), .linkedLibrary("stdc++")]),
  ],
  swiftLanguageModes: [.v6]
)

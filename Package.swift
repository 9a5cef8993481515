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

/// What runs once per scenario is optimised in every build, so that one build serves
/// the command line and the tests.
let optimised: [SwiftSetting] = [.unsafeFlags(["-O", "-enforce-exclusivity=unchecked"])]

/// What runs once per step is compiled as a whole, as a release is. A build for tests asks for
/// batches otherwise, and for an object of each file.
let whole: [SwiftSetting] =
  optimised + [
    .unsafeFlags(["-disable-batch-mode", "-whole-module-optimization", "-num-threads", "2"])
  ]

/// Tests see what is internal in a release, too: there is one build of kshim for who uses it and for
/// `make test`.
let testable: [SwiftSetting] = [
  .unsafeFlags(["-enable-testing"], .when(configuration: .release))
]

/// Tests are compiled quickly. What they test is optimised in a release.
let tests: [SwiftSetting] = [.unsafeFlags(["-Onone"], .when(configuration: .release))]

/// C that is compiled as the command line compiles a subject: what was extracted, for `swift test`
/// (empty without an extraction), and functions that misbehave.
func subject(_ name: String, _ path: String) -> Target {
  let options = "\(Context.packageDirectory)/kernel-extract/options"
  return .target(
    name: name, dependencies: ["Shims"], path: path,
    cSettings: [
      .unsafeFlags(
        ["-I\(Context.packageDirectory)/shims/include"]
          + ["language", "subject", "instruments"].map { "@\(options)/\($0)" })
    ])
}

let package = Package(
  name: "kshim",
  products: [
    .executable(name: "kshim", targets: ["kshim"]),
    .library(name: "ExtractedSubjects", targets: ["ExtractedSubjects"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    .target(name: "Failures"),
    .systemLibrary(name: "CClang"),
    .systemLibrary(name: "CLinux"),
    .target(
      name: "KernelSource",
      dependencies: [
        "Failures",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: optimised + testable),
    .target(
      name: "Extraction",
      dependencies: [
        "Failures", "KernelSource", "CClang", .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: libclang + optimised + testable,
      linkerSettings: [
        .unsafeFlags(
          ["-L\(clangLibraries)"]
            // What a tarball or a package brings comes behind what is installed.
            + [clangLibraries, "$ORIGIN/../lib/kshim"].flatMap {
              ["-Xlinker", "-rpath", "-Xlinker", $0]
            })
      ]),
    .target(
      name: "Shims", path: "shims", exclude: ["include", "standins"],
      sources: ["runtime/instrument.c", "runtime/process.c", "runtime/string.c"],
      publicHeadersPath: "public",
      cSettings: [.headerSearchPath("include")]),
    subject("KernelExtract", "kernel-extract/subject"),
    subject("FunctionExtract", "kernel-extract/function"),
    .target(
      name: "Exploration", dependencies: ["Failures", "Shims"], swiftSettings: whole + testable),
    .target(
      name: "KVMRoots", dependencies: ["Failures", "Exploration"], swiftSettings: whole + testable),
    .target(
      name: "Reporting",
      dependencies: [
        "Failures",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Mustache", package: "swift-mustache"),
      ], resources: [.embedInCode("Page")], swiftSettings: testable),
    .target(
      name: "Workers", dependencies: ["Failures", "CLinux"], swiftSettings: testable),
    .target(
      name: "Checking",
      dependencies: [
        "Failures", "KernelSource", "Extraction", "Exploration", "KVMRoots", "Reporting",
        "Workers",
      ], swiftSettings: libclang + testable),
    .target(
      name: "Mutating",
      dependencies: [
        "Failures", "KernelSource", "Extraction", "Exploration", "Reporting", "Checking",
        "Workers",
        .product(name: "Yams", package: "Yams"),
      ], swiftSettings: libclang + testable),
    .executableTarget(
      name: "kshim",
      dependencies: [
        "CLinux", "Failures", "KernelSource", "Extraction", "Exploration", "Checking", "Mutating",
        "Reporting", "Workers",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: libclang),
    .target(
      name: "ExtractedSubjects",
      dependencies: [
        "Failures", "KernelSource", "Exploration", "KernelExtract", "FunctionExtract",
      ]),
    .target(
      name: "TestSupport", dependencies: ["KernelSource", "Extraction"],
      path: "Tests/TestSupport", swiftSettings: libclang + tests),
    subject("Behaviours", "Tests/Behaviours/subject"),
    .testTarget(
      name: "ContainmentTests",
      dependencies: [
        "kshim", "Exploration", "Extraction", "Checking", "Reporting", "KernelSource",
        "TestSupport", "Behaviours",
      ], swiftSettings: libclang + tests),
    .testTarget(
      name: "ShimsTests", dependencies: ["Extraction", "KernelSource"],
      swiftSettings: libclang + tests),
    .testTarget(
      name: "CheckingTests",
      dependencies: [
        "Checking", "Reporting", "Extraction", "KernelSource", "Exploration", "KVMRoots",
        "TestSupport",
      ],
      swiftSettings: libclang + tests),
    .testTarget(
      name: "MutatingTests", dependencies: ["Mutating", "Failures"], swiftSettings: libclang + tests
    ),
    .testTarget(name: "WorkersTests", dependencies: ["Workers", "Failures"], swiftSettings: tests),
    .testTarget(
      name: "ReportingTests", dependencies: ["Reporting", "Failures", "TestSupport"],
      swiftSettings: libclang + tests),
    .testTarget(
      name: "ExplorationTests", dependencies: ["Exploration", "Failures", "Shims"],
      swiftSettings: tests),
    .testTarget(
      name: "KVMRootsTests",
      dependencies: ["KVMRoots", "Exploration", "Extraction", "ExtractedSubjects"],
      swiftSettings: libclang + tests),
    .testTarget(
      name: "ExtractedTests",
      dependencies: ["Exploration", "ExtractedSubjects"], swiftSettings: tests),
    .testTarget(
      name: "KernelSourceTests", dependencies: ["KernelSource", "Failures"], swiftSettings: tests),
    .testTarget(
      name: "ExtractionTests",
      dependencies: ["Extraction", "KernelSource", "Failures", "TestSupport"],
      swiftSettings: libclang + tests),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "kshim", "Checking", "Reporting", "Extraction", "KernelSource", "Failures", "TestSupport",
      ], swiftSettings: libclang + tests),
  ],
  swiftLanguageModes: [.v6]
)

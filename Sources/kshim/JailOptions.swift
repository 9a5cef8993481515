// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Checking
import Exploration
import Extraction
import Foundation
import KernelSource
import Mutating
import Workers

/// Where the code under test is compiled and run.
struct JailOptions: ParsableArguments {
  @Flag(
    help:
      "Compile and run the code with all of your rights. Default: $KSHIM_NO_JAIL, else in a jail.")
  var noJail = false

  private var hasJail: Bool {
    !noJail && (ProcessInfo.processInfo.environment["KSHIM_NO_JAIL"] ?? "").isEmpty
  }

  /// Who compiles and runs.
  ///
  /// - Parameter kernels: as they were named; more are seen where a store unpacked them.
  func worker(
    _ installation: Installation, kernels: [String], jobs: Int = 1
  ) -> WorkerPool {
    Session.worker { make(installation, kernels: kernels, jobs: jobs) }
  }

  private func make(
    _ installation: Installation, kernels: [String], jobs: Int
  ) -> WorkerPool {
    let cache = installation.cache
    return WorkerPool(
      Self.program, arguments: [Self.argument] + (hasJail ? [Self.confined] : []),
      jail: !hasJail ? nil : Jail(readable: Self.readable(installation, kernels)),
      limits: WorkerLimits(jobs: jobs),
      answering: {
        let service = KeeperService(directory: cache)
        return { service.answer($0) }
      })
  }

  /// What makes this program a worker.
  static let argument = "--worker"
  private static let confined = "--confined"

  /// Does works for another kshim, where that started this one.
  static func serveIfAsked() {
    let asked = Array(CommandLine.arguments.dropFirst())
    guard asked.first == argument else { return }
    if asked.contains(confined) { Confinement.begin() }
    WorkerService.run(CheckWorks.all + MutationWorks.all)
  }

  private static let program = realPath("/proc/self/exe")

  /// What a worker reads: kernels and their patched files, kshim's own files, the compiler, libraries.
  private static func readable(_ installation: Installation, _ kernels: [String]) -> Set<String> {
    let store = KernelStore.own
    let kernelsDirectory = "\(store.cacheDirectory)/kernels"
    // A directory has to be there to be seen.
    for directory in [installation.cache, kernelsDirectory] {
      try? FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true)
    }
    let own = ["\(installation.root)/shims", "\(installation.root)/kernel-extract"]
    // What is a link there leads elsewhere.
    let linked = own.flatMap { folder in
      ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).map {
        realPath("\(folder)/\($0)")
      }.filter { !$0.hasPrefix("\(folder)/") }
    }
    var paths =
      own + linked + [
        program, installation.cache, kernelsDirectory,
      ]
    paths += [Session.directory].compactMap(\.self)
    paths += kernels.compactMap { store.place(of: $0) }
    paths += installation.addedFiles
    paths += libraries
    paths += compilers
    // Of what holds all of somebody's files nothing is seen but what is named.
    let home = realPath(ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory())
    return Set(paths + paths.map(realPath)).filter { path in
      !path.isEmpty && !"\(home)/".hasPrefix(path == "/" ? path : "\(path)/") && path != "/tmp"
    }
  }

  /// Where the compiler is: the folders on PATH that have one, and what lies beside the real one's.
  private static var compilers: [String] {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let folders = path.split(separator: ":").map(String.init).filter { folder in
      access("\(folder)/clang", X_OK) == 0
    }
    return folders.flatMap { folder in
      let real = (realPath("\(folder)/clang") as NSString).deletingLastPathComponent
      return [folder]
        + [folder, real].filter { $0.hasSuffix("/bin") }
        .map { ($0 as NSString).deletingLastPathComponent }
    }
  }

  /// Folders of the libraries that this program has loaded.
  private static var libraries: [String] {
    let maps = ProcessTree.read("/proc/self/maps") ?? ""
    let files = maps.split(separator: "\n").compactMap { line in
      line.firstIndex(of: "/").map { String(line[$0...]) }
    }
    return Set(files.filter { $0.contains(".so") })
      .map { ($0 as NSString).deletingLastPathComponent }
  }
}

/// The absolute path without symbolic links; `path` itself where there is no such file.
private func realPath(_ path: String) -> String {
  guard let resolved = realpath(path, nil) else { return path }
  defer { free(resolved) }
  return String(cString: resolved)
}

// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Exploration
import Foundation
import KernelSource

/// What `--kernel` and `--patch` name.
struct RevisionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A directory, DIRECTORY@REVISION (git), a tarball, or debian:VERSION. Default: $KERNEL, else debian:6.12.",
      valueName: "kernel"))
  var kernel: String?

  @Option(
    name: .customLong("patch"), parsing: .singleValue,
    help: ArgumentHelp(
      "A patch, a mail or an mbox, '-' for standard input; several are applied in order.",
      valueName: "file"))
  var patches: [String] = []

  var kernelName: String {
    if let kernel { return kernel }
    let named = ProcessInfo.processInfo.environment["KERNEL"] ?? ""
    return named.isEmpty ? "debian:6.12" : named
  }

  /// What `kshim replay` needs to see the same revision. What came by standard input is to be named.
  var replayOptions: String {
    "--kernel \(kernelName) " + patches.map { "--patch \($0 == "-" ? "PATCH" : $0) " }.joined()
  }

  /// The revision, and its base when there are patches.
  func resolve() async throws -> (revision: Revision, base: Revision?) {
    let files = try await PatchFile.read(patches)
    let store = KernelStore()
    let tree = try await store.resolve(kernelName) { Terminal.status($0) }
    Terminal.status("")
    let revision = try await store.revision(tree: tree, patches: files)
    for remark in revision.remarks { Terminal.error("kshim: \(remark)") }
    for file in revision.skipped {
      Terminal.error("kshim: \(file) is left out: this kernel was unpacked only in part")
    }
    let base = files.isEmpty ? nil : try await store.revision(tree: tree, patches: [])
    return (revision, base)
  }
}

struct SearchOptions: ParsableArguments {
  @Option(help: "What is tested; see 'kshim subjects'.")
  var subject = "kvm-mmu-roots"

  @Option(help: ArgumentHelp("Number of workers. Default: all cores.", valueName: "n"))
  var jobs: Int?

  func validate() throws {
    if let jobs, !(1...256).contains(jobs) {
      throw ValidationError("--jobs takes a number from 1 to 256, not \(jobs)")
    }
  }

  var workers: Int { jobs ?? ProcessInfo.processInfo.activeProcessorCount }

  /// Scenarios, rate and time left, on a terminal.
  static var progress: (@Sendable (Explorer.Progress) -> Void)? {
    guard Terminal.isErrorTerminal else { return nil }
    return { now in
      let share = Double(now.statesDone) / Double(max(1, now.states))
      let left =
        share > 0.02 ? String(format: ", %.0f s left", now.seconds / share - now.seconds) : ""
      let rate = now.seconds > 0 ? Int(Double(now.scenarios) / now.seconds / 1000) : 0
      Terminal.status("\(now.scenarios) scenarios, \(rate)k/s\(left)")
    }
  }
}

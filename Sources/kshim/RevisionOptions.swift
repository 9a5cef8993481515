// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Exploration
import Failures
import Foundation
import KernelSource
import Reporting

/// What `--kernel` and `--patch` name.
struct RevisionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A directory, DIRECTORY@REVISION or DIRECTORY@BASE..HEAD (git), a tarball, or debian:VERSION. Default: $KERNEL, else debian:6.12.",
      valueName: "kernel"), completion: .directory)
  var kernel: String?

  @Option(
    name: .customLong("patch"), parsing: .singleValue,
    help: ArgumentHelp(
      "A patch, a mail or an mbox, '-' for standard input; several are applied in order.",
      valueName: "file"), completion: .file())
  var patches: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Apply only the first so many patches, as a mailbox may hold several.", valueName: "n"))
  var take: Int?

  func validate() throws {
    if let take, take < 1 { throw ValidationError("--take takes a number from 1, not \(take)") }
    if take != nil, patches.isEmpty { throw ValidationError("--take needs a --patch") }
  }

  /// What of a tree must be there.
  typealias Needs = (KernelTree) -> [String]

  /// The patches, in order, those beyond ``take`` left out.
  ///
  /// - Throws: `Failure` of kind request where there are fewer than ``take``, or as
  ///   `PatchFile.read`.
  func patchFiles() async throws -> [PatchFile] {
    try await patchFiles(PatchFile.sources(patches))
  }

  private func patchFiles(_ sources: [PatchFile.Source]) async throws -> [PatchFile] {
    let files = try await PatchFile.read(sources) { Terminal.status($0) }
    guard let take else { return files }
    guard take <= files.count else {
      throw Failure(
        .request, asked: "take the first \(take) patches",
        cause: files.count == 1
          ? "--patch names only 1 patch" : "--patch names only \(files.count) patches",
        remedy: "give --take a number up to \(files.count), or leave it out")
    }
    return Array(files.prefix(take))
  }

  var kernelName: String { Self.kernelName(kernel) }

  static func kernelName(_ kernel: String?) -> String {
    if let kernel { return kernel }
    let named = ProcessInfo.processInfo.environment["KERNEL"] ?? ""
    return named.isEmpty ? "debian:6.12" : named
  }

  /// What `kshim replay` needs to see the same revision. What came by a pipe is to be named.
  var replayOptions: String { options(patches, take: take) }

  /// The same with the first so many patches only.
  func replayOptions(_ number: Int, of files: [PatchFile]) -> String {
    let last = files[number - 1].name
    let names = patches.prefix((patches.firstIndex(of: last) ?? patches.count - 1) + 1)
    let isPart = number < files.count && files[number].name == last
    return options(Array(names), take: isPart ? number : nil)
  }

  private func options(_ patches: [String], take: Int?) -> String {
    "--kernel \(Shell.quoted(kernelName)) "
      + patches.map { "--patch \(PatchFile.isStream($0) ? "PATCH" : Shell.quoted($0)) " }.joined()
      + (take.map { "--take \($0) " } ?? "")
  }

  /// The revision, and its base when there are patches or commits of a range. Of a range it is the
  /// last commit, with the patches on it.
  func resolve() async throws -> (revision: Revision, base: Revision?) {
    try await resolve(PatchFile.sources(patches))
  }

  /// The same, of patches that were read.
  ///
  /// - Parameter needs: what must be there of a kernel that is unpacked in parts.
  func resolve(
    _ sources: [PatchFile.Source], needing needs: Needs? = nil
  ) async throws -> (revision: Revision, base: Revision?) {
    try await Self.resolve(kernelName, patchFiles(sources), KernelStore.own, needing: needs)
  }

  static func resolve(
    _ kernel: String, _ files: [PatchFile], _ store: KernelStore, needing needs: Needs? = nil
  ) async throws -> (revision: Revision, base: Revision?) {
    let range = try await store.range(kernel) { Terminal.status($0) }
    if let range, files.isEmpty {
      Terminal.status("")
      return (try await range.revision(of: range.head, since: range.base), range.baseRevision)
    }
    async let begun = store.early(kernel, patches: files)
    var tree = try await store.resolve(kernel) { Terminal.status($0) }
    var asked: Set<String> = []
    // What is included tells of more.
    while let needs {
      let more = needs(tree).filter { asked.insert($0).inserted }
      guard !more.isEmpty else { break }
      tree = try await store.need(more, of: tree) { Terminal.status($0) }
    }
    let early = await begun?.revision(of: tree)
    let revision =
      if let early { early } else {
        try await store.revision(tree: tree, patches: files) { Terminal.status($0) }
      }
    Terminal.status("")
    tell(revision)
    if let range { return (revision, range.baseRevision) }
    let base = files.isEmpty ? nil : try await store.revision(tree: tree, patches: [])
    return (revision, base)
  }

  /// Says how patches fitted.
  static func tell(_ revision: Revision) {
    for remark in revision.remarks { Terminal.error("kshim: \(remark.shown())") }
    for file in revision.skipped {
      Terminal.error("kshim: \(file.shown()) is left out: no more of this kernel can be unpacked")
    }
  }
}

struct SearchOptions: ParsableArguments {
  @OptionGroup var subject: SubjectOptions

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How long the search of a function may take that nobody modelled. Default: \(Explorer.mostSeconds).",
      valueName: "n"))
  var seconds: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Number of workers. Default: all cores.", valueName: "n"))
  var jobs: Int?

  func validate() throws {
    if let seconds, !(1...86400).contains(seconds) {
      throw ValidationError("--seconds takes a number from 1 to 86400, not \(seconds)")
    }
    if let jobs, !(1...256).contains(jobs) {
      throw ValidationError("--jobs takes a number from 1 to 256, not \(jobs)")
    }
  }

  var workers: Int { jobs ?? ProcessInfo.processInfo.activeProcessorCount }

  /// Scenarios, rate and time left, on a terminal.
  static func progress(
    _ show: @escaping @Sendable (String) -> Void
  ) -> (@Sendable (Explorer.Progress) -> Void)? {
    guard Terminal.isErrorTerminal else { return nil }
    return { now in
      let share = Double(now.statesDone) / Double(max(1, now.states))
      let left = share > 0.02 ? Pace.left(now.seconds / share - now.seconds) : ""
      let rate = now.seconds > 0 ? Pace.rounded(Double(now.scenarios) / now.seconds) : "0"
      // What is left when all states were begun are orders of two threads: nobody knows how many.
      let states = share < 1 ? "\(now.statesDone) of \(now.states) states, " : ""
      show("searching: \(states)\(now.scenarios) scenarios, \(rate)/s\(left)")
    }
  }
}

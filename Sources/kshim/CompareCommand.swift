// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Checking
import Extraction
import Failures
import KernelSource
import Reporting

struct CompareCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Say what the code of two or more revisions does differently.",
    discussion: """
      Every scenario runs in all revisions. Scenarios with another outcome are put together by what \
      differs, each group with its smallest scenario and both traces; then a table says which \
      finding came and went with which revision. Each revision is compared with the one before it.

      Exit status 1 when the last revision has a finding that the first has not; --strict counts \
      every finding, note and difference.

      Examples:
        kshim compare base v1.mbox v2.mbox v3.mbox
        kshim compare --kernel ~/linux first=topic-v1.patch second=topic-v2.patch
        kshim compare --kernel ~/linux base v5.10..topic
        kshim compare debian:6.1 debian:6.12
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

  @Option(
    help: ArgumentHelp(
      "What patches go on: a directory, DIRECTORY@REVISION (git), a tarball, or debian:VERSION. Default: $KERNEL, else debian:6.12.",
      valueName: "kernel"), completion: .directory)
  var kernel: String?

  @OptionGroup var search: SearchOptions
  @OptionGroup var report: ReportOptions
  @OptionGroup var page: HTMLOptions
  @OptionGroup var jail: JailOptions

  @Option(help: "text or json.")
  var format = Format.text

  @Flag(help: "Show all ways in which two revisions differ, not only the ten simplest.")
  var all = false

  @Flag(help: "Let every finding, note and difference count for the exit status.")
  var strict = false

  @Argument(
    help: ArgumentHelp(
      "base, a patch or mbox file, a directory of patches, a git range of --kernel's repository, a kernel, or LABEL=one of these.",
      valueName: "rev"), completion: .file())
  var revisions: [String] = []

  func validate() throws {
    if revisions.count < 2 {
      throw ValidationError("compare takes two or more revisions, not \(revisions.count)")
    }
  }

  func run() async throws {
    try report.check()
    try page.check()
    let names = try RevisionName.read(revisions)
    let candidates = try await RevisionName.resolve(
      names, kernel: RevisionOptions.kernelName(kernel))
    defer { for candidate in candidates { candidate.revision.close() } }
    let (installation, subject) = try search.subject.locate()
    try search.subject.refuse(
      candidates.map(\.revision), asked: "compare revisions of \(candidates[0].revision.tree.spec)",
      installation)
    var check = Check(
      subject: subject, jobs: search.workers, installation: installation,
      progress: SearchOptions.progress { Terminal.status($0) }, phase: { Terminal.status($0) })
    check.worker = jail.worker(
      installation, kernels: candidates.map(\.revision.tree.spec),
      jobs: search.workers)
    let comparison = try await check.comparison(of: candidates)
    Terminal.status("")
    try page.write(HTMLReport(comparison))
    try report.write(
      format == .json
        ? comparison.json()
        : ComparisonText(
          comparison, usesColour: report.output == nil && Terminal.usesColour,
          shown: all ? nil : 10, columns: report.output == nil ? Terminal.columns : nil
        ).text)
    let code = comparison.exitCode(isStrict: strict)
    if code != 0 { throw ExitCode(code) }
  }
}

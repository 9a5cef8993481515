// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Checking
import Extraction
import Reporting

struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Search every scenario of a revision and say what breaks.",
    discussion: """
      Without patches the kernel itself is judged. With patches what they introduce decides \
      the exit status: when something is found, the base is searched too.

      Examples:
        kshim check --kernel debian:6.1
        kshim check --kernel ~/linux --patch v1.patch
        b4 am -o- MESSAGE-ID | kshim check --kernel ~/linux --patch -
        git bisect run kshim check --kernel . --bisect
        kshim check --kernel ~/linux --patch v1.patch --format note
        kshim check --kernel ~/linux --format sarif -o kshim.sarif --html report
      """)

  @OptionGroup var revision: RevisionOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var report: ReportOptions
  @OptionGroup var html: HTMLOptions

  @Option(
    help: ArgumentHelp(
      "text, json, ktap, junit, sarif, b4, checkpatch (lines as checkpatch's), or note (for a cover letter).",
      valueName: "format"))
  var format = ReportFormat.text

  @Flag(help: "Let findings that were there before the patches, and notes, fail too.")
  var strict = false

  @Flag(help: "Exit with 125 where the revision cannot be judged, for 'git bisect run'.")
  var bisect = false

  func run() async throws {
    try report.check()
    try html.check()
    let (revision, base) = try await self.revision.resolve()
    defer {
      revision.close()
      base?.close()
    }
    let check = Check(
      subject: search.subject, jobs: search.workers, installation: try Installation.locate(),
      progress: SearchOptions.progress, phase: { Terminal.status($0) })
    let verdict = try await check.verdict(of: revision, base: base)
    Terminal.status("")
    let result = CheckReport([
      .init(
        label: nil, title: nil, outcome: .verdict(verdict),
        replayOptions: self.revision.replayOptions)
    ])
    try report.write(
      result.rendered(
        as: format, usesColour: report.output == nil && Terminal.usesColour, isStrict: strict))
    try html.write(result)
    let code = result.exitCode(isStrict: strict)
    if code != 0 { throw ExitCode(code) }
  }
}

extension ReportFormat: ExpressibleByArgument {}

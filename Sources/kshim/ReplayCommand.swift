// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Checking
import Exploration
import Extraction
import Failures
import KernelSource
import Reporting

struct ReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Run one scenario and print its trace, a test that fails, or its calls.",
    discussion: """
      Name the kernel and the patches that the scenario was found with. Exit status 1 when the \
      scenario breaks a property.

      Examples:
        kshim replay --kernel debian:6.12 free_mmu_pages:tdp=1,tables=all,me=0:-
        kshim replay --kernel ~/linux --patch v1.patch --as c SCENARIO
        kshim replay --kernel ~/linux --patch v1.patch --as test SCENARIO
      """)

  @OptionGroup var revision: RevisionOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var jail: JailOptions

  @Option(
    name: .customLong("as"),
    help: "text; test: a file for 'swift test' that fails; c: the calls, for a mail.")
  var format = ReplayFormat.text

  @Argument(help: "FUNCTION:STATE:DECISIONS, as a finding gives it.")
  var scenario: String

  func run() async throws {
    let scenario = try Scenario(scenario)
    let (installation, subject) = try search.subject.locate()
    let (revision, base) = try await self.revision.resolve(
      PatchFile.sources(self.revision.patches), needing: search.subject.needs)
    defer {
      revision.close()
      base?.close()
    }
    try search.subject.refuse([revision], asked: "replay \(scenario.short)", installation)
    var check = Check(subject: subject, jobs: 1, installation: installation)
    check.worker = jail.worker(installation, kernels: [self.revision.kernelName])
    var replay = try await check.replay(scenario, of: revision, base: base)
    if format == .test, replay.isAgainstBase {
      throw Failure(
        .request, asked: "print a test of \(scenario.short)",
        cause: "what it breaks shows only beside the base, which a test does not have",
        evidence: replay.broken.map { "\($0.property): \($0.message)" },
        remedy: "replay it with this command, or print its calls with '--as c'")
    }
    // What is installed is no package.
    replay.package = installation.isCheckout ? installation.root : "../kshim"
    replay.replayOptions = search.subject.replayOptions + self.revision.replayOptions
    try Terminal.write(replay.rendered(as: format))
    if !replay.broken.isEmpty { throw ExitCode(1) }
  }
}

extension ReplayFormat: ExpressibleByArgument {}

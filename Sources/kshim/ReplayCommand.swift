// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Checking
import Exploration
import Extraction
import Reporting

struct ReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Run one scenario and print its trace with the kernel's lines.",
    discussion: """
      Name the kernel and the patches that the scenario was found with. Exit status 1 when the \
      scenario breaks a property.

      Example:
        kshim replay --kernel debian:6.12 \
      mmu_alloc_special_roots:shadow=5,guest=3,direct=0,tdp=1,tables=none,me=0:gzp0.gzp1.gzp0.gzp0.gzp0
      """)

  @OptionGroup var revision: RevisionOptions
  @OptionGroup var search: SearchOptions

  @Argument(help: "FUNCTION:STATE:DECISIONS, as a finding gives it.")
  var scenario: String

  func run() async throws {
    let scenario = try Scenario(scenario)
    let (revision, base) = try await self.revision.resolve()
    defer {
      revision.close()
      base?.close()
    }
    let check = Check(
      subject: search.subject, jobs: 1, installation: try Installation.locate())
    let (trace, broken) = try await check.replay(scenario, of: revision)
    for line in TraceText(events: trace).lines { print(line) }
    for finding in broken { print("\(finding.property): \(finding.message)") }
    if broken.isEmpty { print("no property is broken") }
    if !broken.isEmpty { throw ExitCode(1) }
  }
}

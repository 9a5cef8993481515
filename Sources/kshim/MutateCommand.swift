// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Extraction
import Failures
import Foundation
import KernelSource
import Mutating
import Reporting
import Synchronization

struct MutateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mutate",
    abstract: "Make small wrong changes to the functions and say which go unnoticed.",
    discussion: """
      Measures the properties: each mutant is searched until it breaks one. With patches only the \
      lines that they touch are changed. Exit status 1 when a mutant survives that is not listed as \
      equivalent, or one that is listed does not.

      Examples:
        kshim mutate --kernel debian:6.12
        kshim mutate --kernel ~/linux --patch v1.patch
        kshim mutate --sample 10 --seed 7            a tenth, always the same
        kshim mutate --function free_mmu_pages --operator drop-free
        kshim mutate --format json -o mutation.json  for Stryker's HTML viewer
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

  @OptionGroup var revision: RevisionOptions
  @OptionGroup var search: SearchOptions
  @OptionGroup var report: ReportOptions
  @OptionGroup var jail: JailOptions

  @Option(help: "text or json.")
  var format = Format.text

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Take one mutant in so many.", valueName: "n"))
  var sample = 1

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Which ones a sample takes.", valueName: "number"))
  var seed: UInt64 = 0

  @Option(
    name: .customLong("operator"), parsing: .singleValue,
    help: ArgumentHelp("Only this operator's mutants; may be repeated.", valueName: "id"))
  var operators: [String] = []

  @Option(help: ArgumentHelp("Only this one, as a report names it.", valueName: "key"))
  var mutant: String?

  @Flag(help: "Print what would be tried, and run nothing.")
  var list = false

  func validate() throws {
    if list, format == .json {
      throw ValidationError("--list prints text; leave out --format json")
    }
    if sample < 1 { throw ValidationError("--sample takes a number from 1, not \(sample)") }
  }

  func run() async throws {
    try report.check()
    let (revision, base) = try await self.revision.resolve(
      PatchFile.sources(self.revision.patches), needing: search.subject.needs)
    defer {
      revision.close()
      base?.close()
    }
    var selection = MutantSelection()
    selection.operators = Set(operators)
    selection.functions = Set(search.subject.plainNames)
    selection.key = mutant
    selection.touchedOnly = base != nil
    selection.sample = sample
    selection.seed = seed
    let (installation, subject) = try search.subject.locate(takesNames: true)
    try search.subject.refuse([revision], asked: "make mutants of \(subject)", installation)
    var mutation = Mutation(
      subject: subject, jobs: search.workers, installation: installation,
      selection: selection, progress: Self.progress, phase: { Terminal.status($0) })
    mutation.worker = jail.worker(
      installation, kernels: [self.revision.kernelName], jobs: search.workers)
    if list {
      let (file, mutants) = try await mutation.list(of: revision)
      let lines = mutants.map {
        "\(file):\($0.start.line):\($0.start.column): \($0.operatorID): \($0.description)"
          + " [\($0.key)]\n"
      }
      try report.write(lines.joined())
      return
    }
    let result = try await mutation.report(of: revision)
    Terminal.status("")
    try report.write(format == .json ? result.json() : result.text())
    if result.exitCode != 0 { throw ExitCode(result.exitCode) }
  }

  /// How many mutants are done, on a terminal.
  private static var progress: (@Sendable (Mutation.Progress) -> Void)? {
    guard Terminal.isErrorTerminal else { return nil }
    let began = Mutex<Pace?>(nil)
    return { now in
      let pace = began.withLock { pace in
        // From when the first is begun: making them is no part of it.
        let known = pace ?? Pace("mutants")
        pace = known
        return known
      }
      Terminal.status("\(pace.text(now.done, of: now.mutants)), \(now.survived) survived")
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Checking
import Extraction
import Failures
import KernelSource

struct ExtractCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extract",
    abstract: "Take a subject out of a revision, for 'swift test' or to read.",
    discussion: """
      Examples:
        kshim extract                              for 'swift test'
        kshim extract --kernel ~/linux --patch v2.patch
        kshim extract --kernel debian:6.1 --into /tmp/roots-6.1
        kshim extract --kernel ~/linux --function drivers/base/dd.c:driver_attach
        kshim extract --kernel ~/linux --manifest own/pools.yaml
        swift test --filter ExtractedTests         judges what was extracted last
      """)

  @OptionGroup var revision: RevisionOptions

  @OptionGroup var subject: SubjectOptions
  @OptionGroup var jail: JailOptions

  @Option(
    help: ArgumentHelp(
      "A directory, replaced whole. Default: where 'swift test' looks.", valueName: "dir"),
    completion: .directory)
  var into: String?

  func run() async throws {
    let (installation, subject) = try self.subject.locate()
    _ = try installation.manifest(subject)
    guard self.subject.file == nil else {
      throw Failure(
        .request, asked: "extract the functions of a file",
        cause: "'swift test' links one function at a time",
        remedy: "name one, as --function FILE:FUNCTION")
    }
    guard into != nil || installation.isCheckout else {
      throw Failure(
        .request, asked: "extract \(subject) for 'swift test'",
        cause: "this kshim is installed, and 'swift test' runs in a checkout",
        place: installation.root,
        remedy: "name a directory with --into, or use the kshim of a checkout")
    }
    let (revision, base) = try await self.revision.resolve(
      PatchFile.sources(self.revision.patches), needing: self.subject.needs)
    defer {
      revision.close()
      base?.close()
    }
    try self.subject.refuse([revision], asked: "extract \(subject)", installation)
    // What no model judges, 'swift test' finds in one place.
    let hasModel = self.subject.function == nil && installation.addedSubject == nil
    let directory = into ?? "\(installation.out)/\(hasModel ? subject : "function")"
    let output = try ExtractionOutput(directory, asked: "extract \(subject)")
    defer { output.discard() }
    let worker = jail.worker(installation, kernels: [self.revision.kernelName])
    let extraction = try await worker.perform(
      ExtractWork(subject, of: revision, installation: installation))
    try output.write(extraction.files)
    if into == nil { try installation.announce() }
    let functions = extraction.provenance.functions.map {
      "\(extraction.provenance.source):\($0.firstLine): \($0.name)\n"
    }
    try Terminal.write(functions.joined() + "\(directory)/unit.c\n")
  }
}

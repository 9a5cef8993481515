// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Extraction
import KernelSource

struct ExtractCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extract",
    abstract: "Take a subject out of a revision, for 'swift test' or to read.",
    discussion: """
      Examples:
        kshim extract                                   into kernel-extract/out, for 'swift test'
        kshim extract --kernel ~/linux --patch v2.patch
        kshim extract --kernel debian:6.1 --into /tmp/roots-6.1
      """)

  @OptionGroup var revision: RevisionOptions

  @OptionGroup var subject: SubjectOptions

  @Option(
    help: ArgumentHelp(
      "A directory, replaced whole. Default: where 'swift test' looks.", valueName: "dir"))
  var into: String?

  func run() async throws {
    let (installation, subject) = try self.subject.locate()
    _ = try installation.manifest(subject)
    let (revision, base) = try await self.revision.resolve()
    defer {
      revision.close()
      base?.close()
    }
    let directory = into ?? "\(installation.out)/\(subject)"
    let extraction = try await Extraction.extract(
      subject, from: revision, installation: installation, into: directory)
    if into == nil { try installation.announce() }
    let functions = extraction.provenance.functions.map {
      "\(extraction.provenance.source):\($0.firstLine): \($0.name)\n"
    }
    try Terminal.write(functions.joined() + "\(directory)/unit.c\n")
  }
}

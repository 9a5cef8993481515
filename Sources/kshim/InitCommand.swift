// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Checking
import Extraction
import Failures
import Foundation
import KernelSource

struct InitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Print the manifest that a check of a function would use.",
    discussion: """
      It says what callees answer, what inputs can be, and what must be given back. Keep it, change \
      what you know better, and give it to 'kshim check --manifest'.

      Examples:
        kshim init --kernel ~/linux drivers/base/dd.c:driver_attach -o attach.yaml
        kshim check --kernel ~/linux --manifest attach.yaml
      """)

  @OptionGroup var revision: RevisionOptions

  @Option(
    help: ArgumentHelp(
      "Rules for callees that kshim does not know, as kernel-extract/services has them.",
      valueName: "file"), completion: .file(extensions: ["yaml"]))
  var rules: [String] = []

  @OptionGroup var report: ReportOptions
  @OptionGroup var jail: JailOptions

  @Argument(help: "FILE:FUNCTION, relative to the kernel's top.")
  var function: String

  func validate() throws {
    guard FunctionName(function) != nil else {
      throw ValidationError(
        "init takes FILE:FUNCTION, as drivers/base/dd.c:driver_attach, not '\(function)'")
    }
  }

  func run() async throws {
    try report.check()
    let name = FunctionName(function)!
    let installation = try Installation.locate().adding(rules: rules)
    let (revision, base) = try await self.revision.resolve(
      PatchFile.sources(self.revision.patches), needing: name.needs(in:))
    defer {
      revision.close()
      base?.close()
    }
    let subject =
      report.output.map { (($0 as NSString).lastPathComponent as NSString).deletingPathExtension }
      ?? name.function
    let worker = jail.worker(installation, kernels: [self.revision.kernelName])
    let text = try await worker.perform(
      ManifestWork(of: name, called: subject, from: revision, installation: installation))
    try report.write(text)
  }
}

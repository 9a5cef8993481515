// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Checking
import Extraction

/// What `--subject` and `--manifest` name.
struct SubjectOptions: ParsableArguments {
  @Option(help: "What is tested; see 'kshim subjects'.")
  var subject: String?

  @Option(
    help: ArgumentHelp(
      "A subject of your own, NAME.yaml, its glue beside it: docs/manifest.md.",
      valueName: "file"))
  var manifest: String?

  func validate() throws {
    if subject != nil, manifest != nil {
      throw ValidationError("--manifest says the subject; leave out --subject")
    }
  }

  /// kshim's own files, and the subject's name among them.
  func locate() throws -> (installation: Installation, subject: String) {
    var installation = try Installation.locate()
    if let manifest { installation = try installation.adding(manifest: manifest) }
    return (installation, installation.addedSubject ?? subject ?? Subjects.standard)
  }

  /// What `kshim replay` needs to see the same subject.
  var replayOptions: String {
    (manifest.map { "--manifest \($0) " } ?? "") + (subject.map { "--subject \($0) " } ?? "")
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Checking
import Extraction
import Reporting

/// What `--subject` and `--manifest` name.
struct SubjectOptions: ParsableArguments {
  @Option(help: "What is tested; see 'kshim subjects'.")
  var subject: String?

  @Option(
    help: ArgumentHelp(
      "Any function of the kernel, as drivers/base/dd.c:driver_attach.",
      valueName: "file:function"))
  var function: String?

  @Option(
    help: ArgumentHelp(
      "A subject of your own, NAME.yaml, its glue beside it: docs/manifest.md.",
      valueName: "file"))
  var manifest: String?

  @Option(
    help: ArgumentHelp(
      "Rules for callees that kshim does not know, as kernel-extract/services has them.",
      valueName: "file"))
  var rules: [String] = []

  func validate() throws {
    if let function, FunctionName(function) == nil {
      throw ValidationError(
        "--function takes FILE:FUNCTION, as drivers/base/dd.c:driver_attach, not '\(function)'")
    }
    if function != nil, subject != nil || manifest != nil {
      throw ValidationError("--function says what is judged; leave out --subject and --manifest")
    }
    if subject != nil, manifest != nil {
      throw ValidationError("--manifest says the subject; leave out --subject")
    }
  }

  /// What must be there of a kernel that is unpacked in parts.
  var needs: RevisionOptions.Needs? { function.flatMap(FunctionName.init)?.needs(in:) }

  /// kshim's own files, and the subject's name among them.
  func locate() throws -> (installation: Installation, subject: String) {
    var installation = try Installation.locate()
    if let manifest { installation = try installation.adding(manifest: manifest) }
    installation = try installation.adding(rules: rules)
    return (installation, installation.addedSubject ?? function ?? subject ?? Subjects.standard)
  }

  /// What `kshim replay` needs to see the same subject: nothing where there is only the one that is
  /// taken without being named.
  var replayOptions: String {
    named + rules.map { "--rules \(Shell.quoted($0)) " }.joined()
  }

  private var named: String {
    if let function { return "--function \(Shell.quoted(function)) " }
    if let manifest { return "--manifest \(Shell.quoted(manifest)) " }
    let name = subject ?? Subjects.standard
    let names = (try? Installation.locate().subjectNames()) ?? []
    return names == [Subjects.standard] && name == Subjects.standard
      ? "" : "--subject \(Shell.quoted(name)) "
  }
}

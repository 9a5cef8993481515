// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Extraction

struct SubjectsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "subjects", abstract: "List what can be tested.",
    discussion: "Examples:\n  kshim subjects")

  func run() throws {
    let installation = try Installation.locate()
    var text = ""
    for name in installation.subjectNames() {
      let manifest = try installation.manifest(name)
      text += "\(name)  \(manifest.title) (\(manifest.source))\n"
      for target in manifest.targets { text += "  \(target)()\n" }
    }
    try Terminal.write(text)
  }
}

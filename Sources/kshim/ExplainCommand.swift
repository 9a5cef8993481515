// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Extraction
import Failures
import Foundation
import Reporting

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Say what a property means: what is broken, an example, what to do.",
    discussion: """
      A property is what a finding names behind its place, as in 'FILE:LINE: wild-free: …'. \
      Without one, all are listed.

      Examples:
        kshim explain
        kshim explain wild-free
      """)

  @Argument(help: ArgumentHelp("As a finding names it.", valueName: "property"))
  var property: String?

  func run() throws {
    let pages = PropertyPages(directory: "\(try Installation.locate().root)/docs/properties")
    guard let property else { return try list(pages) }
    guard let text = pages.text(of: property) else {
      throw Failure(
        .request, asked: "explain \(property)", cause: "there is no property '\(property)'",
        remedy: Nearest.remedy(
          for: property, in: try pages.names(),
          otherwise: "list them with 'kshim explain'"))
    }
    try Terminal.write(
      Terminal.columns.map {
        PropertyText(text, columns: min($0, 100), usesColour: Terminal.usesColour).text
      } ?? text)
  }

  private func list(_ pages: PropertyPages) throws {
    let names = try pages.names()
    let width = names.map(\.count).max() ?? 0
    let columns = Terminal.columns
    var text = ""
    for name in names {
      let what = pages.text(of: name).map(PropertyText.firstSentence) ?? ""
      let line = name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + what
      if let columns, line.count > columns {
        text += line.prefix(columns - 1) + "…\n"
      } else {
        text += line + "\n"
      }
    }
    try Terminal.write(text)
  }
}

/// Where each property has a page, `NAME.md`.
struct PropertyPages {
  let directory: String

  /// Sorted.
  ///
  /// - Throws: ``Failure`` of kind tool where there are none.
  func names() throws -> [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    let names = files.filter { $0.hasSuffix(".md") }.map { String($0.dropLast(3)) }.sorted()
    guard !names.isEmpty else {
      throw Failure(
        .tool, asked: "explain properties", cause: "their pages are not there", place: directory,
        remedy: "restore them from kshim's repository, or install kshim again")
    }
    return names
  }

  /// nil where there is no such page.
  func text(of name: String) -> String? {
    guard let names = try? names(), names.contains(name) else { return nil }
    return try? String(contentsOfFile: "\(directory)/\(name).md", encoding: .utf8)
  }
}

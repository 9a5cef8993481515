// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Failures
import Foundation
import Reporting

/// Where a page for a browser goes, beside the report.
struct HTMLOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write index.html into a directory, too; it is made if need be.", valueName: "dir"),
    completion: .directory)
  var html: String?

  /// Before the search; makes the directory.
  func check() throws {
    guard let html else { return }
    do {
      try FileManager.default.createDirectory(
        atPath: html, withIntermediateDirectories: true)
    } catch {
      throw unwritable(html)
    }
    guard access(html, W_OK | X_OK) == 0 else { throw unwritable(html) }
  }

  /// The page appears whole or not at all.
  func write(_ page: @autoclosure () -> HTMLReport) throws {
    guard let html else { return }
    let text = try page().text
    do {
      try Data(text.utf8).write(
        to: URL(fileURLWithPath: html).appendingPathComponent("index.html"), options: .atomic)
    } catch {
      throw unwritable(html)
    }
  }

  private func unwritable(_ directory: String) -> Failure {
    Failure(
      .request, asked: "write the page", cause: "\(directory) cannot be written", place: directory,
      remedy: "name a directory that can be written, or one that can be made")
  }
}

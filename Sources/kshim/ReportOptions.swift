// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Failures
import Foundation

/// Where a report goes.
struct ReportOptions: ParsableArguments {
  @Option(name: .short, help: ArgumentHelp("Write the report to a file.", valueName: "file"))
  var output: String?

  /// Before the search, so that nobody waits for a report that has nowhere to go.
  func check() throws {
    guard let output else { return }
    let path = URL(fileURLWithPath: output).standardizedFileURL
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path.path, isDirectory: &isDirectory),
      isDirectory.boolValue
    {
      throw unwritable(output)
    }
    guard access(path.deletingLastPathComponent().path, W_OK) == 0 else { throw unwritable(output) }
  }

  func write(_ report: String) throws {
    guard let output else {
      print(report, terminator: "")
      return
    }
    do {
      try Data(report.utf8).write(to: URL(fileURLWithPath: output), options: .atomic)
    } catch {
      throw unwritable(output)
    }
  }

  private func unwritable(_ output: String) -> Failure {
    Failure(
      .request, asked: "write the report", cause: "\(output) cannot be written", place: output,
      remedy: "name a file in a directory that can be written")
  }
}

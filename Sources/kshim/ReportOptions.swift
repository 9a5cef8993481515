// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Failures
import Foundation

/// Where a report goes.
struct ReportOptions: ParsableArguments {
  @Option(
    name: .short, help: ArgumentHelp("Write the report to a file.", valueName: "file"),
    completion: .file())
  var output: String?

  /// Before the search, so that nobody waits for a report that has nowhere to go.
  func check() throws {
    guard let output else {
      if !Terminal.canWrite { throw Terminal.closed("it is closed") }
      return
    }
    guard OutputFile(path: output).isWritable else { throw unwritable(output) }
  }

  func write(_ report: String) throws {
    guard let output else {
      try Terminal.write(report)
      return
    }
    do {
      try OutputFile(path: output).write(report.shown(lines: true))
    } catch OutputFile.Trouble.room(let reason) {
      throw Failure(
        .tool, asked: "write the report", cause: "\(output) takes no more (\(reason))",
        place: output, remedy: "make room there, or name another file")
    } catch {
      throw unwritable(output)
    }
  }

  private func unwritable(_ output: String) -> Failure {
    Failure(
      .request, asked: "write the report",
      cause: output.isEmpty ? "its name is empty" : "\(output) cannot be written", place: output,
      remedy: "name a file in a directory that can be written")
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Failures
import Foundation
import KernelSource

struct KernelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels", abstract: "List, fetch, find and remove kernels.",
    discussion: """
      Examples:
        kshim kernels list
        kshim kernels fetch debian:6.1
        kshim kernels fetch debian:6.12.107
        kshim kernels prune --older-than 7
      """,
    subcommands: [List.self, Fetch.self, Path.self, Prune.self], defaultSubcommand: List.self)

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Kernels that can be named, and those that are in the cache.",
      discussion: """
        debian:6.12 is the newest of that series that apt knows. A full version, as debian:6.12.107, is \
        that one, for as long as Debian carries it; each is cached under its own name.

        Examples:
          kshim kernels list
        """)

    func run() async throws {
      let rows = KernelStore.own.list().map { entry in
        guard let path = entry.path else { return [entry.spec, "not fetched"] }
        return [
          entry.spec, entry.version ?? "", entry.bytes.map { KernelStore.size($0) } ?? "",
          "used \(KernelsCommand.ago(entry.age()))", path,
        ]
      }
      let more = ["debian:VERSION", "a full version that Debian carries, as debian:6.12.107"]
      try Terminal.write(KernelsCommand.table(rows + [more]))
    }
  }

  struct Fetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Get a kernel into the cache, anew where it is there already.",
      discussion: """
        Examples:
          kshim kernels fetch debian:6.1
          kshim kernels fetch debian:6.12.107
        """)

    @Argument(help: "A kernel, as for --kernel.") var name: String

    func run() async throws {
      let tree = try await KernelStore.own.fetch(name, refresh: true) { Terminal.status($0) }
      Terminal.status("")
      try Terminal.write("\(tree.version) \(tree.directory)\n")
    }
  }

  struct Path: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the directory of an unpacked kernel, fetching it if need be.",
      discussion: """
        A kernel is unpacked in part. What else of it is named comes to the rest; a patch that touches \
        other folders gets them by itself.

        Examples:
          cd $(kshim kernels path debian:6.12)
          cd $(kshim kernels path debian:6.12 drivers/base kernel)
        """)

    @Argument(help: "A kernel, as for --kernel.") var name: String

    @Argument(
      help: ArgumentHelp(
        "Files and folders that are to be there, too; 'fs/*' is a folder without those below.",
        valueName: "path"))
    var paths: [String] = []

    func run() async throws {
      let tree = try await KernelStore.own.resolve(name) { Terminal.status($0) }
      let more = try await KernelStore.own.need(paths, of: tree) { Terminal.status($0) }
      Terminal.status("")
      let lost = paths.first { path in
        let place = path.hasSuffix("/*") ? String(path.dropLast(2)) : path
        return !FileManager.default.fileExists(atPath: "\(more.directory)/\(place)")
      }
      if let lost {
        throw Failure(
          .request, asked: "get \(lost) of \(tree.spec)", cause: "the kernel has no \(lost)",
          place: more.directory,
          remedy: Nearest.path(to: lost, in: more.directory).map { "did you mean \($0)?" }
            ?? "name a file or a folder from the kernel's top")
      }
      try Terminal.write(more.directory + "\n")
    }
  }

  static func ago(_ days: Int) -> String {
    switch days {
    case 0: "today"
    case 1: "yesterday"
    default: "\(days) days ago"
    }
  }

  /// Columns below each other, the last one as it comes.
  static func table(_ rows: [[String]]) -> String {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in
      rows.filter { $0.count > column + 1 }.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        column + 1 == row.count
          ? cell : cell.padding(toLength: widths[column], withPad: " ", startingAt: 0)
      }
      return cells.joined(separator: "  ") + "\n"
    }.joined()
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Extraction
import Foundation
import KernelSource

struct KernelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels", abstract: "List, fetch and find kernels.",
    discussion: "Examples:\n  kshim kernels list\n  kshim kernels fetch debian:6.1",
    subcommands: [List.self, Fetch.self, Path.self], defaultSubcommand: List.self)

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Kernels that can be named, and those that are in the cache.",
      discussion: "Example:\n  kshim kernels list")

    func run() async throws {
      for entry in KernelStore().list() {
        let size = entry.bytes.map { "\($0 / 1_000_000) MB" } ?? ""
        let state =
          entry.isCached ? "\(entry.version ?? "") \(size) \(entry.path ?? "")" : "not fetched"
        print(
          "\(entry.spec.padding(toLength: max(14, entry.spec.count), withPad: " ", startingAt: 0))  \(state)"
        )
      }
    }
  }

  struct Fetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Get a kernel into the cache, anew where it is there already.",
      discussion: "Example:\n  kshim kernels fetch debian:6.1")

    @Argument(help: "A kernel, as for --kernel.") var name: String

    func run() async throws {
      let tree = try await KernelStore().fetch(name, refresh: true) { Terminal.status($0) }
      Terminal.status("")
      print("\(tree.version) \(tree.directory)")
    }
  }

  struct Path: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the directory of an unpacked kernel, fetching it if need be.",
      discussion: "Example:\n  cd $(kshim kernels path debian:6.12)")

    @Argument(help: "A kernel, as for --kernel.") var name: String

    func run() async throws {
      let path = try await KernelStore().path(name) { Terminal.status($0) }
      Terminal.status("")
      print(path)
    }
  }
}

struct SubjectsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "subjects", abstract: "List what can be tested.",
    discussion: "Example:\n  kshim subjects")

  func run() throws {
    let installation = try Installation.locate()
    for name in installation.subjectNames() {
      let manifest = try installation.manifest(name)
      print("\(name)  \(manifest.title) (\(manifest.source))")
      for target in manifest.targets { print("  \(target)()") }
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import ArgumentParser
import Failures
import Foundation
import KernelSource

extension KernelsCommand {
  struct Prune: AsyncParsableCommand {
    private static let days = KernelStore.Limits.standard.days ?? 0
    private static let size = KernelStore.size(KernelStore.Limits.standard.bytes ?? 0)

    static let configuration = CommandConfiguration(
      abstract: "Remove kernels from the cache that were not used in a long time.",
      discussion: """
        Without options: what was not used for \(days) days, then the longest unused until the rest \
        takes no more than \(size). With options, only what they say. What a running kshim uses \
        stays. What was removed is unpacked again when it is asked for.

        The same limits hold by themselves whenever a kernel is unpacked, but then one from Debian, \
        which takes a download to get back, does not go for its age, and goes last for its size.

        Examples:
          kshim kernels prune --dry-run
          kshim kernels prune --older-than 7
          kshim kernels prune --larger-than 500M
          kshim kernels prune --larger-than 0          everything that is not in use
        """)

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp("Remove what was not used for so many days.", valueName: "days"))
    var olderThan: Int?

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "Remove the longest unused until the rest takes no more: 500M, 2G.", valueName: "size"))
    var largerThan: Size?

    @Flag(help: "Remove nothing, and say what would be removed.")
    var dryRun = false

    func validate() throws {
      if let olderThan, olderThan < 0 {
        throw ValidationError("--older-than takes a number from 0, not \(olderThan)")
      }
    }

    func run() async throws {
      let limits =
        olderThan == nil && largerThan == nil
        ? .standard : KernelStore.Limits(days: olderThan, bytes: largerThan?.bytes)
      let store = KernelStore.own
      let pruning = store.prune(limits, dryRun: dryRun)
      let rows = pruning.items.map { item in
        let word =
          switch item.outcome {
          case .removed: dryRun ? "would remove" : "removed"
          case .inUse: "in use"
          case .stuck: "cannot be removed"
          }
        return [
          word, item.entry.spec, item.entry.version ?? "damaged",
          item.entry.bytes.map { KernelStore.size($0) } ?? "",
          "used \(KernelsCommand.ago(item.entry.age()))",
        ]
      }
      let (removed, left) = (pruning.removed.count, pruning.left)
      try Terminal.write(
        KernelsCommand.table(rows)
          + "\(dryRun ? "would remove" : "removed") \(Self.kernels(removed)),"
          + " \(KernelStore.size(pruning.freed)); \(Self.kernels(left)),"
          + " \(KernelStore.size(pruning.leftBytes)), \(dryRun ? "would be" : "are") left in"
          + " \(store.cacheDirectory)/kernels\n")
      for case .stuck(let reason) in pruning.items.map(\.outcome) {
        throw Failure(
          .tool, asked: "remove kernels", cause: "the cache cannot be written (\(reason))",
          place: "\(store.cacheDirectory)/kernels", remedy: "check whose directory that is")
      }
    }

    private static func kernels(_ count: Int) -> String {
      count == 1 ? "1 kernel" : "\(count == 0 ? "no" : "\(count)") kernels"
    }
  }
}

/// A number of bytes: `500M`, `1.5GB`; powers of ten, as the list prints them.
struct Size: ExpressibleByArgument {
  let bytes: Int

  init?(argument: String) {
    let pattern = /([0-9]+(?:\.[0-9]+)?)([KMGT]?)B?/
    guard let parts = argument.uppercased().wholeMatch(of: pattern),
      let number = Double(parts.1)
    else { return nil }
    let unit: Double =
      switch parts.2 {
      case "K": 1e3
      case "M": 1e6
      case "G": 1e9
      case "T": 1e12
      default: 1
      }
    guard number * unit < 1e18 else { return nil }
    bytes = Int(number * unit)
  }
}

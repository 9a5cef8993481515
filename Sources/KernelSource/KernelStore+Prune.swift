// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

extension KernelStore {
  /// How much is kept.
  public struct Limits: Sendable, Equatable {
    /// What nobody has asked for in so many days goes; nil: age does not matter.
    public var days: Int?
    /// Beyond so much on the disk the longest unused goes; nil: size does not matter.
    public var bytes: Int?

    public init(days: Int? = nil, bytes: Int? = nil) {
      self.days = days
      self.bytes = bytes
    }

    /// What holds where nobody says otherwise.
    public static let standard = Limits(days: 30, bytes: 3_000_000_000)
  }

  /// What became of the cache.
  public struct Pruning: Sendable, Equatable {
    public enum Outcome: Sendable, Equatable {
      /// Or would be, where nothing was to be done.
      case removed
      /// A running kshim has it.
      case inUse
      /// The cache cannot be written; why.
      case stuck(String)
    }
    public struct Item: Sendable, Equatable {
      public let entry: Entry
      public let outcome: Outcome
    }
    /// What was beyond the limits, the longest unused first.
    public var items: [Item] = []
    /// What comes free on the disk.
    public var freed = 0
    /// How many kernels are left, and how much they take.
    public var left = 0
    public var leftBytes = 0

    public var removed: [Entry] { items.filter { $0.outcome == .removed }.map(\.entry) }
  }

  /// Removes kernels that nobody has asked for in a long time, then the longest unused until the
  /// rest is small enough. What a running kshim has stays; each goes whole or not at all.
  ///
  /// - Parameter dryRun: whether to say only what would be removed.
  public func prune(_ limits: Limits, dryRun: Bool = false, now: Date = Date()) -> Pruning {
    prune(limits, dryRun: dryRun, sparing: false, now)
  }

  /// After a kernel was unpacked. A download is not thrown away for its age, and goes last.
  func limit() {
    let pruned = prune(limits, dryRun: false, sparing: true, Date()).removed.count
    guard pruned > 0 else { return }
    var reasons: [String] = []
    if let days = limits.days { reasons.append("not used for \(days) days") }
    if let bytes = limits.bytes { reasons.append("beyond \(Self.size(bytes))") }
    remark(
      "removed \(pruned) unpacked kernel\(pruned == 1 ? "" : "s"),"
        + " \(reasons.joined(separator: " or ")) (kshim kernels prune --help)")
  }

  private func prune(_ limits: Limits, dryRun: Bool, sparing: Bool, _ now: Date) -> Pruning {
    if !dryRun { ScratchDirectory.sweep(prefix: Self.fillPrefix, in: kernelsDirectory) }
    let entries = entries()
    let isLast = { (name: String) in sparing && Self.isDownloaded(name) }
    let names = entries.keys.sorted {
      (isLast($0) ? 1 : 0, entries[$0]?.lastUsed ?? now, $0)
        < (isLast($1) ? 1 : 0, entries[$1]?.lastUsed ?? now, $1)
    }
    let trees = entries.mapValues { TreeFiles(of: $0.path ?? "") }
    var disk = DiskUse()
    for tree in trees.values { disk.add(tree) }
    var pruning = Pruning()
    pruning.left = names.count
    for name in names {
      guard let entry = entries[name], let tree = trees[name] else { continue }
      let isOld = limits.days.map { entry.age(now) >= $0 && !isLast(name) } ?? false
      let isTooMuch = limits.bytes.map { disk.bytes > $0 } ?? false
      // Nobody can use what is damaged.
      guard isOld || isTooMuch || entry.version == nil else { continue }
      let outcome = remove(name, dryRun: dryRun)
      pruning.items.append(.init(entry: entry, outcome: outcome))
      if outcome == .removed {
        pruning.freed += disk.remove(tree)
        pruning.left -= 1
      }
    }
    pruning.leftBytes = disk.bytes
    return pruning
  }

  /// Renames a tree away, then deletes it: what is interrupted is swept by the next kshim.
  private func remove(_ name: String, dryRun: Bool) -> Pruning.Outcome {
    let directory = "\(kernelsDirectory)/\(name)"
    let record = "\(directory)/\(KernelTree.recordName)"
    let filling = "\(kernelsDirectory)/.lock-\(name)"
    do {
      guard let lock = try FileLock.attempt(filling) else { return .inUse }
      defer { lock.release() }
      var use: FileLock?
      if FileKind(record) == .file {
        use = try FileLock.attempt(record, create: false)
        if use == nil { return .inUse }
      }
      defer { use?.release() }
      if dryRun { return .removed }
      let scratch = try ScratchDirectory(prefix: Self.fillPrefix, in: kernelsDirectory)
      defer { scratch.remove() }
      guard rename(directory, "\(scratch.path)/old") == 0 else { throw lastError() }
      unlink(filling)
      return .removed
    } catch {
      return .stuck(DiskTrouble.reason(error))
    }
  }

  /// A size as people read it: `61 MB`, `2 GB`.
  public static func size(_ bytes: Int) -> String {
    for (unit, name) in [(1_000_000_000, "GB"), (1_000_000, "MB")] where bytes >= unit {
      let tenths = (bytes * 10 + unit / 2) / unit
      let isWhole = tenths >= 100 || tenths % 10 == 0
      return isWhole ? "\((tenths + 5) / 10) \(name)" : "\(tenths / 10).\(tenths % 10) \(name)"
    }
    return "\(bytes / 1000) kB"
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// What hostile patches do to the machine of somebody who checks them: nothing.
///
/// With `KSHIM_HOSTILE_TABLE=FILE` the table is written there, for docs/hostile.md.
final class HostilePatchTests: EndToEndTestCase {
  /// Whether kshim has a jail to try.
  private static let hasJail = false
  /// What checks without it.
  private static let unjailed: [String] = hasJail ? ["--no-jail"] : []

  /// Two cores may be all there are; most rows wait.
  private static let atOnce = 3

  func test_hostilePatches_doNoHarm() async throws {
    let tree = try await kernel()
    let patches = HostilePatch.all
    XCTAssertGreaterThanOrEqual(patches.count, 44)
    let free = try await pass("free", patches, of: tree, options: Self.unjailed, most: 20)
    let jailed =
      Self.hasJail ? try await pass("jailed", patches, of: tree, options: [], most: 60) : nil
    let table = Self.table(patches, jailed, free)
    print(table)
    if let path = ProcessInfo.processInfo.environment["KSHIM_HOSTILE_TABLE"] {
      try table.write(toFile: path, atomically: true, encoding: .utf8)
    }
    let harmful = free.count { !$0.harm.isEmpty }
    XCTAssertGreaterThanOrEqual(2 * harmful, patches.count, "the patches prove nothing")
    for (patch, run) in zip(patches, free) { XCTAssertEqual(run.left, [], patch.name) }
    for (patch, run) in zip(patches, jailed ?? []) {
      XCTAssertEqual(run.harm, [], patch.name)
      XCTAssertEqual(run.left, [], patch.name)
      XCTAssert((0...3).contains(run.status ?? -1), "\(patch.name): \(run.status ?? -1)")
    }
  }

  /// All patches, a few at a time.
  private func pass(
    _ name: String, _ patches: [HostilePatch], of tree: KernelTree, options: [String], most: Double
  ) async throws -> [HostileRun] {
    let cache = "\(scratch)/\(name)-cache"
    try FileManager.default.createDirectory(
      atPath: "\(cache)/kshim/results", withIntermediateDirectories: true)
    let only = ProcessInfo.processInfo.environment["KSHIM_HOSTILE_ONLY"]
    let scenes = patches.enumerated().map { number, patch in
      HostileScene(
        patch: patch, tree: tree, directory: "\(scratch)/\(name)-\(number)", cache: cache,
        options: options, most: most)
    }
    return try await withThrowingTaskGroup(of: (Int, HostileRun).self) { group in
      var runs = [HostileRun](repeating: HostileRun(), count: scenes.count)
      var waiting = scenes.indices.filter { only == nil || patches[$0].name.contains(only!) }[...]
      func begin() {
        guard let number = waiting.popFirst() else { return }
        group.addTask { (number, try await scenes[number].run()) }
      }
      for _ in 0..<Self.atOnce { begin() }
      while let (number, run) = try await group.next() {
        runs[number] = run
        begin()
      }
      return runs
    }
  }

  // MARK: The table

  private static func table(
    _ patches: [HostilePatch], _ jailed: [HostileRun]?, _ free: [HostileRun]
  ) -> String {
    var lines: [String] = []
    for kind in HostilePatch.Kind.allCases {
      lines += ["", "## \(kind.rawValue.prefix(1).uppercased())\(kind.rawValue.dropFirst())", ""]
      lines += ["| patch | with the jail | exit | s | what it says | without | exit | s |"]
      lines += ["|---|---|---|---|---|---|---|---|"]
      for (number, patch) in patches.enumerated() where patch.kind == kind {
        let (inside, outside) = (jailed?[number], free[number])
        let cells =
          [patch.name] + (inside.map(cells) ?? ["", "", ""]) + [message(inside ?? outside)]
          + cells(outside)
        lines.append("| " + cells.joined(separator: " | ") + " |")
      }
    }
    let harm = (jailed ?? []).count { !$0.harm.isEmpty }
    let sum =
      "\(patches.count) patches: \(harm) did harm with the jail, \(free.count { !$0.harm.isEmpty }) without."
    return ([sum] + lines).joined(separator: "\n") + "\n"
  }

  private static func cells(_ run: HostileRun) -> [String] {
    [
      run.harm.isEmpty ? "–" : run.harm.joined(separator: ", "),
      run.status.map { "\($0)" } ?? "–", String(format: "%.1f", run.seconds),
    ]
  }

  /// No path of this machine.
  private static func message(_ run: HostileRun) -> String {
    let text = run.message.replacing(#/(?:/[\w.+-]+)*/(hostile\w+\.patch|secret\.h)/#) { "\($0.1)" }
      .replacing(#/hostile\d+[0-9a-f]*\.patch/#, with: "PATCH")
      .replacing(#/(?:/[\w.+-]+)+/debian-[\d.]+/#, with: "debian:6.12")
      .replacing("|", with: "\\|")
    return text.count > 160 ? "\(text.prefix(157))..." : text
  }
}

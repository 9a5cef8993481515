// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// What hostile patches do to the machine of somebody who checks them: nothing.
///
/// With `KSHIM_HOSTILE_TABLE=FILE` the table is written there, for docs/hostile.md.
final class HostilePatchTests: EndToEndTestCase {
  private static let environment = ProcessInfo.processInfo.environment

  /// Whether kshim has a jail to try.
  private static let hasJail = (environment["KSHIM_NO_JAIL"] ?? "").isEmpty

  /// Two cores may be all there are; most rows wait, but for those that keep one busy.
  private static func atOnce(_ patches: [HostilePatch]) -> Int {
    patches.allSatisfy { bombs.contains($0.name) } ? 1 : 3
  }

  func test_hostileWhenCompiled_doNoHarm() async throws { try await doNoHarm(.compileTime) }

  func test_hostileWhenLoaded_doNoHarm() async throws { try await doNoHarm(.loadTime) }

  func test_hostileWhenRun_doNoHarm() async throws { try await doNoHarm(.runTime) }

  func test_forgedVerdicts_doNoHarm() async throws { try await doNoHarm(.forgedVerdict) }

  func test_denialsOfService_doNoHarm() async throws {
    try await doNoHarm(.denialOfService) { !Self.bombs.contains($0.name) }
  }

  func test_bombs_doNoHarm() async throws {
    try await doNoHarm(.denialOfService) { Self.bombs.contains($0.name) }
  }

  func test_hostileToTheTerminal_doNoHarm() async throws { try await doNoHarm(.terminal) }

  /// What goes on until a limit ends it.
  private static let bombs: Set = [
    "macro bomb", "headers that include each other", "a billion instructions by .rept",
    "object of 1.5 GiB", "loop in assembly",
  ]

  /// The same patches do harm where nothing holds them.
  func test_withoutAJail_mostWouldDoHarm() async throws {
    XCTAssertGreaterThanOrEqual(HostilePatch.all.count, 44)
    XCTAssert(Self.bombs.isSubset(of: HostilePatch.all.map(\.name)))
    let held = HostilePatch.all.filter(\.needsJail)
    XCTAssertGreaterThanOrEqual(held.count, 44)
    let runs = try await free(held)
    // To go on for long is not what shows it.
    let harmful = zip(held, runs).count { patch, run in
      run.harm.contains { patch.kind == .denialOfService || !$0.hasPrefix(HostileRun.goesOn) }
    }
    XCTAssertGreaterThanOrEqual(2 * harmful, held.count, "the patches prove nothing")
  }

  /// docs/hostile.md is made of all of them, both ways.
  func test_page_hasARowForEachPatch_inOrder() async throws {
    let patches = HostilePatch.all
    if let path = Self.environment["KSHIM_HOSTILE_TABLE"] {
      let free = try await pass("free", patches, options: ["--no-jail"]) { _ in 20 }
      let jailed = Self.hasJail ? try await pass("jailed", patches) { _ in 60 } : nil
      try Self.table(patches, jailed, free).write(
        toFile: path, atomically: true, encoding: .utf8)
    }
    let page = try String(contentsOfFile: "\(Self.root)/docs/hostile.md", encoding: .utf8)
    let names = page.split(separator: "\n").filter { $0.hasPrefix("| ") }
      .map { $0.dropFirst(2).prefix { $0 != "|" }.trimmingCharacters(in: .whitespaces) }
    let kinds = HostilePatch.Kind.allCases.map { kind in patches.filter { $0.kind == kind } }
    XCTAssertEqual(
      names.filter { $0 != "patch" }, kinds.flatMap { $0 }.map { $0.name })
  }

  /// The patches of a kind: in the jail, and without it those that are held otherwise.
  private func doNoHarm(
    _ kind: HostilePatch.Kind, where isMeant: (HostilePatch) -> Bool = { _ in true }
  ) async throws {
    let patches = HostilePatch.all.filter { $0.kind == kind && isMeant($0) }
    XCTAssertFalse(patches.isEmpty)
    _ = try await free(patches.filter { !$0.needsJail })
    guard Self.hasJail else { return }
    for (patch, run) in zip(patches, try await pass("jailed", patches, most: { _ in 60 })) {
      XCTAssertEqual(run.harm, [], patch.name)
      XCTAssertEqual(run.left, [], patch.name)
      XCTAssert((0...3).contains(run.status ?? -1), "\(patch.name): \(run.status ?? -1)")
    }
  }

  /// Runs patches without a jail; what goes on by design is not waited for. Nothing may be left.
  private func free(_ patches: [HostilePatch]) async throws -> [HostileRun] {
    let runs = try await pass("free", patches, options: ["--no-jail"]) {
      $0.kind == .denialOfService ? 8 : 20
    }
    for (patch, run) in zip(patches, runs) { XCTAssertEqual(run.left, [], patch.name) }
    return runs
  }

  /// Some patches, a few at a time, each ended after the most seconds that it may take.
  private func pass(
    _ name: String, _ patches: [HostilePatch], options: [String] = [],
    most: (HostilePatch) -> Double
  ) async throws -> [HostileRun] {
    let tree = try await kernel()
    let cache = "\(scratch)/\(name)-cache"
    try FileManager.default.createDirectory(
      atPath: "\(cache)/kshim/results", withIntermediateDirectories: true)
    try share(["builds"], with: cache)
    let scenes = patches.enumerated().map { number, patch in
      HostileScene(
        patch: patch, tree: tree, directory: "\(scratch)/\(name)-\(number)", cache: cache,
        options: options, most: most(patch))
    }
    return try await withThrowingTaskGroup(of: (Int, HostileRun).self) { group in
      var runs = [HostileRun](repeating: HostileRun(), count: scenes.count)
      var waiting = scenes.indices[...]
      func begin() {
        guard let number = waiting.popFirst() else { return }
        group.addTask { (number, try await scenes[number].run()) }
      }
      for _ in 0..<Self.atOnce(patches) { begin() }
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
    let held = zip(patches, free).filter(\.0.needsJail)
    let sum =
      "\(patches.count) patches: \(harm) did harm with the jail, \(free.count { !$0.harm.isEmpty }) without. "
      + "\(held.count) were allowed to do what nothing watches (`--allow`): "
      + "\(held.count { !$0.1.harm.isEmpty }) of those did harm without the jail."
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

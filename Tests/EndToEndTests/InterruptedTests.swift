// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// kshim is ended at any moment: nothing is left that a later check could trip over.
final class InterruptedTests: EndToEndTestCase {
  private static let file = "lib/argv_split.c"
  private static let function = "argv_split"

  /// A patch that leaks, with NUMBER in it.
  private func template() async throws -> String {
    try await patch(
      "leak.patch",
      [
        KernelEdit(
          Self.file, in: Self.function,
          .replace("kfree(argv_str);", with: "(void)NUMBER;"))
      ], of: kernel())
  }

  /// A cache with everybody's kernels and nothing else.
  private func cache(_ name: String) throws -> [String: String?] {
    let directory = "\(scratch)/\(name)"
    try FileManager.default.createDirectory(
      atPath: "\(directory)/kshim", withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(
      atPath: "\(directory)/kshim/kernels",
      withDestinationPath: "\(store.cacheDirectory)/kernels")
    return ["XDG_CACHE_HOME": directory]
  }

  /// Two at a time, each killed after a random time: kshim itself, or what it has started first.
  private static let kills = """
    kshim=$1 template=$2 kernel=$3 function=$4 count=$5 seed=$6 most=$7
    RANDOM=$seed
    one() {
      sed "s/NUMBER/$1/" "$template" > "$1.patch"
      mkdir -p "tmp-$3"
      arguments=(check --kernel "$kernel" --patch "$1.patch" --jobs 1)
      (( $1 % 3 )) || arguments+=(--function "$function")
      TMPDIR=$PWD/tmp-$3 "$kshim" "${arguments[@]}" > /dev/null 2> "$1.errors" &
      pid=$!
      sleep "$2"
      victim=$pid
      (( $1 % 4 )) || victim=$(cut -d' ' -f1 "/proc/$pid/task/$pid/children" 2> /dev/null)
      kill -9 "${victim:-$pid}" 2> /dev/null
      { wait $pid; } 2> /dev/null
      case $? in 137) echo killed ;; 1) echo found ;; 3) echo told ;; *) echo "$1: $?"; cat "$1.errors" ;; esac
    }
    turn() {
      for (( number = $1; number < count; number += 2 )); do
        one "$number" "${delays[number]}" "$1"
      done
    }
    for (( number = 0; number < count; number++ )); do
      delays+=("$(printf '%d.%03d' $(( RANDOM % most / 1000 )) $(( RANDOM % most % 1000 )))")
    done
    turn 0 & turn 1 & wait
    """

  func test_killedAtTwoHundredMoments_theVerdictIsTheSame() async throws {
    let tree = try await kernel()
    let template = try await template()
    let environment = try cache("abused")
    // Of moments in a check that has its headers read already.
    var most = 0
    for number in [1000, 1001] {
      let text = try String(contentsOfFile: template, encoding: .utf8)
      let patch = try write(text.replacing("NUMBER", with: "\(number)"), "first.patch")
      let began = ContinuousClock.now
      let ran = try await kshim(
        "check", "--kernel", tree.spec, "--patch", patch, environment: environment)
      XCTAssertEqual(ran.status, 1, ran.output + ran.errors)
      most = min(800, Int(began.duration(to: .now) / .milliseconds(1)))
    }
    let seed = Int.random(in: 0..<32768)
    print("seed \(seed), up to \(most) ms")
    let ran = try await Command.script(
      Self.kills,
      [
        Tool.path, template, tree.spec, "\(Self.file):\(Self.function)", "200", "\(seed)",
        "\(most)",
      ],
      needs: ["sed"], environment: environment.merging(["KERNEL": nil, "KSHIM_ROOT": nil]) { $1 },
      directory: scratch)
    let ends = Dictionary(grouping: ran.outputText.split(separator: "\n")) { $0 }.mapValues(\.count)
    print(ends)
    XCTAssert(
      Set(ends.keys).isSubset(of: ["killed", "found", "told"]), "\(seed): \(ran.outputText)")
    XCTAssertEqual(ends.values.reduce(0, +), 200, ran.errorText)
    XCTAssertGreaterThan(ends["killed"] ?? 0, 60, "\(seed)")

    // What was killed is swept by the next, and what it kept is whole.
    for number in [1, 198, 199, 200] {
      let text = try String(contentsOfFile: template, encoding: .utf8)
      let patch = try write(text.replacing("NUMBER", with: "\(number)"), "last.patch")
      let arguments = ["check", "--kernel", tree.spec, "--patch", patch]
      var outputs: [String] = []
      for cache in ["abused", "fresh"] {
        let temporary = "\(scratch)/tmp-\(number % 2)"
        try FileManager.default.createDirectory(
          atPath: temporary, withIntermediateDirectories: true)
        let ran = try await kshim(
          arguments,
          environment: [
            "XDG_CACHE_HOME": "\(scratch)/\(cache)", "TMPDIR": temporary,
          ])
        XCTAssertEqual(ran.status, 1, "\(seed), \(cache): \(ran.output)\(ran.errors)")
        XCTAssertEqual(ran.errors, "", "\(seed), \(cache)")
        outputs.append(
          ran.output.replacing("  reused from an earlier search\n", with: "")
            .replacing(/in [0-9.]+ s/, with: "in a while"))
        XCTAssertEqual(
          try FileManager.default.contentsOfDirectory(atPath: temporary), [], "\(seed), \(cache)")
        if cache == "abused" { _ = try? self.cache("fresh") }
      }
      XCTAssertEqual(outputs[0], outputs[1], "\(seed)")
    }
    try await nothingRuns()
  }

  /// Whoever waits in a shell has ended with Ctrl-C, a service with SIGTERM.
  func test_endedBySignal_leavesNothing() async throws {
    let tree = try await kernel()
    let template = try await template()
    let environment = try cache("cache")
    for (number, name) in ["INT", "TERM", "HUP", "INT", "TERM", "INT", "TERM", "INT"].enumerated() {
      let text = try String(contentsOfFile: template, encoding: .utf8)
      let patch = try write(text.replacing("NUMBER", with: "\(number)"), "\(number).patch")
      let delay = 0.05 + 0.12 * Double(number)
      // In its own session: a signal for this one alone, not for those that it started.
      let ran = try await kshim(
        ["check", "--kernel", tree.spec, "--patch", patch, "--no-cache"], environment: environment,
        wrapper: [
          "setsid", "-w", "timeout", "--foreground", "--preserve-status", "-s", name, "\(delay)",
        ])
      let signal = ["HUP": 1, "INT": 2, "TERM": 15][name]!
      XCTAssert([128 + Int32(signal), 1].contains(ran.status), "\(delay): \(ran)")
      XCTAssertEqual(ran.output == "", ran.status != 1, "\(ran)")
    }
    try await nothingRuns()
  }

  /// Of what was started here; a moment for those that are just ending.
  private func nothingRuns() async throws {
    var left = ""
    for _ in 0..<50 {
      let found = try await Command.script(
        "pgrep -af \"[^ ]*$1\" | grep -v pgrep || true", [scratch], needs: ["pgrep"])
      left = found.outputText
      if left.isEmpty { return }
      try await Task.sleep(for: .milliseconds(100))
    }
    XCTAssertEqual(left, "")
  }
}

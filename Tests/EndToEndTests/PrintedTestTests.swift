// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// What `kshim replay --as test` prints of a function that no manifest describes is built and run:
/// beside the defect, and beside what mends it.
final class PrintedTestTests: EndToEndTestCase {
  private static let name = "net/sctp/protocol.c:sctp_v4_add_protocol"

  private func defect() async throws -> String {
    let tree = try await store.need(["net/sctp"], of: kernel())
    return try await patch(
      "defect.patch",
      [
        KernelEdit(
          "net/sctp/protocol.c", in: "sctp_v4_add_protocol",
          .delete("unregister_inetaddr_notifier"))
      ], of: tree)
  }

  func test_printedTest_failsWithTheDefect_andPassesWithoutIt() async throws {
    let patch = try await defect()
    let scenario = "sctp_v4_add_protocol:-:rin0.iap1"
    let printed = try await kshim(
      "replay", "--patch", patch, "--function", Self.name, "--as", "test", scenario)
    XCTAssertEqual(printed.status, 1, printed.errors)
    let type = try XCTUnwrap(printed.output.firstMatch(of: /class (Replay\w+): XCTestCase/)?.1)
    try write(printed.output, "\(type).swift")

    let defect = try await run(String(type), extracted: ["--patch", patch])
    XCTAssertEqual(defect.status, 1, defect.text)
    XCTAssert(
      defect.text.contains("failed - unreleased: in sctp_v4_add_protocol(): "), defect.text)
    XCTAssert(defect.text.contains("scenario \(scenario)"), defect.text)
    XCTAssert(defect.text.contains("Executed 1 test, with 1 failure"), defect.text)

    // Mended code asks for one decision more.
    let mended = try await run(String(type), extracted: [])
    XCTAssertEqual(mended.status, 0, mended.text)
    XCTAssert(mended.text.contains("Executed 1 test, with 0 failures"), mended.text)
  }

  /// The property that docs/guide.md shows.
  func test_ownProperty_failsWithTheDefect_andPassesWithoutIt() async throws {
    let patch = try await defect()
    let text = try String(
      contentsOfFile: "\(Self.root)/Tests/ExtractedTests/OwnPropertyTests.swift", encoding: .utf8)
    try write(text, "OwnPropertyTests.swift")
    let broken = try await run(
      "OwnPropertyTests", "test_order", extracted: ["--patch", patch])
    XCTAssertEqual(broken.status, 1, broken.text)
    XCTAssert(
      broken.text.contains(
        "failed - order: the notifier stays although the protocol could not be added"), broken.text)
    let mended = try await run("OwnPropertyTests", "test_order", extracted: [])
    XCTAssertEqual(mended.status, 0, mended.text)
    XCTAssert(mended.text.contains("Executed 1 test, with 0 failures"), mended.text)
  }

  /// Extracts the function as `swift test` finds it, builds what is linked anew, and runs the test.
  private func run(
    _ type: String, _ test: String = "test_scenario_keepsEveryProperty",
    extracted options: [String]
  ) async throws -> (status: Int32, text: String) {
    let root = "\(scratch)/kshim"
    let ran = try await kshim(
      ["extract", "--function", Self.name, "--into", "\(root)/kernel-extract/out/function"]
        + options)
    XCTAssertEqual(ran.status, 0, ran.errors)
    try write(
      """
      import XCTest
      XCTMain([
        testCase([
          ("\(test)", asyncTest(\(type).\(test)))
        ])
      ])
      """, "main.swift")
    let built = try await Command.script(
      #"""
      set -eu
      test=$1 products=$2 root=$3 mine=$4
      cd "$mine/.."
      for part in shims kernel-extract/runtime.inc kernel-extract/table.inc; do
        [[ -e $mine/$part ]] || ln -s "$root/$part" "$mine/$part"
      done
      cp -r "$root/kernel-extract/function" "$mine/kernel-extract/"
      parts=()
      for part in ExtractedSubjects Exploration KernelSource Failures Shims KernelExtract; do
        parts+=("$products/$part.build")
      done
      # Of other packages.
      while IFS= read -r part; do parts+=("$part"); done < <(
        find "$products" -maxdepth 1 \( -name '*Crypto*.build' -o -name '*XKCP*.build' \
          -o -name '*Subprocess*.build' -o -name '*System*.build' \) -not -name '*-tool.build')
      [[ -e library.a ]] || find "${parts[@]}" -name '*.o' -print0 | xargs -0 ar rcsT library.a
      rm -f function-*.o
      options=$root/kernel-extract/options
      for part in runtime subject table; do
        clang -c -g0 -I"$root/shims/include" "@$options/language" "@$options/subject" \
          "@$options/instruments" -I"$root/shims/public" \
          -I"$mine/kernel-extract/function/include" \
          "$mine/kernel-extract/function/$part.c" -o "function-$part.o"
      done
      maps=()
      while IFS= read -r map; do maps+=(-Xcc -fmodule-map-file="$map"); done < <(
        find "$products" -mindepth 2 -maxdepth 2 -name module.modulemap
        find "$root"/.build/checkouts/*/Sources "$root/shims" -name module.modulemap)
      swiftc -swift-version 6 -module-name Printed -module-cache-path modules \
        -I "$products/Modules" -Xcc -I"$root/shims/public" "${maps[@]}" \
        "$test.swift" main.swift function-*.o library.a -lstdc++ -o printed
      """#, [type, Tool.products, Self.root, root],
      needs: ["swiftc", "clang", "ar", "find"], directory: scratch)
    XCTAssertEqual(built.status, 0, built.errorText)
    let test = try await Command.run(
      "\(scratch)/printed", [], environment: ["KSHIM_ROOT": root], directory: scratch)
    return (test.status, test.outputText + test.errorText)
  }
}

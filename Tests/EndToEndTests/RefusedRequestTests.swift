// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// Requests that are wrong in themselves.
final class RefusedRequestTests: EndToEndTestCase {
  func test_unknownSubject_isAWrongRequest() async throws {
    let tree = try await kernel()
    let refusal = try await refused(
      2, "check", "--kernel", tree.directory, "--subject", "kshim-nothing")
    XCTAssert(refusal.cause.contains("there is no subject 'kshim-nothing'"), refusal.text)
    XCTAssert(refusal.remedy.contains("kvm-mmu-roots"), refusal.text)
  }

  func test_wrongKeyInTheManifest_isToldWithFileLineAndKey() async throws {
    let tree = try await kernel()
    let root = "\(scratch)/root"
    let copied = try await Command.script(
      "mkdir -p \"$2/kernel-extract\" && cp -r \"$1/shims\" \"$2\" && cd \"$1/kernel-extract\" && "
        + "cp -r subjects glue options table.inc \"$2/kernel-extract\"",
      [Self.root, root], needs: ["cp"])
    XCTAssertEqual(copied.status, 0, copied.errorText)
    let manifest = "\(root)/kernel-extract/subjects/kvm-mmu-roots.yaml"
    let text = try String(contentsOfFile: manifest, encoding: .utf8)
    try text.replacing("\nglue:", with: "\ngleu: wrong\nglue:").write(
      toFile: manifest, atomically: false, encoding: .utf8)
    let line = try lineNumber(of: "gleu:", in: String(contentsOfFile: manifest, encoding: .utf8))
    let refusal = try await refused(
      2, "check", "--kernel", tree.directory, environment: ["KSHIM_ROOT": root])
    XCTAssertEqual(refusal.place, "\(manifest):\(line)", refusal.text)
    XCTAssert(refusal.cause.contains("'gleu'"), refusal.text)
  }

  func test_rootWithoutStubHeaders_isTheToolsTrouble() async throws {
    let refusal = try await refused(4, "subjects", environment: ["KSHIM_ROOT": scratch])
    XCTAssert(refusal.remedy.contains("KSHIM_ROOT"), refusal.text)
  }

  func test_outputThatCannotBeWritten_isAWrongRequest() async throws {
    let tree = try await kernel()
    let refusal = try await refused(
      2, "check", "--kernel", tree.directory, "-o", "\(scratch)/none/report.txt")
    XCTAssertEqual(refusal.place, "\(scratch)/none/report.txt")
  }

  func test_malformedScenario_isAWrongRequest() async throws {
    for scenario in ["nonsense", "a:b", "a:b:c:d", "a::-", "a:b:1", "a:b:gzp", "a:b:gzp999"] {
      let refusal = try await refused(2, "replay", "--kernel", "/no/such/kernel", scenario)
      XCTAssert(refusal.cause.contains("'\(scenario)'"), refusal.text)
      XCTAssert(refusal.remedy.contains("scenario"), refusal.text)
    }
  }

  func test_unknownState_isAWrongRequest() async throws {
    let tree = try await kernel()
    let refusal = try await refused(
      2, "replay", "--kernel", tree.directory, "\(Defect.special):shadow=9:-")
    XCTAssert(refusal.cause.contains("there is no state 'shadow=9'"), refusal.text)
    XCTAssert(refusal.remedy.contains("'shadow="), refusal.text)
  }

  func test_unknownTarget_isAWrongRequest() async throws {
    let tree = try await kernel()
    let refusal = try await refused(2, "replay", "--kernel", tree.directory, "foo:bar:-")
    XCTAssert(refusal.cause.contains("foo is no target of kvm-mmu-roots"), refusal.text)
    XCTAssert(refusal.remedy.contains(Defect.special), refusal.text)
  }

  func test_decisionsOfAnotherCode_areAWrongRequest() async throws {
    let tree = try await kernel()
    let refusal = try await refused(
      2, "replay", "--kernel", tree.directory,
      "\(Defect.special):shadow=4,guest=3,direct=0,tdp=1,tables=none,me=0:gzp0.xyz1")
    XCTAssert(refusal.cause.contains("decision 2"), refusal.text)
  }

  // MARK: Usage

  func test_wrongUsage_isToldWithTheWayToHelp() async throws {
    for arguments in [
      ["check", "--nonsense"], ["check", "--kernel"], ["check", "--jobs", "0"],
      ["check", "--jobs", "many"], ["check", "--jobs", "257"], ["check", "--format", "prose"],
      ["kernels", "prune", "--larger-than", "many"], ["check", "extra"], ["nonsense"], ["replay"],
      ["kernels", "path"], ["kernels", "nonsense"],
    ] {
      let ran = try await kshim(arguments, environment: ["XDG_CACHE_HOME": emptyCache])
      XCTAssertEqual(ran.status, 2, "\(arguments): \(ran.errors)")
      XCTAssertEqual(ran.output, "", "\(arguments)")
      XCTAssert(ran.errors.hasPrefix("Error: "), "\(arguments): \(ran.errors)")
      XCTAssertEqual(ran.errors.ranges(of: "Error: ").count, 1, "\(arguments): \(ran.errors)")
      XCTAssert(ran.errors.contains("--help'"), "\(arguments): \(ran.errors)")
      XCTAssertFalse(FileManager.default.fileExists(atPath: emptyCache), "\(arguments)")
    }
  }

  func test_numberBelowWhatIsTaken_isNamed() async throws {
    for (command, option) in [
      (["check"], "--jobs"), (["check"], "--take"), (["mutate"], "--sample"),
      (["mutate"], "--seed"),
      (["kernels", "prune"], "--older-than"), (["kernels", "prune"], "--larger-than"),
    ] {
      let ran = try await kshim(command + [option, "-1"])
      XCTAssertEqual(ran.status, 2, ran.errors)
      let line = ran.errors.prefix { $0 != "\n" }
      XCTAssert(line.contains(option) && line.contains("-1"), ran.errors)
      XCTAssertFalse(line.contains("Missing"), ran.errors)
    }
  }

  func test_bisect_skipsWhatCannotBeJudged() async throws {
    let file = try write("", "file")
    for (arguments, cache) in [
      (["check", "--bisect", "--kernel", "/no/such/kernel"], emptyCache),
      (["check", "--bisect", "--jobs", "0"], emptyCache),
      (["check", "--bisect", "--nonsense"], emptyCache),
      (["check", "--bisect", "--kernel", "debian:6.12"], "\(file)/cache"),
    ] {
      let ran = try await kshim(arguments, environment: ["XDG_CACHE_HOME": cache])
      XCTAssertEqual(ran.status, 125, "\(arguments): \(ran.errors)")
      XCTAssertEqual(ran.output, "")
    }
  }
}

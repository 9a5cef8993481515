// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Failures
import Foundation
import XCTest

/// Wrong manifests, and the file, line and key that the reader is told.
final class ManifestTests: ExtractionTestCase {
  /// A manifest whose last line, the ninth, is the one under test.
  private static let head = """
    subject: made-up
    title: a manifest for tests
    source: arch/x86/kvm/mmu/mmu.c
    include: [arch/x86/kvm, virt/kvm]
    targets: [free_mmu_pages]
    objects:
      mmu: {type: struct kvm_mmu}
    locks: {a: mmu->a, b: mmu->b}

    """

  private func check(
    _ last: String, place: Int? = 9, _ words: String..., line: UInt = #line
  ) async throws {
    let installation = try installation(with: Self.head + last)
    let error = try await failure(.request, line: line) { try installation.manifest("made-up") }
    let path = "\(installation.subjects)/made-up.yaml"
    XCTAssertEqual(
      error.place, place.map { "\(path):\($0)" } ?? path, error.description, line: line)
    for word in words { XCTAssert(error.cause.contains(word), error.description, line: line) }
  }

  func test_wrongKey_isNamedWithItsLineAtEveryLevel() async throws {
    try await check("slot: {}", "'slot'")
    try await check("slots: {s: {is: [mmu->x], size: 3}}", "'size'", "slot 's'")
    try await check("objects2: {}", "'objects2'")
    try await check("state: {s: {type: int, length: 3}}", "'length'", "state 's'")
    try await check("bind: [{to: [mmu->x], value: 1, from: 2}]", "'from'", "bind")
    try await check("callbacks: {c: {is: [mmu->f], returns: [0], when: 1}}", "'when'", "'c'")
    try await check("boundary: {f: {return: [0], ignored: true}}", "'return'", "'f'")
    try await check("boundary: {f: {frees: page, zeroed: true}}", "'zeroed'", "'f'")
    try await check("variables: {v: {type: int, value: 0, init: 1}}", "'init'", "'v'")
    try await check("boundary:\n  f:\n    ignored: true\n    retruns: [0]", place: 12, "'retruns'")
  }

  func test_wrongKeyOfTheServices_isNamedInTheirFile() async throws {
    let installation = try installation(with: Self.head, services: "boundary: {}\nslots: {}\n")
    let error = try await failure(.request) { try installation.manifest("made-up") }
    XCTAssertEqual(error.place, "\(installation.root)/kernel-extract/services/own.yaml:2")
    XCTAssert(error.cause.contains("'slots'"), error.description)
  }

  func test_mentionedOfASlot_namesOneFunctionAndAList() async throws {
    try await check(
      "slots: {s: {is: [a], mentioned: {f: [x], g: [y]}}}", "slot 's'", "one function")
    try await check("slots: {s: {is: [a], mentioned: {f: x}}}", "slot 's'", "list")
    try await check("slots: {s: {is: [a], mentioned: f}}", "slot 's'", "mapping")
  }

  func test_keyTwice_isNamedWithItsLine() async throws {
    try await check("title: again", "'title'", "twice")
    try await check("slots: {s: {is: [a], count: 1, count: 2}}", "'count'", "twice")
    try await check(
      "boundary:\n  f: {ignored: true}\n  f: {ignored: true}", place: 11, "'f'", "twice")
  }

  func test_missingKey_isNamed() async throws {
    try await check("slots: {s: {count: 1}}", "'is'", "slot 's'")
    try await check("objects3: 1", "'objects3'")
    try await check("state: {s: {count: 1}}", "'type'")
    try await check("bind: [{to: [mmu->x]}]", "'value'")
    let installation = try installation(with: "subject: made-up\n")
    let error = try await failure(.request) { try installation.manifest("made-up") }
    XCTAssert(error.cause.contains("'targets'"), error.description)
  }

  func test_wrongType_isNamedWithItsLine() async throws {
    try await check("slots: [a]", "slots")
    try await check("slots: {s: {is: mmu->x}}", "is")
    try await check("slots: {s: {is: []}}", "'s'")
    try await check("slots: {s: {is: [a], count: many}}", "count")
    try await check("slots: {s: {is: [a], count: 0}}", "count")
    try await check("slots: {s: {is: [a], optional: perhaps}}", "optional")
    try await check("bind: {to: [mmu->x], value: 1}", "bind")
    try await check("inputs: {i: [1]}", "'i'")
    try await check("include2: 1", "'include2'")
    try await check("glue: [a.c]", "glue")
    try await check("boundary: {f: [0]}", "'f'")
    try await check("boundary: {f: {returns: 0}}", "returns")
    try await check("boundary: {f: {returns: []}}", "'f'")
    try await check("boundary: {f: {allocates: pages}}", "'pages'")
    try await check("boundary: {f: {locks: mine}}", "'mine'")
    try await check("boundary: {f: {returns: [0], context: irq}}", "'context'")
    try await check("boundary: {f: {locks: write, tries: true}}", "'tries'")
    try await check("boundary: {f: {enters: sleep}}", "'sleep'")
    try await check("boundary: {f: {translates: virtual}}", "translates")
    try await check("boundary: {f: {allocates: page, order: first}}", "order")
    try await check("boundary: {f: {ends: hang}}", "ends")
    try await check("threads: {input: n, count: 2}", "'n'", "inputs")
    try await check("inputs: {n: 1}\nthreads: {input: n, count: 3}", place: 10, "count")
    try await check("variables: {v: [0]}", "'v'")
  }

  func test_ruleThatDoesNothingTwoThingsOrTheImpossible_isRefused() async throws {
    try await check("boundary: {f: {sleeps: always}}", "'f'", "nothing")
    try await check("boundary: {f: {returns: [0], ignored: true}}", "'f'", "more than one")
    try await check("boundary: {f: {allocates: object}}", "'f'", "size")
    try await check("boundary: {f: {allocates: page, size: p0}}", "'f'", "size")
    try await check("boundary: {f: {returns: [0], holds: c}}", "'c'", "'f'")
    try await check("callbacks: {f: {is: [mmu->f], returns: [0], holds: c}}", "'c'", "'f'")
  }

  func test_names_mustFit() async throws {
    try await check("glue: no-such.c", "no-such.c")
    try await check("extract: [free_mmu_pages]", "free_mmu_pages", "twice")
    let installation = try installation(
      with: Self.head.replacing("subject: made-up", with: "subject: other"))
    let error = try await failure(.request) { try installation.manifest("made-up") }
    XCTAssertEqual(error.place, "\(installation.subjects)/made-up.yaml:1")
    XCTAssert(error.cause.contains("'other'"), error.description)
  }

  func test_brokenYAML_isToldWithItsLine() async throws {
    try await check("slots: {s: {is: [a]}\nx: 1", place: 10)
    try await check("slots:\n\t- a", place: 10)
    let installation = try installation(with: "")
    _ = try await failure(.request) { try installation.manifest("made-up") }
  }

  func test_unknownSubject_listsTheKnownOnes() async throws {
    for name in ["kvm-mmu-root", "", "../subjects/kvm-mmu-roots", "services"] {
      let error = try await failure(.request) { try installation.manifest(name) }
      XCTAssertEqual(error.cause, "there is no subject '\(name)'")
      XCTAssert(error.remedy.contains("kvm-mmu-roots"), error.remedy)
    }
  }

  // MARK: What only a kernel can tell

  private func extractFailure(_ last: String) async throws -> (Failure, String) {
    let installation = try installation(
      with: Self.head.replacing("locks: {a: mmu->a, b: mmu->b}", with: "title2: 1")
        .replacing("title2: 1", with: "since: \"5.13\"") + last)
    let tree = try await kernel()
    let error = try await failure(.build) {
      try await extract(tree, installation: installation, subject: "made-up")
    }
    return (error, "\(installation.subjects)/made-up.yaml")
  }

  func test_slotThatThisKernelLacks_isNamedWithItsLineAndSpellings() async throws {
    let (error, path) = try await extractFailure(
      "slots:\n  one: {is: [mmu->pae_root]}\n  two: {is: [mmu->no_such, mmu->neither]}")
    XCTAssertEqual(error.place, "\(path):11")
    XCTAssert(error.cause.hasSuffix("slot 'two': mmu->no_such, mmu->neither"), error.description)
  }

  func test_objectAndBindingThatThisKernelLacks_areNamedWithTheirLine() async throws {
    var (error, path) = try await extractFailure("bind:\n  - {to: [mmu->no_such], value: 1}")
    XCTAssertEqual(error.place, "\(path):10")
    (error, path) = try await extractFailure(
      "slots: {s: {is: [mmu->pae_root]}}\nstate: {t: {type: struct kshim_no_such, count: 2}}")
    XCTAssertEqual(error.place, "\(path):10", error.description)
  }

  func test_wrongExpression_isBlamedOnTheManifestNotThePatch() async throws {
    for boundary in [
      "  free_pages: {returns: [kshim_no_such_name]}",
      "  free_pages: {custom: kshim_no_such_name}",
      "  free_pages: {ignored: true}\n  x: {ignored: true}\nvariables: {shadow_me_value: kshim_no_such_name}",
    ] {
      let (error, path) = try await extractFailure("boundary:\n\(boundary)")
      let line = try lineNumber(of: "kshim_no_such_name", in: path)
      XCTAssert(error.cause.contains("kshim_no_such_name"), error.description)
      XCTAssertEqual(error.place, "\(path):\(line)", error.description)
      XCTAssertFalse(error.remedy.contains("patch"), error.remedy)
    }
  }

  func test_argumentThatTheCalleeLacks_isNamed() async throws {
    let (error, path) = try await extractFailure("boundary:\n  free_pages: {frees: page, order: 7}")
    XCTAssertEqual(error.place, path)
    XCTAssert(error.cause.contains("'order: 7' of boundary 'free_pages'"), error.description)
  }

  func test_glueThatDoesNotCompile_isBlamedOnItself() async throws {
    let installation = try installation(with: Self.head + "glue: made-up.c")
    let glue = "\(installation.root)/kernel-extract/glue"
    try FileManager.default.removeItem(atPath: glue)
    try FileManager.default.createDirectory(atPath: glue, withIntermediateDirectories: true)
    try Data("/* one line */\nstatic int x = ;\n".utf8).write(
      to: URL(fileURLWithPath: "\(glue)/made-up.c"))
    let tree = try await kernel()
    let error = try await failure(.build) {
      try await extract(tree, installation: installation, subject: "made-up")
    }
    XCTAssertEqual(error.place, "\(glue)/made-up.c:2", error.description)
    XCTAssertFalse(error.remedy.contains("patch"), error.remedy)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Failures
import Foundation
import XCTest

/// What a manifest says of calls and values, and a manifest outside of the installation.
final class DriverManifestTests: ExtractionTestCase {
  /// A manifest whose last line, the seventh, is the one under test.
  private static let head = """
    subject: made-up
    title: a manifest for tests
    source: arch/x86/kvm/mmu/mmu.c
    include: [arch/x86/kvm, virt/kvm]
    targets: [free_mmu_pages, __kvm_mmu_create]
    objects: {mmu: {type: struct kvm_mmu}}

    """

  private func write(_ text: String, _ name: String = "made-up.yaml") throws -> String {
    let path = "\(scratch)/\(name)"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  private func check(_ last: String, _ words: String..., line: UInt = #line) throws {
    let path = try write(Self.head + last)
    XCTAssertThrowsError(
      try installation.adding(manifest: path).manifest("made-up"), last, line: line
    ) { error in
      guard let error = error as? Failure else { return XCTFail("\(error)", line: line) }
      XCTAssertEqual(error.kind, .request, line: line)
      XCTAssertEqual(error.place, "\(path):7", error.description, line: line)
      for word in words { XCTAssert(error.cause.contains(word), error.description, line: line) }
    }
  }

  func test_driversAndValues_areRead() throws {
    let path = try write(
      Self.head + """
        slots: {order: {is: [mmu->x], values: [1, -EINVAL, NULL]}}
        drivers: {life: [__kvm_mmu_create, free_mmu_pages]}
        arguments: {__kvm_mmu_create: {vcpu: [NULL], 1: [1, 2]}}
        """)
    let manifest = try installation.adding(manifest: path).manifest("made-up")
    XCTAssertEqual(manifest.slots.map(\.values), [["1", "-EINVAL", "NULL"]])
    XCTAssertEqual(manifest.drivers.map(\.name), ["life"])
    XCTAssertEqual(manifest.drivers.map(\.calls), [["__kvm_mmu_create", "free_mmu_pages"]])
    XCTAssertEqual(manifest.arguments.map(\.name), ["vcpu", "1"])
    XCTAssertEqual(manifest.arguments.map(\.values), [["NULL"], ["1", "2"]])
  }

  func test_wrongDrivers_areToldWithTheirLine() throws {
    try check("drivers: {life: []}", "'life'", "calls nothing")
    try check("drivers: {life: [free_pages]}", "'free_pages'", "no target")
    try check("drivers: {'a:b': [free_mmu_pages]}", "'a:b'", "cannot be called that")
    try check(
      "drivers: {free_mmu_pages: [__kvm_mmu_create]}", "'free_mmu_pages'", "cannot be called that")
  }

  func test_wrongValues_areToldWithTheirLine() throws {
    try check("slots: {s: {is: [mmu->x], values: []}}", "slot 's'", "0 values")
    try check("slots: {s: {is: [mmu->x], values: 1}}", "values of slot 's'", "list")
    try check("slots: {s: {is: ['mmu->x[i]'], count: 2, values: [1]}}", "slot 's'", "many elements")
    try check("arguments: {free_pages: {a: [1]}}", "'free_pages'", "no target")
    try check("arguments: {free_mmu_pages: {a: 1}}", "argument 'a' of free_mmu_pages", "list")
  }

  func test_manifestThatIsNotThere_isRefused() throws {
    for path in ["\(scratch)/none.yaml", scratch, try write("", "plain.txt")] {
      XCTAssertThrowsError(try installation.adding(manifest: path)) { error in
        XCTAssertEqual((error as? Failure)?.kind, .request)
        XCTAssertEqual((error as? Failure)?.place, path)
      }
    }
  }

  func test_manifestOfAKnownName_takesItsPlaceAndItsGlueLiesBesideIt() throws {
    let own = Self.head.replacing("made-up", with: Self.subject)
    let path = try write(own, "\(Self.subject).yaml")
    let added = try installation.adding(manifest: path)
    XCTAssertEqual(added.subjectNames(), installation.subjectNames())
    XCTAssertEqual(try added.manifest(Self.subject).title, "a manifest for tests")
    _ = try write(own + "glue: own.c", "\(Self.subject).yaml")
    XCTAssertThrowsError(try added.manifest(Self.subject)) { error in
      XCTAssert("\(error)".contains("put it into \(self.scratch)"), "\(error)")
    }
    _ = try write("", "own.c")
    XCTAssertNoThrow(try added.manifest(Self.subject))
    XCTAssertEqual(added.addedFiles, [path, "\(scratch)/own.c"])
  }
}

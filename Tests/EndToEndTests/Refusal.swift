// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import TestSupport
import XCTest

/// What the tool says on standard error when it cannot do what it was asked.
struct Refusal {
  var cause = ""
  var place: String?
  var evidence: [String] = []
  var remedy = ""
  /// All of it, for messages.
  var text: String

  /// Reads `kshim: cannot …: CAUSE`, `where:`, evidence and `remedy:`; nil where it has another form.
  init?(_ text: String) {
    self.text = text
    var lines = text.split(separator: "\n").map(String.init)
    guard text.hasSuffix("\n"), let first = lines.first, first.hasPrefix("kshim: cannot "),
      let last = lines.last, last.hasPrefix("  remedy: ")
    else { return nil }
    cause = String(first.dropFirst("kshim: cannot ".count))
    remedy = String(last.dropFirst("  remedy: ".count))
    lines = Array(lines.dropFirst().dropLast())
    if let line = lines.first, line.hasPrefix("  where:  ") {
      place = String(line.dropFirst("  where:  ".count))
      lines.removeFirst()
    }
    guard lines.allSatisfy({ $0.hasPrefix("  | ") }) else { return nil }
    evidence = lines.map { String($0.dropFirst("  | ".count)) }
  }
}

extension EndToEndTestCase {
  /// A cache of this test's own, which a refused request must leave empty.
  var emptyCache: String { "\(scratch)/cache" }

  /// The same, but for what is compiled once for all kernels and patches: that is everybody's.
  ///
  /// - Parameter keepsResults: whether the verdicts are everybody's too, where none is about their being
  ///   found.
  func cacheWithBuilds(keepsResults: Bool = false) throws -> [String: String?] {
    try share(["builds"] + (keepsResults ? ["results"] : []), with: emptyCache)
    return ["XDG_CACHE_HOME": emptyCache]
  }

  /// Links folders of everybody's cache into another.
  func share(_ names: [String], with cache: String) throws {
    let files = FileManager.default
    let own = "\(cache)/kshim"
    try files.createDirectory(atPath: own, withIntermediateDirectories: true)
    for name in names {
      let shared = "\(store.cacheDirectory)/\(name)"
      try files.createDirectory(atPath: shared, withIntermediateDirectories: true)
      if !files.fileExists(atPath: "\(own)/\(name)") {
        try files.createSymbolicLink(atPath: "\(own)/\(name)", withDestinationPath: shared)
      }
    }
  }

  /// Expects a refusal: the exit status, one sentence of cause, one of remedy, nothing on standard
  /// output and nothing left behind.
  @discardableResult
  func refused(
    _ status: Int32, _ arguments: String..., environment: [String: String?] = [:],
    input: String? = nil, wrapper: [String] = [], file: StaticString = #filePath,
    line: UInt = #line
  ) async throws -> Refusal {
    var overrides = try cacheWithBuilds()
    overrides.merge(environment) { _, given in given }
    let ran = try await kshim(
      arguments, environment: overrides, input: input, wrapper: wrapper, file: file, line: line)
    XCTAssertEqual(ran.status, status, ran.errors, file: file, line: line)
    XCTAssertEqual(ran.output, "", file: file, line: line)
    let refusal = try XCTUnwrap(Refusal(ran.errors), ran.errors, file: file, line: line)
    for sentence in [refusal.cause, refusal.remedy] {
      XCTAssertFalse(sentence.isEmpty, ran.errors, file: file, line: line)
      XCTAssertFalse(sentence.hasSuffix("."), sentence, file: file, line: line)
      XCTAssertFalse(sentence.contains(". "), sentence, file: file, line: line)
    }
    let kept = try? FileManager.default.subpathsOfDirectory(atPath: emptyCache)
    let files = (kept ?? []).filter {
      !$0.hasSuffix("kernels") && $0 != "kshim" && !$0.contains("/.lock-")
        && !$0.hasPrefix("kshim/builds")
    }
    XCTAssertEqual(files, [], "left in the cache", file: file, line: line)
    return refusal
  }

  /// The number, from 1, of the first line with a text.
  func lineNumber(of text: String, in content: String) throws -> Int {
    let lines = content.split(separator: "\n", omittingEmptySubsequences: false)
    return try XCTUnwrap(lines.firstIndex { $0.contains(text) }, "there is no \(text)") + 1
  }
}

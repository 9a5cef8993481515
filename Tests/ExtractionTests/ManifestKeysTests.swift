// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import XCTest

@testable import Extraction

/// The manual has every key that the reader takes.
final class ManifestKeysTests: XCTestCase {
  func test_everyKey_isInTheManual() throws {
    let docs = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("docs")
    let manual = try ["manifest.md", "any-function.md"].map {
      try String(contentsOf: docs.appendingPathComponent($0), encoding: .utf8)
    }.joined()
    // What stands as code.
    let words = Set(
      manual.matches(of: /`[^`\n]+`/).flatMap { code in
        code.output.split { !($0.isLetter || $0.isNumber || $0 == "-") }.map(String.init)
      })
    XCTAssertGreaterThan(ManifestReader.everyKey.count, 50)
    for key in ManifestReader.everyKey.sorted() {
      XCTAssert(words.contains(key), "docs/manifest.md says nothing of '\(key)'")
    }
  }
}

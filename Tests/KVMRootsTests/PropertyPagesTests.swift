// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Foundation
import XCTest

@testable import KVMRoots

/// Each property has a page in docs/properties, and the table of docs/properties.md leads to it.
final class PropertyPagesTests: XCTestCase {
  private static let docs = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("docs").path

  private let ids = (RootDomain.properties + [.deadBranch, .unreleased, .unchecked]).map(\.id)

  func test_pages_areThoseOfTheProperties() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: "\(Self.docs)/properties")
    XCTAssertEqual(files.sorted(), ids.map { "\($0).md" }.sorted())
  }

  func test_page_saysWhatItMeansWithAnExampleAndWhatToDo() throws {
    for id in ids {
      let path = "\(Self.docs)/properties/\(id).md"
      let text = try String(contentsOfFile: path, encoding: .utf8)
      XCTAssert(text.hasPrefix("# \(id)\n\n"), id)
      let parts = text.components(separatedBy: "\n## ")
      XCTAssertEqual(parts.count, 3, id)
      XCTAssert(parts[1].hasPrefix("Example\n\n") && parts[1].contains(id), id)
      XCTAssert(parts[2].hasPrefix("What to do\n\n"), id)
    }
  }

  func test_table_leadsToEachPage() throws {
    let text = try String(contentsOfFile: "\(Self.docs)/properties.md", encoding: .utf8)
    for id in ids { XCTAssert(text.contains("[`\(id)`](properties/\(id).md)"), id) }
  }
}

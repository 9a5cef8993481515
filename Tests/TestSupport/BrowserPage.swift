// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import XCTest

/// Pages looked at by `Tests/Browser/page.py` in one browser.
public enum BrowserPage {
  /// A page, and what it is looked at for.
  public struct Asked: Encodable {
    public var page: String
    public var run: [String]
    public init(_ page: String, _ run: [String]) {
      self.page = page
      self.run = run
    }
  }

  /// What is wrong, `check.html axe: …`; empty where nothing is.
  ///
  /// - Throws: `XCTSkip` where there is no browser.
  public static func look(_ asked: [Asked]) async throws -> [String] {
    let file = "\(asked[0].page).asked.json"
    try JSONEncoder().encode(asked).write(to: URL(fileURLWithPath: file))
    let said = try await Readers.python("Tests/Browser/page.py", ["check", file])
    guard said.status == 0 else { return ["page.py: \(said.errors)"] }
    let results = try JSONDecoder().decode([[String: [String]]].self, from: Data(said.text.utf8))
    guard zip(asked, results).allSatisfy({ Set($0.run) == Set($1.keys) }),
      asked.count == results.count
    else { return ["page.py did not run all that was asked for"] }
    return zip(asked, results).flatMap { asked, result in
      let name = URL(fileURLWithPath: asked.page).lastPathComponent
      return asked.run.flatMap { check in
        (result[check] ?? []).map { "\(name) \(check): \($0)" }
      }
    }
  }
}

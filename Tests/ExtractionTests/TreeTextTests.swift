// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import XCTest

@testable import Extraction

/// What a tree's own text tells of a function.
final class TreeTextTests: XCTestCase {
  private func mentions(_ text: String, _ name: String, in function: String = "f") throws -> Bool {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("kshim-text-\(UUID().uuidString).c").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return TreeText(path: path).mentions(.init(function: function, names: ["other", name]))
  }

  func test_nameInTheDefinition_isMentioned() throws {
    let text = "static int\nf(int a,\n  int b)\n{\n\tlook(a);\n}\n"
    XCTAssert(try mentions(text, "look"))
    XCTAssertFalse(try mentions(text, "loo"))
    XCTAssertFalse(try mentions(text, "look", in: "g"))
  }

  func test_declarationsCallsAndOtherFunctions_doNotCount() throws {
    let text = """
      int f(int look);
      static int g(int a)
      {
      	return f(look);
      }
      int of(int look)
      {
      }
      int f(int a)
      {
      	return a;
      }
      int h(int look)
      {
      }

      """
    XCTAssertFalse(try mentions(text, "look"))
    XCTAssert(try mentions(text, "a"))
  }

  func test_comments_doNotCount() throws {
    XCTAssertFalse(try mentions("int f(void)\n{\n\t/* look\n\t * look */\n}\n", "look"))
    XCTAssert(try mentions("int f(void)\n{\n\t/* here */ look(); /* no */\n}\n", "look"))
  }

  func test_fileThatIsNotThere_mentionsNothing() {
    XCTAssertFalse(
      TreeText(path: "/nowhere/a.c").mentions(.init(function: "f", names: ["look"])))
  }
}

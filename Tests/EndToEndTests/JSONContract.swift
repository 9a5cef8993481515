// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import XCTest

/// The JSON of `kshim check` as DESIGN.md fixes it. Keys may be added; these stay, with their types.
struct JSONContract {
  private let text: String

  init(_ text: String) { self.text = text }

  private indirect enum Form: Sendable {
    case string, integer, number, boolean, optionalString
    case exactly(Int)
    case oneOf([String])
    case object([String: Form])
    case list(Form)
  }

  private static let note: [String: Form] = [
    "property": .string, "function": .string, "file": .string, "line": .integer,
    "introduced": .boolean, "message": .string, "scenario": .string, "failing": .integer,
    "trace": .list(.object(["event": .string, "line": .integer])),
  ]

  private static let finding = Form.object(note.merging(["cause": .integer]) { $1 })

  private static let cause = Form.object([
    "sentence": .string, "findings": .list(.integer), "scenario": .string, "file": .string,
    "line": .integer,
  ])

  private static let check = Form.object([
    "schema": .exactly(1),
    "tool": .object(["name": .oneOf(["kshim"]), "version": .string]),
    "revision": .object([
      "kernel": .string, "version": .string,
      "patches": .list(.object(["file": .string, "subject": .optionalString])),
    ]),
    "subject": .string, "verdict": .oneOf(["clean", "findings"]),
    "findings": .list(finding), "causes": .list(cause), "notes": .list(.object(note)),
    "exploration": .object([
      "scenarios": .integer, "seconds": .number, "exhaustive": .boolean,
    ]),
    "properties": .list(.object(["id": .string, "checked": .integer, "broken": .integer])),
  ])

  /// The text is one object, nothing around it, and has every key of the contract.
  func assertHolds(file: StaticString = #filePath, line: UInt = #line) throws {
    let isAlone = text.hasPrefix("{") && text.hasSuffix("}\n")
    XCTAssert(isAlone, "more than an object", file: file, line: line)
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
    for wrong in Self.wrong(object, Self.check, "") { XCTFail(wrong, file: file, line: line) }
  }

  /// What does not fit, each with its path.
  private static func wrong(_ value: Any, _ form: Form, _ path: String) -> [String] {
    func unless(_ fits: Bool) -> [String] { fits ? [] : ["\(path) is \(value), not \(form)"] }
    switch form {
    case .string: return unless(value is String)
    case .optionalString: return unless(value is String || value is NSNull)
    case .oneOf(let words): return unless((value as? String).map(words.contains) ?? false)
    case .integer: return unless(isNumber(value) && value is Int)
    case .number: return unless(isNumber(value))
    case .boolean: return unless(!isNumber(value) && value is Bool)
    case .exactly(let number): return unless(isNumber(value) && value as? Int == number)
    case .list(let element):
      guard let list = value as? [Any] else { return unless(false) }
      return list.enumerated().flatMap { wrong($1, element, "\(path)[\($0)]") }
    case .object(let keys):
      guard let object = value as? [String: Any] else { return unless(false) }
      return keys.sorted { $0.key < $1.key }.flatMap { key, form -> [String] in
        if let value = object[key] { return wrong(value, form, "\(path).\(key)") }
        return ["\(path) has no '\(key)'"]
      }
    }
  }

  private static func isNumber(_ value: Any) -> Bool {
    guard let number = value as? NSNumber else { return false }
    return String(cString: number.objCType) != "c" && String(cString: number.objCType) != "B"
  }
}

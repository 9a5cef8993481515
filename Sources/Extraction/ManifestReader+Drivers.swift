// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Yams

extension Manifest {
  /// Calls of one scenario.
  public struct Driver: Sendable {
    public var name: String
    public var calls: [String]
    public var line: Int
  }

  /// What an argument that is no object can be.
  public struct Argument: Sendable {
    public var target: String
    /// Its name in the target's definition, or its number from 0.
    public var name: String
    /// C expressions, the ordinary one first.
    public var values: [String]
    public var line: Int
  }
}

/// What a manifest says about calls and about values.
extension ManifestReader {
  /// A value's number is a byte, and values multiply.
  private static let mostValues = 64

  func values(_ node: Node?, of what: String) throws -> [String] {
    guard let node else { return [] }
    let values = try strings(node, "values of \(what)")
    guard (1...Self.mostValues).contains(values.count) else {
      throw wrong(
        node.mark?.line, "\(what) has \(values.count) values",
        "give it from 1 to \(Self.mostValues), the ordinary one first")
    }
    return values
  }

  func drivers(_ node: Node?, targets: [String]) throws -> [Manifest.Driver] {
    guard let node else { return [] }
    return try keys(node, "drivers").entries.map { entry in
      let what = "driver '\(entry.key)'"
      let calls = try strings(entry.value, what)
      guard !calls.isEmpty else {
        throw wrong(entry.line, "\(what) calls nothing", "write \(entry.key): [TARGET, …]")
      }
      for call in calls where !targets.contains(call) {
        throw wrong(
          entry.line, "\(what) calls '\(call)', which is no target", "add it under 'targets:'")
      }
      // The name is the first part of a scenario's spelling.
      let isWord = entry.key.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
      guard isWord, !targets.contains(entry.key) || calls == [entry.key] else {
        throw wrong(
          entry.line, "\(what) cannot be called that",
          "take letters, digits and '_', and no target's name")
      }
      return Manifest.Driver(name: entry.key, calls: calls, line: entry.line)
    }
  }

  func arguments(_ node: Node?, targets: [String]) throws -> [Manifest.Argument] {
    guard let node else { return [] }
    return try keys(node, "arguments").entries.flatMap { target in
      guard targets.contains(target.key) else {
        throw wrong(
          target.line, "arguments are given to '\(target.key)', which is no target",
          "add it under 'targets:'")
      }
      return try keys(target.value, "arguments of '\(target.key)'").entries.map { entry in
        Manifest.Argument(
          target: target.key, name: entry.key,
          values: try values(entry.value, of: "argument '\(entry.key)' of \(target.key)"),
          line: entry.line)
      }
    }
  }
}

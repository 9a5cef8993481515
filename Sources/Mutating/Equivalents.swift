// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import Yams

/// Mutants that change nothing which anybody could observe, each with the reason:
/// `kernel-extract/equivalents/SUBJECT.yaml`, a list of `{mutant: KEY, reason: TEXT}`.
///
/// A key holds for the text of one function; keys of other versions are passed over.
struct Equivalents {
  struct Entry: Equatable {
    var reason: String
    /// From 1.
    var line: Int
  }

  let path: String
  private(set) var entries: [String: Entry] = [:]

  /// - Throws: ``Failure`` of kind request for a file of another form, with its line. A subject
  ///   without a file has no equivalents.
  init(path: String) throws {
    self.path = path
    guard FileManager.default.fileExists(atPath: path) else { return }
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw wrong(nil, "the file cannot be read", "check its permissions")
    }
    let document: Node?
    do {
      document = try Yams.compose(yaml: text)
    } catch {
      throw invalid(error)
    }
    guard let document else { return }
    guard let list = document.sequence else {
      throw wrong(
        document.mark?.line, "the file is not a list", "write '- {mutant: KEY, reason: TEXT}' lines"
      )
    }
    for node in list { try add(node) }
  }

  private mutating func add(_ node: Node) throws {
    let line = node.mark?.line
    guard let mapping = node.mapping else {
      throw wrong(line, "an entry is not a mapping", "write '- {mutant: KEY, reason: TEXT}'")
    }
    var fields: [String: String] = [:]
    for (key, value) in mapping {
      let name = key.string ?? ""
      guard ["mutant", "reason"].contains(name) else {
        throw wrong(key.mark?.line, "unknown key '\(name)'", "use mutant and reason")
      }
      guard let text = value.scalar?.string, !text.allSatisfy(\.isWhitespace) else {
        throw wrong(value.mark?.line, "'\(name)' must be a text", "write it behind the colon")
      }
      fields[name] = text
    }
    guard let mutant = fields["mutant"], let reason = fields["reason"] else {
      throw wrong(
        line, "an entry has no '\(fields["mutant"] == nil ? "mutant" : "reason")'", "add it")
    }
    guard mutant.wholeMatch(of: /[A-Za-z0-9_]+@[0-9a-f]{12}:[a-z-]+:[1-9][0-9]*/) != nil else {
      throw wrong(
        line, "'\(mutant)' is no mutant",
        "copy the key from 'kshim mutate', FUNCTION@TEXT:OPERATOR:N"
      )
    }
    guard entries[mutant] == nil else {
      throw wrong(line, "'\(mutant)' stands twice", "remove one of the entries")
    }
    entries[mutant] = Entry(reason: reason, line: line ?? 1)
  }

  private func invalid(_ error: any Error) -> Failure {
    let remedy = "mend the syntax there"
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return wrong(mark.line, "it is not valid YAML: \(problem)", remedy)
    case .duplicatedKeysInMapping(let names, let context):
      return wrong(
        context.mark.line, "key '\(names.first ?? "")' stands twice in one entry",
        "remove one of them")
    default: return wrong(nil, "it is not valid YAML", remedy)
    }
  }

  private func wrong(_ line: Int?, _ cause: String, _ remedy: String) -> Failure {
    Failure(
      .request, asked: "read the equivalent mutants", cause: cause,
      place: line.map { "\(path):\($0)" } ?? path, remedy: remedy)
  }
}

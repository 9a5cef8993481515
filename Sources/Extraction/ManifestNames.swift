// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// Looks for names of a manifest of one function that its tree has not got. Such a manifest is of one
/// kernel: it is written from it. Those of subjects name what other kernels have, and rules of
/// projects what other files call.
struct ManifestNames {
  let manifest: Manifest
  let asked: String
  let version: String
  let generated: Generated
  /// The file's functions, and all that it calls.
  let functions: Set<String>
  /// The services' callees.
  let served: [String]
  let isFunction: (String) -> Bool
  let isVariable: (String) -> Bool
  /// Whether the tree has such a member, argument's type or object.
  let isInput: (String) -> Bool
  /// All that the file names.
  let words: () -> Set<String>

  private var fields: [TypeTable.Field] {
    generated.arguments.flatMap { $0 } + generated.types.entries.flatMap(\.fields)
  }

  /// - Throws: ``Failure`` of kind request for the first that is not there.
  func check() throws {
    let pointers = Set(generated.functions.map(\.name))
    let callees = functions.union(served).union(pointers)
    func need(callee name: String, _ key: String) throws {
      guard !callees.contains(name), !isFunction(name), !(name.contains(".") && isInput(name))
      else { return }
      throw wrong(
        name, key, "no function \(name) is known to \(manifest.source) of Linux \(version)",
        callees.union(words()))
    }
    for name in manifest.ownRules.keys.sorted() {
      try need(callee: name, "boundary")
      try check(rule: manifest.ownRules[name]!, of: name)
    }
    for pair in manifest.pairs {
      try need(callee: pair.acquires, "pairs")
      try need(callee: pair.releases, "pairs")
    }
    for variable in manifest.variables
    where !variable.isService && variable.type == nil && !isVariable(variable.name) {
      throw wrong(
        variable.name, "variables",
        "no variable \(variable.name) is known to \(manifest.source) of Linux \(version)",
        generated.variables.map(\.name) + generated.opaque)
    }
    let inputs = Dictionary(grouping: fields.filter { $0.name != nil }, by: { $0.name! })
    for (name, given) in manifest.fields.sorted(by: { $0.key < $1.key }) {
      guard inputs[name] != nil || isInput(name) else {
        throw wrong(
          name, "fields", "Linux \(version) has no argument, member or object \(name) here",
          Array(inputs.keys))
      }
      let compared = Set((inputs[name] ?? []).flatMap(\.compared))
      if let symbol = given.symbols.first(where: { !compared.contains($0) }) {
        throw wrong(
          "&\(symbol)", "fields",
          "the text compares \(name) with no address of a variable \(symbol)",
          compared.map { "&\($0)" })
      }
    }
  }

  /// What is made is what the callee returns.
  private func check(rule: Manifest.Rule, of name: String) throws {
    guard case .makes(let type) = rule.action,
      let callee = (generated.callees + generated.functions).first(where: { $0.name == name }),
      let made = callee.makes, case let known = generated.types.entries[made].name, known != type
    else { return }
    throw wrong(
      type, "boundary", "\(name)() makes \(known), and not \(type)", [known], meant: known)
  }

  private func wrong(
    _ name: String, _ key: String, _ cause: String, _ names: some Sequence<String>,
    meant: String? = nil
  ) -> Failure {
    let near = meant ?? Nearest.name(to: name, in: names)
    return Failure(
      .request, asked: asked, cause: cause,
      place: line(of: name, below: key).map { "\(manifest.path):\($0)" } ?? manifest.path,
      remedy: near.map { "did you mean \($0)?" }
        ?? "mend its name under '\(key):', or take it out")
  }

  /// Where the manifest has a name, from 1.
  private func line(of name: String, below key: String) -> Int? {
    guard let text = try? String(contentsOfFile: manifest.path, encoding: .utf8) else { return nil }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let start = lines.firstIndex { $0.hasPrefix("\(key):") } ?? 0
    return lines.indices.dropFirst(start).first { index in
      lines[index].prefix { $0 != "#" }.ranges(of: name).contains { found in
        func isPart(_ character: Character?) -> Bool {
          character.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false
        }
        let line = lines[index]
        return !isPart(line[..<found.lowerBound].last) && !isPart(line[found.upperBound...].first)
      }
    }.map { $0 + 1 }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Failures

/// What the extracted text needs and nothing defines.
struct Missing {
  enum Kind {
    case callee, variable
    /// A callee in a file that the source file includes between its functions.
    case included
    /// Either, known by its name alone: only the object tells that it is needed.
    case symbol
  }

  var kind: Kind
  var name: String
  /// The function of its first use; empty for the manifest.
  var user: String
  /// Of that use.
  var place: String
  /// How the targets come to use it; empty where one does itself.
  var chain: [String]

  /// One error for all of them; nil where there are none.
  static func failure(_ all: [Missing], asked: String, manifest: Manifest) -> Failure? {
    guard let first = all.first else { return nil }
    guard all.count > 1 else {
      return Failure(
        .build, asked: asked, cause: first.sentence(manifest), place: first.place,
        evidence: first.chain,
        remedy: "\(first.remedy) in \(manifest.path), or in a file for --rules")
    }
    let others = all.count - 1
    let names = { (kinds: [Kind]) in
      all.filter { kinds.contains($0.kind) }.map(\.name).joined(separator: ", ")
    }
    let lists = [
      (names([.callee, .included]), "under 'boundary:'"),
      (names([.variable]), "under 'variables:'"),
      (names([.symbol]), "under 'boundary:' or 'variables:'"),
    ].filter { !$0.0.isEmpty }
    return Failure(
      .build, asked: asked,
      cause: "\(first.sentence(manifest)), and \(others) \(others == 1 ? "other is" : "others are")"
        + " missing too", place: first.place,
      evidence: all.flatMap { one in
        [one.line] + one.chain.filter { $0.prefix { $0 != "," } != one.name }.map { "  \($0)" }
      },
      remedy: "add " + lists.map { "\($0.0) \($0.1)" }.joined(separator: ", and ")
        + " in \(manifest.path), or in a file for --rules, as '\(first.example)'")
  }

  private func sentence(_ manifest: Manifest) -> String {
    switch kind {
    case .callee: "\(user) calls \(name)(), which is neither extracted nor boundary"
    case .variable: "\(user) uses the variable \(name), which \(manifest.source) does not define"
    case .included:
      "\(user) calls \(name)(), which stands in a file that \(manifest.source) includes between its"
        + " functions"
    case .symbol where user.isEmpty:
      "the manifest or its glue uses \(name), which nothing defines"
    case .symbol: "\(user) needs \(name), which is neither extracted nor boundary"
    }
  }

  /// For a list: what it is and where it is used first.
  private var line: String {
    let what =
      switch kind {
      case .callee, .included: "\(name)(), called"
      case .variable: "the variable \(name), used"
      case .symbol: "\(name), used"
      }
    return user.isEmpty
      ? "\(name), used by the manifest or its glue" : "\(what) at \(place) by \(user)"
  }

  private var example: String {
    kind == .variable ? "\(name): VALUE" : "\(name): {returns: [0]}"
  }

  private var remedy: String {
    switch kind {
    case .callee, .included: "add '\(example)', or another rule, under 'boundary:'"
    case .variable: "add '\(example)' under 'variables:'"
    case .symbol: "add '\(name)' under 'boundary:' or 'variables:'"
    }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// What the page says at its top: what was judged, how far, and what the verdict does not speak of.
extension Verdict {
  /// `new`, `old`, `note`, `assumed`; `finding` where there is nothing to compare with.
  func kind(of finding: Finding, _ given: String?) -> String {
    given ?? (!revision.isCompared ? "finding" : finding.introduced ? "new" : "old")
  }

  /// The verdict in words: `clean`, `2 findings (1 introduced, 1 there before)`, `not judged`.
  var badge: String {
    if verdict == "not-judged" { return "not judged" }
    if exploration.runs == 0, findings.isEmpty { return "nothing to judge" }
    return findings.isEmpty ? "clean" : Page.counted(findings.count, "finding") + since
  }

  var facts: [Page.Fact] {
    var facts = [
      Page.Fact(name: "Kernel", values: ["\(revision.kernel), Linux \(revision.version)"])
    ]
    if let commits = revision.commits {
      let subject = revision.head.map { " \"\($0.subject)\"" } ?? ""
      facts.append(.init(name: "Commits", values: ["\(commits)\(subject)"]))
    }
    if let commit = revision.commit {
      facts.append(
        .init(name: "Commit", values: ["\(commit.id.prefix(12)) \"\(commit.subject)\""]))
    }
    if !revision.patches.isEmpty {
      let patches = revision.patches.map { $0.subject.map { "\($0) " } ?? "" }
      facts.append(
        .init(
          name: patches.count == 1 ? "Patch" : "Patches",
          values: zip(patches, revision.patches).map { subject, patch in
            subject.isEmpty ? patch.file : "\(subject)(\(patch.file))"
          }))
    }
    let runs = exploration.runs.map { "\(Page.counted($0, "run")) for " } ?? ""
    let seconds = String(format: "%.1f", exploration.seconds)
    facts.append(
      .init(
        name: "Searched",
        values: [
          "\(runs)\(Page.counted(exploration.scenarios, "scenario")) in \(seconds) s, "
            + (exploration.exhaustive ? "exhaustive" : "not exhaustive")
            + (exploration.reused == true ? "; told again from an earlier search" : "")
        ]))
    if let bound = exploration.bound { facts.append(.init(name: "Bound", values: [bound])) }
    if let called = exploration.functions, !called.isEmpty {
      let names = called.map { "\($0)()" }.joined(separator: ", ")
      facts.append(.init(name: "Called", values: [names]))
    }
    if let coverage = exploration.coverage, !coverage.isEmpty {
      facts.append(.init(name: "Starts from", values: [coverage.joined(separator: "; ")]))
    }
    if let followed, !followed.isEmpty { facts.append(.init(name: "Followed", values: followed)) }
    return facts
  }

  /// What a clean verdict does not speak of; empty where it speaks of all.
  var warnings: [Page.Fact] {
    var warnings: [Page.Fact] = []
    let unjudged = (functions ?? []).filter { $0.status == .notJudged }
    if !unjudged.isEmpty {
      warnings.append(
        .init(
          name: "Not judged",
          values: unjudged.map {
            "\($0.function)() in \($0.file): \($0.why ?? "no reason is told")"
          }))
    }
    let searched =
      [("", exploration)]
      + (functions ?? []).compactMap { function in
        function.exploration.map { ("\(function.function)(): ", $0) }
      }
    var limits = searched.dropFirst().flatMap { name, exploration in
      (exploration.limits ?? []).map { "\(name)\($0)" }
    }
    limits =
      (exploration.limits ?? []).filter { limit in !limits.contains { $0.hasSuffix(limit) } }
      + limits
    if !limits.isEmpty { warnings.append(.init(name: "Not judged beyond", values: limits)) }
    let unreached = searched.compactMap { name, exploration -> String? in
      guard let lines = exploration.unreached, !lines.isEmpty else { return nil }
      return
        "\(name)line\(lines.count == 1 ? "" : "s") \(lines.map(String.init).joined(separator: ", "))"
    }
    if !unreached.isEmpty {
      warnings.append(.init(name: "Changed, but never run", values: unreached))
    }
    if let contains = revision.contains, !contains.isEmpty {
      warnings.append(.init(name: "The patch contains, too", values: contains))
    }
    return warnings
  }
}

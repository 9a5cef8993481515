// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// The mails of one file, out of which the patches of one series are chosen.
struct MailThread {
  typealias Mail = Mailbox.Mail

  /// What the user sees the file called.
  let file: String
  let mails: [Mail]

  /// The mails of the series in the order of their `n/m`, or in that of the file where they have
  /// none.
  ///
  /// Cover letters, replies and older versions are left out; `remarks` names the replies that have
  /// a diff, and the older versions.
  ///
  /// - Throws: `Failure` of kind request where there is no patch, one is missing, or two claim
  ///   one place.
  func series() throws -> (mails: [Mail], remarks: [String]) {
    var chosen = mails.filter { $0.patch != nil }
    guard !chosen.isEmpty else { throw noPatch() }
    guard mails.count > 1 else { return (chosen, []) }
    var remarks: [String] = []

    func leaveOut(_ isOut: (Mail) -> Bool, _ why: String? = nil) {
      let kept = chosen.filter { !isOut($0) }
      guard !kept.isEmpty, kept.count < chosen.count else { return }
      if let why {
        remarks += chosen.filter(isOut).map { "\(file): \(name($0)) is left out: \(why)" }
      }
      chosen = kept
    }
    leaveOut({ $0.tag.isReply }, "it has a diff, but is a reply")
    // Its diff is the one to the version before.
    leaveOut { $0.tag.number == 0 }
    let newest = chosen.map(\.tag.version).max() ?? 1
    leaveOut({ $0.tag.version < newest }, "the file also holds v\(newest)")

    chosen = try withoutCopies(chosen)
    let numbered = chosen.filter { $0.tag.number != nil }
    guard let first = numbered.first else { return (chosen, remarks) }
    if let other = chosen.first(where: { $0.tag.number == nil }) {
      throw refusal("it holds a series and a patch without a number", [first, other])
    }
    if let other = numbered.first(where: { $0.tag.count != first.tag.count }) {
      throw refusal("it holds patches of two series", [first, other])
    }
    try requireWhole(numbered)
    let order = numbered.sorted { ($0.tag.number ?? 0) < ($1.tag.number ?? 0) }
    return (order, remarks)
  }

  /// Takes out a mail that came twice; two different patches with one number are refused.
  private func withoutCopies(_ mails: [Mail]) throws -> [Mail] {
    var result: [Mail] = []
    for mail in mails {
      let rival = result.first {
        mail.tag.number == nil
          ? $0.tag.number == nil && $0.subject == mail.subject && Self.isCopy($0, mail)
          : $0.tag.number == mail.tag.number && $0.tag.count == mail.tag.count
      }
      if let rival {
        guard Self.isCopy(rival, mail) else {
          throw refusal("two patches in it claim one place", [rival, mail])
        }
      } else {
        result.append(mail)
      }
    }
    return result
  }

  private func requireWhole(_ mails: [Mail]) throws {
    guard let count = mails.first?.tag.count else { return }
    let there = Set(mails.compactMap(\.tag.number))
    let missing = count > 0 ? (1...count).filter { !there.contains($0) } : []
    guard !missing.isEmpty else { return }
    let names = missing.prefix(20).map { "\($0)/\(count)" }.joined(separator: ", ")
    throw Failure(
      .request, asked: "read patches from \(file)",
      cause: "\(missing.count == 1 ? "patch" : "patches") \(names) of \(series(mails))"
        + " \(missing.count == 1 ? "is" : "are") missing in it",
      evidence: Array(mails.prefix(20).map(name)),
      remedy: "get the whole thread, or give each patch that you want as a file of its own")
  }

  /// What a series is called: its version where it could be taken for another's.
  private func series(_ chosen: [Mail]) -> String {
    let version = chosen.first?.tag.version ?? 1
    let isAlone = mails.allSatisfy { $0.patch == nil || $0.tag.version == version }
    return version == 1 && isAlone ? "the series" : "v\(version)"
  }

  /// Whether two mails bring the same diff, whatever text is around it.
  private static func isCopy(_ one: Mail, _ other: Mail) -> Bool {
    one.patch.map(diff) == other.patch.map(diff)
  }

  /// The lines from the first that begins a diff to the signature.
  private static func diff(_ patch: Data) -> [Data] {
    patch.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .drop { !$0.starts(with: "diff ".utf8) && !$0.starts(with: "--- ".utf8) }
      .prefix { $0 != Data("-- ".utf8) }.map { Data($0) }
  }

  // MARK: What goes wrong

  private func name(_ mail: Mail) -> String {
    "mail \(mail.number)" + (mail.header.map { " \"\($0)\"" } ?? "")
  }

  private func noPatch() -> Failure {
    Failure(
      .request, asked: "read patches from \(file)",
      cause: mails.count == 1
        ? "its mail has no patch: git finds no diff in it"
        : "none of its \(mails.count) mails has a patch",
      evidence: mails.prefix(20).map(name), remedy: "name a file with a patch mail or a diff")
  }

  private func refusal(_ cause: String, _ mails: [Mail]) -> Failure {
    Failure(
      .request, asked: "read patches from \(file)", cause: cause, evidence: mails.map(name),
      remedy: "save the mails that you want, each as a file of its own, and name them in order")
  }
}

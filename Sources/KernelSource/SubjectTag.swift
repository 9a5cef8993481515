// SPDX-License-Identifier: GPL-2.0-only

/// What the brackets ahead of a mail's subject say: `[RFC PATCH v2 1/3]`.
struct SubjectTag: Sendable, Equatable {
  /// Whether it answers another mail.
  private(set) var isReply = false
  /// The 2 of `v2` and of `v2.1`; 1 where there is none.
  private(set) var version = 1
  /// The 1 of `1/3`; 0 is a cover letter.
  private(set) var number: Int?
  /// The 3 of `1/3`.
  private(set) var count: Int?

  init(_ subject: String?) {
    var rest = Substring(subject ?? "")
    while true {
      rest = rest.drop(while: \.isWhitespace)
      if let reply = rest.prefixMatch(of: /(?i)(?:re|aw|sv|antw)(?:\[[0-9]+\])?\s*:/) {
        isReply = true
        rest = rest[reply.range.upperBound...]
      } else if let forward = rest.prefixMatch(of: /(?i)(?:fwd?|wg)\s*:/) {
        rest = rest[forward.range.upperBound...]
      } else if let bracket = rest.prefixMatch(of: /\[([^\]]*)\]/) {
        read(bracket.1)
        rest = rest[bracket.range.upperBound...]
      } else {
        return
      }
    }
  }

  private mutating func read(_ bracket: Substring) {
    if let found = bracket.firstMatch(of: /(?i)(?:^|[^a-z0-9]|patch|rfc)v([0-9]{1,4})(?:[^0-9]|$)/),
      let version = Int(found.1)
    {
      self.version = version
    }
    if let found = bracket.firstMatch(of: /(?:^|[^0-9])([0-9]{1,4})\/([0-9]{1,4})(?:[^0-9]|$)/) {
      number = Int(found.1)
      count = Int(found.2)
    }
  }
}

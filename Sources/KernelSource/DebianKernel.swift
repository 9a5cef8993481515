// SPDX-License-Identifier: GPL-2.0-only

/// A kernel that Debian packages as `linux-source-VERSION`, and the suites that may carry it.
struct DebianKernel: Sendable, Equatable {
  /// Two numbers, `6.12`.
  let version: String
  /// Where to look when the system's own package lists do not have it, best first: the suite
  /// that gets fixes before the one that was released, a small index before a large one.
  let suites: [String]

  var package: String { "linux-source-\(version)" }
  var spec: String { "debian:\(version)" }

  /// What `kshim kernels list` offers, oldest first.
  static let known: [DebianKernel] = [
    .init(version: "5.10", suites: ["bullseye-security", "bullseye"]),
    .init(version: "6.1", suites: ["bookworm-security", "bookworm", "bullseye-security"]),
    .init(
      version: "6.12",
      suites: ["trixie-security", "trixie", "bookworm-security", "bookworm-backports"]),
    .init(version: "7.2", suites: ["trixie-backports", "sid", "forky"]),
    .init(version: "7.3", suites: ["trixie-backports", "sid", "forky"]),
  ]

  /// The known spellings, for a remedy.
  static var list: String { known.map(\.spec).joined(separator: ", ") }

  /// Suite names of Debian, as far as an apt configuration has them; told from the names that
  /// other archives give their suites.
  static func isSuite(_ name: String) -> Bool {
    let names = [
      "bullseye", "bookworm", "trixie", "forky", "sid", "stable", "oldstable", "testing",
      "unstable",
    ]
    let base = name.split(separator: "-")[0].split(separator: "/")[0]
    let rest = name.dropFirst(base.count)
    return names.contains(String(base))
      && ["", "-updates", "-security", "/updates", "-backports"].contains(String(rest))
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Failures

/// A kernel that Debian packages as `linux-source-SERIES`, and the suites that may carry it.
struct DebianKernel: Sendable, Equatable {
  /// As it is named: two numbers, `6.12`, are whatever version of that series apt would install;
  /// more, `6.12.107`, are that one.
  let version: String
  /// Where to look when the system's own package lists do not have it, best first: the suite
  /// that gets fixes before the one that was released, a small index before a large one.
  let suites: [String]

  /// The first two numbers.
  var series: String { version.split(separator: ".").prefix(2).joined(separator: ".") }
  /// The one version that is meant; nil where any of the series will do.
  var release: String? { version == series ? nil : version }
  var package: String { "linux-source-\(series)" }
  var spec: String { "debian:\(version)" }

  /// Whether a Debian version of the package is one that is meant.
  func takes(_ debianVersion: String) -> Bool {
    release == nil || Self.release(of: debianVersion) == release
  }

  /// The kernel's version in a Debian version: `6.12.107` of `6.12.107-1~deb12u1`.
  static func release(of debianVersion: String) -> String {
    debianVersion.lastIndex(of: "-").map { String(debianVersion[..<$0]) } ?? debianVersion
  }

  /// Whether a package's name is that of the headers for the plain kernel: those of other flavours
  /// have its name between the version and the architecture, `linux-headers-6.1.0-56-rt-amd64`.
  static func areHeaders(_ package: String) -> Bool {
    package.wholeMatch(of: /linux-headers-([^-]+-)*[0-9][^-]*-amd64/) != nil
  }

  init(version: String, suites: [String]) {
    self.version = version
    self.suites = suites
  }

  /// A kernel with the suites that kshim knows for its series.
  init(named version: String) {
    let series = DebianKernel(version: version, suites: []).series
    self.init(
      version: version, suites: Self.known.first { $0.version == series }?.suites ?? [])
  }

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

  /// `; did you mean debian:6.12?` behind a remedy; nothing where no known version is near.
  static func question(for version: String) -> String {
    Nearest.name(to: version, in: known.map(\.version)).map { "; did you mean debian:\($0)?" } ?? ""
  }

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

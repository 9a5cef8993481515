// SPDX-License-Identifier: GPL-2.0-only

/// A version of a package, as apt's lists have it.
struct DebianPackage: Sendable, Equatable {
  let name: String
  /// Debian's, `6.12.107-1~deb12u1`.
  let version: String
  /// The source package that it is built from.
  let source: String

  /// Reads what `apt-cache show` prints.
  static func read(_ text: String) -> [DebianPackage] {
    var packages: [DebianPackage] = []
    var fields: [Substring: Substring] = [:]
    for line in "\(text)\n".split(separator: "\n", omittingEmptySubsequences: false) {
      if line.isEmpty {
        if let name = fields["Package"], let version = fields["Version"] {
          // "Source: NAME (VERSION)" where the versions differ; none where the names are the same.
          let source = fields["Source"]?.split(separator: " ").first ?? name
          packages.append(
            .init(name: String(name), version: String(version), source: String(source)))
        }
        fields = [:]
      } else if let colon = line.firstIndex(of: ":"), line.first?.isLetter == true {
        fields[line[..<colon]] = Substring(
          line[line.index(after: colon)...].drop { $0 == " " })
      }
    }
    return packages
  }
}

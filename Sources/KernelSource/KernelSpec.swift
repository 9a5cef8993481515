// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// How a user names a kernel: a directory, `DIRECTORY@REVISION`, `DIRECTORY@BASE..HEAD`, a tarball, or
/// `debian:VERSION`.
///
///     try KernelSpec("linux@v6.12")  // .git(directory: "/home/me/linux", revision: "v6.12")
public enum KernelSpec: Sendable, Equatable {
  /// A kernel tree, as an absolute path. It is read in place and never written to.
  case directory(String)
  /// A revision of a git repository: an absolute path, and any name of one commit or tree.
  case git(directory: String, revision: String)
  /// The commits that `head` has and `base` has not, in a repository as above.
  case range(directory: String, base: String, head: String)
  /// A tarball, as an absolute path.
  case tarball(String)
  /// Debian's `linux-source-VERSION`: two numbers, `6.12`; or the version of it that has more,
  /// `6.12.107`.
  case debian(String)

  /// The endings of a tarball's name, and the program that unpacks each (nil: tar alone).
  static let tarballEndings: [(ending: String, program: String?)] = [
    (".tar", nil), (".tar.gz", "gzip"), (".tgz", "gzip"), (".tar.xz", "xz"),
    (".tar.zst", "zstd"), (".tar.bz2", "bzip2"),
  ]

  /// Reads the user's spelling.
  ///
  /// What exists under the whole spelling wins, so a directory may have an `@` in its name;
  /// otherwise the longest directory before an `@` is the repository.
  ///
  /// - Parameters:
  ///   - spelling: as the user typed it.
  ///   - base: what a relative path is relative to; nil is the working directory.
  /// - Throws: `Failure` of kind request where the spelling names nothing that exists, a file
  ///   that is no tarball, a version that is no version, or a range with three dots.
  public init(_ spelling: String, relativeTo base: String? = nil) throws {
    let asked = "read kernel \(spelling)"
    let forms = "name a directory with kernel source, DIRECTORY@REVISION, a tarball, or "
    guard !spelling.isEmpty else {
      throw Failure(
        .request, asked: "read a kernel", cause: "its name is empty",
        remedy: forms + "debian:6.12")
    }
    if spelling.hasPrefix("debian:") {
      let version = String(spelling.dropFirst("debian:".count))
      guard version.wholeMatch(of: /[0-9]+(\.[0-9]+)+/) != nil else {
        throw Failure(
          .request, asked: asked, cause: "\"\(version)\" is not a kernel version",
          remedy: "name one of \(DebianKernel.list), or a full version, as debian:6.12.107"
            + DebianKernel.question(for: version))
      }
      self = .debian(version)
      return
    }
    let path = Self.absolute(spelling, base)
    switch FileKind(path) {
    case .directory:
      self = .directory(path)
      return
    case .file:
      guard Self.tarballEndings.contains(where: { path.hasSuffix($0.ending) }) else {
        let endings = Self.tarballEndings.map(\.ending).joined(separator: ", ")
        throw Failure(
          .request, asked: asked, cause: "it is a file whose name ends in none of \(endings)",
          place: path, remedy: forms + "debian:6.12")
      }
      self = .tarball(path)
      return
    case .nothing: break
    }
    for at in spelling.indices.reversed() where spelling[at] == "@" {
      let directory = Self.absolute(String(spelling[..<at]), base)
      guard at > spelling.startIndex, FileKind(directory) == .directory else { continue }
      let revision = String(spelling[spelling.index(after: at)...])
      try Self.checkRevision(revision, asked: asked)
      if let dots = revision.range(of: "..") {
        // An end that is left out is HEAD, as for git.
        let ends = [revision[..<dots.lowerBound], revision[dots.upperBound...]]
          .map { $0.isEmpty ? "HEAD" : String($0) }
        self = .range(directory: directory, base: ends[0], head: ends[1])
      } else {
        self = .git(directory: directory, revision: revision)
      }
      return
    }
    let named = spelling.prefix { $0 != "@" }
    let missing = named.isEmpty || named.count == spelling.count ? spelling : String(named)
    throw Failure(
      .request, asked: asked, cause: "there is no directory or file \(missing)",
      remedy: Self.meant(by: spelling, base).map { "did you mean \($0)?" }
        ?? forms + "debian:6.12")
  }

  /// `debian:6.12` by `debain:6.12`, or a directory or file that there is; nil where nothing is near.
  private static func meant(by spelling: String, _ base: String?) -> String? {
    if let colon = spelling.firstIndex(of: ":"),
      Nearest.name(to: String(spelling[..<colon]), in: ["debian"]) != nil
    {
      return "debian" + spelling[colon...]
    }
    let directory = String(spelling.prefix { $0 != "@" })
    return Nearest.path(to: directory, in: base).map { $0 + spelling.dropFirst(directory.count) }
  }

  private static func checkRevision(_ revision: String, asked: String) throws {
    if revision.isEmpty {
      throw Failure(
        .request, asked: asked, cause: "there is no revision after the @",
        remedy: "name a commit, a tag or a branch, as in DIRECTORY@v6.12")
    }
    if revision.contains("...") {
      throw Failure(
        .request, asked: asked,
        cause: "\(revision) has three dots, which git takes for different things",
        remedy: "name BASE..HEAD: the commits that HEAD has and BASE has not")
    }
  }

  /// An absolute path without `.` and `..`, symbolic links kept as the user knows them.
  static func absolute(_ path: String, _ base: String?) -> String {
    let start = base ?? FileManager.default.currentDirectoryPath
    return URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: start, isDirectory: true))
      .standardizedFileURL.path
  }
}

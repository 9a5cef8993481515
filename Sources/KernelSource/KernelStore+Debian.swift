// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

extension KernelStore {
  /// The tree of `linux-source-SERIES`, from the system's package lists or from a suite of the
  /// same mirror.
  func debian(
    _ version: String, spec: String, refresh: Bool, _ progress: @Sendable (String) -> Void
  ) async throws -> KernelTree {
    let kernel = DebianKernel(named: version)
    let key = CacheKey(
      name: Self.debianName(version),
      key: kernel.package + (kernel.release.map { "=\($0)" } ?? ""), spec: spec, listed: spec)
    return try await cached(key, refresh: refresh, progress) { tree, scratch in
      for program in ["apt-get", "apt-cache", "dpkg-deb", "tar", "xz"] {
        try Command.require(program, environment: environment)
      }
      let apt = Apt(scratch: scratch, environment: environment, options: aptOptions)
      let asked = "fetch kernel \(spec)"
      let source = try await apt.source(of: kernel, asked: asked, progress)
      let headers = try await apt.headers(of: kernel, source: source, asked: asked, progress)
      progress("unpacking \(spec)")
      try await unpack(source, kernel, spec: spec, into: tree, scratch)
      if let headers {
        try await unpack(headers: headers, spec: spec, into: tree)
      } else {
        progress(
          "\(spec) stays without a configuration: Debian has no headers of \(source.label)")
      }
      return [source, headers].compactMap { $0?.label }
    }
  }

  /// What the tree of a version is called in ``kernelsDirectory``.
  static func debianName(_ version: String) -> String { "debian-\(version)" }

  /// Keeps the tarball that is in the package, too, and a list of what is where in it.
  private func unpack(
    _ source: Apt.Download, _ kernel: DebianKernel, spec: String, into tree: String,
    _ scratch: String
  ) async throws {
    let members = KernelTree.keptSource.map { "\(kernel.package)/\($0)" }
    let listing = "\(scratch)/listing"
    // Read once: the whole tree is never on disk.
    let result = try await Command.script(
      """
      package=$1 inner=$2 tree=$3 archive=$4 listing=$5
      shift 5
      mkdir "${archive%/*}" && mkfifo "$listing.pipe" || exit
      dpkg-deb --fsys-tarfile "$package" | tar -x -O "$inner" > "$archive" || exit
      rm "$package"
      tar -tvR --numeric-owner --quoting-style=literal < "$listing.pipe" > "$listing" &
      xz -dc -T0 "$archive" | tee "$listing.pipe" |
        tar -x -C "$tree" --strip-components=1 --no-same-owner --no-same-permissions "$@"
      status=$?
      wait $! && exit $status
      """,
      [
        source.file, "./usr/src/\(kernel.package).tar.xz", tree, "\(tree)/\(SourceArchive.name)",
        listing,
      ] + members,
      needs: ["dpkg-deb", "tar", "xz", "tee", "mkfifo"], environment: environment)
    try check(result, spec)
    do {
      try SourceArchive(tree: tree, environment: environment).writeList(from: listing)
    } catch is SourceArchive.Damaged {
      throw Self.strange(spec, [])
    } catch {
      throw unwritable(spec, error)
    }
  }

  /// What a tree has once it is configured: it lies in the package as in the tree. The package's
  /// scripts are links to another package, and what a module is linked with is not needed.
  private func unpack(headers: Apt.Download, spec: String, into tree: String) async throws {
    let members = KernelTree.configuration.map { "./usr/src/\(headers.name)/\($0)" }
    let result = try await Command.script(
      """
      package=$1 tree=$2
      shift 2
      dpkg-deb --fsys-tarfile "$package" |
        tar -x -C "$tree" --strip-components=4 --no-same-owner --no-same-permissions "$@"
      """,
      [headers.file, tree] + members, needs: ["dpkg-deb", "tar"], environment: environment)
    try check(result, spec)
  }

  private func check(_ result: Command.Result, _ spec: String) throws {
    guard !result.succeeded else { return }
    let lines = result.errorLines
    if Self.isDiskTrouble(lines) { throw diskTrouble(spec, lines) }
    throw Self.strange(spec, lines)
  }

  private static func strange(_ spec: String, _ lines: [String]) -> Failure {
    Failure(
      .tool, asked: "unpack kernel \(spec)", cause: "its package is not as expected",
      evidence: Array(lines.prefix(5)), remedy: "try again, or name a kernel directory")
  }
}

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
      let source = try await apt.download(kernel, asked: "fetch kernel \(spec)", progress)
      progress("unpacking \(spec)")
      try await unpackPackage(source.file, kernel, spec: spec, into: tree)
      return [source.label]
    }
  }

  /// What the tree of a version is called in ``kernelsDirectory``.
  static func debianName(_ version: String) -> String { "debian-\(version)" }

  private func unpackPackage(
    _ file: String, _ kernel: DebianKernel, spec: String, into tree: String
  ) async throws {
    let members = KernelTree.keptPaths.map { "\(kernel.package)/\($0)" }
    // Streamed, so that neither the inner tarball (150 MB) nor the whole tree is ever on disk.
    let result = try await Command.script(
      """
      package=$1 inner=$2 tree=$3
      shift 3
      dpkg-deb --fsys-tarfile "$package" | tar -x -O "$inner" | xz -dc |
        tar -x -C "$tree" --strip-components=1 --no-same-owner --no-same-permissions "$@"
      """,
      [file, "./usr/src/\(kernel.package).tar.xz", tree] + members,
      needs: ["dpkg-deb", "tar", "xz"], environment: environment)
    guard !result.succeeded else { return }
    let lines = result.errorLines
    if Self.isDiskTrouble(lines) { throw diskTrouble(spec, lines) }
    throw Failure(
      .tool, asked: "unpack kernel \(spec)", cause: "its package is not as expected",
      evidence: Array(lines.prefix(5)), remedy: "try again, or name a kernel directory")
  }
}

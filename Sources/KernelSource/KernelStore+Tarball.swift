// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

extension KernelStore {
  /// The tree in a tarball, whatever its top directory is called, if it has one.
  func tarball(
    _ path: String, spec: String, refresh: Bool, _ progress: @Sendable (String) -> Void
  ) async throws -> KernelTree {
    var status = stat()
    guard stat(path, &status) == 0, access(path, R_OK) == 0 else {
      throw Failure(
        .request, asked: "read kernel \(spec)",
        cause: "the tarball cannot be read (\(String(cString: strerror(errno))))", place: path,
        remedy: "make it readable, or name another kernel")
    }
    let modified = status.st_mtim
    let real = realPath(path)
    let key = "tarball \(real) \(status.st_size) \(modified.tv_sec).\(modified.tv_nsec)"
    let name = "tarball-\(Self.slug(real))-\(Self.hash(key))"
    return try await cached(
      CacheKey(name: name, key: key, spec: spec, listed: path), refresh: refresh, progress
    ) { tree, scratch in
      progress("unpacking \(spec)")
      try await unpackTarball(path, spec: spec, into: tree, scratch)
      return []
    }
  }

  private func unpackTarball(
    _ path: String, spec: String, into tree: String, _ scratch: String
  ) async throws {
    let format = KernelSpec.tarballEndings.first { path.hasSuffix($0.ending) }
    for program in ["tar", format?.program].compactMap(\.self) {
      try Command.require(program, environment: environment)
    }
    let whole = "\(scratch)/whole"
    try FileManager.default.createDirectory(
      atPath: whole, withIntermediateDirectories: false)
    // Anchored, and * does not match a slash: `*/include` must not find tools/include.
    let patterns = KernelTree.keptPaths.flatMap { [$0, "./\($0)", "*/\($0)", "./*/\($0)"] }
    let result = try await Command.run(
      "tar",
      [
        "-x", "-f", path, "-C", whole, "--no-same-owner", "--no-same-permissions", "--anchored",
        "--wildcards", "--no-wildcards-match-slash",
      ] + patterns, environment: environment)
    // tar also fails for each pattern that matched nothing, which most of these do.
    let trouble = result.errorLines.filter {
      !$0.hasSuffix(": Not found in archive")
        && !$0.hasSuffix(": Exiting with failure status due to previous errors")
    }
    if Self.isDiskTrouble(trouble) { throw diskTrouble(spec, trouble) }
    if !result.succeeded, !trouble.isEmpty {
      throw Failure(
        .request, asked: "unpack kernel \(spec)", cause: "the tarball is damaged", place: path,
        evidence: Array(trouble.prefix(5)), remedy: "get the tarball again")
    }
    guard let top = Self.top(in: whole) else {
      throw Failure(
        .request, asked: "unpack kernel \(spec)",
        cause: "it holds no kernel: no Makefile with VERSION next to an arch/x86", place: path,
        remedy: "name a tarball of a whole kernel tree, or debian:6.12")
    }
    try Self.move(KernelTree.keptPaths, from: top, to: tree)
  }

  /// The directory of the tree: `whole` itself, or one directory in it.
  private static func top(in whole: String) -> String? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: whole)) ?? []
    let candidates = [whole] + names.sorted().map { "\(whole)/\($0)" }
    return candidates.first { (try? KernelTree(directory: $0, spec: "")) != nil }
  }

  private static func move(_ paths: [String], from: String, to: String) throws {
    let files = FileManager.default
    for path in paths where FileKind("\(from)/\(path)") != .nothing {
      let target = "\(to)/\(path)"
      try files.createDirectory(
        atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try files.moveItem(atPath: "\(from)/\(path)", toPath: target)
    }
  }

  /// A file's name as part of a directory's name.
  private static func slug(_ path: String) -> String {
    let name = (path as NSString).lastPathComponent
    return String(name.prefix(60).map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
  }

  /// 64-bit FNV-1a in hexadecimal digits: it only has to make names differ, because the whole
  /// key is compared before a cached tree is used.
  private static func hash(_ text: String) -> String {
    let value = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    return String(value, radix: 16)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

extension KernelStore {
  /// The tree in a tarball, whatever its top directory is called, if it has one.
  func tarball(
    _ path: String, spec: String, refresh: Bool, _ progress: @Sendable (String) -> Void
  ) async throws -> KernelTree {
    let key = try Self.key(ofTarball: path, spec: spec)
    let name = "tarball-\(Self.slug(realPath(path)))-\(Self.hash(key))"
    return try await cached(
      CacheKey(name: name, key: key, spec: spec, listed: path), refresh: refresh, progress
    ) { tree, scratch in
      progress("unpacking \(spec)")
      try await unpackTarball(path, spec: spec, into: tree, scratch)
      return []
    }
  }

  /// What the cache's record of a tarball has: another once that is changed.
  private static func key(ofTarball path: String, spec: String) throws -> String {
    var status = stat()
    guard stat(path, &status) == 0, access(path, R_OK) == 0 else {
      throw Failure(
        .request, asked: "read kernel \(spec)",
        cause: "the tarball cannot be read (\(String(cString: strerror(errno))))", place: path,
        remedy: "make it readable, or name another kernel")
    }
    let modified = status.st_mtim
    return "\(tarballKey)\(realPath(path)) \(status.st_size) \(modified.tv_sec).\(modified.tv_nsec)"
  }

  /// How the keys of tarballs begin.
  static let tarballKey = "tarball "

  private func unpackTarball(
    _ path: String, spec: String, into tree: String, _ scratch: String
  ) async throws {
    let whole = "\(scratch)/whole"
    // Anchored, and * does not match a slash: `*/include` must not find tools/include.
    try await extract(path, KernelTree.keptPaths, spec: spec, into: whole)
    let isKernel = { (directory: String) in
      (try? KernelTree(directory: directory, spec: "")) != nil
    }
    guard let top = Self.top(in: whole, where: isKernel) else {
      throw Failure(
        .request, asked: "unpack kernel \(spec)",
        cause: "it holds no kernel: no Makefile with VERSION next to an arch/x86", place: path,
        remedy: "name a tarball of a whole kernel tree, or debian:6.12")
    }
    try Self.move(KernelTree.keptPaths, from: top, to: tree)
  }

  /// Unpacks some more of a tarball, as long as it is the one that was unpacked before.
  func unpackTarball(
    _ path: String, key: String, _ paths: [NeededPath], spec: String, into tree: String,
    _ scratch: String
  ) async throws {
    guard try Self.key(ofTarball: path, spec: spec) == key else {
      throw Failure(
        .request, asked: "unpack more of kernel \(spec)",
        cause: "the tarball is another than when it was unpacked", place: path,
        remedy: "name the tarball with --kernel once more")
    }
    for isOwnFiles in [false, true] {
      let part = paths.filter { $0.isOwnFiles == isOwnFiles }
      guard !part.isEmpty else { continue }
      let whole = "\(scratch)/whole-\(isOwnFiles)"
      // The Makefile tells where the top is: there need be nothing else of it.
      try await extract(
        path, ["Makefile"] + part.map { Self.literal($0.path) + (isOwnFiles ? "/*" : "") },
        spec: spec, into: whole, isRecursive: !isOwnFiles)
      let isTop = { (directory: String) in
        let makefile = try? String(contentsOfFile: "\(directory)/Makefile", encoding: .utf8)
        return makefile.flatMap { KernelTree.version(makefile: $0) } != nil
      }
      guard let top = Self.top(in: whole, where: isTop) else { continue }
      let files = Files.below(part.map(\.path), in: top)
      try Self.move(
        isOwnFiles ? files.filter { file in part.contains { $0.takes(file) } } : part.map(\.path),
        from: top, to: tree)
    }
  }

  /// A path as a pattern that matches nothing else.
  private static func literal(_ path: String) -> String {
    String(path.flatMap { "*?[\\".contains($0) ? ["\\", $0] : [$0] })
  }

  /// - Parameters:
  ///   - paths: patterns, relative to the kernel's top.
  ///   - isRecursive: whether what is below a directory that is matched comes too.
  private func extract(
    _ path: String, _ paths: [String], spec: String, into whole: String, isRecursive: Bool = true
  ) async throws {
    let format = KernelSpec.tarballEndings.first { path.hasSuffix($0.ending) }
    for program in ["tar", format?.program].compactMap(\.self) {
      try Command.require(program, environment: environment)
    }
    try FileManager.default.createDirectory(
      atPath: whole, withIntermediateDirectories: false)
    let patterns = paths.flatMap { [$0, "./\($0)", "*/\($0)", "./*/\($0)"] }
    let result = try await Command.run(
      "tar",
      [
        "-x", "-f", path, "-C", whole, "--no-same-owner", "--no-same-permissions", "--anchored",
        "--wildcards", "--no-wildcards-match-slash",
      ] + (isRecursive ? [] : ["--no-recursion"]) + patterns, environment: environment)
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
  }

  /// The directory of the tree: `whole` itself, or one directory in it.
  private static func top(in whole: String, where isTop: (String) -> Bool) -> String? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: whole)) ?? []
    let candidates = [whole] + names.sorted().map { "\(whole)/\($0)" }
    return candidates.first(where: isTop)
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

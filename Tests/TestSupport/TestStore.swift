// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource

/// What tests have made, kept on disk by all that it depends on: each thing is made once, by whichever
/// process of a test run wants it first, and again only when kshim has changed.
///
///     let verdict = try await TestStore.value("verdict", of: [tree, patch]) { try await judge() }
///
/// It lies in `.build/test-store`, in a directory for each kshim; those of others are removed.
public enum TestStore {
  /// - Parameters:
  ///   - kind: a short name, for the file.
  ///   - parts: what the value depends on besides kshim itself.
  ///   - make: called where nobody has made the value yet; what it throws is not kept.
  public static func value<Value: Codable & Sendable>(
    _ kind: String, of parts: [String], make: @Sendable () async throws -> Value
  ) async throws -> Value {
    let path = try await made(kind, parts, ending: "json") { path in
      try await JSONEncoder().encode(make()).write(to: URL(fileURLWithPath: path))
    }
    return try JSONDecoder().decode(
      Value.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// A directory that `make` fills, its path given; nobody may write to it afterwards.
  public static func directory(
    _ kind: String, of parts: [String], make: @Sendable (String) async throws -> Void
  ) async throws -> String {
    try await made(kind, parts, ending: "d") { path in
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try await make(path)
    }
  }

  /// What identifies a kernel as it is unpacked, which never changes afterwards.
  public static func part(of tree: KernelTree) -> String {
    "\(tree.spec) \(tree.version) \(tree.directory)"
  }

  // MARK: Files

  private static func made(
    _ kind: String, _ parts: [String], ending suffix: String,
    _ make: (String) async throws -> Void
  ) async throws -> String {
    let folder = try await folder.value
    let key = Digest.of(([kind] + parts).joined(separator: "\0")).prefix(32)
    let path = "\(folder)/\(kind)-\(key).\(suffix)"
    let files = FileManager.default
    if files.fileExists(atPath: path) { return path }
    let lock = try await acquire("\(folder)/\(key).lock")
    defer { close(lock) }
    if files.fileExists(atPath: path) { return path }
    let fresh = "\(folder)/.new-\(UUID().uuidString)"
    defer { try? files.removeItem(atPath: fresh) }
    try await make(fresh)
    try files.moveItem(atPath: fresh, toPath: path)
    return path
  }

  /// Waits for an exclusive lock on a file, which its process's end releases too.
  private static func acquire(_ path: String) async throws -> Int32 {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw POSIXError(.EIO) }
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 { try await Task.sleep(for: .milliseconds(20)) }
    return descriptor
  }

  private static let folder = Task { () throws -> String in
    let products = URL(fileURLWithPath: Tool.products)
    let store = products.deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("test-store").path
    let files = FileManager.default
    try files.createDirectory(atPath: store, withIntermediateDirectories: true)
    let name = String(try await identity().prefix(16))
    let lock = try await acquire("\(store)/.lock")
    defer { close(lock) }
    for other in try files.contentsOfDirectory(atPath: store)
    where other != name && other != ".lock" {
      try? files.removeItem(atPath: "\(store)/\(other)")
    }
    try files.createDirectory(atPath: "\(store)/\(name)", withIntermediateDirectories: true)
    return "\(store)/\(name)"
  }

  /// kshim by content: the program, which holds all that the tests link as well, the files of the
  /// installation, and the compiler's name.
  private static func identity() async throws -> String {
    let root = try Installation.locate().root
    let clang = try Toolchain.locate().tool("clang")
    let ran = try await Command.script(
      """
      sha256sum < "$1"; cd "$2"; "$3" --version
      find shims kernel-extract -path kernel-extract/out -prune -o -type f -print0 |
        sort -z | xargs -0 sha256sum
      """, [Tool.path, root, clang], needs: ["sha256sum", "find"])
    guard ran.succeeded else { throw POSIXError(.ENOENT) }
    return Digest.of(ran.outputText)
  }
}

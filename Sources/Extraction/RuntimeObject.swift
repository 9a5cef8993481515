// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// What every shared object of one kind has beside its unit: the runtime and the table, compiled once
/// for these sources, this compiler and these options, and kept.
struct RuntimeObject {
  /// Those beyond this go, the oldest first; each is some 100 KB.
  private static let most = 32

  let installation: Installation
  /// `-D` and other options of the preprocessor.
  let defines: [String]

  /// Where the object is.
  ///
  /// - Parameter scratch: a place for it where it cannot be kept.
  func path(scratch: String) async throws -> String {
    let clang = try Toolchain.locate().tool("clang")
    let compiler = URL(fileURLWithPath: clang).resolvingSymlinksInPath().path
    let headers = ["public", "include", "runtime"].flatMap { files("\(installation.shims)/\($0)") }
    let own = ["runtime", "table"].map { "\(installation.root)/kernel-extract/\($0).inc" }
    let contents = (headers + own).map { "\($0) \(Digest.of(file: $0) ?? "")" }
    let key = Digest.of(
      (["kshim runtime 2", compiler, FileStamp(compiler).text ?? ""] + defines + contents)
        .joined(separator: "\n"))
    let path = "\(installation.cache)/runtime-\(key.prefix(32)).o"
    let keeper = installation.keeper
    if FileStamp(path).text != nil {
      for number in 0..<30 where number == 0 || KeptFile.isYoung(path) {
        let digest = await keeper.record(at: "\(path).digest")
        if let digest, Digest.of(file: path).map({ Data($0.utf8) }) == digest {
          keeper.use(path)
          return path
        }
        try? await Task.sleep(for: .milliseconds(100))
      }
      if FileStamp("\(path).digest").text != nil { keeper.tellDamage(path) }
    }
    try await make(scratch, own)
    guard let object = FileManager.default.contents(atPath: scratch),
      await keeper.keep(files: ["": object], at: path),
      await keeper.keep(record: Data(Digest.of(object).utf8), at: "\(path).digest")
    else { return scratch }
    return path
  }

  static func prune(_ directory: String) {
    let kept = KeptFile.aged(in: directory, ending: ".o")
    for old in KeptFile.idle(kept.dropLast(most)) {
      unlink(old)
      unlink("\(old).digest")
    }
  }

  private func make(_ path: String, _ sources: [String]) async throws {
    let compiled = try await Toolchain.run(
      "clang",
      [
        "-std=gnu11", "-O2", "-g1", "-fPIC", "-fvisibility=hidden", "-nostdlib", "-r",
        "-DKSHIM_DIRECT", "-I\(installation.shims)/public", "-I\(installation.shims)/include",
      ] + defines + ["-x", "c"] + sources + ["-o", path],
      // The objects in between.
      environment: ["TMPDIR": (path as NSString).deletingLastPathComponent])
    guard compiled.succeeded else {
      throw Failure(
        .tool, asked: "compile the runtime", cause: "the compiler refuses it",
        evidence: Array(compiled.errorLines.prefix(8)),
        remedy: "check that clang can compile and link on this machine")
    }
  }

  /// The files directly in a directory, sorted.
  private func files(_ directory: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
      .map { "\(directory)/\($0)" }
  }
}

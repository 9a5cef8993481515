// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource
import Reporting

/// What somebody asks a check for. The same request gets the same verdict for as long as no file of
/// the tree was touched that the verdict depends on.
public struct Request: Sendable {
  let subject: String
  /// The top of the tree that the kernel names.
  public let directory: String
  /// When nothing had been read yet.
  let began: timespec
  /// What was at the top then: of the cache's trees, that directory's own times say when they were
  /// used.
  let top: [String]
  /// All that it consists of.
  let text: String

  /// - Parameters:
  ///   - kernel: as it was named.
  ///   - directory: what that stands for, absolute.
  ///   - patches: the files, and how many patches are taken of them.
  ///   - allowed: what they may bring.
  public init(
    subject: String, kernel: String, directory: String, patches: [PatchFile.Source], take: Int?,
    allowed: Set<Suspicion.Kind> = []
  ) {
    self.subject = subject
    self.directory = directory
    began = FileStamp.now()
    top = Self.top(of: directory)
    let files = patches.flatMap { [$0.name, Digest.of($0.content)] }
    text =
      ([subject, kernel, directory, take.map(String.init) ?? "all"] + files
      + allowed.map(\.rawValue).sorted())
      .joined(separator: "\0")
  }

  static func top(of directory: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
  }
}

/// Verdicts by the request: what was asked, and the stamps of all that was read to answer it. A
/// lookup reads none of it, and neither makes a revision nor hashes a file.
///
/// `request-DIGEST` holds the name of a list of places, the digest of their stamps, and the verdict
/// as it was told. `places-DIGEST` is the list, which requests share.
extension ResultCache {
  /// The verdict as it was told, ``Verdict/Exploration/reused`` true; nil where it was not, or where
  /// anything was touched since.
  public func verdict(of request: Request) async -> Verdict? {
    guard let directory, let name = try? await name(of: request),
      let record = KeptFile.read("\(directory)/\(name)")
    else { return nil }
    let parts = record.split(separator: UInt8(ascii: "\n"), maxSplits: 2)
    guard parts.count == 3 else { return nil }
    let list = String(decoding: parts[0], as: UTF8.self)
    guard let places = KeptFile.read("\(directory)/\(list)"),
      String(decoding: parts[1], as: UTF8.self)
        == TreeStamps(of: places, in: request.directory).digest,
      var verdict = try? JSONDecoder().decode(Verdict.self, from: parts[2]), verdict.isSound
    else { return nil }
    use(list)
    use(name)
    verdict.exploration.reused = true
    return verdict
  }

  /// Keeps what was told. Not, where anything was touched since the request was made, and not where
  /// more is to be told than a verdict.
  func keep(_ answer: Check.Answer, as request: Request) async {
    guard let directory, let revision = answer.parts.first?.revision,
      answer.parts.allSatisfy(\.verdict.exploration.exhaustive),
      revision.remarks.isEmpty, revision.skipped.isEmpty,
      revision.tree.directory == request.directory,
      let name = try? await name(of: request)
    else { return }
    let readings = answer.parts.map(\.reading)
    // A header could come into any directory that headers are looked for in.
    let places = TreeStamps.places(
      KernelTree.marks + revision.named + readings.flatMap(\.files)
        + Files.directories(readings.flatMap(\.roots), in: request.directory))
    let stamps = TreeStamps(of: places, in: request.directory)
    guard stamps.areOlder(than: request.began), Request.top(of: request.directory) == request.top
    else { return }
    let list = "places-\(Digest.of(places).prefix(32))"
    guard let verdict = try? Self.encoder.encode(answer.verdict) else { return }
    // What is not kept is looked for in the usual way.
    if KeptFile.read("\(directory)/\(list)") == places {
      use(list)
    } else {
      try? write(places, list)
    }
    try? write(Data("\(list)\n\(stamps.digest)\n".utf8) + verdict, name)
    prune()
  }

  private func name(of request: Request) async throws -> String {
    let scope = try await scope(request.subject)
    return "request-\(Digest.of("\(scope)\0\(request.text)").prefix(32))"
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import Failures
import Foundation
import KernelSource

/// The compiled builds of one revision: for each worker a copy, because each shared object has one
/// world.
package struct Builds: Sendable {
  let extraction: Extraction
  private let installation: Installation
  private let directory: String
  private let jobs: Int
  /// Whether there is a build that counts.
  private(set) var isCounting = false

  var path: String { path(0) }
  private func path(_ worker: Int) -> String { "\(directory)/\(worker).so" }

  /// - Parameter counting: whether branches will be counted.
  static func make(
    _ subject: String, _ revision: Revision, jobs: Int, counting: Bool,
    installation: Installation, sharing files: SourceFiles, in directory: String
  ) async throws -> Builds {
    if revision.isChanged {
      try await SharedObject.prepare(
        counting: counting, installation: installation, in: directory)
    }
    let extraction = try await Extraction.extract(
      subject, from: revision, installation: installation, sharing: files,
      as: .object(counting: counting),
      into: "\(directory)/extracted")
    return try await make(
      extraction, jobs: jobs, counting: counting, installation: installation, in: directory)
  }

  package static func make(
    _ extraction: Extraction, jobs: Int, counting: Bool = false, installation: Installation,
    in directory: String
  ) async throws -> Builds {
    var builds = Builds(
      extraction: extraction, installation: installation, directory: directory, jobs: jobs)
    builds.isCounting = counting
    let made = builds
    async let counted: Void = counting ? made.makeCounting() : ()
    _ = try await SharedObject.build(
      extraction, counting: false, installation: installation, into: builds.path)
    try builds.copy(builds.path(_:))
    try await counted
    return builds
  }

  /// Each worker gets a copy of the first one's.
  private func copy(_ path: (Int) -> String) throws {
    for worker in 1..<max(1, jobs) {
      try FileManager.default.copyItem(atPath: path(0), toPath: path(worker))
    }
  }

  @Sendable package func load(_ worker: Int) throws -> Subject {
    try Subject(sharedObject: path(worker))
  }

  /// The lines of places in the module of ``path``.
  func source(of offsets: Set<UInt64>) async throws -> SourceLines {
    let provenance = extraction.provenance
    let sources = Set([provenance.source] + provenance.functions.compactMap(\.file))
    let places = try await Symbolizer(module: path, sources: sources)
      .places(of: offsets)
    return SourceLines(
      provenance: provenance, statements: extraction.statements,
      primitives: extraction.primitives, places: places)
  }

}

/// The same text once more, with clang's counters: what the search itself has no use for.
extension Builds {
  var countingPath: String { countingPath(0) }
  private func countingPath(_ worker: Int) -> String { "\(directory)/counting-\(worker).so" }
  var profiles: [String] { (0..<jobs).map(profile(_:)) }
  private func profile(_ worker: Int) -> String { "\(directory)/\(worker).profraw" }

  private func makeCounting() async throws {
    _ = try await SharedObject.build(
      extraction, counting: true, installation: installation, into: countingPath)
    try copy(countingPath(_:))
  }

  @Sendable func loadCounting(_ worker: Int) throws -> Subject {
    try Subject(sharedObject: countingPath(worker))
  }

  /// Writes how often each branch was taken. Returns the file.
  @discardableResult
  func writeProfile(of subject: Subject, worker: Int) -> String {
    subject.writeProfile(to: profile(worker))
    return profile(worker)
  }
}

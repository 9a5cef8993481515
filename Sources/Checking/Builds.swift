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
  /// Whether they count how often each branch is taken.
  private(set) var isCounting = false

  var path: String { path(0) }
  private func path(_ worker: Int) -> String { "\(directory)/\(worker).so" }

  /// - Parameters:
  ///   - counting: whether branches will be counted.
  ///   - isAlone: whether nothing else is built meanwhile.
  static func make(
    _ subject: String, _ revision: Revision, jobs: Int, counting: Bool,
    installation: Installation, sharing files: SourceFiles, isAlone: Bool = false,
    in directory: String
  ) async throws -> Builds {
    if revision.isChanged {
      try await SharedObject.prepare(
        counting: counting, installation: installation, in: directory)
    }
    let extraction = try await Extraction.extract(
      subject, from: revision, installation: installation, sharing: files,
      as: .object(counting: counting, isAlone: isAlone),
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
    _ = try await SharedObject.build(
      extraction, counting: counting, installation: installation, into: builds.path)
    try builds.copy()
    return builds
  }

  /// Each worker gets a copy of the first one's.
  private func copy() throws {
    for worker in 1..<max(1, jobs) {
      try FileManager.default.copyItem(atPath: path(0), toPath: path(worker))
    }
  }

  @Sendable package func load(_ worker: Int) throws -> Subject {
    try Subject(sharedObject: path(worker))
  }

  /// The lines of places in the module of ``path``, which is loaded as a subject.
  func source(of offsets: Set<UInt64>, in subject: Subject) async throws -> SourceLines {
    let provenance = extraction.provenance
    let sources = Set([provenance.source] + provenance.functions.compactMap(\.file))
    let places = try await Symbolizer(module: path, sources: sources)
      .places(of: offsets, orAt: subject.place(ofBlock:))
    return SourceLines(
      provenance: provenance, statements: extraction.statements,
      primitives: extraction.primitives, places: places)
  }

}

extension Builds {
  var profiles: [String] { (0..<jobs).map(profile(_:)) }
  private func profile(_ worker: Int) -> String { "\(directory)/\(worker).profraw" }

  /// Writes how often each branch was taken, where that is counted.
  @Sendable func writeProfile(_ worker: Int, of subject: Subject) {
    if isCounting { subject.writeProfile(to: profile(worker)) }
  }

  /// What was counted so far.
  func coverage(in work: String) -> Coverage {
    Coverage(
      extraction: extraction, module: path,
      profiles: profiles.filter(FileManager.default.fileExists), work: work)
  }
}

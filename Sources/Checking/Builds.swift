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
  private let directory: String
  private let jobs: Int

  var path: String { path(0) }
  var profiles: [String] {
    (0..<jobs).map { "\(directory)/\($0).profraw" }
  }

  private func path(_ worker: Int) -> String { "\(directory)/\(worker).so" }

  /// - Parameter counting: whether the notes will be asked for.
  static func make(
    _ subject: String, _ revision: Revision, jobs: Int, counting: Bool,
    installation: Installation, in directory: String
  ) async throws -> Builds {
    let extraction = try await Extraction.extract(
      subject, from: revision, installation: installation, into: "\(directory)/extracted")
    return try await make(
      extraction, jobs: jobs, counting: counting, installation: installation, in: directory)
  }

  /// - Parameter counting: whether it counts how often each branch is taken.
  package static func make(
    _ extraction: Extraction, jobs: Int, counting: Bool, installation: Installation,
    in directory: String
  ) async throws -> Builds {
    let builds = Builds(extraction: extraction, directory: directory, jobs: jobs)
    _ = try await SharedObject.build(
      extraction, counting: counting, installation: installation, into: builds.path)
    for worker in 1..<max(1, jobs) {
      try FileManager.default.copyItem(atPath: builds.path, toPath: builds.path(worker))
    }
    return builds
  }

  @Sendable package func load(_ worker: Int) throws -> Subject {
    try Subject(sharedObject: path(worker))
  }

  /// The lines of places in the module of ``path``.
  func source(of offsets: Set<UInt64>) async throws -> SourceLines {
    let provenance = extraction.provenance
    let places = try await Symbolizer(module: path, source: provenance.source)
      .places(of: offsets)
    return SourceLines(
      provenance: provenance, statements: extraction.statements,
      primitives: extraction.primitives, places: places)
  }

  func writeProfile(of subject: Subject, worker: Int) {
    subject.writeProfile(to: "\(directory)/\(worker).profraw")
  }
}

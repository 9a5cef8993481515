// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import Failures
import Foundation
import KernelSource

/// The compiled builds of one revision: for each worker a copy of both, because each shared object
/// has one world.
package struct Builds: Sendable {
  let extraction: Extraction
  private let directory: String
  private let jobs: Int

  var patternPath: String { path(.pattern, 0) }
  var zeroPath: String { path(.zero, 0) }
  var profiles: [String] {
    (0..<jobs).map { "\(directory)/\($0).profraw" }
  }

  private func path(_ poison: SharedObject.Poison, _ worker: Int) -> String {
    "\(directory)/\(poison.rawValue)-\(worker).so"
  }

  /// - Parameter counting: whether the notes will be asked for.
  static func make(
    _ subject: String, _ revision: Revision, jobs: Int, counting: Bool,
    installation: Installation, in directory: String
  ) async throws -> Builds {
    let extraction = try await Extraction.extract(
      subject, from: revision, installation: installation, as: .object,
      into: "\(directory)/extracted")
    return try await make(
      extraction, jobs: jobs, counting: counting, installation: installation, in: directory)
  }

  /// - Parameter counting: whether the second build counts how often each branch is taken.
  package static func make(
    _ extraction: Extraction, jobs: Int, counting: Bool, installation: Installation,
    in directory: String
  ) async throws -> Builds {
    let builds = Builds(extraction: extraction, directory: directory, jobs: jobs)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for poison in SharedObject.Poison.allCases {
        group.addTask {
          _ = try await SharedObject.build(
            extraction, poison: poison, counting: counting && poison == .zero,
            installation: installation,
            into: builds.path(poison, 0))
          for worker in 1..<max(1, jobs) {
            try FileManager.default.copyItem(
              atPath: builds.path(poison, 0), toPath: builds.path(poison, worker))
          }
        }
      }
      try await group.waitForAll()
    }
    return builds
  }

  @Sendable package func load(_ worker: Int) throws -> (pattern: Subject, zero: Subject) {
    (
      try Subject(sharedObject: path(.pattern, worker)),
      try Subject(sharedObject: path(.zero, worker))
    )
  }

  /// One of the two, for what is not judged.
  @Sendable func loadPattern(_ worker: Int) throws -> Subject {
    try Subject(sharedObject: path(.pattern, worker))
  }

  /// The lines of places in the module of ``patternPath``.
  func source(of offsets: Set<UInt64>) async throws -> SourceLines {
    let provenance = extraction.provenance
    let places = try await Symbolizer(module: patternPath, source: provenance.source)
      .places(of: offsets)
    return SourceLines(
      provenance: provenance, statements: extraction.statements,
      primitives: extraction.primitives, places: places)
  }

  func writeProfile(of zero: Subject, worker: Int) {
    zero.writeProfile(to: "\(directory)/\(worker).profraw")
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Failures
import Foundation
import FunctionExtract
import KernelExtract
import KernelSource

/// What `kshim extract` left for `swift test`: linked into the test bundle, judged only as long as
/// it is what its tree holds.
public struct ExtractedSubject {
  /// What can be extracted: a subject with a model, or any function and any manifest of one's own.
  public enum Kind: String, Sendable {
    case subject = "kvm-mmu-roots"
    case function
  }

  public let provenance: Provenance
  public let built: Subject

  /// Reading every header of the tree again is done once.
  private static let stale = Task { try read(.subject) }
  private static let staleFunction = Task { try read(.function) }

  private static func read(_ kind: Kind) throws -> (Provenance, [String]) {
    let provenance = try Provenance.read(in: "\(out)/\(kind.rawValue)")
    return (provenance, provenance.staleFiles())
  }

  /// What `kshim extract` writes to is where this package was built from, whoever's tests these are.
  private static let out: String = {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return "\(ProcessInfo.processInfo.environment["KSHIM_ROOT"] ?? root.path)/kernel-extract/out"
  }()

  /// Whether anything was extracted.
  public static var isThere: Bool { isThere(.subject) }

  public static func isThere(_ kind: Kind) -> Bool {
    FileManager.default.fileExists(atPath: "\(out)/\(kind.rawValue)/provenance.json")
  }

  /// - Throws: ``Failure`` when nothing was extracted, when the tree has changed since, or when
  ///   this bundle was built before the last extraction.
  public static func load(_ kind: Kind = .subject) async throws -> ExtractedSubject {
    let (provenance, files) = try await (kind == .subject ? stale : staleFunction).value
    guard let table = kind == .subject ? kshim_table_extracted() : kshim_table_function() else {
      throw refusal("this test bundle was built before anything was extracted", [])
    }
    guard files.isEmpty else {
      throw refusal("the kernel at \(provenance.tree) has changed since it was extracted", files)
    }
    let subject = ExtractedSubject(
      provenance: provenance, built: try Subject(table: table))
    guard subject.built.textSHA256 == provenance.textSHA256 else {
      throw refusal("this test bundle was built from another extraction", [])
    }
    return subject
  }

  private static func refusal(_ cause: String, _ files: [String]) -> Failure {
    Failure(
      .request, asked: "judge what was extracted", cause: cause,
      evidence: files.prefix(5).map { "changed: \($0)" },
      remedy: "run 'make extract KERNEL=…', then 'swift test' again")
  }

  /// What one scenario breaks of what no model judges: each property with its sentence and the
  /// scenario. Empty where nothing is broken.
  ///
  ///     for broken in try await ExtractedSubject.broken(by: "f:-:al1", of: "lib/a.c:f") { XCTFail(broken) }
  ///
  /// Mended code may ask for other decisions than the scenario has; its answers are then the first
  /// ones, by position.
  ///
  /// - Parameter name: FILE:FUNCTION, or the manifest's name.
  /// - Throws: ``Failure`` where something else was extracted, and those of ``load(_:)``.
  public static func broken(by spelling: String, of name: String) async throws -> [String] {
    let scenario = try Scenario(spelling)
    let subject = try await load(.function)
    guard subject.provenance.subject == name else {
      throw Failure(
        .request, asked: "replay \(scenario) of \(name)",
        cause: "what was extracted is \(subject.provenance.subject)",
        remedy: "run the 'kshim extract' that this test names, then 'swift test' again")
    }
    var domain = try ManifestDomain(subject.built)
    let found = try Explorer.replay(
      scenario, in: &domain, subject: subject.built, isExact: false)
    return found.entries.map { breach, entry in
      "\(breach.property): in \(breach.function)(): \(entry.message); scenario \(scenario)"
    }.sorted()
  }
}

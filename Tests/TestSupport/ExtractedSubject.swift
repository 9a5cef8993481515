// SPDX-License-Identifier: GPL-2.0-only
import Exploration
import Extraction
import Failures
import Foundation
import FunctionExtract
import KernelExtract

/// What `kshim extract` left for `swift test`: linked into the test bundle, judged only as long as
/// it is what its tree holds.
public struct ExtractedSubject {
  /// What can be extracted: a subject with a model, or any function.
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
    let root = try Installation.locate()
    let provenance = try Provenance.read(in: "\(root.out)/\(kind.rawValue)")
    return (provenance, provenance.staleFiles())
  }

  /// Whether anything was extracted.
  public static var isThere: Bool { isThere(.subject) }

  public static func isThere(_ kind: Kind) -> Bool {
    guard let root = try? Installation.locate() else { return false }
    return FileManager.default.fileExists(atPath: "\(root.out)/\(kind.rawValue)/provenance.json")
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
}

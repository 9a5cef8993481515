// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// A subject in a directory of its own, outside of the package.
extension Installation {
  /// The same with one more subject, from a manifest anywhere; it hides one of the same name. Its
  /// glue lies beside it.
  ///
  /// - Throws: ``Failure`` of kind request where there is no such file.
  public func adding(manifest path: String) throws -> Installation {
    let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
    let name = (absolute as NSString).lastPathComponent
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: absolute, isDirectory: &isDirectory),
      !isDirectory.boolValue
    else {
      throw Failure(
        .request, asked: "read the manifest \(path)", cause: "there is no such file", place: path,
        remedy: Nearest.remedy(
          forPath: path, otherwise: "name the manifest of a subject, NAME.yaml"))
    }
    guard name.hasSuffix(".yaml"), name.count > 5 else {
      throw Failure(
        .request, asked: "read the manifest \(path)", cause: "it is not called NAME.yaml",
        place: path, remedy: "call it as its subject, with the ending .yaml")
    }
    var installation = self
    installation.added = Added(name: String(name.dropLast(5)), path: absolute)
    return installation
  }

  /// The subject of ``adding(manifest:)``.
  public var addedSubject: String? { added?.name }

  func manifestPath(of subject: String) -> String {
    if let added, added.name == subject { return added.path }
    return "\(subjects)/\(subject).yaml"
  }

  func glueDirectory(of subject: String) -> String {
    if let added, added.name == subject {
      return (added.path as NSString).deletingLastPathComponent
    }
    return glue
  }

  /// Mutants that mean the same, listed with a reason.
  public func equivalentsPath(of subject: String) -> String {
    added?.name == subject
      ? "\(glueDirectory(of: subject))/\(subject).equivalents.yaml"
      : "\(root)/kernel-extract/equivalents/\(subject).yaml"
  }

  /// Where glue may come from.
  var glueDirectories: [String] {
    [glue, services] + [added.map { glueDirectory(of: $0.name) }].compactMap(\.self)
  }

  /// The manifest that was added, and its glue; files of rules.
  public var addedFiles: [String] { rules + manifestFiles }

  private var manifestFiles: [String] {
    guard let added else { return [] }
    let glue = (try? ReadManifests.manifest(at: added.path))?.glue
    return [added.path]
      + [glue.map { "\(glueDirectory(of: added.name))/\($0)" }].compactMap(\.self)
  }
}

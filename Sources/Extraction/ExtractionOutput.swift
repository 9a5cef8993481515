// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// Where an extraction that was made elsewhere is written: all of it, or what is there stays.
public struct ExtractionOutput {
  private let output: OutputDirectory
  private let asked: String

  /// - Throws: ``Failure`` of kind request where something else lies there, of kind tool where
  ///   nothing can be written.
  public init(_ directory: String, asked: String) throws {
    output = try OutputDirectory(directory, asked: asked)
    self.asked = asked
  }

  /// - Parameter files: by their path below the directory.
  public func write(_ files: [String: Data]) throws {
    do {
      for (name, content) in files {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(where: { ["", ".", ".."].contains($0) }) else { continue }
        let path = "\(output.work)/\(name)"
        try FileManager.default.createDirectory(
          atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try content.write(to: URL(fileURLWithPath: path))
      }
    } catch {
      throw Failure(
        .tool, asked: asked,
        cause: "the output directory cannot be written (\(error.localizedDescription))",
        place: output.path, remedy: "name another directory")
    }
    try output.commit()
  }

  /// Leaves what is there as it is, where nothing was written.
  public func discard() { output.discard() }
}

extension Extraction {
  /// All that was written, by its path below ``directory``.
  public func files() throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: directory) {
      var isDirectory: ObjCBool = false
      let path = "\(directory)/\(name)"
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
        !isDirectory.boolValue
      else { continue }
      files[name] = try Data(contentsOf: URL(fileURLWithPath: path))
    }
    return files
  }
}

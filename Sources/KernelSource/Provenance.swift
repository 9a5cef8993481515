// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// Where an extraction came from: `provenance.json` beside the extracted text.
public struct Provenance: Codable, Sendable, Equatable {
  public struct Patch: Codable, Sendable, Equatable {
    public var file: String
    public var subject: String?

    public init(file: String, subject: String?) {
      self.file = file
      self.subject = subject
    }
  }
  public struct Function: Codable, Sendable, Equatable {
    public var name: String
    public var firstLine: Int
    public var lastLine: Int
    /// Where a patch put it; nil: in the source file.
    public var file: String?

    public init(name: String, firstLine: Int, lastLine: Int, file: String? = nil) {
      self.name = name
      self.firstLine = firstLine
      self.lastLine = lastLine
      self.file = file
    }
  }

  public var subject: String
  /// The kernel as it was asked for.
  public var kernel: String
  /// Its version, from its Makefile.
  public var version: String
  /// The tree's top directory.
  public var tree: String
  public var patches: [Patch]
  /// The source file, relative to the tree.
  public var source: String
  /// Lines are those of the source file, patches applied, from 1.
  public var functions: [Function]
  /// SHA-256 of the extracted text, in hexadecimal.
  public var textSHA256: String
  /// SHA-256 of each file of the tree that was read, by path relative to the tree. Empty where nobody
  /// reads the text later.
  public var files: [String: String]
  /// Headers that the kernel's build makes, read as if they were empty.
  public var missing: [String]?

  public init(
    subject: String, kernel: String, version: String, tree: String, patches: [Patch],
    source: String,
    functions: [Function], textSHA256: String, files: [String: String], missing: [String]? = nil
  ) {
    self.subject = subject
    self.kernel = kernel
    self.version = version
    self.tree = tree
    self.patches = patches
    self.source = source
    self.functions = functions
    self.textSHA256 = textSHA256
    self.files = files
    self.missing = missing
  }

  /// The file that a function is in, relative to the tree.
  public func file(of function: String) -> String {
    functions.first { $0.name == function }?.file ?? source
  }

  public static func read(in directory: String) throws -> Provenance {
    let path = "\(directory)/provenance.json"
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(
        .request, asked: "read what was extracted", cause: "nothing was extracted yet", place: path,
        remedy: "run 'make extract', or 'kshim extract --kernel DIRECTORY'")
    }
    do {
      return try JSONDecoder().decode(Provenance.self, from: data)
    } catch {
      throw Failure(
        .tool, asked: "read what was extracted", cause: "its provenance is damaged", place: path,
        remedy: "run 'make extract' again")
    }
  }

  /// Files of the tree that are no longer what was extracted, sorted; empty when it still matches.
  public func staleFiles() -> [String] {
    files.filter { Digest.of(file: "\(tree)/\($0.key)") != $0.value }.keys.sorted()
  }
}

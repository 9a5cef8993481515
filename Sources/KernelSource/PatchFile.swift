// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation

/// A patch as the user handed it in: a unified diff, with or without a mail around it.
public struct PatchFile: Sendable, Equatable {
  /// As the user named it; `-` for standard input.
  public let name: String
  /// Its bytes, unchanged.
  public let content: Data

  public init(name: String, content: Data) {
    self.name = name
    self.content = content
  }

  /// Reads a patch; `-` is standard input, which can be read once.
  ///
  /// - Throws: `Failure` of kind request where there is no such file or it cannot be read.
  public init(reading name: String) throws {
    if name == "-" {
      self.init(name: name, content: FileHandle.standardInput.readDataToEndOfFile())
      return
    }
    let asked = "read patch \(name)"
    let remedy = "name a patch file, or - for standard input"
    switch FileKind(name) {
    case .nothing:
      throw Failure(.request, asked: asked, cause: "there is no such file", remedy: remedy)
    case .directory:
      throw Failure(.request, asked: asked, cause: "it is a directory", remedy: remedy)
    case .file: break
    }
    do {
      self.init(name: name, content: try Data(contentsOf: URL(fileURLWithPath: name)))
    } catch {
      throw Failure(
        .request, asked: asked, cause: "it cannot be read (\(error.localizedDescription))",
        remedy: "make it readable")
    }
  }

  /// Reads patches in order.
  ///
  /// - Throws: what ``init(reading:)`` throws; `Failure` of kind request where `-` comes twice.
  public static func read(_ names: [String]) throws -> [PatchFile] {
    if names.filter({ $0 == "-" }).count > 1 {
      throw Failure(
        .request, asked: "read the patches", cause: "standard input is named more than once",
        remedy: "name - once; it may hold several patches")
    }
    return try names.map { try PatchFile(reading: $0) }
  }

  /// The first `Subject:` header without its `[PATCH …]`, folded lines joined; nil where the
  /// patch has no mail header.
  public var subject: String? {
    var subject: String?
    for line in header {
      if let begun = subject {
        guard line.first == " " || line.first == "\t" else { break }
        subject = begun + " " + line.trimmingCharacters(in: .whitespaces)
      } else if line.hasPrefix("Subject:") {
        subject = line.dropFirst("Subject:".count).trimmingCharacters(in: .whitespaces)
      }
    }
    guard let subject else { return nil }
    let bare = subject.replacing(/^(?:\[[^\]]*\]\s*|[Rr][Ee]:\s*)+/, with: "")
    return bare.isEmpty ? nil : bare
  }

  /// What the user sees it called.
  var title: String { name == "-" ? "standard input" : name }

  /// The lines ahead of the first diff.
  private var header: [String] {
    let text = String(decoding: content.prefix(64 * 1024), as: UTF8.self)
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    return lines.prefix { !$0.hasPrefix("diff ") && !$0.hasPrefix("--- ") }.map(String.init)
  }

  /// The paths that git's extended headers rename or copy from.
  ///
  /// `git apply --numstat` names only what a file is called afterwards.
  var renameOrigins: [String] {
    var origins: [String] = []
    var inHeader = false
    for bytes in content.split(separator: UInt8(ascii: "\n")) {
      if bytes.starts(with: "diff --git ".utf8) {
        inHeader = true
      } else if bytes.starts(with: "@@ ".utf8) {
        inHeader = false
      } else if inHeader {
        for key in ["rename from ", "copy from "] where bytes.starts(with: key.utf8) {
          origins.append(String(decoding: bytes.dropFirst(key.utf8.count), as: UTF8.self))
        }
      }
    }
    return origins
  }
}

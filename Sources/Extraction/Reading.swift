// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// All that an extraction depended on in a revision. Where the same files have the same content, and
/// no other file could be found in their place, the extraction comes out the same.
public struct Reading: Codable, Sendable, Equatable {
  /// A line of the tree, from 1.
  public struct Place: Codable, Sendable, Hashable {
    public var file: String
    public var line: Int
  }

  /// The files that were read, or looked for, relative to the tree's top; sorted.
  public var files: [String]
  /// What the headers that were read are called, wherever they were found; sorted. A file of
  /// another name is never looked for.
  public var names: [String]
  /// The directories, relative to the tree's top, that headers are looked for in.
  public var roots: [String]
  /// Warnings that make the extraction fail where a patch touches their line.
  public var warnings: [Place]

  /// - Parameters:
  ///   - read: paths of the files that were read, of the tree absolute.
  ///   - following: files that tell what a patch renames and moves.
  ///   - tree: its top directory.
  init(
    _ read: [String], manifest: Manifest, following: [String], tree: String, warnings: [Place]
  ) {
    let prefix = tree + "/"
    let inTree = read.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    files = Set(inTree + [manifest.source] + following + KernelBuild.kbuilds).sorted()
    names = Set(read.map { ($0 as NSString).lastPathComponent } + KernelBuild.forced).sorted()
    let source = (manifest.source as NSString).deletingLastPathComponent
    roots = Set(["include", "arch/x86", source] + manifest.include).sorted()
    self.warnings = Set(warnings).sorted { ($0.file, $0.line) < ($1.file, $1.line) }
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource

/// A directory that is filled beside its place and appears there whole, or not at all.
struct OutputDirectory {
  /// Absolute, without symbolic links.
  let path: String
  /// Where it is filled; gone after ``discard()``.
  let work: String

  private let asked: String
  /// Directories above that did not exist, from the innermost.
  private let madeAbove: [String]

  /// - Throws: ``Failure`` of kind request where something else lies there, of kind tool where
  ///   nothing can be written.
  init(_ named: String, asked: String) throws {
    let files = FileManager.default
    path = URL(fileURLWithPath: named).standardizedFileURL.resolvingSymlinksInPath().path
    self.asked = asked
    var isDirectory: ObjCBool = false
    if files.fileExists(atPath: path, isDirectory: &isDirectory) {
      let names = (try? files.contentsOfDirectory(atPath: path)) ?? [""]
      let isOurs = (try? Provenance.read(in: path)) != nil
      guard isDirectory.boolValue, names.isEmpty || isOurs else {
        throw Failure(
          .request, asked: asked,
          cause: "there is something at the output directory that is no extraction", place: path,
          remedy: "name a directory that is new, empty, or holds an extraction")
      }
    }
    Self.sweep(path)
    let parent = (path as NSString).deletingLastPathComponent
    var made: [String] = []
    var above = parent
    while above != "/", !files.fileExists(atPath: above) {
      made.append(above)
      above = (above as NSString).deletingLastPathComponent
    }
    madeAbove = made
    let process = ProcessInfo.processInfo.processIdentifier
    work = "\(path).new-\(process)-\(UniqueName.make().prefix(8))"
    do {
      try files.createDirectory(atPath: work, withIntermediateDirectories: true)
    } catch {
      discard()
      throw Failure(
        .tool, asked: asked, cause: "the output directory cannot be written", place: path,
        remedy: "name another directory")
    }
  }

  /// Puts what was filled in its place; what was there before goes.
  func commit() throws {
    let old = "\(work).old"
    let hadOld = rename(path, old) == 0
    guard rename(work, path) == 0 else {
      if hadOld { rename(old, path) }
      throw Failure(
        .tool, asked: asked, cause: "the output directory cannot be replaced", place: path,
        remedy: "name another directory")
    }
    try? FileManager.default.removeItem(atPath: old)
  }

  /// Removes what was filled aside, and the directories that were made for it and are empty.
  func discard() {
    try? FileManager.default.removeItem(atPath: work)
    for directory in madeAbove where rmdir(directory) != 0 { break }
  }

  /// Removes what an ended process left beside the place.
  private static func sweep(_ path: String) {
    let parent = (path as NSString).deletingLastPathComponent
    let prefix = (path as NSString).lastPathComponent + ".new-"
    for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    where name.hasPrefix(prefix) {
      guard let process = Int32(name.dropFirst(prefix.count).prefix { $0.isNumber }),
        process > 0, kill(process, 0) != 0, errno == ESRCH
      else { continue }
      try? FileManager.default.removeItem(atPath: "\(parent)/\(name)")
    }
  }
}

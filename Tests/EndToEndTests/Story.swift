// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import TestSupport
import XCTest

/// A patch series as its author sends it: each version an mbox that real git makes, with a cover
/// letter and two patches. The versions follow the review that the project was created from.
struct Story {
  /// Of each version, the edits of its two patches.
  static let versions: [(name: String, patches: [[KernelEdit]])] = [
    // Tables freed that were never allocated; a dead check, a page wasted.
    ("v1", [Defect.a.edits, Defect.c.edits + Defect.b.edits]),
    // A variable that is never set; the second call warns and fails.
    ("v2", [Defect.g.edits, Defect.d.edits]),
    ("v3", [Change.rewrite("comparison").edits, Defect.nested.edits]),
  ]

  /// Writes `v1.mbox`, `v2.mbox` and `v3.mbox` into a directory. Returns their paths.
  static func write(of tree: KernelTree, into directory: String) async throws -> [String] {
    let repository = "\(directory)/author"
    func git(_ arguments: String...) async throws -> Data {
      let ran = try await Command.run(
        "git", arguments, environment: EndToEndTestCase.gitEnvironment, directory: repository)
      XCTAssertEqual(ran.status, 0, ran.errorText)
      return ran.output
    }
    let path = "\(repository)/\(EndToEndTestCase.mmu)"
    let files = FileManager.default
    try files.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try files.copyItem(atPath: "\(tree.directory)/\(EndToEndTestCase.mmu)", toPath: path)
    _ = try await git("init", "--quiet", "--initial-branch=base")
    _ = try await git("add", ".")
    _ = try await git("commit", "--quiet", "--message=Linux \(tree.version)")
    var paths: [String] = []
    for (index, version) in versions.enumerated() {
      _ = try await git("checkout", "--quiet", "-B", version.name, "base")
      for (number, edits) in version.patches.enumerated() {
        var text = try String(contentsOfFile: path, encoding: .utf8)
        for edit in edits { text = try edit.apply(to: text) }
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        _ = try await git(
          "commit", "--quiet", "--all", "--message=KVM: x86/mmu: part \(number + 1) of the roots")
      }
      let mails = try await git(
        "format-patch", "--stdout", "--cover-letter", "-v\(index + 1)", "base")
      paths.append("\(directory)/\(version.name).mbox")
      try mails.write(to: URL(fileURLWithPath: paths.last!))
    }
    return paths
  }
}

extension Change {
  /// One of the rewrites by its name.
  static func rewrite(_ name: String) -> Change { rewrites.first { $0.name == name }! }
}

// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource

/// A kernel as a user has one: a directory that kshim did not unpack, small enough for each test to
/// have a copy that it may spoil.
public enum OwnKernel {
  /// What tests change besides what kshim reads.
  private static let others = ["arch/x86/kernel/tboot.c", "arch/x86/kvm", "arch/x86/lib/cmdline.c"]

  /// What kshim reads of a kernel for its roots and for gen-pool, all of KVM and little else, in a
  /// directory that is made once. It is for copying: nobody may write to it.
  public static func directory(of tree: KernelTree) async throws -> String {
    let roots = try Installation.locate()
    let manifest = "\(roots.root)/Tests/Subjects/gen-pool/gen-pool.yaml"
    let pool = try roots.adding(manifest: manifest)
    let parts =
      [TestStore.part(of: tree), try String(contentsOfFile: manifest, encoding: .utf8)] + others
    return try await TestStore.directory("kernel", of: parts) { path in
      let revision = try await KernelStore().revision(tree: tree, patches: [])
      defer { revision.close() }
      let scratch = "\(path).extraction"
      defer { try? FileManager.default.removeItem(atPath: scratch) }
      var names = Set(["Makefile"] + Files.below(others, in: tree.directory))
      for (subject, installation) in [("kvm-mmu-roots", roots), ("gen-pool", pool)] {
        let reading = try await Extraction.extract(
          subject, from: revision, installation: installation, into: scratch
        ).reading
        let known = Set(reading.names)
        names.formUnion(reading.files)
        // A file that could be read in another's place counts in what kshim remembers.
        names.formUnion(Files.below(reading.roots, in: tree.directory) { known.contains($0) })
      }
      let files = FileManager.default
      // What was looked for need not be there.
      for name in names where files.fileExists(atPath: "\(tree.directory)/\(name)") {
        let to = "\(path)/\(name)"
        try files.createDirectory(
          atPath: (to as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try files.copyItem(atPath: "\(tree.directory)/\(name)", toPath: to)
      }
    }
  }

  /// A copy of it that a test may spoil.
  public static func copy(of tree: KernelTree, to directory: String) async throws {
    let small = try await Self.directory(of: tree)
    let copied = try await Command.run("cp", ["-r", "--reflink=auto", small, directory])
    guard copied.succeeded else { throw POSIXError(.EIO) }
    // What was written at this very moment may be written again: kshim would keep nothing of it.
    try await Task.sleep(for: .milliseconds(50))
  }
}

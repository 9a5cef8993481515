// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource

/// A kernel as a user has one: a directory that kshim did not unpack, small enough for each test to
/// have a copy that it may spoil.
public enum OwnKernel {
  /// What tests change besides what kshim reads.
  private static let others = ["arch/x86/kernel/tboot.c", "arch/x86/kvm", "arch/x86/lib/cmdline.c"]

  /// What kshim reads of a kernel for its roots, all of KVM and little else, in a directory that is made
  /// once. It is for copying: nobody may write to it.
  public static func directory(of tree: KernelTree) async throws -> String {
    try await TestStore.directory("kernel", of: [TestStore.part(of: tree)]) { path in
      let revision = try await KernelStore().revision(tree: tree, patches: [])
      defer { revision.close() }
      let scratch = "\(path).extraction"
      defer { try? FileManager.default.removeItem(atPath: scratch) }
      let extraction = try await Extraction.extract(
        "kvm-mmu-roots", from: revision, installation: Installation.locate(), into: scratch)
      let files = FileManager.default
      for name in ["Makefile"] + extraction.reading.files + others {
        let (from, to) = ("\(tree.directory)/\(name)", "\(path)/\(name)")
        // A header may be looked for where it is not, and lie in a directory that comes as a whole.
        guard files.fileExists(atPath: from), !files.fileExists(atPath: to),
          !others.contains(where: { name.hasPrefix("\($0)/") })
        else { continue }
        try files.createDirectory(
          atPath: (to as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try files.copyItem(atPath: from, toPath: to)
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

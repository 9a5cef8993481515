// SPDX-License-Identifier: GPL-2.0-only
import Extraction
import Foundation
import KernelSource
import Reporting
import TestSupport

/// A kernel in which `mmu_alloc_special_roots()` does everything that ends a program: one thing for
/// each pair of the shadow's level and the guest's.
struct BehavingKernel {
  static let kernel = "debian:6.12"
  private static let file = "arch/x86/kvm/mmu/mmu.c"
  private static let function = "mmu_alloc_special_roots"

  let verdict: Verdict
  /// The kernel's file, patched, by lines.
  private let lines: [Substring]

  private static var edits: [KernelEdit] {
    let cases = Behaviour.all.enumerated().map { number, behaviour in
      "\tif (number == \(number)) { \(behaviour.statement) }"
        + (behaviour.function.contains("/* \(behaviour.name) */") ? "" : " /* \(behaviour.name) */")
    }
    let helper = """
      static noinline int kshim_behave(struct kvm_vcpu *vcpu)
      {
      \tint guest = vcpu->arch.mmu->cpu_role.base.level;
      \tint number = (vcpu->arch.mmu->root_role.level - 2) * 5 + (guest ? guest - 1 : 0);
      \tint none = 0;

      \tnumber += 20 * vcpu->arch.mmu->root_role.direct;
      \(cases.joined(separator: "\n"))
      \treturn 0;
      }

      """
    let functions = Behaviour.all.map(\.function).filter { !$0.isEmpty } + [helper]
    return [
      KernelEdit(
        file, .insertBefore("\(function)(", functions.joined(separator: "\n\n"))),
      KernelEdit(
        file, in: function,
        .insertAfter(
          "struct kvm_mmu *mmu", "\tint __maybe_unused behaved = kshim_behave(vcpu);")),
    ]
  }

  /// Checks it with the built tool.
  static func check() async throws -> BehavingKernel {
    let scratch = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("kshim-behaving-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    let store = KernelStore()
    let tree = try await store.resolve(kernel)
    let patch = try await KernelEdit.patch(edits, of: tree, name: "behaving.patch")
    let path = "\(scratch)/behaving.patch"
    try patch.content.write(to: URL(fileURLWithPath: path))
    let revision = try await store.revision(tree: tree, patches: try await PatchFile.read([path]))
    defer { revision.close() }
    let text = try String(contentsOfFile: revision.path(of: file) ?? "", encoding: .utf8)
    let ran = try await Tool.run(
      ["check", "--kernel", kernel, "--patch", path, "--format", "json"])
    guard ran.status == 1 else { throw Unfinished(description: "\(ran.status): \(ran.errors)") }
    return BehavingKernel(
      verdict: try JSONDecoder().decode(Verdict.self, from: Data(ran.output.utf8)),
      lines: text.split(separator: "\n", omittingEmptySubsequences: false))
  }

  /// The kernel's subject, compiled, twice: each has a world of its own.
  static func sharedObjects() async throws -> [String] {
    let scratch = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("kshim-objects-\(UUID().uuidString)").path
    let store = KernelStore()
    let revision = try await store.revision(tree: try await store.resolve(kernel), patches: [])
    defer { revision.close() }
    let installation = try Installation.locate()
    let extraction = try await Extraction.extract(
      "kvm-mmu-roots", from: revision, installation: installation, into: "\(scratch)/extracted")
    let paths = ["\(scratch)/a.so", "\(scratch)/b.so"]
    for path in paths {
      _ = try await SharedObject.build(
        extraction, counting: false, installation: installation, into: path)
    }
    return paths
  }

  /// The tool did not come to a verdict with findings.
  struct Unfinished: Error, CustomStringConvertible { var description: String }

  /// What is found at a behaviour's line by its property.
  func finding(_ behaviour: Behaviour) -> Verdict.Finding? {
    guard let index = lines.firstIndex(where: { $0.hasSuffix("/* \(behaviour.name) */") })
    else { return nil }
    return verdict.findings.first {
      $0.property == behaviour.property && $0.line == index + 1 && $0.introduced
    }
  }
}

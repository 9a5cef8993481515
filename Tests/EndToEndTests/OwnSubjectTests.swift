// SPDX-License-Identifier: GPL-2.0-only
import Checking
import Extraction
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// Subjects in directories of their own, Tests/Subjects: a manifest, no line of Swift. Each of eight
/// mistakes in each is found, and the kernel as released is clean.
final class OwnSubjectTests: EndToEndTestCase {
  /// A mistake, and what it must break.
  private struct Seed: Sendable {
    var name: String
    var property: String
    /// Further properties that it may break.
    var also: Set<String> = []
    var edits: [KernelEdit]
  }

  private func check(_ subject: String, jobs: Int = 1) throws -> Check {
    let manifest = "\(Self.root)/Tests/Subjects/\(subject)/\(subject).yaml"
    return Check(
      subject: subject, jobs: jobs,
      installation: try Installation.locate().adding(manifest: manifest))
  }

  /// - Parameters:
  ///   - drives: all of them; a search of those looks for no dead branches.
  ///   - released: how many scenarios the released kernel has.
  private func judge(
    _ subject: String, _ drives: Set<String>, _ seeds: [Seed], released: Int
  ) async throws {
    let clean = Seed(name: "as released", property: "", edits: [])
    let (check, tree, store) = (try check(subject), try await kernel(), store)
    @Sendable func verdict(_ edits: [KernelEdit]) async throws -> Verdict {
      let patches = edits.isEmpty ? [] : [try await KernelEdit.patch(edits, of: tree)]
      let revision = try await store.revision(tree: tree, patches: patches)
      defer { revision.close() }
      var check = check
      if !edits.isEmpty { check.drives = drives }
      return try await check.verdict(of: revision, base: nil)
    }
    var verdicts: [String: Verdict] = [:]
    try await withThrowingTaskGroup(of: (String, Verdict).self) { group in
      for (number, seed) in ([clean] + seeds).enumerated() {
        if number >= 2, let (name, verdict) = try await group.next() { verdicts[name] = verdict }
        group.addTask { (seed.name, try await verdict(seed.edits)) }
      }
      for try await (name, verdict) in group { verdicts[name] = verdict }
    }
    let base = try XCTUnwrap(verdicts[clean.name])
    XCTAssertEqual(base.findings.map(\.message), [], subject)
    XCTAssertTrue(base.exploration.exhaustive)
    XCTAssertEqual(base.exploration.scenarios, released)
    for seed in seeds {
      let found = try XCTUnwrap(verdicts[seed.name]).findings
      let broken = Set(found.map(\.property))
      XCTAssert(broken.contains(seed.property), "\(subject), \(seed.name): \(broken)")
      XCTAssertEqual(
        broken.subtracting([seed.property]).subtracting(seed.also), [], "\(subject), \(seed.name)")
    }
  }

  // MARK: The subjects

  func test_avicTables_eightMistakes_areFoundAndTheReleasedKernelIsClean() async throws {
    let file = "arch/x86/kvm/svm/avic.c"
    let (initialise, destroy) = ("avic_vm_init", "avic_vm_destroy")
    let logical = "kvm_svm->avic_logical_id_table_page"
    try await judge(
      "kvm-avic-tables", ["vm"],
      [
        Seed(
          name: "leak", property: "leak",
          edits: [.init(file, in: destroy, .delete("if (\(logical))", through: "__free_page("))]),
        Seed(
          name: "wrong label", property: "leak",
          edits: [
            .init(
              file, in: initialise, .replace("goto free_avic", with: "goto out"), occurrence: 2),
            .init(file, in: initialise, .insertBefore("return err;", "out:")),
          ]),
        Seed(
          name: "double free", property: "double-free",
          edits: [
            .init(
              file, in: initialise, .insertAfter("free_avic:", "if (p_page) __free_page(p_page);"))
          ]),
        Seed(
          name: "swallowed error", property: "error-swallowed",
          // The caller goes on with what is not there.
          also: ["double-free"],
          edits: [.init(file, in: initialise, .replace("return err;", with: "return 0;"))]),
        Seed(
          name: "wrong errno", property: "wrong-errno",
          edits: [.init(file, in: initialise, .replace("err = -ENOMEM", with: "err = -EINVAL"))]),
        Seed(
          name: "uninitialised", property: "uninitialised",
          edits: [.init(file, in: initialise, .replace("err = -ENOMEM", with: "err"))]),
        Seed(
          name: "lock kept", property: "lock-imbalance",
          edits: [.init(file, in: initialise, .delete("spin_unlock_irqrestore("))]),
        Seed(
          name: "sleep under lock", property: "sleep-under-lock",
          // The page that is only there to sleep is not missed.
          also: ["error-swallowed"],
          edits: [
            .init(
              file, in: initialise,
              .insertAfter(
                "kvm_svm->avic_vm_id = vm_id;", "free_page(get_zeroed_page(GFP_KERNEL));"))
          ]),
      ], released: 16)
  }

  func test_genPool_eightMistakes_areFoundAndTheReleasedKernelIsClean() async throws {
    let file = "lib/genalloc.c"
    let (create, add, destroy) = ("*gen_pool_create", "gen_pool_add_owner", "gen_pool_destroy")
    let allocates = "chunk = vzalloc_node("
    try await judge(
      "gen-pool", ["life", "twice", "devm_gen_pool_create"],
      [
        Seed(
          name: "leak", property: "leak",
          edits: [.init(file, in: destroy, .delete("vfree(chunk);"))]),
        Seed(
          name: "wrong label", property: "leak",
          edits: [.init(file, .replace("goto free_devres", with: "goto free_pool_name"))]),
        Seed(
          name: "double free", property: "double-free",
          edits: [.init(file, in: destroy, .insertBefore("kfree(pool);", "kfree(pool);"))]),
        Seed(
          name: "swallowed error", property: "error-swallowed",
          edits: [.init(file, in: add, .replace("return -ENOMEM;", with: "return 0;"))]),
        Seed(
          name: "wrong errno", property: "wrong-errno",
          edits: [.init(file, in: add, .replace("return -ENOMEM;", with: "return -EINVAL;"))]),
        Seed(
          name: "uninitialised", property: "uninitialised",
          edits: [.init(file, in: create, .delete("pool->min_alloc_order = min_alloc_order;"))]),
        Seed(
          name: "lock kept", property: "lock-imbalance",
          edits: [.init(file, in: add, .delete("spin_unlock("))]),
        Seed(
          name: "sleep under lock", property: "sleep-under-lock",
          edits: [
            .init(file, in: add, .insertBefore(allocates, "spin_lock(&pool->lock);")),
            .init(file, in: add, .insertAfter(allocates, "spin_unlock(&pool->lock);")),
          ]),
      ], released: 73)
  }
}

// SPDX-License-Identifier: GPL-2.0-only
import Checking
import Extraction
import Failures
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// Small functions, put behind a file of the kernel: what is said of each by what holds for any code,
/// and of which nothing is said. One extraction for all.
final class UniversalOracleTests: EndToEndTestCase {
  private static let file = "lib/genalloc.c"

  /// A function that the manifest of these tests has as a target.
  private struct Sample {
    var name: String
    var text: String
    /// What it breaks.
    var broken: Set<String>

    init(_ name: String, _ text: String, breaks broken: String...) {
      self.name = name
      self.text = text
      self.broken = Set(broken)
    }
  }

  private static let samples = [
    // Memory: who names it?
    Sample(
      "drops", "int drops(void) { return kmalloc(8, GFP_KERNEL) ? 0 : -ENOMEM; }", breaks: "leak"),
    Sample(
      "keeps_in_object",
      "int keeps_in_object(struct gen_pool *one) { one->data = kzalloc(8, GFP_KERNEL); return one->data ? 0 : -ENOMEM; }"
    ),
    Sample(
      "keeps_inside",
      "int keeps_inside(struct gen_pool *one) { char *p = kzalloc(8, GFP_KERNEL); if (!p) return -ENOMEM; one->data = p + 4; return 0; }"
    ),
    Sample(
      "keeps_in_chain",
      "int keeps_in_chain(void) { void **a = kzalloc(8, GFP_KERNEL); if (!a) return -ENOMEM; *a = kzalloc(8, GFP_KERNEL); if (!*a) { kfree(a); return -ENOMEM; } sample_global = a; return 0; }"
    ),
    Sample(
      "keeps_in_circle",
      "int keeps_in_circle(void) { void **a = kzalloc(8, GFP_KERNEL); if (!a) return -ENOMEM; *a = a; return 0; }",
      breaks: "leak"),
    Sample(
      "keeps_physical",
      "int keeps_physical(struct gen_pool *one) { void *p = kzalloc(64, GFP_KERNEL); if (!p) return -ENOMEM; one->data = (void *)(__pa(p) | 3); return 0; }"
    ),
    Sample(
      "gives",
      "void *gives(void) { return kzalloc(8, GFP_KERNEL) ?: ERR_PTR(-ENOMEM); }"),
    Sample(
      "dangles",
      "int dangles(struct gen_pool *one) { sample_global = kzalloc(8, GFP_KERNEL); if (!sample_global) return -ENOMEM; one->data = kzalloc(8, GFP_KERNEL); if (one->data) return 0; kfree(sample_global); return -ENOMEM; }",
      breaks: "partial-state"),
    // Failures: what becomes of them?
    Sample(
      "swallows",
      "int swallows(struct gen_pool *one) { one->data = kzalloc(8, GFP_KERNEL); return 0; }",
      breaks: "error-swallowed"),
    Sample(
      "swallows_callee", "int swallows_callee(struct gen_pool *one) { sample_fails(); return 0; }",
      breaks: "error-swallowed"),
    Sample(
      "translates", "int translates(void) { return sample_fails() ? -EINVAL : 0; }",
      breaks: "wrong-errno"),
    Sample("hands_on", "int hands_on(void) { return sample_fails(); }"),
    Sample(
      "pointer_errno",
      "void *pointer_errno(void) { return kzalloc(8, GFP_KERNEL) ?: ERR_PTR(-EINVAL); }",
      breaks: "wrong-errno"),
    Sample("pointer_null", "void *pointer_null(void) { return kzalloc(8, GFP_KERNEL); }"),
    Sample(
      "falls_back",
      "int falls_back(struct gen_pool *one) { one->data = kzalloc(64, GFP_KERNEL); if (!one->data) one->data = kzalloc(8, GFP_KERNEL); return one->data ? 0 : -ENOMEM; }"
    ),
    Sample(
      "tries_again",
      "int tries_again(void) { int err = sample_fails(); return err ? sample_fails() : 0; }"),
    Sample(
      "counts",
      "int counts(struct gen_pool *one) { one->data = kzalloc(8, GFP_KERNEL); return one->data ? 2 : 1; }"
    ),
    Sample(
      "tells_whether",
      "bool tells_whether(struct gen_pool *one) { one->data = kzalloc(8, GFP_KERNEL); return one->data; }"
    ),
    Sample("looks_up", "int looks_up(void) { return sample_finds() ? -EBUSY : 0; }"),
    // Sleeping.
    Sample(
      "vfree_locked",
      "int vfree_locked(void) { void *p = vmalloc(8); if (!p) return -ENOMEM; spin_lock(&sample_lock); vfree(p); spin_unlock(&sample_lock); return 0; }",
      breaks: "sleep-under-lock"),
    Sample(
      "vfree_put_off",
      "int vfree_put_off(void) { void *p = vmalloc(8); if (!p) return -ENOMEM; spin_lock_bh(&sample_lock); vfree(p); spin_unlock_bh(&sample_lock); return 0; }"
    ),
    Sample(
      "kvfree_small",
      "int kvfree_small(void) { void *p = kvmalloc(8, GFP_KERNEL); if (!p) return -ENOMEM; spin_lock(&sample_lock); kvfree(p); spin_unlock(&sample_lock); return 0; }"
    ),
    Sample(
      "kvfree_locked",
      "int kvfree_locked(void) { void *p = kvmalloc(1 << 16, GFP_KERNEL); if (!p) return -ENOMEM; spin_lock(&sample_lock); kvfree(p); spin_unlock(&sample_lock); return 0; }",
      breaks: "sleep-under-lock"),
    Sample(
      "kvfree_of_who_may_not_sleep",
      "int kvfree_of_who_may_not_sleep(void) { void *p; rcu_read_lock(); p = kvmalloc(1 << 16, GFP_ATOMIC); kvfree(p); rcu_read_unlock(); return p ? 0 : -ENOMEM; }"
    ),
    Sample(
      "vfree_of_nothing",
      "int vfree_of_nothing(void) { rcu_read_lock(); kvfree(NULL); vfree(NULL); rcu_read_unlock(); return 0; }",
      breaks: "sleep-under-lock"),
    // WARNs, and what was never set.
    Sample("warns", "int warns(void) { WARN_ON(1); return 0; }", breaks: "warn-unexpected"),
    Sample(
      "warns_of_failure",
      "int warns_of_failure(void) { int err = sample_fails(); WARN_ON(err); return err; }"),
    Sample(
      "warns_of_state",
      "int warns_of_state(struct gen_pool *one) { WARN_ON(one->min_alloc_order == 7); return 0; }"),
    Sample(
      "compares_unset", "int compares_unset(void) { int x; return x == 3 ? 0 : -EIO; }",
      breaks: "uninitialised"),
    // Arguments.
    Sample(
      "takes_by_its_other_name",
      "int takes_by_its_other_name(sample_other_t *x) { WARN_ON(!x); return 0; }"),
    Sample(
      "calls_null",
      "int calls_null(struct gen_pool *one) { one->algo(NULL, 0, 0, 0, NULL, one, 0); return 0; }",
      breaks: "crash"),
    Sample(
      "two_of_a_type",
      "int two_of_a_type(struct gen_pool *x, struct gen_pool *y) { WARN_ON(x == y || x->name || !y->name); return 0; }"
    ),
    Sample(
      "eight",
      "int eight(long a, long b, long c, long d, long e, long f, long g, long h) { WARN_ON(a != 1 || b != 2 || c != 3 || d != 4 || e != 5 || f != 6 || g != 7 || h != 8); return 0; }"
    ),
    // It reads what was never set, to no effect: the address that it returns is none either.
    Sample(
      "returns_its_object",
      "struct gen_pool *returns_its_object(struct gen_pool *x) { struct { long a, b; } u, v; u.a = 1; v = u; x->min_alloc_order = v.a; return x; }"
    ),
    Sample("chooses", "int chooses(int one) { WARN_ON(one == 2); return one; }"),
  ]

  private static let manifest = """
    subject: samples
    title: samples
    source: lib/genalloc.c
    targets: [\(samples.map(\.name).joined(separator: ", "))]
    objects:
      one: {type: struct gen_pool}
      two: {type: struct gen_pool}
      other: {type: sample_other_t}
    state: {text: {type: char, count: 8}}
    slots:
      order: {is: [one->min_alloc_order], values: [3, 7]}
      name:  {is: [two->name], values: [text]}
    arguments:
      eight: {a: [1], b: [2], 2: [3], d: [4], e: [5], f: [6], g: [7], h: [8]}
      chooses: {one: [0, 1]}
    boundary:
      sample_fails: {returns: [0, -EBUSY]}
      sample_finds: {returns: [0, 1]}
    """

  private static let edit = KernelEdit(
    file,
    .append(
      """
      static void *sample_global;
      static DEFINE_SPINLOCK(sample_lock);
      typedef struct sample_other { int one; } sample_other_t;
      static noinline int sample_fails(void) { return 0; }
      static noinline int sample_finds(void) { return 0; }
      \(samples.map(\.text).joined(separator: "\n"))
      """))

  private func verdict(
    _ manifest: String, _ edits: [KernelEdit] = [edit]
  ) async throws -> Verdict {
    let tree = try await kernel()
    let path = try write(manifest, "samples.yaml")
    let patch = try await KernelEdit.patch(edits, of: tree)
    let revision = try await store.revision(tree: tree, patches: [patch])
    defer { revision.close() }
    let check = Check(
      subject: "samples", jobs: 1,
      installation: try Installation.locate().adding(manifest: path))
    return try await check.verdict(of: revision, base: nil)
  }

  func test_samples_areJudgedByWhatHoldsForAnyCode() async throws {
    let verdict = try await verdict(Self.manifest)
    for sample in Self.samples {
      let found = verdict.findings.filter { $0.scenario.hasPrefix("\(sample.name):") }
      XCTAssertEqual(
        Set(found.map(\.property)), sample.broken, "\(sample.name): \(found.map(\.message))")
    }
    let known = Dictionary(uniqueKeysWithValues: verdict.properties.map { ($0.id, $0.checked) })
    for property in ["leak", "error-swallowed", "wrong-errno", "partial-state", "warn-unexpected"] {
      let checked = try XCTUnwrap(known[property], property)
      XCTAssert(
        (1..<verdict.exploration.scenarios).contains(checked) || property == "leak", property)
    }
    XCTAssertNil(known["warn-missing"])
    let null = verdict.findings.first { $0.scenario.hasPrefix("calls_null:") }
    XCTAssertEqual(null?.message, "a function is called through NULL")
  }

  func test_fewerObjectsThanArguments_isAnErrorOfTheManifest() async throws {
    let alone = Self.manifest.replacing("  two: {type: struct gen_pool}\n", with: "")
      .replacing("  name:  {is: [two->name], values: [text]}\n", with: "")
    try await refuse(
      alone, "two_of_a_type has 2 arguments of type 'struct gen_pool *', and 'objects:' only 1")
  }

  func test_moreArgumentsThanThereIsRoomFor_areRefused() async throws {
    let nine = KernelEdit(
      Self.file,
      .append(
        "int nine(int a, int b, int c, int d, int e, int f, int g, int h, int i) { return 0; }"))
    let manifest = Self.manifest.replacing("targets: [", with: "targets: [nine, ")
    try await refuse(
      manifest, "nine has 9 arguments that are no objects, more than 8", [Self.edit, nine])
  }

  func test_argumentsThatThereAreNot_areRefused() async throws {
    try await refuse(
      Self.manifest.replacing("{one: [0, 1]}", with: "{three: [0, 1]}"),
      "chooses has no argument 'three'")
    try await refuse(
      Self.manifest.replacing("chooses: {one: [0, 1]}", with: "swallows: {one: [0, 1]}"),
      "argument 'one' of swallows is the object 'one'")
  }

  /// Beside the source is looked first.
  func test_glueWithTheNameOfAKernelsFile_isRefused() async throws {
    try write("static int own;\n", "genalloc.c")
    try await refuse(
      Self.manifest + "\nglue: genalloc.c",
      "the glue 'genalloc.c' has the name of a file beside lib/genalloc.c")
  }

  /// What sets up a scenario runs before its first step; what it calls may fail as well, and what it looks at
  /// is asked for.
  func test_prepares_areRunBeforeTheFirstStep() async throws {
    let manifest = """
      subject: samples
      title: samples
      source: lib/genalloc.c
      targets: [takes, reads, sized]
      objects: {one: {type: struct gen_pool}}
      slots: {order: {is: [one->min_alloc_order], values: [3, 7]}}
      glue: own.c
      prepares: [make]

      """
    let text = KernelEdit(
      Self.file,
      .append(
        """
        int takes(struct gen_pool *one) { if (!one->data) return -ENOENT; kfree(one->data); kfree(one->data); return 0; }
        int reads(struct gen_pool *one) { return one->data && *(int *)one->data == 3 ? -EIO : 0; }
        int sized(struct gen_pool *one) { return one->name ? *(char *)one->name : 0; }
        """))
    for (flags, scenarios) in [("GFP_KERNEL | __GFP_NOFAIL", 6), ("GFP_KERNEL", 12)] {
      try write(
        """
        static kshim_u64 make(const kshim_u64 *p)
        {
        \tkshim_object_one.data = kmalloc(8, \(flags));
        \tkshim_object_one.name = kshim_object_one.min_alloc_order == 7 ? (char *)8 : NULL;
        \treturn 0;
        }

        """, "own.c")
      let verdict = try await verdict(manifest, [text])
      let found = Set(
        verdict.findings.map { "\($0.scenario.prefix { $0 != ":" }) \($0.property)" })
      XCTAssertEqual(
        found, ["takes double-free", "reads uninitialised", "sized crash"], flags)
      XCTAssertEqual(verdict.exploration.scenarios, scenarios, flags)
    }
  }

  /// What happens in a header is told where the source calls it, whatever comes behind.
  func test_failureInAHeader_isToldAtTheCall() async throws {
    let manifest = """
      subject: samples
      title: samples
      source: lib/genalloc.c
      targets: [grows]
      objects: {one: {type: struct gen_pool}}
      boundary: {sample_passes: {ignored: true}}

      """
    let text = KernelEdit(
      Self.file,
      .append(
        """
        static noinline void sample_passes(void) { }
        static noinline void behind(int count)
        {
        \twhile (count--)
        \t\tsample_passes();
        }
        int grows(struct gen_pool *one)
        {
        \tone->data = krealloc_array(NULL, 2, 4, GFP_KERNEL);
        \tbehind(20);
        \treturn 0;
        }
        """))
    let verdict = try await verdict(manifest, [text])
    XCTAssertEqual(verdict.findings.map(\.property), ["error-swallowed"])
    let grows = verdict.exploration.extracted?.first { $0.function == "grows" }
    XCTAssertEqual(verdict.findings.first?.function, "grows")
    XCTAssertEqual(verdict.findings.first?.line, grows.map { $0.firstLine + 2 })
  }

  private func refuse(
    _ manifest: String, _ cause: String, _ edits: [KernelEdit] = [edit]
  ) async throws {
    do {
      _ = try await verdict(manifest, edits)
      XCTFail("it is not refused")
    } catch let failure as Failure {
      XCTAssertEqual(failure.cause, cause)
      XCTAssertEqual(failure.kind, .request)
      XCTAssert(failure.place?.contains("samples.yaml") ?? false, failure.place ?? "")
    }
  }
}

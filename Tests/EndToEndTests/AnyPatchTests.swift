// SPDX-License-Identifier: GPL-2.0-only
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// Patches to functions that no manifest describes: what is ordinary introduces nothing, what is wrong
/// is found.
final class AnyPatchTests: EndToEndTestCase {
  private struct Change {
    var file: String
    var function: String
    /// One of these is introduced; empty for an ordinary edit.
    var breaks: Set<String> = []
    var edits: [KernelEdit]

    init(_ file: String, _ function: String, _ breaks: String..., edits: KernelEdit.Change...) {
      self.file = file
      self.function = function
      self.breaks = Set(breaks)
      self.edits = edits.map { KernelEdit(file, in: function, $0) }
    }
  }

  private static let ordinary = [
    Change(
      "ipc/msgutil.c", "load_msg", edits: .replace("msg == NULL", with: "!msg")),
    Change(
      "mm/dmapool.c", "dma_pool_create",
      edits: .replace("mutex_lock(&pools_lock);", with: "scoped_guard(mutex, &pools_lock) {"),
      .replace("mutex_unlock(&pools_lock);", with: "}")),
    Change(
      "kernel/user_namespace.c", "create_user_ns",
      edits: .replace("int ret, i;", with: "int ret;"),
      .replace("for (i = 0;", with: "for (int i = 0;")),
    Change(
      "block/blk-crypto-profile.c", "blk_crypto_profile_init",
      edits: .replace("if (slot_hashtable_size < 2)", with: "if (!(slot_hashtable_size >= 2))")),
    Change(
      "sound/core/hwdep.c", "snd_hwdep_new",
      edits: .replace(
        "kzalloc(sizeof(*hwdep), GFP_KERNEL)", with: "kmalloc(sizeof(*hwdep), GFP_KERNEL)"),
      .insertBefore(
        "init_waitqueue_head(", "\tmemset(hwdep, 0, sizeof(*hwdep));\n")),
    Change(
      "virt/kvm/eventfd.c", "kvm_assign_ioeventfd_idx",
      edits: .replace(
        "ret = -EEXIST;\n\t\tgoto unlock_fail;", with: "ret = -EEXIST;\n\t\tgoto err;"),
      .replace("unlock_fail:\n", with: "err:\nunlock_fail:\n")),
    Change(
      "fs/pipe.c", "alloc_pipe_info",
      edits: .replace(
        "if (pipe->bufs) {\n", with: "if (!pipe->bufs)\n\t\tgoto out_revert_acct;\n\t{\n")),
    Change(
      "drivers/i2c/i2c-dev.c", "i2cdev_ioctl_rdwr",
      edits: .replace(
        "u8 __user **data_ptrs;", with: "u8 __user **data_ptrs __free(kfree) = NULL;"),
      .replace("\t\tkfree(data_ptrs);\n", with: ""),
      .replace("\tkfree(data_ptrs);\n", with: "")),
    Change(
      "drivers/hid/hidraw.c", "hidraw_open",
      edits: .replace("err = -ENOMEM;\n\t\tgoto out;", with: "return -ENOMEM;"),
      .replace("\nout:\n", with: "\n")),
    Change(
      "lib/genalloc.c", "devm_gen_pool_create",
      edits: .replace(
        "if (!ptr)\n\t\tgoto free_pool_name;",
        with: "if (!ptr) {\n\t\tkfree_const(pool_name);\n\t\treturn ERR_PTR(-ENOMEM);\n\t}"),
      .replace("\nfree_pool_name:", with: "")),
  ]

  private static let defects = [
    // Handed to a callee that may keep it: only the base says that it is this function's to free.
    Change(
      "ipc/msgutil.c", "load_msg", "leak",
      edits: .replace("if (err)\n\t\tgoto out_err;", with: "if (err)\n\t\treturn ERR_PTR(err);")),
    Change(
      "mm/dmapool.c", "dma_pool_create", "lock-imbalance",
      edits: .delete("mutex_unlock(&pools_reg_lock);")),
    // Wrong at once, though no callee failed: the same inputs do no harm in the base.
    Change(
      "mm/mempool.c", "mempool_resize", "use-after-free",
      edits: .delete("pool->elements = new_elements;")),
    Change(
      "kernel/irq/manage.c", "request_threaded_irq", "use-after-free",
      edits: .replace(
        "kfree(action->secondary);\n\t\tkfree(action);",
        with: "kfree(action);\n\t\tkfree(action->secondary);")),
    // What an argument still names.
    Change(
      "block/blk-crypto-profile.c", "blk_crypto_profile_init", "leak",
      edits: .replace(
        "if (!profile->slot_hashtable)\n\t\tgoto err_destroy;",
        with: "if (!profile->slot_hashtable)\n\t\treturn -ENOMEM;")),
    Change(
      "virt/kvm/eventfd.c", "kvm_assign_ioeventfd_idx", "unreleased",
      edits: .replace("ret = -ENOMEM;\n\t\tgoto fail;", with: "return -ENOMEM;")),
    Change(
      "fs/pipe.c", "alloc_pipe_info", "unreleased",
      edits: .replace("goto out_free_uid;", with: "return NULL;")),
    // Fewer than were taken.
    Change(
      "drivers/crypto/intel/keembay/keembay-ocs-aes-core.c", "register_aes_algs", "unreleased",
      edits: .replace(
        "unregister_aeads(algs_aead, ARRAY_SIZE(algs_aead))",
        with: "unregister_aeads(algs_aead, ARRAY_SIZE(algs_aead) - 1)")),
    // It returned errors before.
    Change(
      "drivers/i2c/i2c-dev.c", "i2c_dev_init", "error-swallowed",
      edits: .replace("return res;", with: "return 0;")),
    Change(
      "security/keys/request_key_auth.c", "request_key_auth_new", "lock-imbalance",
      edits: .replace(
        "up_read(&cred->request_key_auth->sem);\n\t\t\tret", with: "ret")),
    Change(
      "lib/genalloc.c", "devm_gen_pool_create", "leak", edits: .delete("kfree_const(pool_name);")),
  ]

  private func verdict(of changes: [Change], status: Int32) async throws -> Verdict {
    let folders = Set(changes.map { ($0.file as NSString).deletingLastPathComponent })
    let tree = try await store.need(folders.sorted(), of: kernel())
    let patch = try await patch("change.patch", changes.flatMap(\.edits), of: tree)
    let ran = try await kshim("check", "--patch", patch, "--format", "json")
    XCTAssertEqual(ran.status, status, ran.output)
    return try verdict(ran)
  }

  func test_ordinaryEdits_introduceNothing() async throws {
    let verdict = try await verdict(of: Self.ordinary, status: 0)
    let introduced = verdict.findings.filter(\.introduced)
    XCTAssertEqual(introduced.map { "\($0.property) in \($0.function)" }, [])
    XCTAssertEqual(verdict.functions?.count, Self.ordinary.count)
    for function in verdict.functions ?? [] {
      XCTAssertNotEqual(function.status, .notJudged, "\(function.function): \(function.why ?? "")")
    }
  }

  func test_defects_areIntroduced() async throws {
    let verdict = try await verdict(of: Self.defects, status: 1)
    for change in Self.defects {
      let subject = "\(change.file):\(change.function)"
      let found = verdict.findings.filter { $0.introduced && $0.subject == subject }
      XCTAssert(
        found.contains { change.breaks.contains($0.property) },
        "\(subject): \(found.map(\.property))")
    }
    // Each shows again, what only the base tells too.
    for finding in verdict.findings.filter(\.introduced) {
      guard finding.message.contains("without the patch") else { continue }
      let replay = try await kshim(
        "replay", "--patch", "change.patch", "--function", try XCTUnwrap(finding.subject),
        finding.scenario)
      XCTAssertEqual(replay.status, 1, replay.errors)
      XCTAssert(replay.output.contains(finding.property), replay.output)
    }
    // Of each finding its own function's scenarios are told.
    for finding in verdict.findings {
      let own = verdict.functions?.first { "\($0.file):\($0.function)" == finding.subject }
      XCTAssertLessThanOrEqual(finding.failing, own?.exploration?.scenarios ?? 0)
    }
  }

  /// What a patch changes and nothing looked at is never called clean.
  func test_whatIsNotLookedAt_isTold() async throws {
    let tree = try await store.need(
      ["drivers/misc", "fs", "include/linux", "mm", "net/bridge"], of: kernel())
    func check(_ name: String, _ edits: KernelEdit...) async throws -> (
      status: Int32, output: String
    ) {
      let ran = try await kshim("check", "--patch", try await patch(name, edits, of: tree))
      return (ran.status, ran.output.split(whereSeparator: \.isWhitespace).joined(separator: " "))
    }
    let table = try await check(
      "table.patch",
      KernelEdit("drivers/misc/enclosure.c", .replace("\"device\",", with: "\"unit\",")))
    XCTAssertEqual(table.status, 3)
    XCTAssert(
      table.output.contains("outside of functions (drivers/misc/enclosure.c:"), table.output)
    let header = try await check(
      "header.patch",
      KernelEdit(
        "include/linux/virtio_config.h", .replace("vdev->config->", with: "(*vdev->config).")))
    XCTAssertEqual(header.status, 3)
    let comment = try await check(
      "comment.patch",
      KernelEdit("mm/dmapool.c", in: "dma_pool_create", .insertBefore("retval", "\t/* new */\n")))
    XCTAssertEqual(comment.status, 0)
    XCTAssert(comment.output.contains("nothing to judge"), comment.output)
    // Its head is the preprocessor's.
    let call = try await check(
      "call.patch",
      KernelEdit(
        "fs/eventfd.c", .replace("do_eventfd(count, flags)", with: "do_eventfd(count, flags | 0)")))
    XCTAssertEqual(call.status, 0, call.output)
    XCTAssert(call.output.contains("fs/eventfd.c:__do_sys_eventfd2"), call.output)
    // No address is a good one there.
    let far = try await check(
      "far.patch",
      KernelEdit("net/bridge/br_if.c", in: "br_add_if", .replace("goto err5", with: "goto err4")))
    XCTAssertEqual(far.status, 3, far.output)
    XCTAssert(
      far.output.contains("lines of the patch that no run comes to (net/bridge/br_if.c:"),
      far.output)
  }

  /// Where one callee fails less is given back than where an earlier and a later one do.
  func test_wrongLabel_isFoundWithoutItsBase() async throws {
    let file = "drivers/crypto/caam/caampkc.c"
    let tree = try await store.need(["drivers/crypto/caam", "drivers/leds"], of: kernel())
    let patch = try await patch(
      "label.patch",
      [
        KernelEdit(
          file, in: "caam_rsa_set_priv_key_form", .replace("goto free_tmp1", with: "goto free_q")),
        KernelEdit(
          "drivers/leds/leds-cros_ec.c", in: "cros_ec_led_probe_one",
          .replace("if (!led_cdev->name)", with: "if (0)")),
      ], of: tree)
    let ran = try await kshim("check", "--patch", patch, "--format", "json")
    let found = try verdict(ran).findings.filter(\.introduced)
    XCTAssert(
      found.contains { $0.property == "leak" && $0.message.contains("as it does where a later") },
      ran.output)
    XCTAssert(
      found.contains { $0.property == "unchecked" && $0.message.contains("devm_kasprintf()") },
      ran.output)
  }

  /// What was found once is found again only while nobody can have taken it away, and where the same is
  /// looked for.
  func test_secondLookUp_needsNoCheckBelowOneLock_andOneWhereItWasLetGo() async throws {
    let tree = try await store.need(["drivers/base", "include/linux"], of: kernel())
    func crashes(_ name: String, between: String = "", second: String = "drv->mod_name")
      async throws -> Bool
    {
      let lookUps = """
        \t{
        \t\tstatic DEFINE_MUTEX(own);
        \t\tstruct kobject *one, *two;

        \t\tmutex_lock(&own);
        \t\tone = kset_find_obj(module_kset, drv->mod_name);
        \t\tif (one) {
        \t\t\t\(between)
        \t\t\ttwo = kset_find_obj(module_kset, \(second));
        \t\t\tif (!two->sd)
        \t\t\t\tmk = NULL;
        \t\t\tkobject_put(two);
        \t\t\tkobject_put(one);
        \t\t}
        \t\tmutex_unlock(&own);
        \t}

        """
      let patch = try await patch(
        "\(name).patch",
        [
          KernelEdit(
            "drivers/base/module.c", in: "module_add_driver", .insertBefore("if (mod)", lookUps))
        ], of: tree)
      let ran = try await kshim("check", "--patch", patch, "--format", "json")
      return try verdict(ran).findings.contains { $0.introduced && $0.property == "crash" }
    }
    let same = try await crashes("same")
    XCTAssertFalse(same)
    let dropped = try await crashes(
      "dropped", between: "mutex_unlock(&own); mutex_lock(&own);")
    XCTAssertTrue(dropped)
    let other = try await crashes("other", second: "\"other\"")
    XCTAssertTrue(other)
  }

  /// What is taken twice and given back once is missed; each with its own end is not.
  func test_secondLink_isMissedWhereOnlyTheFirstIsRemoved() async throws {
    let tree = try await store.need(["drivers/base", "include/linux"], of: kernel())
    let (file, function) = ("drivers/base/module.c", "module_add_driver")
    func unreleased(_ name: String, label: String, _ more: KernelEdit.Change...) async throws
      -> Bool
    {
      let second = """
        \tret = sysfs_create_link(&drv->p->kobj, &mk->kobj, "second");
        \tif (ret)
        \t\tgoto \(label);

        """
      let edits = [.insertBefore("= make_driver_name(drv)", second)] + more
      let patch = try await patch(
        "\(name).patch", edits.map { KernelEdit(file, in: function, $0) }, of: tree)
      let ran = try await kshim("check", "--patch", patch, "--format", "json")
      return try verdict(ran).findings.contains { $0.introduced && $0.property == "unreleased" }
    }
    let lost = try await unreleased("lost", label: "out_remove_kobj")
    XCTAssertTrue(lost)
    let removed = try await unreleased(
      "removed", label: "out_remove_one",
      .insertAfter(
        "out_remove_kobj:\n", "\tsysfs_remove_link(&drv->p->kobj, \"second\");\nout_remove_one:\n"))
    XCTAssertFalse(removed)
  }

  func test_eachPatchOfASeries_isHeldAgainstTheOneBefore() async throws {
    let tree = try await store.need(["ipc"], of: kernel())
    let changes = [Self.ordinary[0], Self.defects[0]]
    let first = try await patch("1.patch", changes[0].edits, of: tree)
    let second = try await patch("2.patch", changes[1].edits, of: tree)
    let ran = try await kshim("check", "--each-commit", "--patch", first, "--patch", second)
    XCTAssertEqual(ran.status, 1, ran.errors)
    XCTAssert(ran.output.contains("1.patch: clean\n"), ran.output)
    XCTAssert(ran.output.contains("2.patch: 1 finding"), ran.output)
    let scenario = try XCTUnwrap(
      ran.output.split(separator: "\n").first { $0.contains("replay: kshim replay") })
    XCTAssert(scenario.contains("--function ipc/msgutil.c:load_msg "), String(scenario))
    let compared = try await kshim("compare", "base", second)
    XCTAssertEqual(compared.status, 2)
    XCTAssert(compared.errors.contains("--function ipc/msgutil.c:load_msg"), compared.errors)
    for command in [["mutate"], ["replay", "load_msg:-:k1"], ["extract", "--into", "out"]] {
      let ran = try await kshim(command + ["--patch", second])
      XCTAssertEqual(ran.status, 2, ran.errors)
      XCTAssert(ran.errors.contains("--function ipc/msgutil.c:load_msg"), ran.errors)
    }
  }

  /// What shows only beside the base is found in one load of the object and told from another, which
  /// lies elsewhere where two functions are looked at together.
  func test_placeOfWhatOnlyTheBaseShows_isTheSame_whateverIsCheckedBeside() async throws {
    let tree = try await kernel()
    let file = "lib/genalloc.c"
    let function = "devm_gen_pool_create"
    let lost = try await patch(
      "lost.patch",
      [KernelEdit(file, in: function, .replace("devres_free(ptr);", with: ";"))], of: tree)
    let other = try await patch(
      "other.patch",
      [
        KernelEdit(
          "mm/dmapool.c", in: "dma_pool_create",
          .replace("mutex_unlock(&pools_reg_lock);", with: "{ mutex_unlock(&pools_reg_lock); }"))
      ], of: tree)
    var places: Set<Int> = []
    for beside in [[], ["--patch", other], ["--patch", other], ["--patch", other]] {
      let ran = try await Tool.run(
        ["check", "--kernel", Self.defectKernel, "--patch", lost] + beside
          + ["--jobs", "2", "--no-cache", "--format", "json"])
      XCTAssertEqual(ran.status, 1, ran.errors)
      let findings = try verdict(ran).findings.filter { $0.function == function }
      XCTAssertFalse(findings.isEmpty)
      places.formUnion(findings.map(\.line))
    }
    XCTAssertEqual(places.count, 1, "\(places.sorted())")
  }

  /// A function that the configuration leaves out is in the file before and after.
  func test_whatTheConfigurationLeavesOut_isNotSaidToBeTakenOutByAPatch() async throws {
    let patch = try await patch(
      "other.patch",
      [
        KernelEdit(
          "lib/genalloc.c", in: "devm_gen_pool_create", .insertBefore("devres_free(ptr);", "\t;"))
      ],
      of: kernel())
    let ran = try await kshim(
      "check", "--kernel", Self.defectKernel, "--patch", patch, "--function",
      "lib/genalloc.c:of_gen_pool_get")
    XCTAssertEqual(ran.status, 2, ran.errors)
    XCTAssert(ran.errors.contains("the configuration leaves of_gen_pool_get() out"), ran.errors)
  }
}

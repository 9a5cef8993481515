// SPDX-License-Identifier: GPL-2.0-only
import Failures
import Foundation
import KernelSource
import Reporting
import TestSupport
import XCTest

/// Functions that no manifest describes, all over the kernel.
final class AnyFunctionTests: EndToEndTestCase {
  /// A defect that Debian's 6.12.107 has and 6.12.117 has not.
  private struct Fix {
    var file: String
    var function: String
    /// Which finding fits it.
    var property: String
  }

  /// Real fixes of error paths between the two.
  private static let fixes = [
    Fix(file: "net/sctp/protocol.c", function: "sctp_v4_add_protocol", property: "unreleased"),
    Fix(
      file: "drivers/char/xilinx_hwicap/xilinx_hwicap.c", function: "hwicap_module_init",
      property: "unreleased"),
    Fix(
      file: "net/netlabel/netlabel_unlabeled.c", function: "netlbl_unlhsh_add_addr6",
      property: "error-swallowed"),
    Fix(
      file: "drivers/crypto/caam/caampkc.c", function: "caam_rsa_set_priv_key_form",
      property: "partial-state"),
    Fix(
      file: "drivers/xen/xen-front-pgdir-shbuf.c", function: "grant_references",
      property: "unreleased"),
    Fix(file: "fs/autofs/inode.c", function: "autofs_fill_super", property: "leak"),
    Fix(file: "fs/fuse/file.c", function: "fuse_open", property: "lock-imbalance"),
    Fix(
      file: "drivers/dma/mediatek/mtk-uart-apdma.c", function: "mtk_uart_apdma_probe",
      property: "wrong-errno"),
    Fix(
      file: "drivers/infiniband/sw/rdmavt/vt.c", function: "rvt_alloc_device",
      property: "use-after-free"),
    Fix(
      file: "arch/x86/events/intel/uncore.c", function: "uncore_pci_pmu_register",
      property: "partial-state"),
    Fix(
      file: "drivers/media/usb/hackrf/hackrf.c", function: "hackrf_alloc_urbs",
      property: "partial-state"),
    Fix(
      file: "drivers/gpu/drm/virtio/virtgpu_submit.c", function: "virtio_gpu_init_submit",
      property: "crash"),
    Fix(file: "fs/ext4/orphan.c", function: "ext4_init_orphan_info", property: "unreleased"),
    Fix(
      file: "drivers/clk/zynq/clkc.c", function: "zynq_clk_register_periph_clk",
      property: "unchecked"),
    Fix(file: "virt/kvm/guest_memfd.c", function: "kvm_gmem_bind", property: "error-swallowed"),
    Fix(file: "net/xfrm/xfrm_user.c", function: "xfrm_state_construct", property: "leak"),
    Fix(
      file: "drivers/infiniband/hw/cxgb4/mem.c", function: "c4iw_get_dma_mr",
      property: "double-free"),
    Fix(file: "drivers/edac/edac_mc.c", function: "edac_mc_alloc", property: "uninitialised"),
    Fix(
      file: "kernel/irq/irqdomain.c", function: "irq_domain_alloc_irqs_locked",
      property: "unreleased"),
    Fix(
      file: "drivers/thermal/intel/int340x_thermal/int3400_thermal.c",
      function: "int3400_thermal_probe", property: "leak"),
    Fix(
      file: "drivers/gpu/drm/i915/gt/intel_execlists_submission.c",
      function: "execlists_create_virtual", property: "crash"),
    // What a callee gives out, and answers that others ask.
    Fix(
      file: "fs/xfs/libxfs/xfs_btree_staging.c", function: "xfs_btree_bload_prep_block",
      property: "unreleased"),
    Fix(file: "drivers/block/ublk_drv.c", function: "ublk_map_io", property: "uninitialised"),
    // What is left after the failure.
    Fix(file: "kernel/params.c", function: "param_set_charp", property: "partial-state"),
    Fix(
      file: "fs/lockd/clntproc.c", function: "nlmclnt_locks_init_private", property: "unchecked"),
    // A part of an object, and the length of another array.
    Fix(file: "ipc/namespace.c", function: "create_ipc_ns", property: "unreleased"),
    Fix(
      file: "drivers/crypto/intel/keembay/keembay-ocs-aes-core.c",
      function: "register_aes_algs", property: "unreleased"),
    // Tables that end.
    Fix(
      file: "drivers/accessibility/speakup/main.c", function: "speakup_init",
      property: "unreleased"),
    // What most other files give back, and this one does not.
    Fix(
      file: "drivers/hid/hid-universal-pidff.c", function: "universal_pidff_probe",
      property: "unreleased"),
    Fix(
      file: "net/ethtool/module.c", function: "ethnl_act_module_fw_flash", property: "unreleased"),
    Fix(
      file: "drivers/infiniband/core/counters.c", function: "alloc_and_bind",
      property: "partial-state"),
    // Who is handed something, and has it given back after that, does not keep it.
    Fix(
      file: "fs/btrfs/scrub.c", function: "scrub_print_warning_inode", property: "unreleased"),
    // A variable has what a function of a header answers.
    Fix(
      file: "drivers/media/rc/streamzap.c", function: "streamzap_probe", property: "unreleased"),
    Fix(
      file: "drivers/gpu/drm/i915/i915_query.c", function: "query_perf_config_list",
      property: "leak"),
    // Memory alone is freed later.
    Fix(
      file: "drivers/gpu/drm/xe/xe_oa.c", function: "xe_oa_add_config_ioctl",
      property: "unreleased"),
  ]

  private func check(_ name: String, on kernel: String) async throws -> Verdict {
    let ran = try await kshim("check", "--kernel", kernel, "--function", name, "--format", "json")
    return try verdict(ran)
  }

  func test_realFixes_areFoundBefore_andGoneAfter() async throws { try await areFixed(0) }

  func test_moreRealFixes_areFoundBefore_andGoneAfter() async throws { try await areFixed(1) }

  func test_stillMoreRealFixes_areFoundBefore_andGoneAfter() async throws { try await areFixed(2) }

  func test_otherRealFixes_areFoundBefore_andGoneAfter() async throws { try await areFixed(3) }

  /// One fix in four: tests run side by side.
  private func areFixed(_ part: Int) async throws {
    do {
      _ = try await kernel("debian:6.12.107", required: false)
    } catch let failure as Failure where failure.kind == .request {
      throw XCTSkip(failure.cause)
    }
    for fix in stride(from: part, to: Self.fixes.count, by: 4).map({ Self.fixes[$0] }) {
      let name = "\(fix.file):\(fix.function)"
      let before = try await check(name, on: "debian:6.12.107")
      let after = try await check(name, on: "debian:6.12")
      XCTAssert(
        before.findings.contains { $0.property == fix.property }, "\(name): \(before.findings)")
      XCTAssertFalse(after.findings.contains { $0.property == fix.property }, name)
      XCTAssertEqual(before.functions?.map(\.status), [.findings], name)
      for finding in before.findings { XCTAssertNotNil(finding.assumes, name) }
    }
  }

  // MARK: Files that do not compile by themselves

  func test_headerThatTheBuildMakes_isReadAsEmpty_andTold() async throws {
    let verdict = try await check(
      "drivers/accessibility/speakup/main.c:speakup_init", on: "debian:6.12")
    let limits = try XCTUnwrap(verdict.exploration.limits)
    XCTAssert(
      limits.contains { $0.contains("what the kernel's build generates (speakupmap.h)") },
      "\(limits)")
  }

  func test_fileThatIsLeftOut_hasTheNumbersOfItsSwitch() async throws {
    let verdict = try await check("mm/cma.c:cma_pages_valid", on: "debian:6.12")
    XCTAssertEqual(verdict.functions?.map(\.status), [.clean])
  }

  func test_partOfAnotherFile_isReadBehindWhatStandsInFrontOfIt() async throws {
    let verdict = try await check("mm/percpu-vm.c:pcpu_get_pages", on: "debian:6.12")
    XCTAssertEqual(verdict.functions?.map(\.status), [.clean])
  }

  func test_whatMacrosDefine_isDefinedOnce() async throws {
    // What prints; a sysfs attribute with the function that shows it; a file with what shows it; aliases.
    for name in [
      "drivers/base/core.c:dev_err_probe", "drivers/base/node.c:node_set_perf_attrs",
      "drivers/base/power/wakeup_stats.c:wakeup_source_sysfs_add",
      "drivers/base/component.c:component_debugfs_add", "drivers/base/cpu.c:cpu_dev_init",
      // A file that is included between its functions names more of its variables.
      "kernel/rcu/tree.c:call_rcu",
      // A variable that a header declares, and the file has no first value for.
      "drivers/base/node.c:node_dev_init",
    ] {
      let verdict = try await check(name, on: "debian:6.12")
      XCTAssertEqual(verdict.functions?.map(\.status), [.clean], name)
    }
  }

  func test_fileThatDefinesWhatKshimAnswers_hasTheAnswer() async throws {
    let verdict = try await check("lib/refcount.c:refcount_dec_and_lock", on: "debian:6.12")
    let why = verdict.functions?.first?.why ?? ""
    XCTAssertTrue(why.hasPrefix("kshim answers it by a rule"), why)
  }

  func test_whatWasFoundOnce_isThereAgain_andWhatIsRestoredWasNotTaken() async throws {
    // Its class is looked up twice, and its link is made again where the new one cannot be.
    let verdict = try await check("drivers/base/core.c:device_move", on: "debian:6.12")
    XCTAssertEqual(verdict.functions?.map(\.status), [.clean], "\(verdict.findings)")
  }

  func test_extractedTwice_theTextIsTheSame() async throws {
    // Variables of other files, of the file, and of types that are made for them.
    for name in [
      "drivers/base/core.c:__device_links_no_driver", "drivers/base/power/trace.c:show_file_hash",
      "drivers/base/firmware_loader/builtin/main.c:firmware_is_builtin",
      "drivers/base/regmap/regmap-debugfs.c:regmap_debugfs_initcall",
    ] {
      var texts: Set<String> = []
      for number in 0..<4 {
        let ran = try await kshim(
          "extract", "--function", name, "--into", "\(scratch)/text-\(number)")
        XCTAssertEqual(ran.status, 0, ran.errors)
        texts.insert(
          try String(contentsOfFile: "\(scratch)/text-\(number)/unit.c", encoding: .utf8))
      }
      XCTAssertEqual(texts.count, 1, name)
    }
  }

  func test_whatWasGivenBackOnTheWay_isNotMissedLater() async throws {
    // A class is held, let go and held again between three callees that fail.
    let verdict = try await check("drivers/base/core.c:device_add", on: "debian:6.12")
    XCTAssertGreaterThan(verdict.exploration.runs ?? 0, 1000)
    XCTAssertFalse(
      verdict.findings.contains { $0.message.contains("as it does where") }, "\(verdict.findings)")
  }

  func test_listOfArguments_holdsZeros() async throws {
    for name in ["lib/kasprintf.c:kvasprintf", "lib/kobject.c:kobject_set_name_vargs"] {
      let verdict = try await check(name, on: "debian:6.12")
      XCTAssertEqual(verdict.functions?.map(\.status), [.clean], name)
    }
  }

  func test_fileThatTraces_isReadWithWhatTraces() async throws {
    let verdict = try await check(
      "kernel/kprobes.c:add_module_kprobe_blacklist", on: "debian:6.12")
    XCTAssertEqual(verdict.functions?.map(\.status), [.clean])
  }

  // MARK: What a patch changes

  private static let sctp = "net/sctp/protocol.c"
  private static let add = "sctp_v4_add_protocol"

  func test_patchAlone_judgesEachFunctionThatItChanges() async throws {
    let tree = try await store.need(["net/sctp", "fs/autofs"], of: kernel())
    let patch = try await patch(
      "two.patch",
      [
        KernelEdit(Self.sctp, in: Self.add, .delete("unregister_inetaddr_notifier")),
        KernelEdit("fs/autofs/inode.c", in: "autofs_fill_super", .delete("autofs_free_ino")),
      ], of: tree)
    let ran = try await kshim("check", "--patch", patch, "--format", "json")
    XCTAssertEqual(ran.status, 1)
    let verdict = try verdict(ran)
    XCTAssertEqual(
      verdict.functions?.map { "\($0.function) \($0.status.rawValue)" },
      ["autofs_fill_super findings", "\(Self.add) findings"])
    XCTAssertEqual(verdict.findings.map(\.property), ["leak", "unreleased"])
    XCTAssert(verdict.findings.allSatisfy(\.introduced))
    // Each is replayed by what it says.
    for finding in verdict.findings {
      let subject = try XCTUnwrap(finding.subject)
      let replay = try await kshim(
        "replay", "--patch", patch, "--function", subject, finding.scenario)
      XCTAssertEqual(replay.status, 1)
      XCTAssert(replay.output.contains(finding.property), replay.output)
    }
    let text = try await kshim("check", "--patch", patch)
    XCTAssert(text.output.contains("\(Self.sctp): \(Self.add): findings, 3 runs\n"), text.output)
    XCTAssert(text.output.contains("2 functions on Linux 6.12."), text.output)
    XCTAssert(text.output.contains("assuming inet_add_protocol() can answer -EIO"), text.output)
  }

  func test_ordinaryEdits_introduceNothing() async throws {
    let tree = try await store.need(["net/sctp", "fs/autofs"], of: kernel())
    let patch = try await patch(
      "fine.patch",
      [
        KernelEdit(
          Self.sctp,
          .insertBefore(
            "static int \(Self.add)(",
            "static int kshim_failed(int error)\n{\n\treturn error < 0;\n}\n")),
        KernelEdit(Self.sctp, in: Self.add, .replace("if (ret)", with: "if (kshim_failed(ret))")),
      ], of: tree)
    let ran = try await kshim("check", "--patch", patch, "--format", "json")
    XCTAssertEqual(ran.status, 0, ran.output)
    let verdict = try verdict(ran)
    XCTAssertEqual(verdict.findings, [])
    XCTAssertEqual(
      verdict.functions?.map { "\($0.function) \($0.status.rawValue)" },
      ["kshim_failed clean", "\(Self.add) clean"])
  }

  // MARK: Names and requests

  func test_file_judgesEveryFunction() async throws {
    let ran = try await kshim("check", "--file", "lib/llist.c", "--format", "json")
    XCTAssertEqual(ran.status, 0, ran.output)
    let verdict = try verdict(ran)
    XCTAssertEqual(
      verdict.functions?.map(\.function),
      ["llist_add_batch", "llist_del_first", "llist_del_first_this", "llist_reverse_order"])
    XCTAssertEqual(verdict.findings, [])
    // Each is as it is alone.
    for function in verdict.functions ?? [] {
      let alone = try await check("lib/llist.c:\(function.function)", on: "debian:6.12")
      XCTAssertEqual(alone.functions?.first?.status, function.status)
      XCTAssertEqual(alone.exploration.runs, function.exploration?.runs)
    }
  }

  func test_searchThatIsCutOff_tellsItsSeconds() async throws {
    let ran = try await kshim(
      "check", "--function", "net/bluetooth/msft.c:reregister_monitor", "--seconds", "1",
      "--format", "json")
    let limits = try verdict(ran).exploration.limits ?? []
    XCTAssert(limits.contains("1 second of search"), "\(limits)")
  }

  func test_init_printsTheManifestThatTheCheckUses() async throws {
    let name = "\(Self.sctp):\(Self.add)"
    _ = try await kshim("init", name, "-o", "own.yaml")
    let text = try String(contentsOfFile: "\(scratch)/own.yaml", encoding: .utf8)
    XCTAssert(text.contains("from-types: true\n"), text)
    XCTAssert(text.contains("  register_inetaddr_notifier: [unregister_inetaddr_notifier]\n"), text)
    let generated = try await check(name, on: "debian:6.12")
    let ran = try await kshim("check", "--manifest", "own.yaml", "--format", "json")
    let own = try verdict(ran)
    XCTAssertEqual(own.findings, generated.findings)
    XCTAssertEqual(own.exploration.runs, generated.exploration.runs)
    // What cannot fail is not asked.
    let sharper = text.replacing("returns: [0, -5]", with: "returns: [0]")
    try write(sharper, "own.yaml")
    let sharp = try await kshim("check", "--manifest", "own.yaml", "--format", "json")
    XCTAssertEqual(try verdict(sharp).exploration.runs, 1)
  }

  /// Whatever the manifest says again of pairs and inputs changes nothing.
  func test_init_isJudgedAsTheFunctionWithoutIt() async throws {
    for name in [
      "fs/xfs/libxfs/xfs_btree_staging.c:xfs_btree_bload_prep_block",
      "kernel/irq/irqdomain.c:irq_domain_alloc_irqs_locked",
      "arch/x86/events/intel/uncore.c:uncore_pci_pmu_register",
      "fs/eventfd.c:eventfd_fget", "drivers/base/dd.c:driver_attach",
      "net/xfrm/xfrm_state.c:xfrm_state_add",
      "mm/slab_common.c:kmem_cache_shrink", "security/keys/key.c:key_alloc",
      "block/blk-cgroup.c:blkg_conf_open_bdev", "lib/genalloc.c:gen_pool_add_owner",
    ] {
      let made = try await kshim("init", name, "-o", "own.yaml")
      XCTAssertEqual(made.status, 0, "\(name): \(made.errors)")
      let options = ["--seconds", "20", "--format", "json"]
      let without = try verdict(try await kshim(["check", "--function", name] + options))
      let with = try verdict(try await kshim(["check", "--manifest", "own.yaml"] + options))
      XCTAssertEqual(with.findings, without.findings, name)
      XCTAssertEqual(with.exploration.runs, without.exploration.runs, name)
      XCTAssertEqual(with.exploration.limits, without.exploration.limits, name)
    }
  }

  func test_init_namesVariablesWhoseAddressesAnInputCanBe() async throws {
    let printed = try await kshim("init", "fs/eventfd.c:eventfd_fget")
    let line = try XCTUnwrap(
      printed.output.split(separator: "\n").first { $0.hasPrefix("  file.f_op: ") })
    XCTAssert(line.hasSuffix(", \"&eventfd_fops\"]"), String(line))
    let name = "subject: eventfd_fget\n"
    XCTAssert(printed.output.contains(name), printed.output)
    for (values, status) in [("[1]", Int32(0)), ("[1, \"&eventfd_fopss\"]", 2)] {
      try write(printed.output.replacing(line, with: "  file.f_op: \(values)"), "eventfd_fget.yaml")
      let ran = try await kshim("check", "--manifest", "eventfd_fget.yaml")
      XCTAssertEqual(ran.status, status, ran.output + ran.errors)
      if status == 2 { XCTAssert(ran.errors.contains("did you mean &eventfd_fops?"), ran.errors) }
    }
  }

  func test_manifestOfAFunction_misspeltNamesAreRefused() async throws {
    _ = try await kshim("init", "\(Self.sctp):\(Self.add)", "-o", "own.yaml")
    let text = try String(contentsOfFile: "\(scratch)/own.yaml", encoding: .utf8)
    let cases: [(from: String, to: String, meant: String)] = [
      ("  inet_add_protocol: ", "  inet_add_protocl: ", "inet_add_protocol"),
      ("[inet_del_protocol]", "[inet_dell_protocol]", "inet_del_protocol"),
      ("\nboundary:", "\nboundry:", "boundary"),
      ("targets: [sctp_v4_add_protocol]", "targets: [sctp_v4_add_protcol]", Self.add),
      ("\npairs:", "\nvariables: {sctp_protocl: 1}\npairs:", ""),
      ("\npairs:", "\nfields: {net.no_such_member: [1]}\npairs:", ""),
      ("{returns: [0, -5]}", "{return: [0, -5]}", ""),
    ]
    for one in cases {
      let wrong = text.replacing(one.from, with: one.to, maxReplacements: 1)
      XCTAssertNotEqual(wrong, text, one.to)
      try write(wrong, "own.yaml")
      let ran = try await kshim("check", "--manifest", "own.yaml")
      XCTAssertEqual(ran.status, 2, "\(one.to): \(ran.output)\(ran.errors)")
      if !one.meant.isEmpty {
        XCTAssert(ran.errors.contains("remedy: did you mean \(one.meant)?"), ran.errors)
      }
    }
    // What a patch takes out, and what it brings, is not misspelt.
    let tree = try await store.need(["net/sctp"], of: kernel())
    try write(text, "own.yaml")
    let patch = try await patch(
      "out.patch", [KernelEdit(Self.sctp, in: Self.add, .delete("unregister_inetaddr_notifier"))],
      of: tree)
    let ran = try await kshim("check", "--manifest", "own.yaml", "--patch", patch)
    XCTAssertEqual(ran.status, 1, ran.errors)
  }

  func test_whatKshimItselfAnswers_isSaidToBe() async throws {
    let text = try await kshim("check", "--function", "lib/string.c:strlen")
    XCTAssertEqual(text.status, 3)
    XCTAssert(text.errors.contains("kshim's own runtime stands for strlen()"), text.errors)
    let copy = try await kshim("check", "--function", "lib/string.c:memcpy")
    XCTAssertEqual(copy.status, 2)
    XCTAssert(copy.errors.contains("leaves memcpy() to the architecture"), copy.errors)
    let lock = try await kshim("check", "--function", "kernel/locking/spinlock.c:_raw_spin_lock")
    XCTAssertEqual(lock.status, 3)
    XCTAssert(
      lock.output.contains("not judged: kshim answers it by a rule of kernel-extract/services/"),
      lock.output)
  }

  func test_whatIsNoFunction_isRefusedWithAReason() async throws {
    let cases: [(name: String, status: Int32, cause: String)] = [
      ("lib/llist.c:no_such_function", 2, "defines no function no_such_function"),
      ("lib/no_such_file.c:f", 2, "this kernel has no lib/no_such_file.c"),
      ("lib/memcpy_64.S:memcpy", 2, "is assembly"),
      ("arch/arm64/kernel/setup.c:setup_arch", 2, "is of another architecture"),
      ("fs/autofs/inode.c:pr_fmt", 2, "defines no function pr_fmt"),
      ("lib/Kconfig:f", 2, "is no C file"),
      ("/etc/passwd:f", 2, "is no path from the kernel's top"),
      ("tools/perf/perf.c:main", 2, "belongs to a program of its own"),
    ]
    for one in cases {
      let ran = try await kshim("check", "--function", one.name)
      XCTAssertEqual(ran.status, one.status, one.name)
      XCTAssertEqual(ran.output, "", one.name)
      XCTAssert(ran.errors.contains(one.cause), "\(one.name): \(ran.errors)")
      XCTAssert(ran.errors.contains("remedy: "), one.name)
    }
    let wrong = try await kshim("check", "--function", "no-colon")
    XCTAssertEqual(wrong.status, 2)
    XCTAssert(wrong.errors.contains("--function takes FILE:FUNCTION"), wrong.errors)
    let both = try await kshim("check", "--function", "a.c:f", "--file", "a.c")
    XCTAssertEqual(both.status, 2)
    XCTAssert(both.errors.contains("leave out --file"), both.errors)
  }
}

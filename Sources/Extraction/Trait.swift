// SPDX-License-Identifier: GPL-2.0-only

/// What a callee's name says of what it gets: the kernel's words for it.
enum Trait: String, CaseIterable {
  /// Somebody else has it from then on.
  case keeps
  /// It is given back.
  case gives
  /// Of that, what a pointer names.
  case frees
  /// What it is called for nobody depends on.
  case silent
  /// It is gone, done or not.
  case consumes
  /// NULL is nothing to it, or only printed.
  case tolerates
  /// Something is done later.
  case defers
  /// What was taken last is given back with a device.
  case registersAction
  /// It waits; that it is woken early is no failure.
  case waits
  /// It says to somebody else that something failed.
  case reports
  /// Its end is for its `release` from then on.
  case initialises

  private static let words: [Trait: Set<Substring>] = [
    .keeps: [
      "add", "append", "attach", "bind", "enqueue", "hook", "insert", "install", "issue", "join",
      "link", "list", "post", "publish", "push", "put", "queue", "register", "schedule", "send",
      "set", "start", "store", "submit", "xmit", "kill", "free", "release", "destroy", "consume",
      "complete",
    ],
    .gives: [
      "put", "free", "release", "unregister", "deregister", "destroy", "delete", "del", "remove",
      "disable", "unmap", "close", "stop", "detach", "unbind", "disconnect", "unprepare", "cleanup",
      "teardown", "drop", "exit", "fini", "deinit", "uninit", "unpin", "unreserve", "unload", "end",
      "abort", "cancel", "dec", "uncharge", "unref", "unlink", "kfree", "relse", "brelse",
      "dealloc", "unmount", "umount", "shutdown", "retire", "undo", "unset", "kvfree", "vfree",
      "deallocate", "iput", "dput", "fput", "mntput", "rele", "consume", "unget", "sub",
    ],
    .frees: [
      "free", "kfree", "kvfree", "vfree", "put", "release", "destroy", "iput", "dput", "fput",
      "brelse", "relse", "rele", "consume",
    ],
    .silent: [
      "lock", "unlock", "mutex", "spin", "rwsem", "printk", "resched", "rcu", "srcu", "trace",
      "lockdep", "seqcount", "warn", "warned", "assert", "phys", "memset", "memcpy", "memmove",
      "memcmp", "strlen", "strcmp", "strscpy", "snprintf", "sprintf", "preempt", "bh",
    ],
    .consumes: [
      "free", "release", "destroy", "consume", "complete", "send", "xmit", "submit", "put", "queue",
      "post", "reply", "finish",
    ],
    .waits: ["wait", "interruptible", "killable"],
    .reports: ["abort", "error", "fail", "failed", "failure", "shutdown", "fatal", "panic", "die"],
    .tolerates: [
      "free", "kfree", "put", "release", "destroy", "print", "printk", "err", "warn", "info", "dbg",
      "debug", "log", "notice", "crit", "alert", "unregister", "unmap", "del", "remove", "trace",
    ],
  ]

  private static let prefixes: [Trait: [String]] = [.silent: ["_dev_", "down_", "up_"]]

  private static let whole: [Trait: Set<String>] = [
    .defers: [
      "call_rcu", "call_rcu_hurry", "call_srcu", "call_rcu_tasks",
      "queue_work_on",
      "queue_delayed_work_on", "mod_delayed_work_on", "queue_rcu_work", "__queue_work",
      "percpu_ref_kill_and_confirm",
      "schedule_work", "task_work_add", "kthread_queue_work",
    ],
    .registersAction: [
      "devm_add_action", "__devm_add_action", "devm_add_action_or_reset",
      "__devm_add_action_or_reset", "__drmm_add_action", "__drmm_add_action_or_reset",
    ],
    .initialises: [
      "device_initialize", "device_register", "kobject_init_and_add", "cdev_device_add",
    ],
  ]

  /// Whether a callee puts something into a message or a buffer, and gives nothing back.
  private static func writes(_ name: String) -> Bool {
    let name = name.drop { $0 == "_" }
    return ["skb_put", "nla_put", "nlmsg_put", "genlmsg_put", "seq_put", "put_unaligned"]
      .contains { name.hasPrefix($0) }
  }

  /// Whether a callee, or a member that is called, has it.
  func isOf(_ name: String) -> Bool {
    if Self.writes(name), self != .silent { return false }
    if Self.prefixes[self]?.contains(where: name.hasPrefix) ?? false { return true }
    guard let words = Self.words[self] else { return Self.whole[self]?.contains(name) ?? false }
    return name.split(whereSeparator: { $0 == "_" || $0 == "." }).contains { words.contains($0) }
  }
}

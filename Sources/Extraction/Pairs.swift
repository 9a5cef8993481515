// SPDX-License-Identifier: GPL-2.0-only

/// Which callees take something and which give it back, told by the kernel's names.
struct Pairs {
  /// A callee, and the types by which what it takes is known.
  struct Callee {
    var name: String
    var prototype: ClangCursor.Prototype
    /// What its arguments are called.
    var names: [String] = []
  }

  private static let counting: Set = ["n", "num", "count", "cnt", "nr", "len", "size", "number"]

  /// What takes, and what gives that back; in a name one stands for the other.
  private static let verbs: [(takes: String, gives: [String])] = [
    ("register", ["unregister", "deregister"]),
    ("get", ["put"]),
    ("request", ["free", "release"]),
    ("alloc", ["free", "release", "destroy", "dealloc", "put"]),
    ("allocate", ["free", "release", "deallocate"]),
    ("create", ["destroy", "remove", "delete", "free", "release", "put", "unregister"]),
    (
      "init", ["exit", "fini", "destroy", "cleanup", "deinit", "uninit", "free", "release", "term"]
    ),
    ("initialize", ["destroy", "cleanup", "put", "deinitialize", "finalize"]),
    ("enable", ["disable"]),
    ("map", ["unmap"]),
    ("open", ["close", "release"]),
    ("add", ["del", "remove", "delete"]),
    ("start", ["stop"]),
    ("attach", ["detach"]),
    ("acquire", ["release"]),
    ("claim", ["release", "unclaim"]),
    ("bind", ["unbind"]),
    ("connect", ["disconnect"]),
    ("prepare", ["unprepare", "cleanup", "finish"]),
    ("setup", ["teardown", "cleanup", "destroy", "free", "unset", "release", "retire"]),
    ("grab", ["release", "ungrab", "put", "drop"]),
    ("hold", ["release", "put", "unhold"]),
    ("pin", ["unpin"]),
    ("reserve", ["unreserve", "release", "free"]),
    ("load", ["unload", "free", "release"]),
    ("mount", ["unmount", "umount"]),
    ("begin", ["end", "abort", "finish", "complete"]),
    ("charge", ["uncharge"]),
    ("inc", ["dec"]),
    ("block", ["unblock"]),
    ("suspend", ["resume"]),
    ("join", ["leave"]),
    ("new", ["free", "put", "destroy", "delete", "release"]),
    ("take", ["put", "drop", "release"]),
    ("ref", ["unref"]),
    ("link", ["unlink"]),
  ]

  /// Verbs of those that make something, and of those after which it is no more. Who drops one reference
  /// is not among them.
  private static let making: Set<Substring> = ["alloc", "allocate", "create", "new"]
  private static let ending: Set<Substring> = [
    "free", "dealloc", "deallocate", "destroy", "delete", "kfree",
  ]
  static let freeing: Set = [
    "kfree_skb", "consume_skb", "sk_skb_reason_drop", "kfree_skb_reason", "__kfree_skb",
    "dev_kfree_skb_any_reason", "dev_kfree_skb_irq_reason",
  ]

  /// Whether what one makes is memory no more after the other.
  static func isFreeing(_ takes: String, _ gives: String) -> Bool {
    if freeing.contains(gives) { return true }
    return takes.split(separator: "_").contains { making.contains($0) }
      && gives.split(separator: "_").contains { ending.contains($0) }
  }

  /// What the names do not show.
  private static let known: [(takes: String, gives: String)] = [
    ("fget", "fput"), ("fdget", "fdput"), ("igrab", "iput"), ("iget_locked", "iput"),
    ("new_inode", "iput"), ("ext4_iget", "iput"),
    // It has the inode, also where it fails.
    ("new_inode", "d_make_root"), ("ext4_iget", "d_make_root"), ("iget_locked", "d_make_root"),
    ("ext4_bread", "__brelse"), ("dget", "dput"),
    ("d_make_root", "dput"), ("__bread_gfp", "__brelse"), ("sb_bread", "brelse"),
    ("alloc_skb", "kfree_skb"), ("__alloc_skb", "sk_skb_reason_drop"),
    ("__alloc_skb", "kfree_skb_reason"), ("__alloc_skb", "kfree_skb"),
    ("__alloc_skb", "consume_skb"),
    ("__alloc_skb", "__kfree_skb"), ("__alloc_skb", "dev_kfree_skb_any_reason"),
    ("__netdev_alloc_skb", "sk_skb_reason_drop"), ("__netdev_alloc_skb", "kfree_skb_reason"),
    ("__netdev_alloc_skb", "dev_kfree_skb_any_reason"), ("__netdev_alloc_skb", "consume_skb"),
    // Who sends it has it, also where that fails.
    ("__alloc_skb", "netlink_unicast"), ("__alloc_skb", "netlink_broadcast"),
    ("__alloc_skb", "nlmsg_notify"), ("__alloc_skb", "__dev_queue_xmit"),
    ("__alloc_skb", "skb_queue_tail"),
    ("get_device", "put_device"), ("device_initialize", "put_device"),
    ("device_register", "put_device"), ("try_module_get", "module_put"),
    ("clk_prepare_enable", "clk_disable_unprepare"), ("kern_mount", "kern_unmount"),
    ("of_find_node_by_name", "of_node_put"), ("ioremap", "iounmap"), ("ioremap_wc", "iounmap"),
    ("ioremap_cache", "iounmap"), ("of_iomap", "iounmap"), ("memremap", "memunmap"),
    ("bdev_file_open_by_dev", "fput"), ("anon_inode_getfile", "fput"),
    ("get_unused_fd_flags", "put_unused_fd"), ("kobject_create_and_add", "kobject_put"),
    ("kobject_init_and_add", "kobject_put"), ("add_disk", "del_gendisk"),
    ("platform_driver_register", "platform_driver_unregister"),
    ("__platform_driver_register", "platform_driver_unregister"),
    ("pci_request_regions", "pci_release_regions"), ("request_threaded_irq", "free_irq"),
  ]

  /// A name without what says only how it is done.
  private static func plain(_ name: String) -> String {
    var name = name[...]
    while name.hasPrefix("_") { name.removeFirst() }
    for ending in ["_noprof", "_node", "_gfp", "_sync", "_all", "_locked", "_unlocked", "_flags"]
    where name.hasSuffix(ending) { name.removeLast(ending.count) }
    return String(name)
  }

  /// The count of those who use a device, and keep it awake.
  private static let wakes: Set = [
    "pm_runtime_get", "pm_runtime_get_sync", "pm_runtime_get_noresume", "pm_runtime_resume_and_get",
    "pm_runtime_get_if_in_use", "pm_runtime_get_if_active",
  ]

  /// Names of what would give back what a callee takes.
  static func opposites(of name: String) -> [String] {
    let words = name.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
    return verbs.flatMap { verb, opposites -> [String] in
      guard let place = words.firstIndex(of: verb) else { return [] }
      return opposites.map {
        var other = words
        other[place] = $0
        return other.joined(separator: "_")
      }
    } + known.filter { $0.takes == name }.map(\.gives)
  }

  private static func isPair(_ takes: String, _ gives: String) -> Bool {
    if wakes.contains(takes) {
      return gives.hasPrefix("pm_runtime_put") || gives.hasPrefix("__pm_runtime_put")
    }
    if known.contains(where: { $0.takes == takes && $0.gives == gives }) { return true }
    let (left, right) = (plain(takes), plain(gives))
    guard left != right else { return false }
    // What a device gives back itself nobody else does.
    if takes.hasPrefix("devm_") || takes.hasPrefix("pcim_") || takes.hasPrefix("drmm_") {
      return false
    }
    let words = left.split(separator: "_", omittingEmptySubsequences: true).map(String.init)
    let others = right.split(separator: "_", omittingEmptySubsequences: true).map(String.init)
    for (verb, opposites) in verbs {
      for opposite in opposites {
        if let place = words.firstIndex(of: verb), let other = others.firstIndex(of: opposite) {
          var (rest, otherRest) = (words, others)
          rest.remove(at: place)
          otherRest.remove(at: other)
          // `x_init_state` does not make what `x_state_destroy` ends.
          if rest == otherRest, verb != "init" || place == other { return true }
        }
        // `netif_register` in one word: `register_x` and `unregister_x`
        // `mntget` and `mntput`
        if words.count == 1, others.count == 1, left.hasSuffix(verb), right.hasSuffix(opposite),
          left.dropLast(verb.count) == right.dropLast(opposite.count), left.count > verb.count
        {
          return true
        }
        if opposite.hasSuffix(verb), right.contains(opposite),
          right.replacing(opposite, with: verb) == left
        {
          return true
        }
      }
    }
    return false
  }

  /// The pairs among callees, with what tells which of them belong together.
  ///
  /// - Parameters:
  ///   - others: callees of the same file's other functions, which may give back.
  ///   - chosen: what a manifest says; empty: what the names say.
  ///   - seen: all that the text calls. What is run and not answered gives back unseen.
  static func all(
    of callees: [Callee], givenBack others: [Callee], seen: Set<String>,
    chosen: [(acquires: String, releases: String)] = []
  ) -> [Generated.Pair] {
    let isPair =
      chosen.isEmpty
      ? Self.isPair
      : { takes, gives in chosen.contains { $0.acquires == takes && $0.releases == gives } }
    var pairs: [Generated.Pair] = []
    let unseen = seen.subtracting(callees.map(\.name))
    for taker in callees
    where !unseen.contains(where: { isPair(taker.name, $0) })
      || callees.contains(where: { isPair(taker.name, $0.name) && freeing.contains($0.name) })
    {
      // What only gives first values takes nothing, unless the text itself undoes it.
      let words = taker.name.split(separator: "_")
      let isFirst =
        taker.prototype.result.shape == .void
        && (words.contains("init") || words.contains("initialize") || words.contains("setup"))
      for giver in callees + (isFirst ? [] : others)
      where taker.name != giver.name && isPair(taker.name, giver.name) {
        let (taken, given) = (taker.prototype, giver.prototype)
        var key: (takes: Int?, gives: Int?) = (nil, nil)
        // What is given back is named as it was when it was taken.
        let isAlike =
          given.arguments.count > 1 && taken.arguments.count >= given.arguments.count
          && zip(taken.arguments, given.arguments).allSatisfy {
            $0.shape == $1.shape
              && ($0.shape != .pointer || $0.canonicalPointee == $1.canonicalPointee)
          }
        let first = given.arguments.firstIndex { $0.shape == .pointer }
        if isAlike, let first { key = (first, first) }
        search: for (number, argument) in given.arguments.enumerated()
        where argument.shape == .pointer && key.takes == nil {
          if taken.result.shape == .pointer,
            taken.result.canonicalPointee == argument.canonicalPointee
          {
            key = (-1, number)
            break search
          }
          if let place = taken.arguments.firstIndex(where: {
            $0.shape == .pointer && $0.canonicalPointee == argument.canonicalPointee
          }) {
            key = (place, number)
            break search
          }
        }
        // A number that one gives out and the other takes.
        if key.takes == nil, taken.result.shape == .number, taken.result.canonical == "int",
          taken.result.spelling == "int", known.contains(where: { $0 == (taker.name, giver.name) }),
          let first = given.arguments.first, first.shape == .number
        {
          key = (-1, 0)
        }
        // So many were taken, so many are to be given back.
        var count: Int?
        if taken.arguments.count == 2, given.arguments.count == 2, key.takes == 0, key.gives == 0,
          taken.arguments[1].shape == .number,
          taken.arguments[1].canonical == given.arguments[1].canonical,
          taker.names.count == 2, Self.counting.contains(taker.names[1])
        {
          count = 1
        }
        pairs.append(
          .init(
            count: count, acquires: taker.name, releases: giver.name, taken: key.takes,
            given: key.gives))
      }
    }
    return pairs
  }
}

extension ClangCursor.ValueType {
  /// What a pointer points to, without `const`.
  fileprivate var canonicalPointee: String {
    pointee.hasPrefix("const ") ? String(pointee.dropFirst(6)) : pointee
  }
}

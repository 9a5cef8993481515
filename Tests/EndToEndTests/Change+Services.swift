// SPDX-License-Identifier: GPL-2.0-only
import TestSupport

/// What an ordinary patch calls, in the modelled functions: judged without a line in a manifest.
extension Change {
  /// Statements in front of an allocation, and what they need in front of the function.
  private static func ordinary(_ name: String, _ statements: String, file: String = "") -> Change {
    ordinary(name, in: create, [.insertBefore("page = alloc_page", statements)], file: file)
  }

  private static func ordinary(
    _ name: String, in function: String, breaks: Set<String> = [],
    _ changes: [KernelEdit.Change], file: String = ""
  ) -> Change {
    var edits = changes.map { Nth($0) }
    if !file.isEmpty {
      edits.append(Nth(.insertBefore("static int \(function)(", file), isOutside: true))
    }
    var change = Change(name, "", in: function, breaks: breaks, edits: edits)
    change.isOrdinary = true
    return change
  }

  static let services: [Change] = [
    ordinary(
      "flush", in: direct, [.insertAfter("mmu->root.pgd = 0;", "kvm_flush_remote_tlbs(vcpu->kvm);")]
    ),
    ordinary(
      "mutex-init", in: create,
      [.insertBefore("mmu->root.hpa = INVALID_PAGE", "static struct mutex m;\nmutex_init(&m);")]),
    ordinary(
      "mutex-local", "static DEFINE_MUTEX(lk);\nmutex_lock(&lk);\nmutex_unlock(&lk);"),
    ordinary(
      "ratelimited", "pr_err_ratelimited(\"roots\\n\");"),
    ordinary(
      "pr-debug", "pr_debug(\"roots %d\\n\", 1);"),
    ordinary(
      "static-branch", "if (static_branch_unlikely(&kx))\n\tpr_info(\"x\\n\");",
      file: "static DEFINE_STATIC_KEY_FALSE(kx);"),
    ordinary(
      "static-branch-t", "if (!static_branch_likely(&kx))\n\treturn 0;",
      file: "DEFINE_STATIC_KEY_TRUE(kx);"),
    ordinary(
      "kvm-bug-on", "if (KVM_BUG_ON(!vcpu->kvm, vcpu->kvm))\n\treturn -EIO;"),
    ordinary(
      "account", in: special,
      [.insertBefore("mmu->pae_root = pae_root;", "kvm_account_pgtable_pages(pae_root, 1);")]),
    ordinary(
      "memcache",
      "struct kvm_mmu_memory_cache mc = {};\nint rr = kvm_mmu_topup_memory_cache(&mc, 1);\nif (rr)\n\treturn rr;\nkvm_mmu_free_memory_cache(&mc);"
    ),
    ordinary(
      "cond-resched-rwlock", in: direct,
      [
        .insertBefore(
          "if (shadow_root_level >= PT64", "cond_resched_rwlock_write(&vcpu->kvm->mmu_lock);")
      ]),
    ordinary(
      "scoped-guard", "scoped_guard(mutex, &vcpu->kvm->slots_arch_lock)\n\tpage = NULL;"),
    ordinary(
      "guard-srcu", "guard(srcu)(&vcpu->kvm->srcu);"),
    ordinary(
      "srcu",
      "int idx = srcu_read_lock(&vcpu->kvm->srcu);\nsrcu_read_unlock(&vcpu->kvm->srcu, idx);"),
    ordinary(
      "rcu", "rcu_read_lock();\nrcu_read_unlock();"),
    ordinary("guard-rcu", in: direct, [.insertBefore("write_lock", "guard(rcu)();")]),
    ordinary(
      "preempt", "preempt_disable();\npreempt_enable();"),
    ordinary(
      "irqsave", "unsigned long fl;\nspin_lock_irqsave(&sl, fl);\nspin_unlock_irqrestore(&sl, fl);",
      file: "static DEFINE_SPINLOCK(sl);"),
    ordinary(
      "spin-irq", "spin_lock_irq(&sl);\nspin_unlock_irq(&sl);",
      file: "static DEFINE_SPINLOCK(sl);"),
    ordinary(
      "spin-bh", "spin_lock_bh(&sl);\nspin_unlock_bh(&sl);",
      file: "static DEFINE_SPINLOCK(sl);"),
    ordinary(
      "raw-spin", "raw_spin_lock(&sl);\nraw_spin_unlock(&sl);",
      file: "static DEFINE_RAW_SPINLOCK(sl);"),
    ordinary(
      "guard-irqsave", in: direct,
      [.insertBefore("write_lock", "scoped_guard(spinlock_irqsave, &sl)\n\tr = 0;")],
      file: "static DEFINE_SPINLOCK(sl);"),
    ordinary(
      "trylock", "if (spin_trylock(&sl))\n\tspin_unlock(&sl);",
      file: "static DEFINE_SPINLOCK(sl);"),
    ordinary(
      "mutex-trylock", "if (mutex_trylock(&sl))\n\tmutex_unlock(&sl);",
      file: "static DEFINE_MUTEX(sl);"),
    ordinary(
      "mutex-intr", "if (mutex_lock_interruptible(&sl))\n\treturn -EINTR;\nmutex_unlock(&sl);",
      file: "static DEFINE_MUTEX(sl);"),
    ordinary(
      "rwsem",
      "down_read(&sl);\nup_read(&sl);\ndown_write(&sl);\ndowngrade_write(&sl);\nup_read(&sl);",
      file: "static DECLARE_RWSEM(sl);"),
    ordinary(
      "local-irq", "local_irq_disable();\nlocal_irq_enable();"),
    ordinary(
      "local-irq-save", "unsigned long fl;\nlocal_irq_save(fl);\nlocal_irq_restore(fl);"),
    ordinary(
      "bh", "local_bh_disable();\nlocal_bh_enable();"),
    ordinary(
      "cond-resched", "cond_resched();\nmight_sleep();"),
    ordinary(
      "cpus", "cpus_read_lock();\ncpus_read_unlock();"),
    ordinary(
      "stat", "++vcpu->stat.exits;\nvcpu->kvm->stat.mmu_cache_miss++;"),
    ordinary(
      "percpu",
      "this_cpu_inc(rx);\n__this_cpu_add(rx, 2);\nif (this_cpu_read(rx) == 77)\n\treturn 0;\n*get_cpu_ptr(&rx) = 1;\nput_cpu_ptr(&rx);",
      file: "static DEFINE_PER_CPU(unsigned long, rx);"),
    ordinary(
      "tracepoint", "trace_kvm_mmu_set_spte(0, 0, NULL);"),
    ordinary(
      "kmem-cache",
      "void *o = kmem_cache_zalloc(mmu_page_header_cache, GFP_KERNEL);\nif (!o)\n\treturn -ENOMEM;\nkmem_cache_free(mmu_page_header_cache, o);"
    ),
    ordinary(
      "kvmalloc", "void *o = kvzalloc(64, GFP_KERNEL);\nif (!o)\n\treturn -ENOMEM;\nkvfree(o);"),
    ordinary(
      "vmalloc", "void *o = vzalloc(64);\nif (!o)\n\treturn -ENOMEM;\nvfree(o);"),
    ordinary(
      "krealloc",
      "void *o = kmalloc(64, GFP_KERNEL), *q;\nif (!o)\n\treturn -ENOMEM;\nq = krealloc(o, 128, GFP_KERNEL);\nif (!q) {\n\tkfree(o);\n\treturn -ENOMEM;\n}\nkfree(q);"
    ),
    ordinary(
      "kmemdup",
      "u64 a[2] = {1,2};\nvoid *o = kmemdup(a, sizeof(a), GFP_KERNEL);\nif (!o)\n\treturn -ENOMEM;\nkfree(o);"
    ),
    ordinary(
      "kstrdup", "char *o = kstrdup(\"ab\", GFP_KERNEL);\nif (!o)\n\treturn -ENOMEM;\nkfree(o);"),
    ordinary(
      "kasprintf",
      "char *o = kasprintf(GFP_KERNEL, \"a%d\", 1);\nif (!o)\n\treturn -ENOMEM;\nkfree(o);"),
    ordinary(
      "free-attr", "void *o __free(kfree) = kzalloc(64, GFP_KERNEL);\nif (!o)\n\treturn -ENOMEM;"),
    ordinary(
      "define-free",
      "void *o __free(zpage) = (void *)get_zeroed_page(GFP_KERNEL);\nif (!o)\n\treturn -ENOMEM;",
      file: "DEFINE_FREE(zpage, void *, free_page((unsigned long)_T))"),
    ordinary(
      "no-free-ptr", in: special,
      [
        .replace("u64 *pae_root;", with: "u64 *pae_root __free(zpage) = NULL;"),
        .replace("mmu->pae_root = pae_root;", with: "mmu->pae_root = no_free_ptr(pae_root);"),
        .replace("free_page((unsigned long)pae_root);", with: ";"),
      ],
      file: "DEFINE_FREE(zpage, u64 *, free_page((unsigned long)_T))"),
    ordinary(
      "nofail", in: special,
      [
        .replace(
          "get_zeroed_page(GFP_KERNEL_ACCOUNT);\n\tif (!pae_root)\n\t\treturn -ENOMEM;",
          with: "get_zeroed_page(GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);")
      ]),
    ordinary(
      "refcount", "refcount_inc(&rc);\nif (refcount_dec_and_test(&rc))\n\treturn -EIO;",
      file: "static refcount_t rc = REFCOUNT_INIT(1);"),
    ordinary(
      "kref", "kref_get(&kr);\nkref_put(&kr, krel);",
      file: "static void krel(struct kref *k)\n{\n}\nstatic struct kref kr = KREF_INIT(2);"),
    ordinary(
      "work", "schedule_work(&wk);\nflush_work(&wk);",
      file: "static void wfn(struct work_struct *w)\n{\n}\nstatic DECLARE_WORK(wk, wfn);"),
    ordinary(
      "dwork", "schedule_delayed_work(&wk, HZ);\ncancel_delayed_work_sync(&wk);",
      file: "static void wfn(struct work_struct *w)\n{\n}\nstatic DECLARE_DELAYED_WORK(wk, wfn);"),
    ordinary(
      "timer", "mod_timer(&tm, jiffies + HZ);",
      file: "static void tfn(struct timer_list *t)\n{\n}\nstatic DEFINE_TIMER(tm, tfn);"),
    ordinary(
      "completion", "complete(&cp);\nwait_for_completion(&cp);",
      file: "static DECLARE_COMPLETION(cp);"),
    ordinary(
      "wake-up", "wake_up(&wq);",
      file: "static DECLARE_WAIT_QUEUE_HEAD(wq);"),
    ordinary(
      "list",
      "struct nd *n = kzalloc(sizeof(*n), GFP_KERNEL);\nif (!n)\n\treturn -ENOMEM;\nmutex_lock(&lk);\nlist_add(&n->l, &lh);\nlist_del(&n->l);\nmutex_unlock(&lk);\nkfree(n);",
      file: "static LIST_HEAD(lh);\nstatic DEFINE_MUTEX(lk);\nstruct nd { struct list_head l; };"),
    ordinary(
      "xarray",
      "void *o = xa_store(&xx, 3, vcpu, GFP_KERNEL);\nif (xa_err(o))\n\treturn xa_err(o);\nxa_erase(&xx, 3);",
      file: "static DEFINE_XARRAY(xx);"),
    ordinary(
      "idr",
      "int id = idr_alloc(&xx, vcpu, 1, 0, GFP_KERNEL);\nif (id < 0)\n\treturn id;\nidr_remove(&xx, id);",
      file: "static DEFINE_IDR(xx);"),
    ordinary(
      "ida", "int id = ida_alloc(&xx, GFP_KERNEL);\nif (id < 0)\n\treturn id;\nida_free(&xx, id);",
      file: "static DEFINE_IDA(xx);"),
    ordinary(
      "radix",
      "int er = radix_tree_insert(&xx, 1, vcpu);\nif (er)\n\treturn er;\nradix_tree_delete(&xx, 1);",
      file: "static RADIX_TREE(xx, GFP_KERNEL);"),
    ordinary(
      "current",
      "if (current->flags & PF_KTHREAD)\n\treturn -EIO;\nif (signal_pending(current))\n\treturn -EINTR;"
    ),
    ordinary(
      "smp",
      "if (raw_smp_processor_id() > 3)\n\treturn -EIO;\nint c = get_cpu();\nput_cpu();\nif (c > 3)\n\treturn -EIO;"
    ),
    ordinary(
      "lockdep", in: direct,
      [
        .insertAfter(
          "write_lock(",
          "lockdep_assert_held_write(&vcpu->kvm->mmu_lock);\nlockdep_assert_irqs_enabled();")
      ]),
    ordinary(
      "make-request", in: direct,
      [
        .insertAfter(
          "mmu->root.pgd = 0;",
          "kvm_make_request(KVM_REQ_TLB_FLUSH, vcpu);\nkvm_make_all_cpus_request(vcpu->kvm, KVM_REQ_TLB_FLUSH);"
        )
      ]),
    ordinary(
      "kthread", "schedule_timeout_uninterruptible(1);\ncpu_relax();"),
    ordinary(
      "user",
      "u64 uv;\nif (copy_from_user(&uv, (void __user *)16, 8))\n\treturn -EFAULT;\nif (get_user(uv, (u64 __user *)16))\n\treturn -EFAULT;\nif (put_user(uv, (u64 __user *)16))\n\treturn -EFAULT;"
    ),
    ordinary(
      "ktime", "ktime_t t0 = ktime_get();\nif (t0 < 0)\n\treturn -EIO;"),
    ordinary(
      "seqcount", in: direct,
      [.insertBefore("write_lock", "write_seqcount_begin(&sq);\nwrite_seqcount_end(&sq);")],
      file: "static seqcount_t sq = SEQCNT_ZERO(sq);"),
    ordinary(
      "static-cpu-has",
      "if (static_cpu_has(X86_FEATURE_LA57) && boot_cpu_has(X86_FEATURE_NX))\n\tpage = NULL;"
    ),
    ordinary(
      "synchronize", "synchronize_rcu();\nsynchronize_srcu(&vcpu->kvm->srcu);"),
    ordinary(
      "kfree-rcu",
      "struct nd *n = kzalloc(sizeof(*n), GFP_KERNEL);\nif (!n)\n\treturn -ENOMEM;\nkfree_rcu(n, r);",
      file: "struct nd { struct rcu_head r; int x; };"),
    ordinary(
      "alloc-percpu",
      "int __percpu *n = alloc_percpu(int);\nif (!n)\n\treturn -ENOMEM;\nfree_percpu(n);"),
    ordinary(
      "nested", "mutex_lock_nested(&sl, SINGLE_DEPTH_NESTING);\nmutex_unlock(&sl);",
      file: "static DEFINE_MUTEX(sl);"),
    ordinary(
      "atomic",
      "atomic_inc(&at);\natomic64_add(3, &a6);\nif (atomic_dec_and_test(&at))\n\tatomic64_set(&a6, 0);\nif (cmpxchg(&at.counter, 1, 2) == 7)\n\treturn -EIO;",
      file: "static atomic_t at;\nstatic atomic64_t a6;"),
    ordinary(
      "bitmap",
      "set_bit(3, bm);\nif (find_first_bit(bm, 64) != 3)\n\treturn -EIO;\nclear_bit(3, bm);",
      file: "static DECLARE_BITMAP(bm, 64);"),
    ordinary(
      "gfp-atomic", in: direct,
      [
        .insertAfter(
          "write_lock(",
          "void *o = kmalloc(16, GFP_ATOMIC);\nif (!o) {\n\tr = -ENOMEM;\n\tgoto out_unlock;\n}\nkfree(o);"
        )
      ]),
  ]

  static let serviceDefects: [Change] = [
    ordinary(
      "cond-resched", in: direct, breaks: ["sleep-under-lock"],
      [.insertAfter("write_lock(", "cond_resched();")]),
    ordinary(
      "might-sleep-irq", in: special, breaks: ["sleep-under-lock"],
      [
        .insertBefore(
          "pae_root = (void *)get_zeroed_page",
          "unsigned long fl;\nlocal_irq_save(fl);\nmight_sleep();\nlocal_irq_restore(fl);")
      ]),
    ordinary(
      "alloc-preempt", in: special, breaks: ["sleep-under-lock"],
      [
        .insertBefore("pae_root = (void *)get_zeroed_page", "preempt_disable();"),
        .insertBefore("if (!pae_root)", "preempt_enable();"),
      ]),
    ordinary(
      "alloc-rcu", in: special, breaks: ["sleep-under-lock"],
      [
        .insertBefore("pae_root = (void *)get_zeroed_page", "rcu_read_lock();"),
        .insertBefore("if (!pae_root)", "rcu_read_unlock();"),
      ]),
    ordinary(
      "guard-rcu", in: special, breaks: ["sleep-under-lock"],
      [.insertBefore("pae_root = (void *)get_zeroed_page", "guard(rcu)();")]),
    ordinary(
      "mutex-bh", in: shadow, breaks: ["sleep-under-lock"],
      [
        .insertBefore("r = mmu_first_shadow_root_alloc", "local_bh_disable();"),
        .insertAfter("r = mmu_first_shadow_root_alloc", "local_bh_enable();"),
      ]),
    ordinary(
      "cpus-kept", in: special, breaks: ["lock-imbalance"],
      [.insertBefore("pae_root = (void *)get_zeroed_page", "cpus_read_lock();")]),
    ordinary(
      "irq-kept", in: special, breaks: ["lock-imbalance", "sleep-under-lock"],
      [
        .insertBefore("pae_root = (void *)get_zeroed_page", "local_irq_disable();"),
        .insertBefore("mmu->pae_root = pae_root", "local_irq_enable();"),
      ]),
    ordinary(
      "preempt-kept", in: direct, breaks: ["lock-imbalance"],
      [.insertBefore("write_lock(", "preempt_disable();")]),
    ordinary(
      "rcu-kept", in: direct, breaks: ["lock-imbalance"],
      [
        .insertBefore("write_lock(", "rcu_read_lock();"),
        .insertAfter("write_unlock(", "if (!r)\n\trcu_read_unlock();"),
      ]),
    ordinary(
      "srcu-kept", in: special, breaks: ["lock-imbalance"],
      [
        .insertBefore(
          "pae_root = (void *)get_zeroed_page", "int idx = srcu_read_lock(&vcpu->kvm->srcu);"),
        .insertBefore("mmu->pae_root = pae_root", "srcu_read_unlock(&vcpu->kvm->srcu, idx);"),
      ]),
    ordinary(
      "unlock-irq", in: direct, breaks: ["lock-imbalance"],
      [
        .insertBefore(
          "write_lock(",
          "unsigned long fl;\nspin_lock_irqsave(&sl, fl);\nspin_lock_irq(&s2);\nspin_unlock_irq(&s2);\nspin_unlock_irqrestore(&sl, fl);"
        )
      ],
      file: "static DEFINE_SPINLOCK(sl);static DEFINE_SPINLOCK(s2);"),
    ordinary(
      "wrong-unlock", in: direct, breaks: ["lock-imbalance"],
      [
        .insertBefore(
          "write_lock(", "unsigned long fl;\nspin_lock_irqsave(&sl, fl);\nspin_unlock(&sl);")
      ],
      file: "static DEFINE_SPINLOCK(sl);"),
    ordinary(
      "rwsem-kept", in: special, breaks: ["lock-imbalance"],
      [
        .insertBefore("pae_root = (void *)get_zeroed_page", "down_read(&sl);"),
        .insertBefore("mmu->pae_root = pae_root", "up_read(&sl);"),
      ],
      file: "static DECLARE_RWSEM(sl);"),
    ordinary(
      "trylock-fail", in: special, breaks: ["lock-imbalance"],
      [
        .insertBefore(
          "pae_root = (void *)get_zeroed_page", "mutex_trylock(&sl);\nmutex_unlock(&sl);")
      ],
      file: "static DEFINE_MUTEX(sl);"),
    ordinary(
      "intr-ignored", in: special, breaks: ["error-swallowed", "lock-imbalance", "partial-state"],
      [
        .insertBefore(
          "pae_root = (void *)get_zeroed_page",
          "(void)(mutex_lock_interruptible(&sl) + 1);\nmutex_unlock(&sl);")
      ],
      file: "static DEFINE_MUTEX(sl);"),
    ordinary(
      "krealloc-leak", in: special, breaks: ["leak", "lifecycle"],
      [
        .insertBefore(
          "pae_root = (void *)get_zeroed_page",
          "void *o = kmalloc(64, GFP_KERNEL);\nif (!o)\n\treturn -ENOMEM;\no = krealloc(o, 128, GFP_KERNEL);\nif (!o)\n\treturn -ENOMEM;\nkfree(o);"
        )
      ]),
    ordinary(
      "strdup-leak", in: special, breaks: ["allocation-set", "leak", "lifecycle"],
      [
        .insertBefore(
          "pae_root = (void *)get_zeroed_page",
          "char *o = kstrdup(\"ab\", GFP_KERNEL);\nif (!o)\n\treturn -ENOMEM;")
      ]),
    ordinary(
      "cache-leak", in: special, breaks: ["allocation-set", "leak", "lifecycle"],
      [
        .insertBefore(
          "pae_root = (void *)get_zeroed_page",
          "void *o = kmem_cache_zalloc(mmu_page_header_cache, GFP_KERNEL);\nif (!o)\n\treturn -ENOMEM;"
        )
      ]),
    ordinary(
      "kmemdup-over", in: special, breaks: ["out-of-bounds"],
      [
        .insertBefore(
          "pae_root = (void *)get_zeroed_page",
          "u64 a[2] = {1,2};\nvoid *o = kmemdup(a, 24, GFP_KERNEL);\nif (!o)\n\treturn -ENOMEM;\nkfree(o);"
        )
      ]),
    ordinary(
      "uaf-rcu", in: special, breaks: ["sleep-under-lock"],
      [
        .insertBefore(
          "pae_root = (void *)get_zeroed_page",
          "rcu_read_lock();\nsynchronize_rcu();\nrcu_read_unlock();")
      ]),
    ordinary(
      "mixed-free", in: special, breaks: ["leak", "lifecycle", "wild-free"],
      [
        .replace(
          "pae_root = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT)",
          with: "pae_root = kzalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT)")
      ]),
    ordinary(
      "waitcomp", in: direct, breaks: ["sleep-under-lock"],
      [.insertAfter("write_lock(", "wait_for_completion(&cp);")],
      file: "static DECLARE_COMPLETION(cp);"),
    ordinary(
      "flushwork", in: direct, breaks: ["sleep-under-lock"],
      [.insertAfter("write_lock(", "cancel_work_sync(&wk);")],
      file: "static void wfn(struct work_struct *w)\n{\n}\nstatic DECLARE_WORK(wk, wfn);"),
    ordinary(
      "usercopy", in: direct,
      breaks: [
        "error-swallowed", "partial-state", "sleep-under-lock", "warn-unexpected", "wrong-errno",
      ],
      [
        .insertAfter(
          "write_lock(", "u64 uv;\nif (copy_from_user(&uv, (void __user *)16, 8))\n\tr = 0;")
      ]),
    ordinary(
      "xa-leak", in: special, breaks: ["leak", "lifecycle"],
      [
        .insertBefore(
          "pae_root = (void *)get_zeroed_page",
          "void *k = kzalloc(8, GFP_KERNEL);\nif (!k)\n\treturn -ENOMEM;\nvoid *o = xa_store(&xx, 3, k, GFP_KERNEL);\nif (xa_err(o))\n\treturn xa_err(o);\nxa_erase(&xx, 3);\nkfree(k);"
        )
      ],
      file: "static DEFINE_XARRAY(xx);"),
  ]
}

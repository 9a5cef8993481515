// SPDX-License-Identifier: GPL-2.0-only
import TestSupport

/// What an ordinary patch calls, used wrongly.
extension Change {
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
    ordinary(
      "seqcount-preemptible", in: create, breaks: ["lock-imbalance"],
      [.insertBefore("page = alloc_page", "write_seqcount_begin(&sq);\nwrite_seqcount_end(&sq);")],
      file: "static seqcount_t sq = SEQCNT_ZERO(sq);"),
    ordinary(
      "irqs-demanded", in: create, breaks: ["lock-imbalance"],
      [.insertBefore("page = alloc_page", "lockdep_assert_irqs_disabled();")]),
    ordinary(
      "freed-too-early", in: create, breaks: ["use-after-free"],
      [
        .insertBefore(
          "page = alloc_page",
          "int *n = kzalloc(8, GFP_KERNEL);\nif (!n)\n\treturn -ENOMEM;\nrcu_read_lock();\n"
            + "kfree(n);\n*n = 1;\nmight_sleep();\nrcu_read_unlock();")
      ]),
    ordinary(
      "irqs-on-inside", in: create, breaks: ["lock-imbalance"],
      [
        .insertBefore(
          "page = alloc_page",
          "unsigned long f;\nlocal_irq_save(f);\nspin_lock_irq(&s1);\nspin_unlock_irq(&s1);\n"
            + "local_irq_restore(f);")
      ], file: "static DEFINE_SPINLOCK(s1);"),
    ordinary(
      "used-after-kfree-rcu", in: create, breaks: ["use-after-free"],
      [
        .insertBefore(
          "page = alloc_page",
          "struct nd *n = kzalloc(sizeof(*n), GFP_KERNEL);\nif (!n)\n\treturn -ENOMEM;\n"
            + "kfree_rcu(n, r);\nn->x = 1;")
      ], file: "struct nd { struct rcu_head r; int x; };"),
    ordinary(
      "key-under-lock", in: direct, breaks: ["sleep-under-lock"],
      [.insertAfter("write_lock(", "static_branch_inc(&kx);")],
      file: "static DEFINE_STATIC_KEY_FALSE(kx);"),
  ]
}

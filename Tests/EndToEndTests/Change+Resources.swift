// SPDX-License-Identifier: GPL-2.0-only
import TestSupport

/// Answers that say no without an errno, sections of the task alone, who allocates and who frees, work
/// and timers, numbers, and what is compiled from the kernel's own lib.
extension Change {
  static let resources: [Change] = [
    ordinary(
      "vmalloc-asked", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "void *q = kvmalloc(8192, GFP_KERNEL);\nif (!q)\n\treturn -ENOMEM;\nif (is_vmalloc_addr(q))\n\tvfree(q);\nelse\n\tkfree(q);"
        )
      ]),
    ordinary(
      "cleared-by-memset", in: special,
      [
        .replace("pae_root = (void *)get_zeroed_page", with: "pae_root = (void *)__get_free_page"),
        .insertBefore(
          "#ifdef CONFIG_X86_64\n\tpml4_root = (void", "memset(pae_root, 0, PAGE_SIZE);"),
      ]),
    ordinary(
      "trylock-refused", in: create,
      [
        .insertBefore(
          "page = alloc_page", "if (!mutex_trylock(&gm))\n\treturn -EAGAIN;\nmutex_unlock(&gm);")
      ], file: "static DEFINE_MUTEX(gm);"),
    ordinary(
      "trylock-special", in: special,
      [
        .insertBefore(
          "pae_root = (void *)get_zeroed_page",
          "if (!mutex_trylock(&gm))\n\treturn -EAGAIN;\nmutex_unlock(&gm);")
      ], file: "static DEFINE_MUTEX(gm);"),
    ordinary(
      "trylock-direct", in: direct,
      [
        .insertBefore("write_lock(", "if (!spin_trylock(&s1))\n\treturn -EBUSY;\nspin_unlock(&s1);")
      ], file: "static DEFINE_SPINLOCK(s1);"),
    ordinary(
      "trylock-shadow", in: shadow,
      [
        .insertBefore(
          "write_lock(", "if (!down_read_trylock(&s1))\n\treturn -EBUSY;\nup_read(&s1);")
      ], file: "static DECLARE_RWSEM(s1);"),
    ordinary(
      "trylock-first-root", in: firstRoot,
      [
        .insertBefore(
          "mutex_lock(", "if (!down_write_trylock(&s1))\n\treturn -EBUSY;\nup_write(&s1);")
      ], file: "static DECLARE_RWSEM(s1);"),
    ordinary(
      "guard-refused", in: create,
      [
        .insertBefore(
          "page = alloc_page", "scoped_cond_guard(mutex_try, return -EBUSY, &gm)\n\ti = 0;")
      ], file: "static DEFINE_MUTEX(gm);"),
    ordinary(
      "cpus-refused", in: create,
      [
        .insertBefore(
          "page = alloc_page", "if (!cpus_read_trylock())\n\treturn -EAGAIN;\ncpus_read_unlock();")
      ]),
    ordinary(
      "module-refused", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "if (!try_module_get(THIS_MODULE))\n\treturn -ENODEV;\nmodule_put(THIS_MODULE);")
      ]),
    ordinary(
      "not-capable", in: create,
      [.insertBefore("page = alloc_page", "if (!capable(CAP_SYS_ADMIN))\n\treturn -EPERM;")]),
    ordinary(
      "unsafe-get", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "u64 uv = 0;\nu64 __user *up = (u64 __user *)16;\nif (!user_access_begin(up, 8))\n\treturn -EFAULT;\nunsafe_get_user(uv, up, bad);\nuser_access_end();\nif (0) {\nbad:\n\tuser_access_end();\n\treturn -EFAULT;\n}"
        )
      ]),
    ordinary(
      "atomic-copy", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "u64 uv = 0;\npagefault_disable();\nif (__copy_from_user_inatomic(&uv, (void __user *)16, 8))\n\tuv = 0;\npagefault_enable();"
        )
      ]),
    ordinary(
      "atomic-get", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "u64 uv = 0;\nint er;\npagefault_disable();\ner = __get_user(uv, (u64 __user *)16);\npagefault_enable();\nif (er && get_user(uv, (u64 __user *)16))\n\treturn -EFAULT;"
        )
      ]),
    ordinary(
      "unsafe-slow", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "u64 uv = 0;\nu64 __user *up = (u64 __user *)16;\nif (user_access_begin(up, 8)) {\n\tunsafe_get_user(uv, up, slow);\n\tuser_access_end();\n} else {\n\tif (0) {\nslow:\n\t\tuser_access_end();\n\t}\n\tif (copy_from_user(&uv, up, 8))\n\t\treturn -EFAULT;\n}"
        )
      ]),
    ordinary(
      "nofault", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "u64 uv = 0;\nif (copy_from_user_nofault(&uv, (void __user *)16, 8))\n\tuv = 0;")
      ]),
    ordinary(
      "include-between", in: create,
      [.insertBefore("page = alloc_page", "i = (int)sizeof(struct __genradix);")],
      file: "#include <linux/generic-radix-tree.h>"),
    ordinary(
      "include-lock-header", in: create,
      [.insertBefore("page = alloc_page", "struct ww_mutex ww;\n(void)&ww;")],
      file: "#include <linux/ww_mutex.h>"),
    ordinary(
      "rb-tree", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "struct nd n = {};\nmutex_lock(&gm);\nrb_link_node(&n.n, NULL, &rt.rb_node);\nrb_insert_color(&n.n, &rt);\nrb_erase(&n.n, &rt);\nmutex_unlock(&gm);"
        )
      ],
      file:
        "struct nd { struct rb_node n; };\nstatic struct rb_root rt = RB_ROOT;\nstatic DEFINE_MUTEX(gm);"
    ),
    ordinary(
      "rb-walk", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "mutex_lock(&gm);\nstruct rb_node *q;\nfor (q = rb_first(&rt); q; q = rb_next(q))\n\ti = 1;\nmutex_unlock(&gm);"
        )
      ], file: "static struct rb_root rt = RB_ROOT;\nstatic DEFINE_MUTEX(gm);"),
    ordinary(
      "maple", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "int er = mtree_store(&mt, 3, vcpu, GFP_KERNEL);\nif (er)\n\treturn er;\nif (mtree_load(&mt, 3) != vcpu)\n\treturn -EIO;\nmtree_erase(&mt, 3);"
        )
      ], file: "#include <linux/maple_tree.h>\nstatic DEFINE_MTREE(mt);"),
    ordinary(
      "hash-table", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "struct nd *n = kzalloc(sizeof(*n), GFP_KERNEL);\nint er;\nif (!n)\n\treturn -ENOMEM;\ner = rhashtable_init(&ht, &par);\nif (er) {\n\tkfree(n);\n\treturn er;\n}\ner = rhashtable_insert_fast(&ht, &n->h, par);\nif (!er)\n\trhashtable_remove_fast(&ht, &n->h, par);\nrhashtable_destroy(&ht);\nkfree(n);\nif (er)\n\treturn er;"
        )
      ],
      file:
        "#include <linux/rhashtable.h>\nstruct nd { u32 k; struct rhash_head h; };\nstatic struct rhashtable ht;\nstatic const struct rhashtable_params par = { .key_len = 4, .key_offset = 0, .head_offset = offsetof(struct nd, h) };"
    ),
    ordinary(
      "do-once", in: create, [.insertBefore("page = alloc_page", "DO_ONCE(ini, &ov, sizeof(ov));")],
      file: "#include <linux/once.h>\nstatic int ov;\nstatic void ini(void *a, size_t s)\n{\n}"),
    ordinary(
      "clear-highpage", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "struct page *n = alloc_page(GFP_KERNEL);\nif (!n)\n\treturn -ENOMEM;\nclear_highpage(n);\n__free_page(n);"
        )
      ], file: "#include <linux/highmem.h>"),
    ordinary(
      "kmap", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "struct page *n = alloc_page(GFP_KERNEL);\nvoid *ka;\nif (!n)\n\treturn -ENOMEM;\nka = kmap_local_page(n);\nmemset(ka, 0, 8);\nkunmap_local(ka);\n__free_page(n);"
        )
      ], file: "#include <linux/highmem.h>"),
    ordinary(
      "nofs-nested", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "unsigned int nf = memalloc_nofs_save(), nn = memalloc_nofs_save();\nvoid *q = kmalloc(8, GFP_KERNEL);\nmemalloc_nofs_restore(nn);\nmemalloc_nofs_restore(nf);\nif (!q)\n\treturn -ENOMEM;\nkfree(q);"
        )
      ], file: "#include <linux/sched/mm.h>"),
    ordinary(
      "page-faults", in: create,
      [.insertBefore("page = alloc_page", "pagefault_disable();\npagefault_enable();")]),
    ordinary(
      "srcu-other", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "int x = srcu_read_lock(&vcpu->kvm->irq_srcu);\nsynchronize_srcu(&vcpu->kvm->srcu);\nsrcu_read_unlock(&vcpu->kvm->irq_srcu, x);"
        )
      ]),
    ordinary(
      "srcu-index", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "int x = srcu_read_lock(&vcpu->kvm->srcu);\nint y = srcu_read_lock(&vcpu->kvm->irq_srcu);\nsrcu_read_unlock(&vcpu->kvm->srcu, x);\nsrcu_read_unlock(&vcpu->kvm->irq_srcu, y);"
        )
      ]),
    ordinary(
      "ida-kept", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "if (kid <= 0)\n\tkid = ida_alloc(&xx, GFP_KERNEL);\nif (kid < 0)\n\treturn kid;")
      ], file: "static DEFINE_IDA(xx);\nstatic int kid;"),
    ordinary(
      "kvfree", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "void *q = vmalloc(8), *r2 = kmalloc(8, GFP_KERNEL), *r3 = kvmalloc(64, GFP_KERNEL);\nkvfree(q);\nkvfree(r2);\nkvfree(r3);\nif (!q || !r2 || !r3)\n\treturn -ENOMEM;"
        )
      ]),
    ordinary(
      "cache-object-kfree", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "void *q = kmem_cache_zalloc(mmu_page_header_cache, GFP_KERNEL);\nif (!q)\n\treturn -ENOMEM;\nkfree(q);"
        )
      ]),
    ordinary(
      "stack-work", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "struct work_struct w;\nINIT_WORK_ONSTACK(&w, wf);\nschedule_work(&w);\nflush_work(&w);\ndestroy_work_on_stack(&w);"
        )
      ], file: "static void wf(struct work_struct *w)\n{\n}"),
    ordinary(
      "timer-stopped", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "struct nd { struct timer_list t; } *n = kzalloc(sizeof(*n), GFP_KERNEL);\nif (!n)\n\treturn -ENOMEM;\ntimer_setup(&n->t, tf, 0);\nmod_timer(&n->t, jiffies + 5);\ntimer_delete_sync(&n->t);\nkfree(n);"
        )
      ], file: "static void tf(struct timer_list *t)\n{\n}"),
    ordinary(
      "free-mightsleep", in: create,
      [
        .insertBefore(
          "page = alloc_page",
          "void *q = kmalloc(8, GFP_KERNEL);\nif (!q)\n\treturn -ENOMEM;\nkvfree_rcu_mightsleep(q);"
        )
      ]),
  ]

  static let resourceDefects: [Change] = [
    ordinary(
      "trylock-kept", in: create, breaks: ["lock-imbalance"],
      [.insertBefore("page = alloc_page", "if (mutex_trylock(&gm) && i == 5)\n\treturn -EAGAIN;")],
      file: "static DEFINE_MUTEX(gm);"),
    ordinary(
      "trylock-late", in: create, breaks: ["partial-state"],
      [
        .insertBefore(
          "page = alloc_page",
          "mmu->pae_root = (void *)vcpu;\nif (!mutex_trylock(&gm))\n\treturn -EAGAIN;\nmutex_unlock(&gm);\nmmu->pae_root = NULL;"
        )
      ], file: "static DEFINE_MUTEX(gm);"),
    ordinary(
      "page-faults-kept", in: create, breaks: ["lock-imbalance"],
      [.insertBefore("page = alloc_page", "pagefault_disable();")]),
    ordinary(
      "nofs-kept", in: create, breaks: ["lock-imbalance"],
      [.insertBefore("page = alloc_page", "unsigned int nf = memalloc_nofs_save();\n(void)nf;")],
      file: "#include <linux/sched/mm.h>"),
    ordinary(
      "noio-kept-on-error", in: create, breaks: ["lock-imbalance"],
      [
        .insertBefore(
          "page = alloc_page",
          "unsigned int nf = memalloc_noio_save();\nvoid *q = kmalloc(8, GFP_KERNEL);\nif (!q)\n\treturn -ENOMEM;\nkfree(q);\nmemalloc_noio_restore(nf);"
        )
      ], file: "#include <linux/sched/mm.h>"),
    ordinary(
      "nowait-nofail", in: create, breaks: ["crash"],
      [
        .insertBefore(
          "page = alloc_page",
          "void *q = kmalloc(8, GFP_NOWAIT | __GFP_NOFAIL);\n*(int *)q = 1;\nkfree(q);")
      ]),
    ordinary(
      "nofail-locked", in: direct, breaks: ["sleep-under-lock"],
      [
        .insertBefore(
          "if (shadow_root_level >= PT64",
          "void *q = kmalloc(8, GFP_KERNEL | __GFP_NOFAIL);\nkfree(q);")
      ]),
    ordinary(
      "srcu-waits-for-itself", in: create, breaks: ["hang"],
      [
        .insertBefore(
          "page = alloc_page",
          "int x = srcu_read_lock(&vcpu->kvm->srcu);\nsynchronize_srcu(&vcpu->kvm->srcu);\nsrcu_read_unlock(&vcpu->kvm->srcu, x);"
        )
      ]),
    ordinary(
      "srcu-other-domain", in: create, breaks: ["lock-imbalance"],
      [
        .insertBefore(
          "page = alloc_page",
          "int x = srcu_read_lock(&vcpu->kvm->srcu);\nsrcu_read_unlock(&vcpu->kvm->irq_srcu, x);")
      ]),
    ordinary(
      "srcu-other-index", in: create, breaks: ["lock-imbalance"],
      [
        .insertBefore(
          "page = alloc_page",
          "int x = srcu_read_lock(&vcpu->kvm->srcu);\nint y = srcu_read_lock(&vcpu->kvm->irq_srcu);\nsrcu_read_unlock(&vcpu->kvm->srcu, y);\nsrcu_read_unlock(&vcpu->kvm->irq_srcu, x);"
        )
      ]),
    ordinary(
      "ida-kept-on-error", in: create, breaks: ["leak"],
      [
        .insertBefore(
          "page = alloc_page",
          "int id = ida_alloc(&xx, GFP_KERNEL);\nif (id < 0)\n\treturn id;\nvoid *q = kmalloc(8, GFP_KERNEL);\nif (!q)\n\treturn -ENOMEM;\nkfree(q);\nida_free(&xx, id);"
        )
      ], file: "static DEFINE_IDA(xx);"),
    ordinary(
      "idr-kept-on-error", in: create, breaks: ["leak"],
      [
        .insertBefore(
          "page = alloc_page",
          "int id = idr_alloc(&xx, vcpu, 1, 0, GFP_KERNEL);\nif (id < 0)\n\treturn id;\nvoid *q = kmalloc(8, GFP_KERNEL);\nif (!q)\n\treturn -ENOMEM;\nkfree(q);\nidr_remove(&xx, id);"
        )
      ], file: "static DEFINE_IDR(xx);"),
    // The number is a byte of an address that is stored, wherever the object was loaded.
    ordinary(
      "idr-number-in-an-address", in: create, breaks: ["leak"],
      [
        .insertBefore(
          "page = alloc_page",
          "kept = &xx;\nint b = (unsigned long)kept >> 40 & 0xff;\nint id = idr_alloc(&xx, vcpu, b, b + 1, GFP_KERNEL);\nif (id < 0)\n\treturn id;\nvoid *q = kmalloc(8, GFP_KERNEL);\nif (!q)\n\treturn -ENOMEM;\nkfree(q);\nidr_remove(&xx, id);"
        )
      ], file: "static DEFINE_IDR(xx);\nstatic void *kept;"),
    ordinary(
      "vfree-of-kmalloc", in: create, breaks: ["wild-free"],
      [
        .insertBefore(
          "page = alloc_page",
          "void *q = kmalloc(8, GFP_KERNEL);\nif (!q)\n\treturn -ENOMEM;\nvfree(q);")
      ]),
    ordinary(
      "kfree-of-vmalloc", in: create, breaks: ["wild-free"],
      [
        .insertBefore(
          "page = alloc_page", "void *q = vmalloc(8);\nif (!q)\n\treturn -ENOMEM;\nkfree(q);")
      ]),
    ordinary(
      "kfree-of-kvmalloc", in: create, breaks: ["wild-free"],
      [
        .insertBefore(
          "page = alloc_page",
          "void *q = kvmalloc(8192, GFP_KERNEL);\nif (!q)\n\treturn -ENOMEM;\nkfree(q);")
      ]),
    ordinary(
      "other-cache", in: create, breaks: ["wild-free"],
      [
        .insertBefore(
          "page = alloc_page",
          "void *q = kmem_cache_zalloc(mmu_page_header_cache, GFP_KERNEL);\nif (!q)\n\treturn -ENOMEM;\nkmem_cache_free(pte_list_desc_cache, q);"
        )
      ]),
    ordinary(
      "cache-null", in: create, breaks: ["crash"],
      [
        .insertBefore(
          "page = alloc_page",
          "void *q = kmem_cache_zalloc(nc, GFP_KERNEL);\nif (!q)\n\treturn -ENOMEM;\nkmem_cache_free(nc, q);"
        )
      ], file: "static struct kmem_cache *nc;"),
    ordinary(
      "cache-free-null", in: create, breaks: ["crash"],
      [
        .insertBefore(
          "page = alloc_page",
          "void *q = kmem_cache_zalloc(mmu_page_header_cache, GFP_KERNEL);\nif (!q)\n\treturn -ENOMEM;\nkmem_cache_free(nc, q);"
        )
      ], file: "static struct kmem_cache *nc;"),
    ordinary(
      "kfree-of-percpu", in: create, breaks: ["wild-free"],
      [
        .insertBefore(
          "page = alloc_page",
          "int __percpu *n = alloc_percpu(int);\nif (!n)\n\treturn -ENOMEM;\nkfree((void *)n);")
      ]),
    ordinary(
      "stack-work-left", in: create, breaks: ["use-after-free"],
      [
        .insertBefore(
          "page = alloc_page",
          "struct work_struct w;\nINIT_WORK_ONSTACK(&w, wf);\nschedule_work(&w);")
      ], file: "static void wf(struct work_struct *w)\n{\n}"),
    ordinary(
      "timer-freed", in: create, breaks: ["use-after-free"],
      [
        .insertBefore(
          "page = alloc_page",
          "struct nd { struct timer_list t; } *n = kzalloc(sizeof(*n), GFP_KERNEL);\nif (!n)\n\treturn -ENOMEM;\ntimer_setup(&n->t, tf, 0);\nmod_timer(&n->t, jiffies + 5);\nkfree(n);"
        )
      ], file: "static void tf(struct timer_list *t)\n{\n}"),
    ordinary(
      "work-freed", in: create, breaks: ["use-after-free"],
      [
        .insertBefore(
          "page = alloc_page",
          "struct nd { struct work_struct t; } *n = kzalloc(sizeof(*n), GFP_KERNEL);\nif (!n)\n\treturn -ENOMEM;\nINIT_WORK(&n->t, tf);\nschedule_work(&n->t);\nkfree(n);"
        )
      ], file: "static void tf(struct work_struct *t)\n{\n}"),
    ordinary(
      "free-mightsleep-locked", in: create, breaks: ["sleep-under-lock"],
      [
        .insertBefore(
          "page = alloc_page",
          "void *q = kmalloc(8, GFP_KERNEL);\nif (!q)\n\treturn -ENOMEM;\nspin_lock(&s1);\nkvfree_rcu_mightsleep(q);\nspin_unlock(&s1);"
        )
      ], file: "static DEFINE_SPINLOCK(s1);"),
  ]
}

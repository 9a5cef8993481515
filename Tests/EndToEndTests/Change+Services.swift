// SPDX-License-Identifier: GPL-2.0-only
import TestSupport

/// What an ordinary patch calls, in the modelled functions: judged without a line in a manifest.
extension Change {
  /// Statements in front of an allocation, and what they need in front of the function.
  private static func ordinary(_ name: String, _ statements: String, file: String = "") -> Change {
    ordinary(name, in: create, [.insertBefore("page = alloc_page", statements)], file: file)
  }

  static func ordinary(
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

  /// Groups of changes that can stand in one patch.
  static func together(_ changes: [Change]) -> [[Change]] {
    var alone: [[Change]] = []
    var groups: [(changes: [Change], names: Set<String>)] = []
    for change in changes {
      guard let names = change.namesOnTop else {
        alone.append([change])
        continue
      }
      let open = groups.firstIndex { $0.changes.count < 8 && $0.names.isDisjoint(with: names) }
      if let open {
        groups[open].changes.append(change)
        groups[open].names.formUnion(names)
      } else {
        groups.append(([change], names))
      }
    }
    return groups.map(\.changes) + alone
  }

  /// A group in one patch, each change's statements in a block of their own.
  static func all(of group: [Change]) -> Change {
    guard group.count > 1 else { return group[0] }
    var all = group[0]
    all.name = group.map(\.name).joined(separator: "+")
    all.edits = group.flatMap(\.edits).map { edit in
      guard edit.function != nil, case .insertBefore(let anchor, let text) = edit.change else {
        return edit
      }
      // No brace in the first column: a function ends there.
      let lines = text.split(separator: "\n").map { "\t\t\($0)\n" }.joined()
      return KernelEdit(
        edit.file, in: edit.function, .insertBefore(anchor, "\t{\n\(lines)\t}"))
    }
    return all
  }

  /// Short words, and with them all names, that it adds in front of its function. Nil where it does more
  /// than to add statements, or where what it does lasts to the end of their block.
  private var namesOnTop: Set<String>? {
    var names: Set<String> = []
    for edit in edits {
      guard function == Self.create, case .insertBefore(_, let text) = edit.change,
        !text.contains("guard("), !text.contains("__free(")
      else { return nil }
      guard edit.function == nil else { continue }
      names.formUnion(text.matches(of: /\b[a-z][a-z0-9]{0,4}\b/).map { String($0.output) })
    }
    return names.subtracting(["int", "void", "bool", "u64", "long"])
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
      [
        .insertBefore(
          "write_lock",
          "preempt_disable();\nwrite_seqcount_begin(&sq);\nwrite_seqcount_end(&sq);\npreempt_enable();"
        )
      ],
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
    ordinary(
      "rcu-deref", "rcu_read_lock();\nif (rcu_dereference(gp))\n\ti = 1;\nrcu_read_unlock();",
      file: "static int __rcu *gp;"),
    ordinary(
      "rcu-assign",
      "int *n = kzalloc(4, GFP_KERNEL), *old;\nif (!n)\n\treturn -ENOMEM;\nmutex_lock(&gm);\nold = rcu_replace_pointer(gp, n, 1);\nmutex_unlock(&gm);\nsynchronize_rcu();\nkfree(old);",
      file: "static int __rcu *gp;\nstatic DEFINE_MUTEX(gm);"),
    ordinary(
      "for-each-vcpu",
      "struct kvm_vcpu *v;\nunsigned long ix;\nkvm_for_each_vcpu(ix, v, vcpu->kvm)\n\tkvm_make_request(KVM_REQ_TLB_FLUSH, v);"
    ),
    ordinary(
      "wait-event", "wait_event(wq, i == i);",
      file: "static DECLARE_WAIT_QUEUE_HEAD(wq);"),
    ordinary(
      "percpu-counter", "percpu_counter_inc(&pc);\npercpu_counter_add(&pc, 3);",
      file: "#include <linux/percpu_counter.h>\nstatic struct percpu_counter pc;"),
    ordinary(
      "devm", "void *d = devm_kzalloc(dv, 16, GFP_KERNEL);\nif (!d)\n\treturn -ENOMEM;",
      file: "#include <linux/device.h>\nstatic struct device *dv;"),
    ordinary(
      "nested-spin",
      "spin_lock_nested(&s1, 1);\nspin_unlock(&s1);\nread_lock_irq(&rw);\nread_unlock_irq(&rw);\nwrite_lock_bh(&rw);\nwrite_unlock_bh(&rw);\nif (write_trylock(&rw))\n\twrite_unlock(&rw);",
      file: "static DEFINE_SPINLOCK(s1);\nstatic DEFINE_RWLOCK(rw);"),
    ordinary(
      "rwlock-save",
      "unsigned long f;\nread_lock_irqsave(&rw, f);\nread_unlock_irqrestore(&rw, f);",
      file: "static DEFINE_RWLOCK(rw);"),
    ordinary(
      "guard-rwsem", "guard(rwsem_read)(&sm);\nscoped_guard(rwsem_write, &s2)\n\ti = 0;",
      file: "static DECLARE_RWSEM(sm);\nstatic DECLARE_RWSEM(s2);"),
    ordinary(
      "guard-try", "scoped_cond_guard(mutex_intr, return -EINTR, &gm)\n\ti = 0;",
      file: "static DEFINE_MUTEX(gm);"),
    ordinary(
      "hrtimer", "hrtimer_start(&ht, 5, HRTIMER_MODE_REL);\nhrtimer_cancel(&ht);",
      file: "static struct hrtimer ht;"),
    ordinary(
      "tasklet", "tasklet_schedule(&tl);\ntasklet_kill(&tl);",
      file:
        "#include <linux/interrupt.h>\nstatic void tf(struct tasklet_struct *t)\n{\n}\nstatic DECLARE_TASKLET(tl, tf);"
    ),
    ordinary(
      "seqlock",
      "write_seqlock(&sq);\nwrite_sequnlock(&sq);\nunsigned q = read_seqbegin(&sq);\nif (read_seqretry(&sq, q))\n\ti = 1;",
      file: "static DEFINE_SEQLOCK(sq);"),
    ordinary(
      "bitmap-alloc",
      "unsigned long *b = bitmap_zalloc(64, GFP_KERNEL);\nif (!b)\n\treturn -ENOMEM;\nbitmap_set(b, 1, 3);\nbitmap_free(b);"
    ),
    ordinary(
      "flex",
      "struct fx { int n; u64 v[]; } *f = kzalloc(struct_size(f, v, 3), GFP_KERNEL);\nif (!f)\n\treturn -ENOMEM;\nf->v[2] = 1;\nkfree(f);"
    ),
    ordinary(
      "order1",
      "unsigned long p1 = __get_free_pages(GFP_KERNEL, 1);\nif (!p1)\n\treturn -ENOMEM;\nfree_pages(p1, 1);"
    ),
    ordinary(
      "pages-exact",
      "void *p1 = alloc_pages_exact(8192, GFP_KERNEL);\nif (!p1)\n\treturn -ENOMEM;\nfree_pages_exact(p1, 8192);"
    ),
    ordinary(
      "nodes",
      "struct page *p1 = alloc_pages_node(0, GFP_KERNEL, 0);\nif (!p1)\n\treturn -ENOMEM;\n__free_page(p1);"
    ),
    ordinary(
      "kvm-dev", "vcpu_unimpl(vcpu, \"x\\n\");\nkvm_debug(\"x\");\nkvm_pr_unimpl(\"y\");"),
    ordinary(
      "warn",
      "WARN(i == 77, \"x\");\nWARN_ONCE(i == 77, \"y\");\npr_warn_once(\"z\");\nBUG_ON(i == 99999);"
    ),
    ordinary(
      "time",
      "if (time_after(jiffies, 5UL))\n\ti = 0;\nu64 t1 = ktime_get_ns();\nif (t1 == 3)\n\ti = 1;\nmod_delayed_work(system_wq, &dw, msecs_to_jiffies(5));",
      file: "static void wf(struct work_struct *w)\n{\n}\nstatic DECLARE_DELAYED_WORK(dw, wf);"),
    ordinary(
      "need-resched",
      "if (need_resched())\n\tcond_resched();\nif (fatal_signal_pending(current))\n\treturn -EINTR;"
    ),
    ordinary(
      "cpumask",
      "int cpu;\nfor_each_online_cpu(cpu)\n\tper_cpu(pv, cpu) = 1;\nfor_each_possible_cpu(cpu)\n\t*per_cpu_ptr(&pv, cpu) = 0;",
      file: "static DEFINE_PER_CPU(int, pv);"),
    ordinary(
      "work-alloc",
      "struct workqueue_struct *w = alloc_workqueue(\"x\", 0, 0);\nif (!w)\n\treturn -ENOMEM;\nqueue_work(w, &wk);\ndestroy_workqueue(w);",
      file: "static void wf(struct work_struct *w)\n{\n}\nstatic DECLARE_WORK(wk, wf);"),
    ordinary(
      "kobj", "kobject_get(ko);\nkobject_put(ko);",
      file: "static struct kobject *ko;"),
    ordinary(
      "mutex-var",
      "struct mutex m2;\nmutex_init(&m2);\nmutex_lock(&m2);\nmutex_unlock(&m2);\nmutex_destroy(&m2);\nspinlock_t s2;\nspin_lock_init(&s2);\nspin_lock(&s2);\nspin_unlock(&s2);\nstruct rw_semaphore r2;\ninit_rwsem(&r2);"
    ),
    ordinary(
      "atomics",
      "if (atomic_inc_not_zero(&a1))\n\tatomic_dec(&a1);\nif (atomic_cmpxchg(&a1, 0, 1) == 5)\n\ti = 1;\natomic_long_add(2, &a2);\nsmp_mb();\nsmp_wmb();\nWRITE_ONCE(i, 0);",
      file: "static atomic_t a1;\nstatic atomic_long_t a2;"),
    ordinary(
      "string",
      "char b[16];\nstrscpy(b, \"abc\", sizeof(b));\nsnprintf(b, sizeof(b), \"%d\", i);\nif (!strcmp(b, \"q\") || memcmp(b, \"w\", 1) == 0 || strlen(b) > 9)\n\ti = 1;\nmemset(b, 0, 16);"
    ),
    ordinary(
      "sort",
      "swap(i, i);\ni = clamp(i, 0, 4);\ni = DIV_ROUND_UP(i, 2);\ni = ilog2(8);\ni = hweight32(3);\ni = fls(4);"
    ),
    ordinary(
      "srcu-notrace",
      "int x = srcu_read_lock(&vcpu->kvm->irq_srcu);\nsrcu_read_unlock(&vcpu->kvm->irq_srcu, x);\ncall_rcu(&rh, cb);",
      file: "static struct rcu_head rh;\nstatic void cb(struct rcu_head *h)\n{\n}"),
    ordinary(
      "kthread-w",
      "struct task_struct *t = kthread_create(fnn, NULL, \"x\");\nif (IS_ERR(t))\n\treturn PTR_ERR(t);\nkthread_stop(t);",
      file: "#include <linux/kthread.h>\nstatic int fnn(void *x)\n{\n\treturn 0;\n}"),
    ordinary(
      "ifdef-lock",
      "lockdep_assert_not_held(&vcpu->kvm->mmu_lock);\nmight_lock(&gm);\nlockdep_set_class(&gm, &kx);",
      file: "static DEFINE_MUTEX(gm);\nstatic struct lock_class_key kx;"),
    ordinary(
      "def-guard", "guard(myl)(&vcpu->kvm->slots_arch_lock);",
      file: "DEFINE_GUARD(myl, struct mutex *, mutex_lock(_T), mutex_unlock(_T))"),
    ordinary(
      "kmem-new",
      "struct kmem_cache *kc = kmem_cache_create(\"x\", 24, 0, 0, NULL);\nif (!kc)\n\treturn -ENOMEM;\nvoid *o1 = kmem_cache_alloc(kc, GFP_KERNEL);\nif (o1)\n\tkmem_cache_free(kc, o1);\nkmem_cache_destroy(kc);"
    ),
    ordinary(
      "user2",
      "char *u = memdup_user((void __user *)64, 8);\nif (IS_ERR(u))\n\treturn PTR_ERR(u);\nkfree(u);\nif (copy_to_user((void __user *)64, &i, 4))\n\treturn -EFAULT;"
    ),
    ordinary(
      "static-call",
      "static_call(kvm_x86_flush_tlb_all)(vcpu);\nkvm_x86_call(flush_tlb_current)(vcpu);"),
    ordinary(
      "dbg", "trace_printk(\"x %d\\n\", i);\ndump_stack();\npr_debug_ratelimited(\"x\");"),
    ordinary(
      "modp", "if (mp)\n\ti = 0;",
      file: "static bool mp;\nmodule_param(mp, bool, 0444);"),
    ordinary(
      "sysf",
      "if (vcpu->kvm->mm != current->mm)\n\ti = 0;\nmmap_read_lock(current->mm);\nmmap_read_unlock(current->mm);"
    ),
    ordinary(
      "getcpu",
      "int c2 = smp_processor_id();\nif (c2 == 5)\n\ti = 1;\nmigrate_disable();\nmigrate_enable();"),
    ordinary(
      "cgrp",
      "if (!(i & 1) && cpu_feature_enabled(X86_FEATURE_LA57))\n\ti = 0;\nif (boot_cpu_data.x86_phys_bits > 77)\n\ti = 2;"
    ),
    ordinary(
      "nested-contexts", in: direct,
      [
        .insertBefore(
          "write_lock(", "guard(preempt)();\nguard(irqsave)();\nguard(spinlock)(&s1);")
      ], file: "static DEFINE_SPINLOCK(s1);"),
    ordinary(
      "xa-alloc",
      "u32 id;\nint e2 = xa_alloc(&xx, &id, vcpu, xa_limit_32b, GFP_KERNEL);\nif (e2)\n\treturn e2;\nxa_erase(&xx, id);",
      file: "static DEFINE_XARRAY_ALLOC(xx);"),
    ordinary(
      "bit-lock", "bit_spin_lock(0, &bl);\nbit_spin_unlock(0, &bl);",
      file: "static unsigned long bl;"),
    ordinary(
      "static-call", "static_call(hook)();",
      file: "static void hook_none(void)\n{\n}\nDEFINE_STATIC_CALL(hook, hook_none);"),
    ordinary(
      "owned-work",
      "struct ow { struct work_struct w; } *n = kmalloc(sizeof(*n), GFP_KERNEL);\nif (!n)\n\treturn -ENOMEM;\nINIT_WORK(&n->w, ofn);\nqueue_work(system_unbound_wq, &n->w);",
      file: "static void ofn(struct work_struct *w)\n{\n\tkfree(w);\n}"),
    ordinary(
      "put-page",
      "struct page *n = alloc_page(GFP_KERNEL);\nif (!n)\n\treturn -ENOMEM;\nput_page(n);"),
    ordinary(
      "read-guest", "u64 v;\nif (kvm_vcpu_read_guest(vcpu, 0, &v, 8))\n\treturn -EFAULT;"),
    ordinary(
      "cleared-by-hand", in: special,
      [
        .replace(
          "pae_root = (void *)get_zeroed_page", with: "pae_root = (void *)__get_free_page"),
        .insertBefore("#ifdef CONFIG_X86_64\n\tpml4_root = (void", "\tclear_page(pae_root);"),
      ]),
    ordinary(
      "optional-note", in: special,
      [
        .insertBefore(
          "mmu->pae_root = pae_root;",
          "char *note = kasprintf(GFP_KERNEL, \"x\");\nif (note)\n\tpr_debug(\"%s\", note);\nkfree(note);"
        )
      ]),
  ]
}

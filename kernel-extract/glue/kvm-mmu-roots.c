/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The callees of kvm-mmu-roots that need more than a line. Included at the end of the generated
 * harness, after the kernel's types. p[] holds the callee's arguments, pointers as addresses.
 */

#define SHADOW_PAGES (sizeof(shadow_pages) / sizeof(shadow_pages[0]))
static unsigned shadow_page_count;	/* of shadow_pages; shadow_page_zapped counts each one's zaps */

/* A shadow page with its table, as the page caches hand it out: number, or SHADOW_PAGES if full. */
static unsigned new_shadow_page(gfn_t gfn, u32 role, bool tdp_mmu)
{
	struct kvm_mmu_page *sp;
	void *table;

	if (shadow_page_count == SHADOW_PAGES)
		kshim_no_room();
	sp = &shadow_pages[shadow_page_count];
	table = (void *)(unsigned long)kshim_va(kshim_boot_page(0, 0));
	sp->spt = table;
	sp->gfn = gfn;
	sp->role.word = role;
	sp->tdp_mmu_page = tdp_mmu;
	set_page_private(virt_to_page(table), (unsigned long)sp);
	return shadow_page_count++;
}

/* The page for a gfn and role, shared as in the kernel's hash of shadow pages. */
static kshim_u64 find_or_make(gfn_t gfn, u32 role)
{
	for (unsigned i = 0; i < shadow_page_count; i++)
		if (shadow_pages[i].gfn == gfn && shadow_pages[i].role.word == role &&
		    !shadow_pages[i].tdp_mmu_page)
			return (unsigned long)&shadow_pages[i];
	return (unsigned long)&shadow_pages[new_shadow_page(gfn, role, false)];
}

/* p: vcpu, gfn, role */
static kshim_u64 shadow_page(const kshim_u64 *p)
{
	return find_or_make(p[1], (u32)p[2]);
}

/*
 * The part of a table of 4-byte entries that a table of 8-byte entries at this level shadows. Where the
 * role does not say how large the guest's entries are, the guest's level does.
 */
static unsigned quadrant(gfn_t address, unsigned level)
{
#ifdef KSHIM_SLOT_four_byte_gpte
	const bool is_split = kshim_get(KSHIM_SLOT_four_byte_gpte, 0);
#else
	const bool is_split = !kshim_get(KSHIM_SLOT_direct, 0) && kshim_get(KSHIM_SLOT_guest_level, 0) <= 2;
#endif

	return is_split ? (address >> (12 + 9 * level)) & ((1u << level) - 1) : 0;
}

/* p: vcpu, gfn, address, level, direct, access; kernels up to 5.19 */
static kshim_u64 shadow_page_by_level(const kshim_u64 *p)
{
	union kvm_mmu_page_role role = { .word = 0 };

	role.level = p[3];
	role.direct = p[4];
	role.quadrant = quadrant(p[2], p[3]);
	return find_or_make(p[1], role.word);
}

/* p: kvm, sp, invalid_list. The page leaves the hash and waits on the list for the commit. */
static kshim_u64 prepare_zap(const kshim_u64 *p)
{
	struct kvm_mmu_page *sp = (void *)(unsigned long)p[1];

	sp->gfn = ~0ull;
	shadow_page_zapped[sp - shadow_pages]++;
	list_add(&sp->link, (struct list_head *)(unsigned long)p[2]);
	return 1;
}

/* p: kvm, invalid_list */
static kshim_u64 commit_zap(const kshim_u64 *p)
{
	struct list_head *list = (void *)(unsigned long)p[1];

	while (!list_empty(list))
		list_del_init(list->next);
	return 0;
}

static kshim_u64 new_tdp_root(const kshim_u64 *p)
{
	union kvm_mmu_page_role role = { .word = 0 };
	const gfn_t mirror = p[1] & 1;	/* nothing but the harness looks at a root's gfn */
	unsigned number;

	role.level = 4;
	role.direct = 1;
	for (unsigned i = 0; i < shadow_page_count; i++)
		if (shadow_pages[i].tdp_mmu_page && shadow_pages[i].gfn == mirror &&
		    !shadow_pages[i].role.invalid && shadow_pages[i].root_count) {
			shadow_pages[i].root_count++;
			return __pa(shadow_pages[i].spt);
		}
	number = new_shadow_page(mirror, role.word, true);
	shadow_pages[number].root_count = 1;
	return __pa(shadow_pages[number].spt);
}

/* p: vcpu; returns the root, kernels before 6.9 */
static kshim_u64 tdp_root_hpa(const kshim_u64 *p)
{
	return new_tdp_root(p);
}

/* p: vcpu, mirror (7.x); stores the root itself, which has no pgd, and returns 0 where it returns anything */
static kshim_u64 tdp_alloc_root(const kshim_u64 *p)
{
	kshim_u64 hpa = new_tdp_root(p);

#ifdef KSHIM_SLOT_mirror_root
	if (p[1] & 1)
		kshim_set(KSHIM_SLOT_mirror_root, 0, hpa);
	else
#endif
	{
		kshim_set(KSHIM_SLOT_root_hpa, 0, hpa);
		kshim_set(KSHIM_SLOT_root_pgd, 0, 0);
	}
	return 0;
}

/* p: kvm, root */
static kshim_u64 tdp_put_root(const kshim_u64 *p)
{
	struct kvm_mmu_page *sp = (void *)(unsigned long)p[1];

	sp->root_count--;
	return 0;
}

/* p: cache. What was put into it beforehand cannot fail. */
static kshim_u64 cached_page(const kshim_u64 *p)
{
	return kshim_va(kshim_boot_page(0, 0));
}

/* For the set-up: gfn, level, 1 for the TDP MMU's. Returns the table's hpa; sp_* slots count alike. */
static kshim_u64 make_shadow_page(const kshim_u64 *p)
{
	union kvm_mmu_page_role role = { .word = 0 };

	role.level = p[1];
	return __pa(shadow_pages[new_shadow_page(p[0], role.word, p[2])].spt);
}

/* The metadata of memory slots lies in files that are not extracted: arch/x86/kvm/x86.c, page_track.c. */
#ifdef KSHIM_SLOT_first_root
static void *metadata(unsigned long size)
{
	const unsigned flags = 1 | 2 | 8;	/* zeroed, accounted, may sleep: __vcalloc(GFP_KERNEL_ACCOUNT) */

	return (void *)(unsigned long)kshim_alloc(2, size, flags, 0);
}

/* p: slot, npages. All of a slot's reverse maps or none. */
static kshim_u64 rmap_alloc(const kshim_u64 *p)
{
	struct kvm_memory_slot *slot = (void *)(unsigned long)p[0];
	struct kvm_rmap_head **rmap = slot->arch.rmap;

	for (unsigned i = 0; i < KVM_NR_PAGE_SIZES; i++) {
		if (!rmap[i])
			rmap[i] = metadata(p[1] * sizeof(*rmap[i]));
		if (rmap[i])
			continue;
		for (unsigned j = 0; j < KVM_NR_PAGE_SIZES; j++) {
			kshim_free((unsigned long)rmap[j], 2, 0, 0);
			rmap[j] = NULL;
		}
		return -ENOMEM;
	}
	return 0;
}

/* p: slot */
static kshim_u64 track_alloc(const kshim_u64 *p)
{
	struct kvm_memory_slot *slot = (void *)(unsigned long)p[0];
	const unsigned index = slot->id;

	if (kshim_get(KSHIM_SLOT_slot_track, index))
		return 0;
	void *track = metadata(slot->npages * sizeof(unsigned short));

	if (!track)
		return -ENOMEM;
	kshim_set(KSHIM_SLOT_slot_track, index, kshim_page_pa((unsigned long)track));
	return 0;
}

/* p: kvm. Others than KVM itself may track writes from the VM's start (in_write_tracking). */
static kshim_u64 track_enabled(const kshim_u64 *p)
{
	return in_write_tracking[0] || kshim_get(KSHIM_SLOT_first_root, 0) || !tdp_enabled;
}
#endif

#ifndef KSHIM_SLOT_slot_hash
/* Slots stand in an array behind their set: each set has the room of the next for them. */
static struct kvm_memslots *slot_set(unsigned space)
{
	return &slot_sets[2 * space];
}
#endif

/* A memory slot in its address space. */
static struct kvm_memory_slot *new_slot(struct kvm *kvm, unsigned number, unsigned space)
{
#ifdef KSHIM_SLOT_slot_hash
	struct kvm_memslots *slots = &kvm->__memslots[space][0];
	struct kvm_memory_slot *slot = &memory_slots[number];

	hash_add(slots->id_hash, &slot->id_node[slots->node_idx], number);
#else
	struct kvm_memslots *slots = slot_set(space);
	struct kvm_memory_slot *slot = &slots->memslots[slots->used_slots];

	slots->id_to_index[number] = slots->used_slots++;
#endif
	slot_at[number] = slot;
	return slot;
}

/* For the set-up: number, address space, 1 for reverse maps | 2 for write tracking. */
static kshim_u64 add_memory_slot(const kshim_u64 *p)
{
	KSHIM_OBJECTS
	struct kvm_memory_slot *slot = new_slot(kvm, p[0], p[1]);

	slot->id = p[0];
	slot->as_id = p[1];
	slot->npages = 4 + p[0];
	if (p[2] & 1)
		for (unsigned i = 0; i < KVM_NR_PAGE_SIZES; i++)
			slot->arch.rmap[i] = (void *)(unsigned long)
				kshim_boot_object(slot->npages * sizeof(*slot->arch.rmap[i]));
	if (p[2] & 2)
		kshim_set(KSHIM_SLOT_slot_track, p[0],
			  kshim_page_pa(kshim_boot_object(slot->npages * sizeof(unsigned short))));
	return 0;
}

/* For the set-up: a VM has its address spaces; 1 for a hash of shadow pages, which nothing reads. */
static kshim_u64 make_page_hash(const kshim_u64 *p)
{
	KSHIM_OBJECTS

	for (unsigned i = 0; i < ARRAY_SIZE(kvm->memslots); i++)
#ifdef KSHIM_SLOT_slot_hash
		rcu_assign_pointer(kvm->memslots[i], &kvm->__memslots[i][0]);
#else
		rcu_assign_pointer(kvm->memslots[i], slot_set(i));
#endif
#ifdef KSHIM_SLOT_page_hash
	if (p[0])
		kshim_set(KSHIM_SLOT_page_hash, 0, kshim_page_pa(kshim_boot_object(8)));
#endif
	return 0;
}

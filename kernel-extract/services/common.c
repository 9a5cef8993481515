/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Callees of the services that need more than a line: plain memory and numbers, none of the kernel's
 * types. p[] holds the callee's arguments, pointers as addresses.
 */
#define SERVICE_POINTER(value) ((void *)(unsigned long)(value))

/* What others own from here on: somebody knows of it. */
#define SERVICE_KEPT 64
static kshim_u64 service_kept[SERVICE_KEPT];

static kshim_u64 service_keep(kshim_u64 object)
{
	unsigned i = 0;

	while (i < SERVICE_KEPT && service_kept[i])
		i++;
	if (i == SERVICE_KEPT)
		kshim_no_room();
	service_kept[i] = object;
	return object;
}

/* Work and timers that may run: no memory of theirs may go. */
#define SERVICE_TIMER 1
#define SERVICE_WORK 2
static kshim_u64 service_armed[SERVICE_KEPT];
static unsigned char service_armed_as[SERVICE_KEPT];

static kshim_u64 service_arm(kshim_u64 object, int kind)
{
	unsigned i = 0;

	while (i < SERVICE_KEPT && service_armed[i] && service_armed[i] != object)
		i++;
	if (i == SERVICE_KEPT)
		kshim_no_room();
	if (service_armed[i])
		return 0;
	service_armed[i] = object;
	service_armed_as[i] = kind;
	return 1;
}

static void service_disarm(kshim_u64 object)
{
	for (unsigned i = 0; i < SERVICE_KEPT; i++)
		if (service_armed[i] == object)
			service_armed[i] = 0;
}

static bool service_is_armed(kshim_u64 object)
{
	for (unsigned i = 0; i < SERVICE_KEPT; i++)
		if (service_armed[i] == object)
			return true;
	return false;
}

static kshim_u64 service_allocate(int kind, kshim_u64 size, unsigned flags)
{
	return kshim_alloc(kind, size, flags, kshim_call_pc());
}

static kshim_u64 service_object(kshim_u64 size, unsigned flags)
{
	return service_allocate(2, size, flags);
}

/* p: pool, gfp. Who may wait gets what another one gives back. How large its elements are the pool says to
 * nobody. */
static kshim_u64 service_mempool_alloc(const kshim_u64 *p)
{
#ifdef __GFP_DIRECT_RECLAIM
	const _Bool waits = p[1] & __GFP_DIRECT_RECLAIM;

	return service_object(4096, (p[1] & __GFP_ZERO ? 1 : 0) | (waits ? 8 | 16 : 0));
#else
	return service_object(4096, 0);
#endif
}

/* p: string, gfp */
static kshim_u64 service_strdup(const kshim_u64 *p)
{
	const char *from = SERVICE_POINTER(p[0]);
	kshim_u64 copy;
	unsigned long size;

	if (!from)
		return 0;
	size = strlen(from) + 1;
	copy = service_object(size, 8);
	if (copy)
		memcpy(SERVICE_POINTER(copy), from, size);
	return copy;
}

static kshim_u64 service_copy_text(kshim_u64 from, unsigned long length)
{
	const kshim_u64 copy = service_object(length + 1, 9);

	if (copy)
		memcpy(SERVICE_POINTER(copy), SERVICE_POINTER(from), length);
	return copy;
}

/* p: string, most, gfp */
static kshim_u64 service_strndup(const kshim_u64 *p)
{
	return p[0] ? service_copy_text(p[0], strnlen(SERVICE_POINTER(p[0]), p[1])) : 0;
}

/* p: bytes, length, gfp */
static kshim_u64 service_memdup_nul(const kshim_u64 *p)
{
	return p[0] ? service_copy_text(p[0], p[1]) : 0;
}

/* p: object */
static kshim_u64 service_ksize(const kshim_u64 *p)
{
	return kshim_size_of(p[0]);
}

/* p: address */
static kshim_u64 service_is_vmalloc(const kshim_u64 *p)
{
	return kshim_is_vmalloc(p[0]);
}

/* p: name, size of an object, … A cache is an object that holds that size. */
static kshim_u64 service_cache_create(const kshim_u64 *p)
{
	const kshim_u64 cache = service_allocate(9, 64, 9);

	if (cache)
		*(kshim_u64 *)SERVICE_POINTER(cache) = (unsigned)p[1];
	return cache;
}

/* p: device, size, gfp */
static kshim_u64 service_devm_alloc(const kshim_u64 *p)
{
	const kshim_u64 object = service_allocate(7, p[1], 9);

	return object ? service_keep(object) : 0;
}

/* p: device, source, size, gfp */
static kshim_u64 service_devm_dup(const kshim_u64 *p)
{
	const kshim_u64 object = service_allocate(7, p[2], 8);

	if (!object)
		return 0;
	memcpy(SERVICE_POINTER(object), SERVICE_POINTER(p[1]), p[2]);
	return service_keep(object);
}

/* p: device, string, gfp */
static kshim_u64 service_devm_strdup(const kshim_u64 *p)
{
	const unsigned long size = p[1] ? strlen(SERVICE_POINTER(p[1])) + 1 : 0;
	const kshim_u64 object = size ? service_allocate(7, size, 8) : 0;

	if (!object)
		return 0;
	memcpy(SERVICE_POINTER(object), SERVICE_POINTER(p[1]), size);
	return service_keep(object);
}

/* p: device, gfp, format. As long as a line, and empty. */
static kshim_u64 service_devm_print(const kshim_u64 *p)
{
	const kshim_u64 object = service_allocate(7, 64, 9);

	(void)p;
	return object ? service_keep(object) : 0;
}

/* p: device, size, where its address for the device goes, gfp, attributes */
static kshim_u64 service_dma_alloc(const kshim_u64 *p)
{
	const kshim_u64 object = service_allocate(8, p[1], 9);

	if (object)
		*(kshim_u64 *)SERVICE_POINTER(p[2]) = kshim_page_pa(object);
	return object;
}

/* p: pool, gfp, place for the address. How large its elements are the pool says to nobody. */
static kshim_u64 service_pool_alloc(const kshim_u64 *p)
{
	const kshim_u64 object = service_allocate(8, 4096, 9);

	if (object)
		*(kshim_u64 *)SERVICE_POINTER(p[2]) = kshim_page_pa(object);
	return object;
}

/* p: head, function. After the grace period it is the callback's to free. */
static kshim_u64 service_call_later(const kshim_u64 *p)
{
	service_keep(p[0]);
	return 0;
}

/* p: domain, head, function */
static kshim_u64 service_call_later_srcu(const kshim_u64 *p)
{
	return service_call_later(p + 1);
}

/* p: head or NULL, object; before 6.4 where the head lies in its object. Freed when nothing uses it. */
static kshim_u64 service_free_rcu(const kshim_u64 *p)
{
	kshim_free_later(p[1] < 4096 ? p[0] - p[1] : p[1], kshim_call_pc());
	return 0;
}

/* p: address, count */
static kshim_u64 service_bh_disable(const kshim_u64 *p)
{
	kshim_preempt_add(p[1]);
	return 0;
}

static kshim_u64 service_bh_enable(const kshim_u64 *p)
{
	kshim_preempt_sub(p[1]);
	return 0;
}

/* p: where to, size, format. No text: an empty string is one. */
static kshim_u64 service_snprintf(const kshim_u64 *p)
{
	if (p[1])
		*(char *)SERVICE_POINTER(p[0]) = 0;
	return 0;
}

static kshim_u64 service_sprintf(const kshim_u64 *p)
{
	*(char *)SERVICE_POINTER(p[0]) = 0;
	return 0;
}

/* p: where to, from, size */
static kshim_u64 service_strscpy(const kshim_u64 *p)
{
	const unsigned long length = p[2] ? strnlen(SERVICE_POINTER(p[1]), p[2] - 1) : 0;

	if (!p[2])
		return -7;	/* E2BIG */
	memcpy(SERVICE_POINTER(p[0]), SERVICE_POINTER(p[1]), length);
	((char *)SERVICE_POINTER(p[0]))[length] = 0;
	return length;
}

/* p: counter */
static kshim_u64 service_refcount_dec_not_one(const kshim_u64 *p)
{
	int *count = SERVICE_POINTER(p[0]);

	if (*count == 1)
		return 0;
	--*count;
	return 1;
}

static kshim_u64 service_refcount_dec_if_one(const kshim_u64 *p)
{
	int *count = SERVICE_POINTER(p[0]);

	if (*count != 1)
		return 0;
	*count = 0;
	return 1;
}

/* p: function, argument, node, format. The thread is an object of its own. */
static kshim_u64 service_thread_create(const kshim_u64 *p)
{
	const kshim_u64 thread = service_allocate(9, 64, 9);

	return thread ? thread : (kshim_u64)-12;	/* ENOMEM */
}

static kshim_u64 service_thread_stop(const kshim_u64 *p)
{
	kshim_free(p[0], 9, 0, kshim_call_pc());
	return 0;
}

/* p: key */
static kshim_u64 service_key_inc(const kshim_u64 *p)
{
	++*(int *)SERVICE_POINTER(p[0]);
	return 1;
}

static kshim_u64 service_key_dec(const kshim_u64 *p)
{
	--*(int *)SERVICE_POINTER(p[0]);
	return 0;
}

static kshim_u64 service_key_enable(const kshim_u64 *p)
{
	*(int *)SERVICE_POINTER(p[0]) = 1;
	return 0;
}

static kshim_u64 service_key_disable(const kshim_u64 *p)
{
	*(int *)SERVICE_POINTER(p[0]) = 0;
	return 0;
}

static kshim_u64 service_key_count(const kshim_u64 *p)
{
	return *(int *)SERVICE_POINTER(p[0]);
}

static unsigned long service_next_bit(kshim_u64 map, unsigned long size, unsigned long at, bool set)
{
	while (at < size && ((((const unsigned long *)SERVICE_POINTER(map))[at / 64] >> at % 64) & 1) !=
				    set)
		at++;
	return at < size ? at : size;
}

/* p: map, size, from */
static kshim_u64 service_find_first_bit(const kshim_u64 *p)
{
	return service_next_bit(p[0], p[1], 0, true);
}

static kshim_u64 service_find_first_zero_bit(const kshim_u64 *p)
{
	return service_next_bit(p[0], p[1], 0, false);
}

static kshim_u64 service_find_next_bit(const kshim_u64 *p)
{
	return service_next_bit(p[0], p[1], p[2], true);
}

static kshim_u64 service_find_next_zero_bit(const kshim_u64 *p)
{
	return service_next_bit(p[0], p[1], p[2], false);
}

/* p: map, first, count */
static kshim_u64 service_bitmap_set(const kshim_u64 *p)
{
	for (unsigned bit = p[1]; bit < (unsigned)p[1] + (unsigned)p[2]; bit++)
		((unsigned long *)SERVICE_POINTER(p[0]))[bit / 64] |= 1ul << bit % 64;
	return 0;
}

static kshim_u64 service_bitmap_clear(const kshim_u64 *p)
{
	for (unsigned bit = p[1]; bit < (unsigned)p[1] + (unsigned)p[2]; bit++)
		((unsigned long *)SERVICE_POINTER(p[0]))[bit / 64] &= ~(1ul << bit % 64);
	return 0;
}

/* p: map, size */
static kshim_u64 service_bitmap_weight(const kshim_u64 *p)
{
	unsigned weight = 0;

	for (unsigned bit = 0; bit < (unsigned)p[1]; bit++)
		weight += service_next_bit(p[0], bit + 1, bit, true) == bit;
	return weight;
}

/* p: CPU, queue, work, … The work may free what it lies in. */
static kshim_u64 service_queue(const kshim_u64 *p)
{
	return service_arm(p[2], SERVICE_WORK);	/* 0: it is queued already */
}

/* p: CPU, queue, work, delay. Whether it was queued. */
static kshim_u64 service_queue_again(const kshim_u64 *p)
{
	const bool was = service_is_armed(p[2]) || kshim_decide(2);

	service_arm(p[2], SERVICE_WORK);
	return was;
}

/* p: timer, … Whether it was pending. */
static kshim_u64 service_start_timer(const kshim_u64 *p)
{
	const bool was = service_is_armed(p[0]) || kshim_decide(2);

	service_arm(p[0], SERVICE_TIMER);
	return was;
}

/* p: timer. That it was not running already is the caller's to know. */
static kshim_u64 service_add_timer(const kshim_u64 *p)
{
	service_arm(p[0], SERVICE_TIMER);
	return 0;
}

/* p: work or timer. Whether it was pending. */
static kshim_u64 service_stop(const kshim_u64 *p)
{
	service_disarm(p[0]);
	return kshim_decide(2);
}

/* p: queue. All that is queued has run. */
static kshim_u64 service_flush(const kshim_u64 *p)
{
	for (unsigned i = 0; i < SERVICE_KEPT; i++)
		if (service_armed_as[i] == SERVICE_WORK)
			service_armed[i] = 0;
	return 0;
}

static kshim_u64 service_queue_gone(const kshim_u64 *p)
{
	service_flush(p);
	kshim_free(p[0], 9, 0, kshim_call_pc());
	return 0;
}

/* p: counter, lock. The lock is taken where the count ends. */
static kshim_u64 service_put(const kshim_u64 *p, int mode)
{
	int *count = SERVICE_POINTER(p[0]);

	if (--*count)
		return 0;
	kshim_lock(SERVICE_POINTER(p[1]), mode, kshim_call_pc());
	return 1;
}

static kshim_u64 service_put_lock(const kshim_u64 *p)
{
	return service_put(p, 2);
}

static kshim_u64 service_put_mutex(const kshim_u64 *p)
{
	return service_put(p, 3);
}

/* p: page */
static kshim_u64 service_clear_page(const kshim_u64 *p)
{
	memset(SERVICE_POINTER(p[0]), 0, 4096);
	return 0;
}

/* p: first page, how many */
static kshim_u64 service_clear_pages(const kshim_u64 *p)
{
	memset(SERVICE_POINTER(p[0]), 0, 4096 * (unsigned)p[1]);
	return 0;
}

/* p: to, from */
static kshim_u64 service_copy_page(const kshim_u64 *p)
{
	memcpy(SERVICE_POINTER(p[0]), SERVICE_POINTER(p[1]), 4096);
	return 0;
}

/* p: first, last, head. Whether the list was empty. */
static kshim_u64 service_llist_add(const kshim_u64 *p)
{
	kshim_u64 *head = SERVICE_POINTER(p[2]);
	const kshim_u64 was = *head;

	*(kshim_u64 *)SERVICE_POINTER(p[1]) = was;
	*head = p[0];
	return !was;
}

/* p: done, flags. Whether it is the first time. */
static kshim_u64 service_once_start(const kshim_u64 *p)
{
	if (*(bool *)SERVICE_POINTER(p[0]))
		return 0;
	return 1;
}

static kshim_u64 service_once_done(const kshim_u64 *p)
{
	*(bool *)SERVICE_POINTER(p[0]) = 1;
	return 0;
}

/* p: domain */
static kshim_u64 service_srcu_wait(const kshim_u64 *p)
{
	kshim_wait_srcu(SERVICE_POINTER(p[0]), kshim_call_pc());
	return 0;
}

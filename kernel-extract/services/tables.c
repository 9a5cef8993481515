/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of numbers and counts per CPU: XArrays, IDRs, radix and maple trees. common.c comes first.
 */
/* What the tables hold, all of them together. */
#define SERVICE_ENTRIES 64
static struct kshim_number service_entries[SERVICE_ENTRIES];

static unsigned service_entry_of(kshim_u64 table, kshim_u64 index)
{
	unsigned i = 0;

	while (i < SERVICE_ENTRIES && !(service_entries[i].is_used &&
				      service_entries[i].table == table &&
				      service_entries[i].index == index))
		i++;
	return i;
}

static kshim_u64 service_entry_set(kshim_u64 table, kshim_u64 index, kshim_u64 value)
{
	unsigned i = service_entry_of(table, index);
	kshim_u64 old = i < SERVICE_ENTRIES ? service_entries[i].value : 0;

	for (i = i < SERVICE_ENTRIES ? i : 0; i < SERVICE_ENTRIES && service_entries[i].is_used; i++)
		if (service_entries[i].table == table && service_entries[i].index == index)
			break;
	if (i == SERVICE_ENTRIES)
		kshim_no_room();
	service_entries[i].table = table;
	service_entries[i].index = index;
	service_entries[i].value = value;
	service_entries[i].is_used = 1;
	service_entries[i].event = 0;
	return old;
}

/* Others have the first numbers of a range that is long enough: what is taken is told from 0 and 1. */
#define SERVICE_OTHERS 21

/* The first free number in a range; most + 1 where there is none. */
static kshim_u64 service_free_index(kshim_u64 table, kshim_u64 least, kshim_u64 most)
{
	if (most - least > SERVICE_OTHERS)
		least += SERVICE_OTHERS;
	while (least <= most && service_entry_of(table, least) < SERVICE_ENTRIES)
		least++;
	return least;
}

/* A number that the table chose: whoever asked gives it back. */
static void service_entry_take(kshim_u64 table, kshim_u64 index, kshim_u64 value)
{
	service_entry_set(table, index, value);
	service_entries[service_entry_of(table, index)].event = kshim_call_event();
}

/* p: table, index */
static kshim_u64 service_table_load(const kshim_u64 *p)
{
	const unsigned i = service_entry_of(p[0], p[1]);

	return i < SERVICE_ENTRIES ? service_entries[i].value : 0;
}

static kshim_u64 service_table_erase(const kshim_u64 *p)
{
	const unsigned i = service_entry_of(p[0], p[1]);

	if (i == SERVICE_ENTRIES)
		return 0;
	service_entries[i].is_used = 0;
	return service_entries[i].value;
}

static kshim_u64 service_table_destroy(const kshim_u64 *p)
{
	for (unsigned i = 0; i < SERVICE_ENTRIES; i++)
		if (service_entries[i].table == p[0])
			service_entries[i].is_used = 0;
	return 0;
}

/* An errno as an xarray's entry. */
static kshim_u64 service_xa_errno(long errno)
{
	kshim_tell(errno);
	return (kshim_u64)errno << 2 | 2;
}

/* p: queue, entry, state: TASK_INTERRUPTIBLE and TASK_WAKEKILL end with a signal */
static kshim_u64 service_prepare_to_wait_event(const kshim_u64 *p)
{
	return p[2] & 0x101 && kshim_decide(2) ? -512 : 0;	/* ERESTARTSYS */
}

/* What counts per CPU ends with nobody's last put before it is killed. */
static unsigned long service_percpu_count, service_percpu_data[16];

/* p: reference, release, flags, gfp */
static kshim_u64 service_percpu_ref_init(const kshim_u64 *p)
{
	unsigned long *const ref = SERVICE_POINTER(p[0]);

	if (kshim_decide(2))
		return -12;
	ref[0] = (unsigned long)&service_percpu_count;
	ref[1] = (unsigned long)service_percpu_data;
	return 0;
}

/* p: table, index, value, gfp */
static kshim_u64 service_xa_store(const kshim_u64 *p)
{
	if (!p[2])
		return service_table_erase(p);
	if (kshim_decide(2))
		return service_xa_errno(-12);
	return service_entry_set(p[0], p[1], p[2]);
}

/* p: table, first, last, value, gfp */
static kshim_u64 service_xa_store_range(const kshim_u64 *p)
{
	if (p[3] && kshim_decide(2))
		return service_xa_errno(-12);
	return 0;
}

static kshim_u64 service_xa_insert(const kshim_u64 *p)
{
	if (service_entry_of(p[0], p[1]) < SERVICE_ENTRIES)
		return -16;	/* EBUSY */
	if (kshim_decide(2))
		return -12;
	service_entry_set(p[0], p[1], p[2]);
	return 0;
}

/* p: table, index, old, value, gfp */
static kshim_u64 service_xa_cmpxchg(const kshim_u64 *p)
{
	const kshim_u64 now = service_table_load(p);

	if (now != p[2])
		return now;
	if (kshim_decide(2))
		return service_xa_errno(-12);
	service_entry_set(p[0], p[1], p[3]);
	return now;
}

/* p: table, where the number goes, value, limits (least in the low half), gfp */
static kshim_u64 service_xa_alloc(const kshim_u64 *p)
{
	const unsigned least = p[3] >> 32, most = (unsigned)p[3];
	const kshim_u64 index = service_free_index(p[0], least < most ? least : most,
						 least < most ? most : least);

	if (kshim_decide(2))
		return -12;
	service_entry_take(p[0], index, p[2]);
	*(unsigned *)SERVICE_POINTER(p[1]) = index;
	return 0;
}

static kshim_u64 service_next_in(kshim_u64 table, kshim_u64 *index, kshim_u64 least)
{
	kshim_u64 found = 0, at = ~0ull;

	for (unsigned i = 0; i < SERVICE_ENTRIES; i++)
		if (service_entries[i].is_used && service_entries[i].table == table &&
		    service_entries[i].index >= least && service_entries[i].index < at) {
			at = service_entries[i].index;
			found = service_entries[i].value;
		}
	if (found)
		*index = at;
	return found;
}

/* p: table, index, most, filter */
static kshim_u64 service_xa_find(const kshim_u64 *p)
{
	kshim_u64 *index = SERVICE_POINTER(p[1]);

	return service_next_in(p[0], index, *index);
}

static kshim_u64 service_xa_find_after(const kshim_u64 *p)
{
	kshim_u64 *index = SERVICE_POINTER(p[1]);

	return service_next_in(p[0], index, *index + 1);
}

/* p: table, value, least, end or 0, gfp */
static kshim_u64 service_idr_alloc(const kshim_u64 *p)
{
	const int end = (int)p[3];
	const kshim_u64 most = end > 0 ? end - 1 : 0x7fffffff;
	const kshim_u64 index = service_free_index(p[0], (unsigned)p[2], most);

	if (index > most)
		return -28;	/* ENOSPC */
	if (kshim_decide(2))
		return -12;
	service_entry_take(p[0], index, p[1]);
	return index;
}

/* p: table, value, index */
static kshim_u64 service_idr_replace(const kshim_u64 *p)
{
	if (service_entry_of(p[0], p[2]) == SERVICE_ENTRIES)
		return -2;	/* ENOENT */
	return service_entry_set(p[0], p[2], p[1]);
}

/* p: table, least, most, gfp */
static kshim_u64 service_ida_alloc(const kshim_u64 *p)
{
	const kshim_u64 most = (unsigned)p[2];
	const kshim_u64 index = service_free_index(p[0], (unsigned)p[1], most);

	if (index > most)
		return -28;
	if (kshim_decide(2))
		return -12;
	service_entry_take(p[0], index, 1);
	return index;
}

/* p: table, index, value */
static kshim_u64 service_radix_insert(const kshim_u64 *p)
{
	if (service_entry_of(p[0], p[1]) < SERVICE_ENTRIES)
		return -17;	/* EEXIST */
	if (kshim_decide(2))
		return -12;
	service_entry_set(p[0], p[1], p[2]);
	return 0;
}

/* p: tree, index, value, gfp */
static kshim_u64 service_maple_store(const kshim_u64 *p)
{
	if (kshim_decide(2))
		return -12;
	service_entry_set(p[0], p[1], p[2]);
	return 0;
}

static kshim_u64 service_maple_insert(const kshim_u64 *p)
{
	if (service_entry_of(p[0], p[1]) < SERVICE_ENTRIES)
		return -17;	/* EEXIST */
	return service_maple_store(p);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects that are made from their types. What one holds is asked for when it is first looked at: each
 * field that the text names is a decision with a list of values, the ordinary one first. What nobody
 * names is zero.
 */
#include <string.h>
#include <sys/mman.h>

#include "world.h"

#define MAX_REGIONS 256
#define REGION_BYTES (4ULL << 20)	/* of all variables of other files together */
/* Of pages, and of the struct page of each. */
#define ARENA_BYTES (WINDOW_PAGES * (PAGE_SIZE + MAX_PAGE_STRUCT))
#define MAX_HANDED 256
#define MAX_ARGUMENTS 16
#define ARGUMENT 2			/* a value: what an argument of that type points to */
#define MAX_UNDO (1 << 20)
#define BULK 16				/* a copy of more looks at no field */
#define MOST_SENT 16			/* elements of an array that the user sends */

/* Variables that hold what others wrote. */
static struct region {
	uint64_t start, size, first;	/* first: of its bits */
	uint32_t type;
	bool is_adopted;		/* the subject's own memory, which a callee gave its first values */
} regions[MAX_REGIONS];
static uint32_t region_count;
static uint64_t region_bytes;
bool objects_in_data;

/* A bit for each byte that was looked at or written. */
static uint64_t *seen;

/* No more bytes than were written: the subject's own stores beside them are taken back apart. */
static struct undo {
	uint64_t address, before;
	uint32_t size;
} *undo;
static uint32_t undo_count;

/* What callees got beyond the arguments that an event records. */
static uint64_t handed[MAX_HANDED];
static uint32_t handed_count;

/* What the arguments point to. */
static struct {
	uint32_t type;
	uint64_t address;
} arguments[MAX_ARGUMENTS];
static uint32_t argument_count;

static const struct kshim_types *types(void)
{
	return step_harness->types;
}

static void open_objects(void)
{
	if (seen)
		return;
	seen = mmap(NULL, (ARENA_BYTES + REGION_BYTES) / 8, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	undo = mmap(NULL, MAX_UNDO * sizeof(*undo), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (seen == MAP_FAILED || undo == MAP_FAILED)
		__builtin_trap();
}

static void keep(uint64_t address, uint32_t size)
{
	uint64_t before = 0;

	if (undo_count == MAX_UNDO) {
		trace_limit(KSHIM_LIMIT_STORES, 0);
		step_end();
	}
	memcpy(&before, (void *)address, size);
	undo[undo_count++] = (struct undo){ address, before, size };
}

/* Writes what was there before anybody looked, to be taken back with the run. */
static void put(uint64_t address, uint64_t value, uint64_t size)
{
	keep(address, size);
	memcpy((void *)address, &value, size);
}

uint32_t objects_save(void)
{
	return undo_count;
}

void objects_restore(uint32_t count)
{
	while (undo_count > count) {
		undo_count--;
		memcpy((void *)undo[undo_count].address, &undo[undo_count].before,
		       undo[undo_count].size);
	}
}

void objects_reset(void)
{
	objects_restore(0);
	region_count = 0;
	region_bytes = 0;
	objects_in_data = false;
}

static bool is_seen(uint64_t first, uint64_t size)
{
	for (uint64_t i = first; i < first + size; i++)
		if (!(seen[i / 64] >> i % 64 & 1))
			return false;
	return true;
}

static void mark_seen(uint64_t first, uint64_t size)
{
	while (size) {
		const uint64_t in_word = 64 - first % 64, count = size < in_word ? size : in_word;
		const uint64_t mask = (count == 64 ? ~0ULL : (1ULL << count) - 1) << first % 64;

		if (~seen[first / 64] & mask) {
			keep((uint64_t)&seen[first / 64], 8);
			seen[first / 64] |= mask;
		}
		first += count;
		size -= count;
	}
}

static bool find(uint64_t address, struct region *found)
{
	found->is_adopted = false;
	if (memory_typed_at(address, &found->start, &found->size, &found->first, &found->type))
		return true;
	for (uint32_t i = 0; i < region_count; i++)
		if (address - regions[i].start < regions[i].size) {
			*found = regions[i];
			return true;
		}
	return false;
}

/* Asks under a name of its own, wherever that is. */
static unsigned decide(const struct kshim_field *field, uint64_t address, uint64_t pc)
{
	struct thread *thread = thread_now;
	const uint16_t call = thread->call;
	const uint32_t event = thread->event;
	const int64_t told = thread->told;
	unsigned choice;

	kshim_call(field->call, 1, pc, address, 0, 0, 0);
	choice = kshim_decide(field->value_count);
	trace_events[thread->event].value = (uint64_t)field->values[choice];
	thread->call = call;
	thread->event = event;
	thread->told = told;
	return choice;
}

static int64_t choose(const struct kshim_field *field, uint64_t address, bool ask, uint64_t pc)
{
	if (!field->value_count)
		return 0;
	if (!ask || field->value_count == 1 || !step_inside)
		return field->values[0];
	return field->values[decide(field, address, pc)];
}

static uint64_t make(uint32_t type)
{
	const struct kshim_type *one = &types()->types[type];

	if (one->home != KSHIM_NO_TYPE)
		return make(one->home) + one->within;
	if (one->is_page) {
		const uint64_t page = memory_take_page(one->size, type);

		if (page)
			return page;
	}
	return memory_take_typed(one->size + one->room, type);
}

/* The first argument of a type; a fresh object where there is none. */
static uint64_t argument_of(uint32_t type)
{
	for (uint32_t i = 0; i < argument_count; i++)
		if (arguments[i].type == type)
			return arguments[i].address;
	return make(type);
}

static uint64_t make_argument(uint32_t type)
{
	const uint64_t address = make(type);

	if (argument_count < MAX_ARGUMENTS) {
		keep((uint64_t)&argument_count, sizeof(argument_count));
		arguments[argument_count].type = type;
		arguments[argument_count++].address = address;
	}
	return address;
}

kshim_u64 kshim_make(unsigned type)
{
	open_objects();
	return make(type);
}

static uint64_t made_before(uint32_t *when)
{
	const struct kshim_event *now = &trace_events[thread_now->event];

	for (uint32_t i = thread_now->event; i-- > 0;) {
		const struct kshim_event *event = &trace_events[i];
		uint64_t before;

		if (event->kind != KSHIM_EVENT_CALL || event->call != now->call ||
		    event->step != now->step || memcmp(event->arg, now->arg, sizeof(now->arg)))
			continue;
		before = memory_typed(event->value);
		if (before) {
			*when = i;
			return before;
		}
	}
	return 0;
}

kshim_u64 kshim_made_before(void)
{
	uint32_t when;

	return made_before(&when);
}

/* Whether a lock that was held at an event has been let go since. */
static bool is_let_go(uint32_t since, uint32_t end)
{
	for (uint32_t i = since; i < end; i++) {
		int held = 0;

		if (trace_events[i].kind != KSHIM_EVENT_UNLOCK)
			continue;
		for (uint32_t j = since; j <= i; j++)
			if (trace_events[j].arg[0] == trace_events[i].arg[0])
				held += (trace_events[j].kind == KSHIM_EVENT_LOCK) -
					(trace_events[j].kind == KSHIM_EVENT_UNLOCK);
		if (held < 0)
			return true;
	}
	return false;
}

kshim_u64 kshim_found_before(void)
{
	const struct kshim_event *now = &trace_events[thread_now->event];
	uint64_t before;
	uint32_t when;

	/* All on the stack has one name, all literals too: what they say may be another thing. */
	for (int i = 0; i < 4; i++)
		if (now->arg[i] == KSHIM_SYMBOL_STACK || now->arg[i] == KSHIM_SYMBOL_CODE)
			return 0;
	before = made_before(&when);
	return before && !is_let_go(when, thread_now->event) ? before : 0;
}

kshim_u64 kshim_make_own(unsigned type)
{
	const uint64_t address = kshim_make(type);

	memory_own(address);
	return address;
}

static void join(uint64_t head, uint64_t node)
{
	put(head, node, 8);
	put(head + 8, node, 8);
}

static void fill(const struct kshim_field *field, uint64_t place, bool ask, uint64_t pc)
{
	const int64_t value = choose(field, place, ask, pc);
	struct region element;
	uint64_t node, bits;

	switch (field->kind) {
	case KSHIM_FIELD_NUMBER:
		if (field->width) {
			const uint64_t mask = ((1ULL << field->width) - 1) << field->bit;

			bits = 0;
			memcpy(&bits, (void *)place, field->size);
			bits = (bits & ~mask) | ((uint64_t)value << field->bit & mask);
			put(place, bits, field->size);
		} else if (value) {
			put(place, (uint64_t)value, field->size);
		}
		break;
	case KSHIM_FIELD_POINTER:
		if (value == ARGUMENT)
			put(place, argument_of(field->target), 8);
		else if (value)
			put(place, value == 1 ? make(field->target) + field->within : (uint64_t)value, 8);
		break;
	case KSHIM_FIELD_FUNCTION:
		if (value)
			put(place, (uint64_t)types()->functions[field->target], 8);
		break;
	case KSHIM_FIELD_LIST:
		if (!value) {
			join(place, place);
			break;
		}
		node = make(field->target) + field->within;
		join(place, node);
		join(node, place);
		if (find(node, &element))
			mark_seen(element.first + (node - element.start), 16);
		break;
	}
}

/* Of what the subject made itself only pointers, lists and counts are what a callee gave it. */
static bool is_own(const struct region *region, const struct kshim_field *field, uint64_t start)
{
	uint64_t value = 0;

	if (!region->is_adopted)
		return false;
	memcpy(&value, (void *)(region->start + start), field->size < 8 ? field->size : 8);
	return value || (field->kind == KSHIM_FIELD_NUMBER && field->value_count != 1);
}

static void look(const struct region *region, uint64_t address, uint64_t size, bool write, bool ask,
		 uint64_t pc)
{
	const struct kshim_type *type = &types()->types[region->type];
	const uint64_t low = address - region->start, high = low + size;

	for (uint32_t i = 0; i < type->field_count; i++) {
		const struct kshim_field *field = &type->fields[i];
		uint64_t element = low > field->offset && field->stride ?
					   (low - field->offset) / field->stride : 0;

		for (; element < field->count; element++) {
			const uint64_t start = field->offset + element * field->stride;

			if (start >= high)
				break;
			if (start + field->size <= low ||
			    (write && start >= low && start + field->size <= high) ||
			    is_seen(region->first + start, field->size))
				continue;
			if (is_own(region, field, start))
				continue;
			fill(field, region->start + start, ask, pc);
			/* The bits of one word are told apart. */
			if (!field->width)
				mark_seen(region->first + start, field->size);
		}
	}
	for (uint32_t i = 0; i < type->field_count; i++) {
		const struct kshim_field *field = &type->fields[i];

		if (field->width && field->offset < high && field->offset + field->size > low)
			mark_seen(region->first + field->offset, field->size);
	}
	mark_seen(region->first + low, size);
}

void objects_access(uint64_t address, uint64_t size, bool write, uint64_t pc)
{
	struct region region;

	if (!find(address, &region) || is_seen(region.first + (address - region.start), size))
		return;
	if (address + size > region.start + region.size)
		size = region.start + region.size - address;
	look(&region, address, size, write, size <= BULK, pc);
}

bool objects_may_dangle(uint64_t address)
{
	struct region region;
	const struct kshim_type *type;

	if (!step_harness->types || !find(address, &region) || region.is_adopted)
		return true;
	type = &types()->types[region.type];
	for (uint32_t i = 0; i < type->field_count; i++) {
		const struct kshim_field *field = &type->fields[i];
		const uint64_t within = address - region.start - field->offset;

		/* Whoever walks a list comes there. */
		if (field->kind == KSHIM_FIELD_LIST && within < field->size)
			return true;
		if (field->is_given_back && within < (uint64_t)field->count * (field->stride ? field->stride : 8))
			return true;
	}
	return false;
}

bool objects_is_argument(uint64_t address)
{
	for (uint32_t i = 0; i < argument_count; i++)
		if (address - arguments[i].address < types()->types[arguments[i].type].size)
			return true;
	return false;
}

bool objects_is_count(uint64_t address)
{
	struct region region;
	const struct kshim_type *type;

	if (!step_harness->types || !find(address, &region) || region.is_adopted)
		return false;
	type = &types()->types[region.type];
	for (uint32_t i = 0; i < type->field_count; i++)
		if (type->fields[i].is_given_back && type->fields[i].kind == KSHIM_FIELD_NUMBER &&
		    type->fields[i].offset == address - region.start)
			return true;
	return false;
}

void kshim_hand(kshim_u64 address)
{
	open_objects();
	if (!address || handed_count == MAX_HANDED)
		return;
	keep((uint64_t)&handed_count, sizeof(handed_count));
	handed[handed_count++] = address;
}

uint32_t objects_handed(const uint64_t **addresses)
{
	*addresses = handed;
	return handed_count;
}

void kshim_region(void *address, unsigned long size, unsigned type)
{
	open_objects();
	if (region_count == MAX_REGIONS || region_bytes + size > REGION_BYTES)
		return;
	regions[region_count++] = (struct region){
		(uint64_t)address, size, ARENA_BYTES + region_bytes, type, false,
	};
	region_bytes += (size + 63) & ~63ULL;
	objects_in_data = true;
	memory_find_plain();
}

/* What an argument holds, or what a callee returns. */
kshim_u64 kshim_value(const struct kshim_field *field)
{
	int64_t value;

	open_objects();
	value = choose(field, 0, true, KSHIM_PC());
	if (value != 1)
		return (kshim_u64)value;
	switch (field->kind) {
	case KSHIM_FIELD_POINTER: return make_argument(field->target);
	case KSHIM_FIELD_FUNCTION: return (kshim_u64)types()->functions[field->target];
	default: return 1;
	}
}

/* What a callee leaves behind where it succeeds: in what holds nothing yet, and in the caller's variables. */
void kshim_leave(void *where, unsigned type, kshim_u64 pc)
{
	const uint64_t address = (uint64_t)where;
	const struct kshim_type *one = &types()->types[type];
	const bool is_local = thread_place(address) == THREAD_STACK && one->size <= 8;
	enum kshim_at at = KSHIM_AT_LIVE;

	if (!address || (uint64_t)-address < 4096 || !one->size)
		return;
	open_objects();
	if (thread_place(address) != THREAD_STACK &&
	    (!memory_meets(address, one->size, &at) || at != KSHIM_AT_LIVE))
		return;
	for (uint32_t i = 0; i < one->field_count; i++) {
		const struct kshim_field *field = &one->fields[i];

		for (uint64_t n = 0; n < field->count; n++) {
			const uint64_t place = address + field->offset + n * field->stride;

			/* What is NULL so far is what a callee is asked for. */
			const bool is_null = field->kind == KSHIM_FIELD_POINTER &&
					     thread_place(address) == THREAD_STACK &&
					     !*(uint64_t *)place;

			if (!is_local && !is_null && !unset_holds(place, field->size))
				continue;
			if (is_local)
				put(place, 0, field->size);
			unset_clear(place, field->size);
			fill(field, place, one->size <= BULK, pc);
		}
	}
	unset_clear(address, one->size);
}

/* What the user sent holds what the text asks of it. */
void kshim_sent(kshim_u64 address, kshim_u64 size, kshim_u64 pc)
{
	const struct kshim_sent *sent = types()->sent;
	const struct kshim_type *type;

	while (sent->size && sent->size != size)
		sent++;
	if (!sent->size)
		return;
	open_objects();
	type = &types()->types[sent->type];
	for (uint32_t i = 0; i < type->field_count; i++) {
		const struct kshim_field *field = &type->fields[i];

		for (uint64_t n = 0; n < field->count && n < MOST_SENT; n++)
			if (field->kind == KSHIM_FIELD_NUMBER &&
			    field->offset + n * field->stride + field->size <= size)
				fill(field, address + field->offset + n * field->stride, !n, pc);
	}
}

/* Where a callee of another file gives an object of the subject's own its first values. */
void kshim_adopt(void *where, unsigned type)
{
	const uint64_t address = (uint64_t)where;
	const uint64_t size = types()->types[type].size;
	struct region region;
	enum kshim_at at = KSHIM_AT_LIVE;

	if (!address || (uint64_t)-address < 4096 || thread_place(address) == THREAD_STACK)
		return;
	open_objects();
	if (find(address, &region) || !memory_meets(address, size, &at) || at != KSHIM_AT_LIVE ||
	    region_count == MAX_REGIONS || region_bytes + size > REGION_BYTES)
		return;
	keep((uint64_t)&region_count, sizeof(region_count));
	keep((uint64_t)&region_bytes, sizeof(region_bytes));
	regions[region_count++] = (struct region){
		address, size, ARENA_BYTES + region_bytes, type, true,
	};
	region_bytes += (size + 63) & ~63ULL;
}

/* Whether the subject allocated what holds an address, and nobody else was ever told of it. */
static bool is_untouched(uint64_t address)
{
	uint64_t start, size, symbol;
	bool is_allocated = false;

	if (!memory_allocated_at(address, &start, &size))
		return false;
	symbol = memory_symbol(start);
	for (uint32_t i = 0; i < trace_event_count; i++) {
		const struct kshim_event *event = &trace_events[i];

		if (event->kind == KSHIM_EVENT_ALLOC && event->value == symbol)
			is_allocated = true;
		if (event->kind != KSHIM_EVENT_CALL || i == thread_now->event)
			continue;
		for (uint32_t n = 0; n < 4; n++)
			if (event->arg[n] - symbol < size)
				return false;
	}
	return is_allocated;
}

void kshim_drop(const void *count, kshim_u64 pc)
{
	const uint64_t address = (uint64_t)count;

	if (step_inside && is_untouched(address) && !*(const uint32_t *)count)
		step_fault(KSHIM_FAULT_COUNT, pc);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which allocations can still be named, asked as the kernel's own leak detector asks: is there, in memory
 * that is itself reached, an aligned word that points to them or into them? Only what was written in
 * this scenario can hold such a word, so it is enough to go through the log of stores.
 */
#include <string.h>

#include "world.h"

enum reach {
	REACH_KNOWN,		/* in use before the first step, or reached */
	REACH_OPEN,		/* allocated in this scenario; nothing was found to name it yet */
};

/* What counts as a root. */
enum roots {
	ROOTS_ALL,
	ROOTS_WITHOUT_OBJECTS,	/* the targets' objects are given back */
	ROOTS_OWN,		/* the subject's own data alone */
};

/* By the number of each allocation's first frame. */
static uint8_t reach[MEMORY_FRAMES];

static bool is_open(const struct memory_block *block)
{
	return block->is_live && reach[block->number] == REACH_OPEN;
}

/* Returns whether anything is open. */
static bool open_all(void)
{
	struct memory_block block;
	bool any = false;

	memset(reach, REACH_KNOWN, sizeof(reach));
	for (uint32_t i = 0; i < trace_event_count; i++) {
		const struct kshim_event *event = &trace_events[i];

		if (event->kind != KSHIM_EVENT_ALLOC || !event->value ||
		    !memory_block_of(event->value, &block) || !block.is_live)
			continue;
		reach[block.number] = REACH_OPEN;
		any = true;
	}
	return any;
}

static bool found(uint64_t value)
{
	struct memory_block block;

	if (!memory_block_of(value, &block) || !is_open(&block))
		return false;
	reach[block.number] = REACH_KNOWN;
	return true;
}

/* Whether what lies at an address outlives the call and can be reached. */
static bool holds(uint64_t address, enum roots roots)
{
	struct memory_block block;
	uint32_t object;

	if (memory_is_data(address))
		return roots == ROOTS_ALL || !memory_is_object(address, &object) ||
		       (roots == ROOTS_WITHOUT_OBJECTS && object >= step_harness->objects);
	return memory_block_at(address, &block) && block.is_live &&
	       reach[block.number] == REACH_KNOWN;
}

static void follow(enum roots roots)
{
	bool again = true;

	while (again) {
		again = false;
		for (uint32_t i = 0; i < memory_store_count; i++) {
			uint64_t address = memory_stores[i].address;

			if (holds(address, roots) && found(*(uint64_t *)address))
				again = true;
		}
	}
}

/* The numbers of the allocations' events, at most room; returns how many there are. */
uint32_t kshim_lost(const uint64_t *held, uint32_t held_count, bool is_released, uint32_t *events,
		    uint32_t room)
{
	struct memory_block block;
	const uint64_t *handed;
	uint32_t count = 0, handed_count;

	if (!open_all())
		return 0;
	for (uint32_t i = 0; i < held_count; i++)
		found(held[i]);
	handed_count = objects_handed(&handed);
	for (uint32_t i = 0; i < handed_count; i++)
		found(handed[i]);
	follow(is_released ? ROOTS_WITHOUT_OBJECTS : ROOTS_ALL);
	for (uint32_t i = 0; i < trace_event_count && count < room; i++) {
		const struct kshim_event *event = &trace_events[i];

		if (event->kind == KSHIM_EVENT_ALLOC && event->value &&
		    memory_block_of(event->value, &block) && is_open(&block))
			events[count++] = i;
	}
	return count;
}

/* Whether anything that outlives the call holds a number, in 1, 2, 4 or 8 bytes. */
bool memory_names_number(uint64_t number, uint64_t low, uint64_t high)
{
	struct memory_block block;

	for (uint32_t i = 0; i < memory_store_count; i++) {
		const uint64_t address = memory_stores[i].address;
		uint64_t word;

		if (address >= low && address < high)
			continue;
		if (!memory_is_data(address) &&
		    !(memory_block_at(address, &block) && block.is_live))
			continue;
		word = *(uint64_t *)address;
		/* An address is not a number: what bytes it has depends on where things were loaded. */
		if (word != number && memory_is_address(word))
			continue;
		for (int byte = 0; byte < 8; byte++, word >>= 8)
			if ((number < 0x100 && (uint8_t)word == number) ||
			    (uint16_t)word == number || (uint32_t)word == number ||
			    word == number)
				return true;
	}
	return false;
}

/* Whether the subject's own data, or an allocation that it names, names an allocation. */
bool kshim_keeps(uint64_t hpa, bool with_objects)
{
	struct memory_block block;

	if (!memory_block_of(hpa, &block) || !block.is_live)
		return false;
	open_all();
	follow(with_objects ? ROOTS_ALL : ROOTS_OWN);
	return !is_open(&block);
}

/*
 * Where the subject's own data, or an allocation that it names, points to memory that was freed; 0
 * when nowhere. What callers brought is theirs to throw away.
 */
uint64_t kshim_dangling(void)
{
	struct memory_block block;

	open_all();
	follow(ROOTS_OWN);
	for (uint32_t i = 0; i < memory_store_count; i++) {
		uint64_t address = memory_stores[i].address;

		if (holds(address, ROOTS_OWN) && objects_may_dangle(address) && memory_block_at(*(uint64_t *)address, &block) &&
		    block.is_freed)
			return address;
	}
	return 0;
}

/*
 * Where an atomic count of what the callers brought was raised and not lowered again, though another function
 * lowers it; 0 when nowhere. Told of the first write, which says what was there before.
 */
uint64_t kshim_raised(void)
{
	struct memory_block block;

	for (uint32_t i = 0; i < memory_store_count; i++) {
		const struct kshim_store *store = &memory_stores[i];
		const uint64_t address = store->address + store->within;
		int32_t now, before;
		bool is_first = true;

		if (store->size != 4 || store->within > 4 || !objects_is_count(address) ||
		    !memory_block_at(address, &block) || !block.is_live)
			continue;
		for (uint32_t j = 0; j < i && is_first; j++)
			is_first = memory_stores[j].address != store->address;
		memcpy(&now, (void *)address, 4);
		memcpy(&before, (const char *)&store->before + store->within, 4);
		if (is_first && now > before)
			return store->pc;
	}
	return 0;
}

/*
 * Where an object that an argument points to was put into a list whose head is elsewhere, and still is; it
 * stood in none before.
 */
uint64_t kshim_listed(void)
{
	uint64_t start, size, first;
	uint32_t type;

	for (uint32_t i = 0; i < memory_store_count; i++) {
		const uint64_t node = memory_stores[i].address;
		uint64_t next, before;
		bool is_first = true;

		if (memory_stores[i].size != 8 || memory_stores[i].within || !objects_is_argument(node))
			continue;
		for (uint32_t j = 0; j < i && is_first; j++)
			is_first = memory_stores[j].address != node;
		before = memory_stores[i].before;
		if (!is_first || (before && before != node))
			continue;
		next = *(const uint64_t *)node;
		/* What the function allocated may stand in a list of the argument's. */
		if (!next || next % 8 || objects_is_argument(next) ||
		    !(memory_is_data(next) || memory_typed_at(next, &start, &size, &first, &type)))
			continue;
		/* next->prev and prev->next */
		if (((const uint64_t *)next)[1] == node && *(const uint64_t *)((const uint64_t *)node)[1] == node)
			return memory_stores[i].pc;
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the subject reads and writes. Every access comes by memory_check(), through the callbacks that
 * clang's kernel address sanitizer calls (instrument.c); each write is logged, to be taken back.
 */
#include <string.h>
#include <sys/mman.h>

#include "instruments.h"
#include "world.h"

uint64_t memory_stack_low, memory_stack_size;
const uint8_t *memory_stack_guards;

struct kshim_store *memory_stores;
uint32_t memory_store_count, memory_first_step_store;

/* What the subject and its harness may write of this module: the unit's own sections. */
extern char __start_kshim_data[] __attribute__((weak, visibility("hidden")));
extern char __stop_kshim_data[] __attribute__((weak, visibility("hidden")));
extern char __start_kshim_bss[] __attribute__((weak, visibility("hidden")));
extern char __stop_kshim_bss[] __attribute__((weak, visibility("hidden")));

struct memory_section memory_sections[2];
struct memory_plain memory_plain;

void memory_find_plain(void)
{
	const struct memory_section *data = &memory_sections[0];
	/* Of a granule that is only in part the subject's, the rest is somebody else's. */
	const uint64_t low = (data->low + GUARD_GRANULE - 1) & ~(uint64_t)(GUARD_GRANULE - 1);
	const uint64_t high = data->high & ~(uint64_t)(GUARD_GRANULE - 1);

	memory_plain = (struct memory_plain){ .low = low };
	if (!kshim_guards.bytes || objects_in_data || high <= low || thread_is_joining)
		return;
	memory_plain.size = high - low;
	memory_plain.guards = kshim_guards.bytes + (low - kshim_guards.low) / GUARD_GRANULE;
}

static bool is_subject_data(uint64_t address, uint64_t size)
{
	return memory_in_section(&memory_sections[0], address, size) ||
	       memory_in_section(&memory_sections[1], address, size);
}

void access_open(void)
{
	memory_sections[0].low = (uint64_t)__start_kshim_bss;
	memory_sections[0].high = (uint64_t)__stop_kshim_bss;
	memory_sections[1].low = (uint64_t)__start_kshim_data;
	memory_sections[1].high = (uint64_t)__stop_kshim_data;
	memory_stores = mmap(NULL, MAX_STORES * sizeof(*memory_stores), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory_stores == MAP_FAILED)
		__builtin_trap();
}

bool memory_is_data(uint64_t address)
{
	return is_subject_data(address, 1);
}

bool memory_was_stored(uint64_t address)
{
	for (uint32_t i = memory_store_count; i-- > memory_first_step_store;) {
		if (memory_stores[i].address == (address & ~7ULL))
			return true;
	}
	return false;
}

unsigned kshim_first_store(void)
{
	return memory_store_count;
}

void kshim_watch_store(unsigned number, unsigned mask)
{
	if (number < memory_store_count)
		inputs_watch(memory_stores[number].address + memory_stores[number].within,
			     memory_stores[number].size, mask);
}

void memory_stack(uint64_t low, uint64_t high, const uint8_t *guards)
{
	memory_stack_guards = guards;
	memory_stack_low = low;
	memory_stack_size = high - low;
}

/* Keeps what each touched granule of 8 bytes held before, for reset and for "who wrote this". */
static void log_store(uint64_t address, uint64_t size, uint64_t pc)
{
	uint64_t last = (address + size - 1) & ~7ULL;

	for (uint64_t granule = address & ~7ULL; granule <= last; granule += 8) {
		struct kshim_store *store;

		if (memory_store_count == MAX_STORES) {
			trace_limit(KSHIM_LIMIT_STORES, pc);
			step_end();
		}
		store = &memory_stores[memory_store_count++];
		store->address = granule;
		store->before = *(uint64_t *)granule;
		store->pc = pc;
		store->size = size;
		store->within = address > granule ? address - granule : 0;
		store->block = step_block_count;
		store->step = step_number;
		store->thread = thread_now - threads;
	}
}

static void refuse(uint64_t address, uint64_t size, bool write, enum kshim_at at, uint64_t pc)
	__attribute__((noreturn, cold, noinline));

static void refuse(uint64_t address, uint64_t size, bool write, enum kshim_at at, uint64_t pc)
{
	struct kshim_event *event;

	if (!step_inside)
		__builtin_trap();	/* the harness's own set-up or look-up goes astray */

	if (thread_place(address) == THREAD_GUARD)
		step_fault(KSHIM_FAULT_STACK, pc);
	event = trace_record(KSHIM_EVENT_ACCESS, pc);
	event->arg[0] = memory_wild_symbol(address);
	event->arg[1] = size;
	event->arg[2] = write;
	event->arg[3] = at;
	step_end();
}

/* Beside the variables of a stack or of this module. */
static void check_guards(const uint8_t *guards, uint64_t low, uint64_t address, uint64_t size,
			 bool write, uint64_t pc)
{
	const uint8_t guard = guard_at(guards, low, address, size);

	if (guard)
		refuse(address, size, write,
		       guard == GUARD_SCOPE ? KSHIM_AT_SCOPE : KSHIM_AT_BETWEEN, pc);
}

static void check_own_guards(uint64_t address, uint64_t size, bool write, uint64_t pc)
{
	if (kshim_guards.bytes && address + size <= kshim_guards.high)
		check_guards(kshim_guards.bytes, kshim_guards.low, address, size, write, pc);
}

/* What is not the stack and not the subject's data. */
static void check_elsewhere(uint64_t address, uint64_t size, bool write, uint64_t pc)
	__attribute__((noinline));

static void check_elsewhere(uint64_t address, uint64_t size, bool write, uint64_t pc)
{
	enum kshim_at at;

	if (memory_meets(address, size, &at)) {
		if (at != KSHIM_AT_LIVE)
			refuse(address, size, write, at, pc);
	} else if (memory_is_code(address)) {
		if (counters_hold(address))
			return;
		check_own_guards(address, size, write, pc);
		if (write)
			refuse(address, size, write, KSHIM_AT_READ_ONLY, pc);
	} else if (!memory_is_page_struct(address, size) && thread_place(address) != THREAD_STACK) {
		refuse(address, size, write, memory_at(address), pc);
	}
	if (is_watched(address, size))
		inputs_touch(address, size);
	if (step_harness->types)
		objects_access(address, size, write, pc);
	if (write)
		log_store(address, size, pc);
	if (is_unset(address, size))
		unset_access(address, size, write);
}

_Bool kshim_is_peeking;

void memory_check_closely(uint64_t address, uint64_t size, bool write, uint64_t pc)
{
	if (kshim_is_peeking)
		return;
	if (meeting_watching)
		meeting_touch(address, size, write);
	if (address - memory_stack_low < memory_stack_size) {
		check_guards(memory_stack_guards, memory_stack_low, address, size, write, pc);
		unset_access(address, size, write);
	} else if (is_subject_data(address, size)) {
		check_own_guards(address, size, write, pc);
		if (is_watched(address, size))
			inputs_touch(address, size);
		if (objects_in_data)
			objects_access(address, size, write, pc);
		if (write)
			log_store(address, size, pc);
	} else {
		check_elsewhere(address, size, write, pc);
	}
}

kshim_u64 kshim_look(struct kshim_place place)
{
	const unsigned size = place.kind & KSHIM_PLACE_SIZE;
	const unsigned unused = 8 * (sizeof(kshim_u64) - size);
	kshim_u64 value = 0;

	memory_check((uint64_t)place.address, size, false, KSHIM_PC());
	if (size == sizeof(value))
		value = *(kshim_u64 *)place.address;
	else
		memcpy(&value, place.address, size);
	if (place.kind & KSHIM_PLACE_POINTER)
		return memory_symbol(value);
	return place.kind & KSHIM_PLACE_SIGNED ?
		       (kshim_u64)((int64_t)(value << unused) >> unused) : value;
}

void kshim_put(struct kshim_place place, kshim_u64 value)
{
	const unsigned size = place.kind & KSHIM_PLACE_SIZE;

	if (place.kind & KSHIM_PLACE_POINTER)
		value = kshim_va(value);
	memory_check((uint64_t)place.address, size, true, KSHIM_PC());
	memcpy(place.address, &value, size);
}

void memory_log_stores_from_here(void)
{
	memory_first_step_store = memory_store_count;
}

void access_undo(uint32_t count)
{
	while (memory_store_count > count) {
		struct kshim_store *store = &memory_stores[--memory_store_count];

		*(uint64_t *)store->address = store->before;
	}
}

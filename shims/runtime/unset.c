// SPDX-License-Identifier: GPL-2.0-only
/*
 * What nothing has written yet: variables without a first value, memory that nobody asked to be
 * zeroed. A read of it decides nothing by itself (a copy reads it too); it says that this scenario
 * must be run with another fill as well, and the two runs be compared.
 */
#include <string.h>
#include <sys/mman.h>

#include "world.h"

/* Beyond these a parting has no place of its own. */
#define MAX_PASSED (1 << 20)

static struct stretch stretches[MAX_STRETCHES];
uint32_t unset_count;
uint64_t unset_low = UINT64_MAX, unset_high;
bool unset_was_read;
uint8_t unset_fill = 0xaa;
bool unset_trace_path;
uint64_t unset_path;
struct kshim_passed *unset_passed;
uint32_t unset_passed_count;

void kshim_fill_unset(unsigned char byte, _Bool trace_path)
{
	unset_fill = byte;
	unset_trace_path = trace_path;
	if (!trace_path || unset_passed)
		return;
	unset_passed = mmap(NULL, MAX_PASSED * sizeof(*unset_passed), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (unset_passed == MAP_FAILED)
		__builtin_trap();
}

void unset_pass(uint64_t pc, uint64_t left, uint64_t right)
{
	unset_path = mix(mix(mix(unset_path, pc), left), right);
	if (unset_passed_count < MAX_PASSED)
		unset_passed[unset_passed_count++] = (struct kshim_passed){ pc, unset_path };
}

void unset_reset(void)
{
	unset_passed_count = 0;
	unset_count = 0;
	unset_low = UINT64_MAX;
	unset_high = 0;
	unset_was_read = false;
	unset_path = 0;
}

void unset_save(struct unset_state *state)
{
	state->count = unset_count;
	state->was_read = unset_was_read;
	state->low = unset_low;
	state->high = unset_high;
	state->path = unset_path;
	state->passed_count = unset_passed_count;
	memcpy(state->stretches, stretches, unset_count * sizeof(stretches[0]));
}

void unset_restore(const struct unset_state *state)
{
	unset_count = state->count;
	unset_was_read = state->was_read;
	unset_low = state->low;
	unset_high = state->high;
	unset_path = state->path;
	unset_passed_count = state->passed_count;
	memcpy(stretches, state->stretches, unset_count * sizeof(stretches[0]));
}

/* Where there is no room to remember a stretch, the scenario is taken to read it. */
static void remember(uint64_t start, uint64_t end)
{
	uint32_t place = 0;

	while (place < unset_count && stretches[place].start != stretches[place].end)
		place++;
	if (place == MAX_STRETCHES) {
		unset_was_read = true;
		return;
	}
	if (place == unset_count)
		unset_count++;
	stretches[place] = (struct stretch){ start, end };
	if (start < unset_low)
		unset_low = start;
	if (end > unset_high)
		unset_high = end;
}

/* Fills it. */
void unset_add(uint64_t address, uint64_t size, uint8_t byte)
{
	memset((void *)address, byte, size);
	/* Variables of functions that have returned lay there. */
	unset_access(address, size, true);
	remember(address, address + size);
}

void unset_access(uint64_t address, uint64_t size, bool write)
{
	const uint64_t end = address + size;
	const uint32_t count = unset_count;

	for (uint32_t i = 0; i < count; i++) {
		struct stretch *one = &stretches[i];

		if (end <= one->start || one->end <= address)
			continue;
		if (!write) {
			unset_was_read = true;
			return;
		}
		if (one->start < address && end < one->end) {
			remember(end, one->end);
			one->end = address;
		} else if (one->start < address) {
			one->end = address;
		} else if (end < one->end) {
			one->start = end;
		} else {
			one->start = one->end = 0;
		}
	}
	/* Stretches that are used up go. */
	while (unset_count && stretches[unset_count - 1].start == stretches[unset_count - 1].end)
		unset_count--;
	if (!unset_count) {
		unset_low = UINT64_MAX;
		unset_high = 0;
	}
}

bool unset_holds(uint64_t address, uint64_t size)
{
	for (uint32_t i = 0; i < unset_count; i++)
		if (stretches[i].start < address + size && address < stretches[i].end)
			return true;
	return false;
}

void unset_clear(uint64_t address, uint64_t size)
{
	for (uint32_t i = 0; i < unset_count; i++) {
		const uint64_t start = stretches[i].start > address ? stretches[i].start : address;
		const uint64_t end = stretches[i].end < address + size ? stretches[i].end :
								       address + size;

		if (start < end) {
			/* A write as any other, but for who made it. */
			memory_check(start, end - start, true, 0);
			memset((void *)start, 0, end - start);
			i = -1;
		}
	}
}

/* What was never set stays so at the new place. */
void unset_move(uint64_t to, uint64_t from, uint64_t size)
{
	const uint32_t count = unset_count;

	memory_check(to, size, true, 0);
	memcpy((void *)to, (void *)from, size);
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t start = stretches[i].start > from ? stretches[i].start : from;
		const uint64_t end = stretches[i].end < from + size ? stretches[i].end : from + size;

		if (start < end)
			remember(to + (start - from), to + (end - from));
	}
}

void kshim_unset(void *address, unsigned long size)
{
	if (step_inside)
		unset_add((uint64_t)address, size, unset_fill);
}

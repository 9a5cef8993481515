// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether what one thread does meets what the other has done: both touch the same memory and one of
 * them writes, or both use one lock. What does not meet can stand in either order, and the search needs
 * only one of them: a thread that took over hands back only behind something that meets what the other
 * did last. Otherwise it could have taken over before that, and such an order is looked at too.
 */
#include <string.h>

#include "world.h"

#define ROOM 256
#define SLOTS 1024
/* In an entry: written; not a granule but a page that was freed. */
#define WRITTEN 1ULL
#define FREED 2ULL

struct touched {
	uint64_t granules[ROOM];
	uint32_t count, frees;
	bool is_full;			/* meets all */
	uint16_t slots[SLOTS];		/* by hash, the number of a granule and 1 more */
};

bool meeting_watching;
/* Of the thread that runs, since the last point at which it could have handed over; and what the other
 * touched so before. */
static struct touched touched_now, touched_before;
static struct meeting_state meeting;

static uint16_t *slot_touched(struct touched *touched, uint64_t granule)
{
	uint64_t hash = mix(0, granule & ~WRITTEN) % SLOTS;

	while (touched->slots[hash] &&
	       (touched->granules[touched->slots[hash] - 1] ^ granule) & ~WRITTEN)
		hash = (hash + 1) % SLOTS;
	return &touched->slots[hash];
}

static void add_touched(struct touched *touched, uint64_t granule)
{
	uint16_t *slot = slot_touched(touched, granule);

	if (*slot) {
		touched->granules[*slot - 1] |= granule;
	} else if (touched->count == ROOM) {
		touched->is_full = true;
	} else {
		touched->granules[touched->count++] = granule;
		touched->frees += !!(granule & FREED);
		*slot = touched->count;
	}
}

static void forget_touched(struct touched *touched)
{
	/* From the newest on: what another stood in the way of goes before that. */
	for (; touched->count; touched->count--)
		*slot_touched(touched, touched->granules[touched->count - 1]) = 0;
	touched->frees = 0;
	touched->is_full = false;
}

static void copy_touched(struct touched *to, const uint64_t *granules, uint32_t count, bool is_full)
{
	forget_touched(to);
	for (uint32_t i = 0; i < count; i++)
		add_touched(to, granules[i]);
	to->is_full = is_full;
}

static bool meets(uint64_t granule)
{
	const uint16_t slot = *slot_touched(&touched_before, granule);

	return slot && (granule | touched_before.granules[slot - 1]) & WRITTEN;
}

void meeting_touch(uint64_t address, uint64_t size, bool write)
{
	/* Of its own stack only a pointer tells the other. */
	if (!meeting_watching || address - memory_stack_low < memory_stack_size)
		return;
	if (thread_place(address) == THREAD_STACK) {
		meeting_all();
		return;
	}
	for (uint64_t at = address & ~7ULL; at < address + size; at += 8) {
		if (meeting.is_after && !meeting.has_met &&
		    (meets(at | write) ||
		     (touched_before.frees && meets((at & ~(PAGE_SIZE - 1)) | FREED | WRITTEN))))
			meeting.has_met = true;
		add_touched(&touched_now, at | write);
	}
}

void meeting_free(uint64_t page)
{
	if (!meeting_watching)
		return;
	for (uint32_t i = 0; i < touched_before.count; i++)
		if (!((touched_before.granules[i] ^ page) & ~(PAGE_SIZE - 1)))
			meeting.has_met = true;
	add_touched(&touched_now, page | FREED | WRITTEN);
}

void meeting_all(void)
{
	meeting.has_met = true;
	touched_now.is_full = true;
}

bool meeting_is_idle(void)
{
	return meeting_watching && meeting.is_after && !meeting.has_met && !touched_before.is_full;
}

void meeting_begin(void)
{
	forget_touched(&touched_before);
	forget_touched(&touched_now);
	meeting = (struct meeting_state){ 0 };
}

void meeting_go_on(void)
{
	if (!meeting_watching)
		return;
	forget_touched(&touched_now);
	meeting.could_earlier = true;
}

void meeting_hand_over(bool by_choice)
{
	if (!meeting_watching)
		return;
	copy_touched(&touched_before, touched_now.granules, touched_now.count, touched_now.is_full);
	forget_touched(&touched_now);
	meeting.is_after = by_choice && meeting.could_earlier;
	meeting.could_earlier = by_choice;
	meeting.has_met = false;
}

uint64_t meeting_size(void)
{
	return sizeof(meeting) + (touched_before.count + touched_now.count) * sizeof(uint64_t);
}

void meeting_save(uint64_t *to)
{
	meeting.before = touched_before.count;
	meeting.now = touched_now.count;
	meeting.is_before_full = touched_before.is_full;
	meeting.is_now_full = touched_now.is_full;
	memcpy(to, &meeting, sizeof(meeting));
	to += sizeof(meeting) / sizeof(*to);
	memcpy(to, touched_before.granules, touched_before.count * sizeof(*to));
	memcpy(to + touched_before.count, touched_now.granules, touched_now.count * sizeof(*to));
}

void meeting_restore(const uint64_t *from)
{
	memcpy(&meeting, from, sizeof(meeting));
	from += sizeof(meeting) / sizeof(*from);
	copy_touched(&touched_before, from, meeting.before, meeting.is_before_full);
	copy_touched(&touched_now, from + meeting.before, meeting.now, meeting.is_now_full);
}

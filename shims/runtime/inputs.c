// SPDX-License-Identifier: GPL-2.0-only
/*
 * The inputs of a starting state. Each has a value from the beginning, the ordinary one or that of the
 * search's list; the search learns which of them somebody looked at. Memory that depends on an input
 * is watched: the first access to it asks.
 */
#include <string.h>

#include "world.h"

#define MAX_WATCHED 256

static struct kshim_input inputs[KSHIM_MAX_INPUTS];
static uint32_t input_count;
struct kshim_asked inputs_asked[KSHIM_MAX_INPUTS];
uint32_t inputs_asked_count;
static uint32_t asked_mask;
/* Without what only who judges has asked for. */
struct kshim_asked inputs_seen[KSHIM_MAX_INPUTS];
uint32_t inputs_seen_count;
static uint32_t seen_mask;
static bool is_judging;
static bool is_quiet;		/* what the set-up touches nobody looks at */

/* Stretches of memory, none across a granule of 8 bytes, and the inputs that each depends on. */
static struct watch {
	uint64_t start, end;
	uint32_t mask;
} watched[MAX_WATCHED];
static uint32_t watched_count;

uint8_t watch_filter[WATCH_SLOTS];

static inline uint8_t *slot_of(uint64_t address)
{
	return &watch_filter[address / 8 % WATCH_SLOTS];
}

void kshim_quiet(_Bool quiet)
{
	is_quiet = quiet;
}

void kshim_inputs(const struct kshim_input *list, uint32_t count)
{
	if (count > KSHIM_MAX_INPUTS)
		__builtin_trap();
	memcpy(inputs, list, count * sizeof(*list));
	input_count = count;
}

void kshim_judging(_Bool judging)
{
	is_judging = judging;
}

static void set_filter(uint8_t value)
{
	for (uint32_t i = 0; i < watched_count; i++)
		*slot_of(watched[i].start) = value;
}

void inputs_reset(void)
{
	set_filter(0);
	watched_count = 0;
	inputs_asked_count = 0;
	asked_mask = 0;
	inputs_seen_count = 0;
	seen_mask = 0;
	is_judging = false;
}

/* Only what somebody but who judges may yet look at is on the way of every access. */
static void settle(void)
{
	set_filter(0);
	for (uint32_t i = 0; i < watched_count; i++)
		if (watched[i].mask & ~seen_mask)
			*slot_of(watched[i].start) = 1;
}

void inputs_save(struct inputs_state *state)
{
	state->watched_count = watched_count;
	state->asked_count = inputs_asked_count;
	state->asked_mask = asked_mask;
	state->seen_count = inputs_seen_count;
	state->seen_mask = seen_mask;
}

void inputs_restore(const struct inputs_state *state)
{
	if (state->watched_count == watched_count && state->asked_mask == asked_mask
	    && state->seen_mask == seen_mask)
		return;
	set_filter(0);
	watched_count = state->watched_count;
	inputs_asked_count = state->asked_count;
	asked_mask = state->asked_mask;
	inputs_seen_count = state->seen_count;
	seen_mask = state->seen_mask;
	settle();
}

static void note(struct kshim_asked *asked, unsigned input)
{
	asked->input = input;
	asked->value = inputs[input].value;
	asked->arity = inputs[input].arity;
	asked->before = trace_decision_count;
}

unsigned kshim_ask(unsigned input)
{
	if (input >= input_count)
		__builtin_trap();
	if (!(asked_mask >> input & 1)) {
		asked_mask |= 1u << input;
		note(&inputs_asked[inputs_asked_count++], input);
	}
	if (!is_judging && !(seen_mask >> input & 1)) {
		seen_mask |= 1u << input;
		note(&inputs_seen[inputs_seen_count++], input);
		settle();
	}
	return inputs[input].value;
}

void inputs_watch(uint64_t address, uint64_t size, uint32_t mask)
{
	uint64_t end = address + size;

	if (!(mask & ~seen_mask))
		return;
	if (end > (address & ~7ULL) + 8)
		end = (address & ~7ULL) + 8;
	*slot_of(address) = 1;
	for (uint32_t i = 0; i < watched_count; i++)
		if (watched[i].start == address && watched[i].end == end) {
			watched[i].mask |= mask;
			return;
		}
	/* Without room to watch for it, it is looked at now. */
	if (watched_count == MAX_WATCHED) {
		for (uint32_t input = 0; mask; input++, mask >>= 1)
			if (mask & 1)
				kshim_ask(input);
		return;
	}
	watched[watched_count++] = (struct watch){ address, end, mask };
}

void inputs_touch(uint64_t address, uint64_t size)
{
	uint32_t mask = 0;

	if (is_quiet)
		return;
	for (uint32_t i = 0; i < watched_count; i++)
		if (watched[i].start < address + size && address < watched[i].end)
			mask |= watched[i].mask;
	mask &= ~(is_judging ? asked_mask : seen_mask);
	for (uint32_t input = 0; mask; input++, mask >>= 1)
		if (mask & 1)
			kshim_ask(input);
}

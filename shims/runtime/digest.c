// SPDX-License-Identifier: GPL-2.0-only
/* What a scenario left in memory, as one number: two builds of one text must agree on it. */
#include "world.h"

#define SEEN (2 * MAX_STORES)

/* Granules that the present digest has taken, by open addressing; never full. */
static struct {
	uint64_t address;
	uint32_t turn;
} seen[SEEN];

static bool is_first(uint64_t address, uint32_t turn)
{
	uint64_t place = mix(0, address) % SEEN;

	while (seen[place].turn == turn) {
		if (seen[place].address == address)
			return false;
		place = (place + 1) % SEEN;
	}
	seen[place].address = address;
	seen[place].turn = turn;
	return true;
}

/*
 * What every granule that was written holds at the end. How often and in which order two builds of
 * one text write is the optimiser's affair.
 */
uint64_t memory_digest(uint64_t seed)
{
	static uint32_t turn;
	uint64_t sum = 0;

	turn++;
	for (uint32_t i = memory_first_step_store; i < memory_store_count; i++) {
		uint64_t address = memory_stores[i].address;

		if (is_first(address, turn))
			sum += mix(mix(1, memory_symbol(address)),
				   memory_symbol(*(uint64_t *)address));
	}
	return mix(seed, sum);
}

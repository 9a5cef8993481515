// SPDX-License-Identifier: GPL-2.0-only
/* What a scenario left in memory, as one number: two fills of what was never written must agree on it. */
#include "world.h"

/* What every granule that was written holds at the end. */
uint64_t memory_digest(uint64_t seed)
{
	uint64_t sum = 0;

	for (uint32_t i = memory_first_step_store; i < memory_store_count; i++) {
		uint64_t address = memory_stores[i].address;

		sum += mix(mix(1, memory_symbol(address)), memory_symbol(*(uint64_t *)address));
	}
	return mix(seed, sum);
}

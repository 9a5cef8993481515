// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counters of a build that counts branches: not the subject's memory. How often a branch goes one
 * way is partly computed: how often its code is come to, less how often it goes the other way. So a run
 * that goes on from a checkpoint counts what came before as well, as if it had run from the beginning.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

extern uint64_t __start___llvm_prf_cnts[] __attribute__((weak, visibility("hidden")));
extern uint64_t __stop___llvm_prf_cnts[] __attribute__((weak, visibility("hidden")));

/* What they were when the present run began, if it had begun at the beginning. */
static uint64_t *counters_before;

bool counters_hold(uint64_t address)
{
	return address >= (uint64_t)__start___llvm_prf_cnts &&
	       address < (uint64_t)__stop___llvm_prf_cnts;
}

static uint64_t counters_count(void)
{
	return (uint64_t)(__stop___llvm_prf_cnts - __start___llvm_prf_cnts);
}

uint64_t counters_size(void)
{
	return counters_count() * sizeof(*counters_before);
}

void counters_begin(void)
{
	if (!counters_count())
		return;
	if (!counters_before)
		counters_before = malloc(counters_size());
	if (!counters_before)
		__builtin_trap();
	memcpy(counters_before, __start___llvm_prf_cnts, counters_size());
}

void counters_save(uint64_t *counted)
{
	for (uint64_t i = 0; i < counters_count(); i++)
		counted[i] = __start___llvm_prf_cnts[i] - counters_before[i];
}

void counters_restore(const uint64_t *counted)
{
	counters_begin();
	for (uint64_t i = 0; i < counters_count(); i++)
		__start___llvm_prf_cnts[i] += counted[i];
}

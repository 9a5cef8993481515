/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the compiler's callbacks lead. Their names are the compiler's, so a program that holds two
 * builds of a subject has them once; each build's runtime puts itself here before it works.
 */
#ifndef KSHIM_INSTRUMENTS_H
#define KSHIM_INSTRUMENTS_H

#include <stdbool.h>
#include <stdint.h>

struct kshim_instruments {
	void (*access)(uint64_t address, uint64_t size, bool write, uint64_t pc);
	void (*block)(uint64_t pc);
	void (*divided)(uint64_t pc);	/* by zero */
	void (*indexed)(uint64_t index, uint64_t pc);
	void (*compared)(uint64_t left, uint64_t right, uint64_t pc);
	void (*guarded)(uint64_t address, uint64_t size, uint8_t guard);	/* a stretch of stack */
};

/*
 * What belongs to no variable, as the address sanitizer keeps it: for each granule of 8 bytes one
 * that says how many of them may be touched from the first on, 0 for all, or why none may.
 */
#define GUARD_GRANULE 8
#define GUARD_SCOPE 0xf8

/* Around the variables of this module that outlive a call. */
extern struct kshim_guards {
	const uint8_t *bytes;	/* NULL until there is one */
	uint64_t low, high;	/* what they are about */
} kshim_guards;

/* What keeps an access from being one to a variable, 0 where nothing does. */
static inline uint8_t guard_at(const uint8_t *bytes, uint64_t low, uint64_t address, uint64_t size)
{
	const uint64_t end = address + size;

	for (uint64_t at = address & ~(uint64_t)7; at < end; at += GUARD_GRANULE) {
		const uint8_t guard = bytes[(at - low) / GUARD_GRANULE];

		if (guard && (guard >= GUARD_GRANULE || end > at + guard))
			return guard;
	}
	return 0;
}

/* In a shared object there is one runtime: no need to ask which. */
#ifdef KSHIM_DIRECT
#define INSTRUMENT(what) instrument_##what
#else
#define INSTRUMENT(what) kshim_instruments->what
extern const struct kshim_instruments *kshim_instruments;
#endif

#endif

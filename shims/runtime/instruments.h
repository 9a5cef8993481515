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
};

/* In a shared object there is one runtime: no need to ask which. */
#ifdef KSHIM_DIRECT
#define INSTRUMENT(what) instrument_##what
#else
#define INSTRUMENT(what) kshim_instruments->what
extern const struct kshim_instruments *kshim_instruments;
#endif

#endif

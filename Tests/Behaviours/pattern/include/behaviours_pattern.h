/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BEHAVIOURS_PATTERN_H
#define BEHAVIOURS_PATTERN_H

#include <kshim.h>

/* Functions that misbehave, built with uninitialised variables filled with a pattern. */
const struct kshim_table *kshim_table_behaviours_pattern(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BEHAVIOURS_ZERO_H
#define BEHAVIOURS_ZERO_H

#include <kshim.h>

/* Functions that misbehave, built with uninitialised variables filled with zero. */
const struct kshim_table *kshim_table_behaviours_zero(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BEHAVIOURS_H
#define BEHAVIOURS_H

#include <kshim.h>

/* Functions that misbehave, built with uninitialised variables filled with a pattern. */
const struct kshim_table *kshim_table_behaviours(void);

#endif

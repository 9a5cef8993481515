/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FUNCTION_EXTRACT_H
#define FUNCTION_EXTRACT_H

#include <kshim.h>

/*
 * What `kshim extract` took out of a kernel. NULL when nothing was extracted yet. Owned by the
 * program, never freed.
 */
const struct kshim_table *kshim_table_function(void);

#endif

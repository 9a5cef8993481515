// SPDX-License-Identifier: GPL-2.0-only
/* The table of what was extracted. 'kshim extract' touches this file. */
/* This target's options instrument the subject; the table is the harness's own. */
#pragma clang attribute push(__attribute__((no_sanitize("kernel-address", "coverage"))), apply_to = function)
#define KSHIM_NAME(name) name##_function
#include "function_extract.h"

#if __has_include("../out/function/unit.i")
#include "../../shims/runtime/names.h"
#include "../table.inc"
#else
const struct kshim_table *kshim_table_function(void)
{
	return NULL;
}
#endif
#pragma clang attribute pop

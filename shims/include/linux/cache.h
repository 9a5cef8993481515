/* SPDX-License-Identifier: GPL-2.0-only */
/* Replaced: where a variable lies. The subject may write its own sections, which the unit names. */
#include_next <linux/cache.h>

#pragma once

#undef __read_mostly
#undef __ro_after_init
#define __read_mostly
#define __ro_after_init
#undef __cacheline_aligned
#define __cacheline_aligned __attribute__((__aligned__(SMP_CACHE_BYTES)))
#undef __cacheline_aligned_in_smp
#define __cacheline_aligned_in_smp __cacheline_aligned

/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in for what a configured tree generates: names and numbers only. */
#define NR_PAGEFLAGS 24
#define MAX_NR_ZONES 4
#define NR_CPUS_BITS 6
#define SPINLOCK_SIZE 4
#define LRU_GEN_WIDTH 0
#define __LRU_REFS_WIDTH 0

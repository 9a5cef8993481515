/* SPDX-License-Identifier: GPL-2.0-only */
/* Clearing a page is C: what it touches is checked, and no assembly names what another file has. */
#define clear_page kshim_clear_page_by_cpu
#include_next <asm/page_64.h>
#undef clear_page

#pragma once
#ifndef __ASSEMBLER__
static inline void clear_page(void *page)
{
	__builtin_memset(page, 0, PAGE_SIZE);
}
#endif

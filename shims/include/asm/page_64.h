/* SPDX-License-Identifier: GPL-2.0-only */
/* Clearing a page is C: what it touches is checked, and no assembly names what another file has. */
#include_next <asm/page_64.h>

#ifndef KSHIM_ASM_PAGE_64_H
#define KSHIM_ASM_PAGE_64_H

#ifndef __ASSEMBLER__
static inline void kshim_clear_pages(void *pages, unsigned long count)
{
	__builtin_memset(pages, 0, count * PAGE_SIZE);
}

#ifdef clear_pages
#undef clear_pages
#define clear_pages(pages, count) kshim_clear_pages(pages, count)
#endif
#undef clear_page
#define clear_page(page) kshim_clear_pages(page, 1)
#endif
#endif

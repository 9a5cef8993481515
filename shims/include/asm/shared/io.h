/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ports of another machine: each access is a call where any function is judged. There nothing is
 * asserted at compile time.
 */
#ifdef __OPTIMIZE__
#include_next <asm/shared/io.h>
#else
#pragma once
#include <linux/types.h>
extern void __outb(u8 value, u16 port);
extern void __outw(u16 value, u16 port);
extern void __outl(u32 value, u16 port);
extern u8 __inb(u16 port);
extern u16 __inw(u16 port);
extern u32 __inl(u16 port);
#define inb __inb
#define inw __inw
#define inl __inl
#define outb __outb
#define outw __outw
#define outl __outl
#endif

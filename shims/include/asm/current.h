/* SPDX-License-Identifier: GPL-2.0-only */
/* Replaced: the running thread is one of the harness's. */
#include_next <asm/current.h>

#pragma once
#ifndef __ASSEMBLY__
extern unsigned char kshim_task[];
#undef current
#define current ((struct task_struct *)kshim_task)
#endif

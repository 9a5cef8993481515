/* SPDX-License-Identifier: GPL-2.0-only */
/* Observed: in a race the other thread may go on before each marked access. */
#include_next <asm-generic/rwonce.h>

#pragma once
#include <kshim_runtime.h>

#undef __READ_ONCE
#undef __WRITE_ONCE
#define __READ_ONCE(x) (kshim_point(), *(const volatile __unqual_scalar_typeof(x) *)&(x))
#define __WRITE_ONCE(x, value) do { kshim_point(); *(volatile typeof(x) *)&(x) = (value); } while (0)

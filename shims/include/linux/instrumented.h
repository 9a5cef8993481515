/* SPDX-License-Identifier: GPL-2.0-only */
/* Replaced and observed: what inline assembly reads and writes is checked like any access. */
#include_next <linux/instrumented.h>

#pragma once
#include <kshim_runtime.h>

#define instrument_read(v, size) kshim_access((v), (size), 0)
#define instrument_write(v, size) kshim_access((v), (size), 1)
#define instrument_read_write(v, size) kshim_access((v), (size), 1)
#define instrument_atomic_read(v, size) (kshim_point(), kshim_access((v), (size), 0))
#define instrument_atomic_write(v, size) (kshim_point(), kshim_access((v), (size), 1))
#define instrument_atomic_read_write(v, size) (kshim_point(), kshim_access((v), (size), 1))

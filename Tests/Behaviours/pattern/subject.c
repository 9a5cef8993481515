// SPDX-License-Identifier: GPL-2.0-only
/* Swift makes the program's own .rodata writable; what is constant here must not be. */
#pragma clang section rodata="kshim_rodata"
#define KSHIM_NAME(name) name##_behaviours_pattern
#include "../../../shims/runtime/names.h"
#include "../behaviours.inc"

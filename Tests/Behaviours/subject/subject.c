// SPDX-License-Identifier: GPL-2.0-only
/* As in an extracted unit: what the subject may write, and what it may not. */
#pragma clang section bss="kshim_bss" data="kshim_data" rodata="kshim_rodata"
#define KSHIM_NAME(name) name##_behaviours
#include "../../../shims/runtime/names.h"
#include "../behaviours.inc"

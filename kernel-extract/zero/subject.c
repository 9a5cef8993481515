// SPDX-License-Identifier: GPL-2.0-only
/* The extracted text, under names of its own. 'kshim extract' touches this file. */
/* Swift makes the program's own .rodata writable; what is constant here must not be. */
#pragma clang section rodata="kshim_rodata"
#define KSHIM_NAME(name) name##_zero
#if __has_include("../out/kvm-mmu-roots/unit.i")
#include "../../shims/runtime/names.h"
#include "../out/kvm-mmu-roots/rename.h"
#include "../out/kvm-mmu-roots/unit.i"
#endif

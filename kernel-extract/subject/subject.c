// SPDX-License-Identifier: GPL-2.0-only
/* The extracted text, under names of its own. 'kshim extract' touches this file. */
#define KSHIM_NAME(name) name##_extracted
#if __has_include("../out/kvm-mmu-roots/unit.i")
#include "../../shims/runtime/names.h"
#include "../out/kvm-mmu-roots/rename.h"
#include "../out/kvm-mmu-roots/unit.i"
#endif

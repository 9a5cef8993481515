// SPDX-License-Identifier: GPL-2.0-only
/* A function that no manifest describes, under names of its own. 'kshim extract --function' touches this file. */
#define KSHIM_NAME(name) name##_function
#if __has_include("../out/function/unit.i")
#include "../../shims/runtime/names.h"
#include "../out/function/rename.h"
#include "../out/function/unit.i"
#endif

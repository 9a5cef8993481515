// SPDX-License-Identifier: GPL-2.0-only
/* The runtime of this build: each build has a world of its own. */
/* This target's options instrument the subject; the runtime is what the instruments call. */
#pragma clang attribute push(__attribute__((no_sanitize("kernel-address", "coverage"))), apply_to = function)
#define _GNU_SOURCE
#define KSHIM_NAME(name) name##_zero
#include "../../shims/runtime/names.h"
#include "../../shims/runtime/memory.c"
#include "../../shims/runtime/trace.c"
#include "../../shims/runtime/fault.c"
#include "../../shims/runtime/thread.c"
#include "../../shims/runtime/step.c"
#pragma clang attribute pop

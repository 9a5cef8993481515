// SPDX-License-Identifier: GPL-2.0-only
/* This target's options instrument the subject; the table is the harness's own. */
#pragma clang attribute push(__attribute__((no_sanitize("kernel-address", "coverage"))), apply_to = function)
#define KSHIM_NAME(name) name##_behaviours
#include "behaviours.h"
#include "../../../shims/runtime/names.h"
#include "../../../kernel-extract/table.inc"
#pragma clang attribute pop

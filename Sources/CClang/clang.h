/* SPDX-License-Identifier: GPL-2.0-only */
#include <clang-c/Index.h>

/* SPDX-License-Identifier: GPL-2.0-only */
/* Stand-in: generated in a configured tree, empty here. */

/* SPDX-License-Identifier: GPL-2.0-only */
/* p: dev, resource. The device has it from here on. */
static kshim_u64 keep(const kshim_u64 *p)
{
	for (unsigned i = 0; i < ARRAY_SIZE(resources); i++)
		if (!resources[i]) {
			resources[i] = (void *)(unsigned long)p[1];
			return 0;
		}
	kshim_no_room();
}

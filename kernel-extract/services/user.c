/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of a user, who may have none where it is said to be. common.c comes first.
 */
static kshim_u64 service_uncopied(kshim_u64 size)
{
	if (!kshim_decide(2))
		return 0;
	/* With page faults off it only says that they would be needed. */
	if (kshim_sections() >> 32)
		kshim_refuse(size);
	else
		kshim_tell(-14);	/* EFAULT */
	return size;
}

/* p: to, from, size. What the user's memory holds is zero; all of it can be missing. */
static kshim_u64 service_copy_from_user(const kshim_u64 *p)
{
	memset(SERVICE_POINTER(p[0]), 0, p[2]);
	return p[2] ? service_uncopied(p[2]) : 0;
}

static kshim_u64 service_copy_to_user(const kshim_u64 *p)
{
	if (!p[2])
		return 0;
	kshim_access(SERVICE_POINTER(p[1]), p[2], 0);
	return service_uncopied(p[2]);
}

/* p: to, from, size. Who asks this way has another. */
static kshim_u64 service_copy_nofault(const kshim_u64 *p)
{
	memset(SERVICE_POINTER(p[0]), 0, p[2]);
	if (!kshim_decide(2))
		return 0;
	kshim_refuse(1);
	kshim_tell(1);
	return -14;
}

/* p: from, size */
static kshim_u64 service_user_dup(const kshim_u64 *p)
{
	const kshim_u64 copy = service_object(p[1], 9);

	return copy ? copy : (kshim_u64)-12;
}

static kshim_u64 service_user_vdup(const kshim_u64 *p)
{
	const kshim_u64 copy = service_allocate(5, p[1], 9);

	return copy ? copy : (kshim_u64)-12;
}

// SPDX-License-Identifier: GPL-2.0-only
/* An example of kshim's docs: no kernel has it. */
#include <linux/mutex.h>
#include <linux/slab.h>

struct book {
	struct book *next;
	char *title;
};

struct shelf {
	struct mutex lock;
	struct book *first;
	unsigned int count, room;
};

/* Puts a book on a shelf. The title is copied. */
int shelf_add(struct shelf *shelf, const char *title)
{
	struct book *book;
	int err = 0;

	if (!title)
		return -EINVAL;

	book = kzalloc(sizeof(*book), GFP_KERNEL);
	if (!book)
		return -ENOMEM;

	mutex_lock(&shelf->lock);
	if (shelf->count == shelf->room) {
		err = -ENOSPC;
		goto out;
	}

	book->title = kstrdup(title, GFP_KERNEL);
	if (!book->title)
		return -ENOMEM;

	book->next = shelf->first;
	shelf->first = book;
	shelf->count++;
	book = NULL;
out:
	mutex_unlock(&shelf->lock);
	kfree(book);
	return err;
}

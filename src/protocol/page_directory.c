/* SPDX-License-Identifier: MIT */
/* The page directory, both ends. See page_directory.h. */
#include "page_directory.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

unsigned int xensnd_buffer_pages(uint32_t buffer_bytes)
{
	return buffer_bytes / XENSND_PAGE_BYTES + (buffer_bytes % XENSND_PAGE_BYTES != 0);
}

unsigned int xensnd_directory_pages(unsigned int data_pages)
{
	unsigned int full = data_pages / XENSND_DIRECTORY_GREFS;

	return data_pages == 0 ? 1 : full + (data_pages % XENSND_DIRECTORY_GREFS != 0);
}

void xensnd_directory_fill(void *pages, const grant_ref_t *directory_grefs,
	unsigned int n_directory, const grant_ref_t *data_grefs, unsigned int n_data)
{
	memset(pages, 0, (size_t)n_directory * XENSND_PAGE_BYTES);
	for (unsigned int i = 0; i < n_directory; i++) {
		grant_ref_t *page = (grant_ref_t *)((char *)pages + (size_t)i * XENSND_PAGE_BYTES);
		unsigned int first = i * (unsigned int)XENSND_DIRECTORY_GREFS;
		unsigned int left = n_data > first ? n_data - first : 0;
		unsigned int here =
			left < XENSND_DIRECTORY_GREFS ? left : (unsigned int)XENSND_DIRECTORY_GREFS;

		page[0] = i + 1 < n_directory ? directory_grefs[i + 1] : 0;
		memcpy(&page[1], &data_grefs[first], here * sizeof(grant_ref_t));
	}
}

/* The peer may change the page while it is read: each word is read once. */
static grant_ref_t shared_gref(const void *page, unsigned int index)
{
	const _Atomic grant_ref_t *words = (const _Atomic grant_ref_t *)page;

	return atomic_load_explicit(&words[index], memory_order_relaxed);
}

int xensnd_directory_walk_page(
	struct xensnd_directory_walk *walk, const void *page, grant_ref_t *next)
{
	unsigned int slot = 1;

	while (slot <= XENSND_DIRECTORY_GREFS && walk->found < walk->n_grefs) {
		grant_ref_t gref = shared_gref(page, slot++);

		if (gref == 0)
			return -EINVAL;
		walk->grefs[walk->found++] = gref;
	}
	if (walk->found == walk->n_grefs)
		return 0;
	*next = shared_gref(page, 0);
	return *next == 0 ? -EINVAL : 1;
}

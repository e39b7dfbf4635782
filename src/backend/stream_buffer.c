/* SPDX-License-Identifier: MIT */
/* Mapping a stream's audio buffer. See stream_buffer.h. */
#include "stream_buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "protocol/page_directory.h"

static int last_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

static int directory_read(xengnttab_handle *grants, uint32_t domid, grant_ref_t directory,
	struct xensnd_directory_walk *walk)
{
	int ret = directory == 0 ? -EINVAL : 1;

	while (ret > 0) {
		void *page = xengnttab_map_grant_ref(grants, domid, directory, PROT_READ);

		if (!page)
			return last_error();
		ret = xensnd_directory_walk_page(walk, page, &directory);
		xengnttab_unmap(grants, page, 1);
	}
	return ret;
}

static int pages_map(struct xensnd_stream_buffer *buffer, xengnttab_handle *grants, uint32_t domid,
	grant_ref_t directory, int protection)
{
	struct xensnd_directory_walk walk = { .n_grefs = buffer->pages };
	int ret;

	walk.grefs = calloc(buffer->pages, sizeof(*walk.grefs));
	if (!walk.grefs)
		return -ENOMEM;
	ret = directory_read(grants, domid, directory, &walk);
	if (ret == 0) {
		buffer->data = xengnttab_map_domain_grant_refs(
			grants, buffer->pages, domid, walk.grefs, protection);
		if (!buffer->data)
			ret = last_error();
	}
	free(walk.grefs);
	return ret;
}

int xensnd_stream_buffer_map(struct xensnd_stream_buffer *buffer, xengnttab_handle *grants,
	struct xensnd_memory_limit *limit, uint32_t domid, grant_ref_t directory, uint32_t bytes,
	bool writable)
{
	int ret;

	*buffer = (struct xensnd_stream_buffer){ .bytes = bytes,
		.pages = xensnd_buffer_pages(bytes) };
	ret = xensnd_memory_reserve(limit, buffer->pages);
	if (ret == 0) {
		ret = pages_map(buffer, grants, domid, directory,
			writable ? PROT_READ | PROT_WRITE : PROT_READ);
		if (ret < 0)
			xensnd_memory_return(limit, buffer->pages);
	}
	if (ret < 0)
		*buffer = (struct xensnd_stream_buffer){ .data = NULL };
	return ret;
}

void xensnd_stream_buffer_unmap(struct xensnd_stream_buffer *buffer, xengnttab_handle *grants,
	struct xensnd_memory_limit *limit)
{
	if (!buffer->data)
		return;
	xengnttab_unmap(grants, buffer->data, buffer->pages);
	xensnd_memory_return(limit, buffer->pages);
	*buffer = (struct xensnd_stream_buffer){ .data = NULL };
}

/* SPDX-License-Identifier: MIT */
/*
 * A stream's audio buffer: the guest's pages, mapped into this process.
 *
 * Apart because mapping is where a guest's numbers meet the host's grant table: the directory is
 * copied page by page and let go of at once, everything is counted against the guest's limit, and
 * one call undoes it.
 */
#ifndef XENSND_BACKEND_STREAM_BUFFER_H
#define XENSND_BACKEND_STREAM_BUFFER_H

#include <stdbool.h>

#include <xengnttab.h>

#include "protocol/wire.h"

#include "memory_limit.h"

/* All-zero is empty. */
struct xensnd_stream_buffer {
	void *data; /* of the guest, who may change it at any time; bytes bytes of it */
	uint32_t bytes;
	uint32_t pages;
};

/*
 * Maps a buffer of so many bytes (not 0), for writing only if that is wanted. 0; -EINVAL: the
 * directory is malformed; -ENOMEM: over the guest's limit; another negative errno when a grant can
 * not be mapped.
 */
int xensnd_stream_buffer_map(struct xensnd_stream_buffer *buffer, xengnttab_handle *grants,
	struct xensnd_memory_limit *limit, uint32_t domid, grant_ref_t directory, uint32_t bytes,
	bool writable);

/* Unmaps. Safe on an empty buffer. */
void xensnd_stream_buffer_unmap(struct xensnd_stream_buffer *buffer, xengnttab_handle *grants,
	struct xensnd_memory_limit *limit);

#endif

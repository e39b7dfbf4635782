/* SPDX-License-Identifier: MIT */
/*
 * The page directory of an audio buffer: a list of pages of grant references (sndif.h, struct
 * xensnd_page_directory). The number of data pages is not on the wire: it follows from buffer_sz.
 *
 * Apart from the ring because the frontend fills it once per OPEN and the backend must distrust all
 * of it: a directory may loop, end early or name grant 0. The walk sees one mapped page at a time
 * and copies it, so mapping stays with the caller and the logic can be tested without Xen.
 */
#ifndef XENSND_PROTOCOL_PAGE_DIRECTORY_H
#define XENSND_PROTOCOL_PAGE_DIRECTORY_H

#include "wire.h"

/* Grant references in one directory page, after the link to the next. */
#define XENSND_DIRECTORY_GREFS (XENSND_PAGE_BYTES / sizeof(grant_ref_t) - 1)

/* Pages that hold a buffer of so many bytes. */
unsigned int xensnd_buffer_pages(uint32_t buffer_bytes);

/* Directory pages that name so many data pages; at least one. */
unsigned int xensnd_directory_pages(unsigned int data_pages);

/*
 * Frontend: fills n_directory contiguous pages, whose own references are directory_grefs, with
 * data_grefs. The pages must be xensnd_directory_pages(n_data); the rest of the last one is zeroed.
 */
void xensnd_directory_fill(void *pages, const grant_ref_t *directory_grefs,
	unsigned int n_directory, const grant_ref_t *data_grefs, unsigned int n_data);

/* Backend: a walk through a directory. The caller owns grefs, an array of n_grefs to be filled. */
struct xensnd_directory_walk {
	grant_ref_t *grefs;
	unsigned int n_grefs; /* how many the buffer needs */
	unsigned int found;
};

/*
 * Copies the references of one mapped directory page into the walk. 1: go on with the page *next;
 * 0: complete; -EINVAL: a reference is 0, or the directory ends before the buffer does. A loop ends
 * by itself, since only as many pages are asked for as the buffer needs.
 */
int xensnd_directory_walk_page(
	struct xensnd_directory_walk *walk, const void *page, grant_ref_t *next);

#endif

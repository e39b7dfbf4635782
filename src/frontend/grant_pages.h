/* SPDX-License-Identifier: MIT */
/*
 * Pages granted to the backend.
 *
 * Apart so that there is one owner of "allocate, grant, map, free" whatever the pages are for:
 * rings, directory or data. The source is libxengnttab's sharing half, /dev/xen/gntalloc. Pages
 * come zeroed from the kernel, which also keeps a page that the backend still maps from being used
 * again.
 */
#ifndef XENSND_FRONTEND_GRANT_PAGES_H
#define XENSND_FRONTEND_GRANT_PAGES_H

#include <stdint.h>
#include <xengnttab.h>

/* One allocation. All-zero is empty. */
struct xensnd_grant_pages {
	void *address; /* n_pages contiguous pages, readable and writable here */
	uint32_t n_pages;
	uint32_t *grefs; /* one for each page */
};

/*
 * Opens the source. 0; -ENOENT: no node; -EACCES; another negative errno. Closed by
 * xensnd_grant_source_close().
 */
int xensnd_grant_source_open(xengntshr_handle **source);
void xensnd_grant_source_close(xengntshr_handle *source);

/*
 * Allocates n_pages and grants them, writable, to a domain: 0; -ENOSPC: the kernel's limit for the
 * guest is reached (module parameter xen_gntalloc.limit); -ENOMEM; another negative errno.
 */
int xensnd_grant_pages_alloc(struct xensnd_grant_pages *pages, xengntshr_handle *source,
	uint32_t backend_domid, uint32_t n_pages);

/* Unmaps and frees. Safe on an empty allocation. */
void xensnd_grant_pages_free(struct xensnd_grant_pages *pages, xengntshr_handle *source);

#endif

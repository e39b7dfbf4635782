/* SPDX-License-Identifier: MIT */
/* Granted pages. See grant_pages.h. */
#include "grant_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "common/quiet_xentoollog.h"

int xensnd_grant_source_open(xengntshr_handle **source)
{
	int fd;

	*source = xengntshr_open(xensnd_quiet_xentoollog(), 0);
	if (!*source)
		return errno > 0 ? -errno : -EIO;
	/* The library opens the node without O_CLOEXEC. */
	fd = xengntshr_fd(*source);
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

void xensnd_grant_source_close(xengntshr_handle *source)
{
	if (source)
		xengntshr_close(source);
}

int xensnd_grant_pages_alloc(struct xensnd_grant_pages *pages, xengntshr_handle *source,
	uint32_t backend_domid, uint32_t n_pages)
{
	*pages = (struct xensnd_grant_pages){ .n_pages = n_pages };
	pages->grefs = calloc(n_pages, sizeof(*pages->grefs));
	if (!pages->grefs)
		return -ENOMEM;
	pages->address =
		xengntshr_share_pages(source, backend_domid, (int)n_pages, pages->grefs, 1);
	if (!pages->address) {
		int ret = errno > 0 ? -errno : -EIO;

		free(pages->grefs);
		*pages = (struct xensnd_grant_pages){ .n_pages = 0 };
		return ret;
	}
	return 0;
}

void xensnd_grant_pages_free(struct xensnd_grant_pages *pages, xengntshr_handle *source)
{
	if (pages->address)
		xengntshr_unshare(source, pages->address, pages->n_pages);
	free(pages->grefs);
	*pages = (struct xensnd_grant_pages){ .n_pages = 0 };
}

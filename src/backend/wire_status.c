/* SPDX-License-Identifier: MIT */
/* Statuses. See wire_status.h. */
#include "wire_status.h"

#include <errno.h>
#include <stddef.h>

#include <xen/errno.h>

static const struct {
	int host;
	int32_t xen;
} errors[] = {
	{ EPERM, XEN_EPERM },
	{ ENOENT, XEN_ENOENT },
	{ ENXIO, XEN_ENXIO },
	{ EBADF, XEN_EBADF },
	{ EAGAIN, XEN_EAGAIN },
	{ ENOMEM, XEN_ENOMEM },
	{ EACCES, XEN_EACCES },
	{ EFAULT, XEN_EFAULT },
	{ EBUSY, XEN_EBUSY },
	{ ENODEV, XEN_ENODEV },
	{ EINVAL, XEN_EINVAL },
	{ EMFILE, XEN_EMFILE },
	{ ENFILE, XEN_ENFILE },
	{ ENOSPC, XEN_ENOSPC },
	{ EROFS, XEN_EROFS },
	{ ENOSYS, XEN_ENOSYS },
	{ EOPNOTSUPP, XEN_EOPNOTSUPP },
	{ ETIMEDOUT, XEN_ETIMEDOUT },
};

int32_t xensnd_wire_status(int64_t ret)
{
	if (ret >= 0)
		return 0;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].host == -ret)
			return -errors[i].xen;
	return -XEN_EIO;
}

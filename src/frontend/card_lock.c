/* SPDX-License-Identifier: MIT */
/* The lock of a card. See card_lock.h. */
#include "card_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/*
 * An open-file-description lock excludes; it names nobody. The traditional lock on a byte far
 * behind does.
 */
#define HOLDER_OFFSET (1 << 20)

static struct flock card_range(short type, off_t start)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1 };
}

static pid_t lock_holder(int fd, unsigned int card)
{
	struct flock range = card_range(F_WRLCK, HOLDER_OFFSET + (off_t)card);

	/*
	 * The asking process' own locks are not seen: 0 may also mean an earlier owner in this
	 * process.
	 */
	if (fcntl(fd, F_GETLK, &range) < 0 || range.l_type == F_UNLCK || range.l_pid <= 0)
		return 0;
	return range.l_pid;
}

int xensnd_card_lock(unsigned int card, pid_t *holder)
{
	struct flock range = card_range(F_WRLCK, (off_t)card);
	int fd = open(XENSND_XENBUS_NODE, O_RDWR | O_CLOEXEC);

	*holder = 0;
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &range) < 0) {
		int ret = errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;

		*holder = lock_holder(fd, card);
		close(fd);
		return ret;
	}
	range = card_range(F_WRLCK, HOLDER_OFFSET + (off_t)card);
	(void)fcntl(fd, F_SETLK, &range);
	return fd;
}

void xensnd_card_unlock(int fd, unsigned int card)
{
	struct flock range = card_range(F_UNLCK, (off_t)card);

	(void)fcntl(fd, F_OFD_SETLK, &range);
	range = card_range(F_UNLCK, HOLDER_OFFSET + (off_t)card);
	(void)fcntl(fd, F_SETLK, &range);
	close(fd);
}

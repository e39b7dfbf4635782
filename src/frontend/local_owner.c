/* SPDX-License-Identifier: MIT */
/* The owner of a card within the process. See local_owner.h. */
#include "local_owner.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/thread.h"
#include "owner.h"

/* A forked child keeps the name of an owner that has gone; the next one then takes another name. */
#define NAMES 8u
#define JOIN_MS 3000
#define LISTEN_QUEUE 16

struct xensnd_local_owner {
	struct xensnd_owner owner; /* the thread's */
	pthread_t thread;
	/*
	 * Holds, among them those that the thread is just admitting. Whoever takes the last one
	 * ends the owner.
	 */
	_Atomic unsigned int holds;
	pid_t pid; /* in a forked child there is no thread to be joined */
};

/* The abstract address of a process' owner of a card. */
static socklen_t address_make(struct sockaddr_un *address, unsigned int card, unsigned int name)
{
	int len;

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	len = snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "alsa-xen.%ld.%u.%u",
		(long)getpid(), card, name);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
}

static int socket_make(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* Anybody may use an abstract name; only this process is meant. */
static bool peer_is_self(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid == getpid();
}

/*
 * Owner's thread: a further stream of this process counts as a hold from now on, unless the last
 * has gone.
 */
static bool hold_admit(struct xensnd_owner *owner, int fd)
{
	struct xensnd_local_owner *local =
		(struct xensnd_local_owner *)((char *)owner -
					      offsetof(struct xensnd_local_owner, owner));
	unsigned int holds = atomic_load(&local->holds);

	if (!peer_is_self(fd))
		return false;
	do {
		if (holds == 0)
			return false;
	} while (!atomic_compare_exchange_weak(&local->holds, &holds, holds + 1));
	if (send(fd, &local, sizeof(local), MSG_NOSIGNAL) == sizeof(local))
		return true;
	atomic_fetch_sub(&local->holds, 1);
	return false;
}

static void *owner_thread(void *argument)
{
	struct xensnd_local_owner *local = argument;

	xensnd_owner_run(&local->owner);
	return NULL;
}

/* Waits for the owner's greeting, its address. 0, or an error when it will not have us any more. */
static int greeting_wait(struct xensnd_local_hold *hold, int64_t deadline_ns)
{
	struct pollfd pfd = { .fd = hold->fd, .events = POLLIN };

	if (poll(&pfd, 1, xensnd_poll_ms(deadline_ns)) != 1)
		return -ETIMEDOUT;
	if (recv(hold->fd, &hold->owner, sizeof(hold->owner), 0) != sizeof(hold->owner))
		return -EPIPE;
	return 0;
}

/* Joins the owner with a given name: 0, or a negative errno when there is none that wants us. */
static int owner_connect(
	struct xensnd_local_hold *hold, unsigned int card, unsigned int name, int64_t deadline_ns)
{
	struct sockaddr_un address;
	socklen_t len = address_make(&address, card, name);
	int ret = socket_make();

	if (ret < 0)
		return ret;
	hold->fd = ret;
	if (connect(hold->fd, (const struct sockaddr *)&address, len) < 0)
		ret = -errno;
	else
		ret = peer_is_self(hold->fd) ? greeting_wait(hold, deadline_ns) : -ECONNREFUSED;
	if (ret < 0)
		close(hold->fd);
	return ret;
}

static void owner_free(struct xensnd_local_owner *local)
{
	if (local->owner.listen_fd >= 0)
		close(local->owner.listen_fd);
	if (local->owner.quit_fd >= 0)
		close(local->owner.quit_fd);
	free(local);
}

/* Listens under a name: the socket, or a negative errno (-EADDRINUSE: the name is taken). */
static int name_listen(unsigned int card, unsigned int name)
{
	struct sockaddr_un address;
	socklen_t len = address_make(&address, card, name);
	int fd = socket_make();
	int ret = fd;

	if (fd < 0)
		return fd;
	if (bind(fd, (const struct sockaddr *)&address, len) < 0 || listen(fd, LISTEN_QUEUE) < 0) {
		ret = -errno;
		close(fd);
	}
	return ret;
}

/* Makes an owner that listens on listen_fd, which becomes its own, with one hold. */
static int owner_start(struct xensnd_local_hold *hold, unsigned int card,
	const struct xensnd_log *log, int listen_fd)
{
	struct xensnd_local_owner *local = calloc(1, sizeof(*local));
	int pair[2] = { -1, -1 };
	int ret;

	if (!local) {
		close(listen_fd);
		return -ENOMEM;
	}
	local->pid = getpid();
	atomic_init(&local->holds, 1);
	local->owner.number = card;
	local->owner.log = *log;
	local->owner.admit = hold_admit;
	local->owner.listen_fd = listen_fd;
	local->owner.quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = local->owner.quit_fd < 0 ? -errno : 0;
	if (ret == 0 &&
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		ret = -errno;
	if (ret < 0)
		goto err_owner;
	ret = xensnd_owner_add(&local->owner, pair[1]);
	if (ret < 0)
		goto err_pair;
	ret = xensnd_thread_start(&local->thread, owner_thread, local);
	if (ret < 0)
		goto err_client;
	*hold = (struct xensnd_local_hold){ .fd = pair[0], .owner = local };
	return 0;

err_client:
	free(local->owner.clients);
err_pair:
	close(pair[0]);
	close(pair[1]);
err_owner:
	owner_free(local);
	return ret;
}

int xensnd_local_owner_join(
	struct xensnd_local_hold *hold, unsigned int card, const struct xensnd_log *log)
{
	const struct timespec pause = { .tv_nsec = XENSND_NS_PER_MS };
	int64_t deadline_ns = xensnd_deadline_ms(JOIN_MS);
	int ret;

	/*
	 * A name that can neither be joined nor taken belongs to an owner that is just starting or
	 * ending, or to a forked child of ours: the next round, or the next name, will do.
	 */
	do {
		for (unsigned int name = 0; name < NAMES; name++)
			if (owner_connect(hold, card, name, deadline_ns) == 0)
				return 0;
		for (unsigned int name = 0; name < NAMES; name++) {
			ret = name_listen(card, name);
			if (ret >= 0)
				return owner_start(hold, card, log, ret);
			if (ret != -EADDRINUSE)
				return ret;
			nanosleep(&pause, NULL);
			if (owner_connect(hold, card, name, deadline_ns) == 0)
				return 0;
		}
	} while (xensnd_now_ns() < deadline_ns);
	return -EBUSY;
}

void xensnd_local_owner_leave(struct xensnd_local_hold *hold)
{
	struct xensnd_local_owner *local = hold->owner;
	bool forked = local->pid != getpid();
	const uint64_t one = 1;

	/* The owner sees the end even while a forked child has a copy of the socket. */
	if (!forked)
		shutdown(hold->fd, SHUT_RDWR);
	close(hold->fd);
	hold->fd = -1;
	if (forked || atomic_fetch_sub(&local->holds, 1) > 1)
		return;
	if (write(local->owner.quit_fd, &one, sizeof(one)) != sizeof(one))
		return; /* can not happen: the counter starts at 0 */
	pthread_join(local->thread, NULL);
	owner_free(local);
}

/* SPDX-License-Identifier: MIT */
/* The main loop. See backend.h. */
#include "backend.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "protocol/xenstore_path.h"

#include "guest_card.h"

#define TOKEN_GUESTS "guests"
#define TOKEN_RELEASE "release"
#define WATCH_RELEASE "@releaseDomain"

/* How long streams get to let go of their devices when the daemon ends. */
#define SHUTDOWN_MS 2000

/* A domain that has cards. */
struct guest {
	struct guest *next;
	uint32_t domid;
	unsigned int n_cards;
	struct xensnd_memory_limit memory;
};

struct card_entry {
	struct card_entry *next;
	uint32_t domid;
	uint32_t devid;
	struct guest *guest;
	struct xensnd_guest_card *card;
	bool dirty; /* something about it has changed */
};

struct xensnd_backend {
	struct xensnd_card_host host;
	struct guest *guests;
	struct card_entry *cards;
	bool scan; /* the folder of guests has changed in a way that no single card explains */
};

/* ---- guests and cards ---- */

static struct guest *guest_get(struct xensnd_backend *backend, uint32_t domid)
{
	struct guest *guest;

	for (guest = backend->guests; guest; guest = guest->next)
		if (guest->domid == domid)
			break;
	if (!guest) {
		guest = calloc(1, sizeof(*guest));
		if (!guest)
			return NULL;
		guest->domid = domid;
		guest->memory.pages_max = backend->host.options->guest_pages_max;
		guest->next = backend->guests;
		backend->guests = guest;
	}
	guest->n_cards++;
	return guest;
}

static void guest_put(struct xensnd_backend *backend, struct guest *guest)
{
	struct guest **at = &backend->guests;

	if (--guest->n_cards > 0)
		return;
	while (*at != guest)
		at = &(*at)->next;
	*at = guest->next;
	free(guest);
}

static struct card_entry *card_find(struct xensnd_backend *backend, uint32_t domid, uint32_t devid)
{
	struct card_entry *entry = backend->cards;

	while (entry && (entry->domid != domid || entry->devid != devid))
		entry = entry->next;
	return entry;
}

static void card_add(struct xensnd_backend *backend, uint32_t domid, uint32_t devid)
{
	struct card_entry *entry = calloc(1, sizeof(*entry));
	struct guest *guest = entry ? guest_get(backend, domid) : NULL;
	int ret = guest ? 0 : -ENOMEM;

	if (ret == 0)
		ret = xensnd_guest_card_new(
			&entry->card, &backend->host, domid, devid, &guest->memory);
	if (ret < 0) {
		if (ret != -ENOENT && ret != -EINVAL)
			xensnd_log(backend->host.log, XENSND_LOG_ERROR, "domain %u card %u: %s",
				domid, devid, strerror(-ret));
		if (guest)
			guest_put(backend, guest);
		free(entry);
		return;
	}
	entry->domid = domid;
	entry->devid = devid;
	entry->guest = guest;
	entry->dirty = true;
	entry->next = backend->cards;
	backend->cards = entry;
}

static void card_remove(struct xensnd_backend *backend, struct card_entry *entry)
{
	struct card_entry **at = &backend->cards;

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	xensnd_guest_card_free(entry->card);
	guest_put(backend, entry->guest);
	free(entry);
}

static void card_touch(struct xensnd_backend *backend, uint32_t domid, uint32_t devid)
{
	struct card_entry *entry = card_find(backend, domid, devid);

	if (entry)
		entry->dirty = true;
	else
		card_add(backend, domid, devid);
}

static void cards_touch_all(struct xensnd_backend *backend)
{
	for (struct card_entry *entry = backend->cards; entry; entry = entry->next)
		entry->dirty = true;
}

static void cards_update(struct xensnd_backend *backend)
{
	struct card_entry *entry, *next;

	for (entry = backend->cards; entry; entry = next) {
		uint32_t domid = entry->domid, devid = entry->devid;

		next = entry->next;
		if (!entry->dirty)
			continue;
		entry->dirty = false;
		if (!xensnd_guest_card_update(entry->card))
			continue;
		xensnd_log(backend->host.log, XENSND_LOG_INFO, "domain %u card %u: removed", domid,
			devid);
		card_remove(backend, entry);
		/* The toolstack may have made another one in its place; it then is first in the
		 * list, and dirty. */
		backend->scan = true;
	}
}

/* ---- XenStore ---- */

/* Calls back for every numbered folder below a path. */
static void folders_each(struct xensnd_backend *backend, const char *path, uint32_t domid,
	void (*found)(struct xensnd_backend *backend, uint32_t domid, uint32_t number))
{
	unsigned int n = 0;
	char **names = xs_directory(backend->host.xs, XBT_NULL, path, &n);
	uint32_t number;

	for (unsigned int i = 0; names && i < n; i++)
		if (xensnd_parse_number(names[i], 0, UINT32_MAX, &number) == 0)
			found(backend, domid, number);
	free(names);
}

static void guest_scan(struct xensnd_backend *backend, uint32_t none, uint32_t domid)
{
	char path[XENSND_PATH_BYTES];

	(void)none;
	if (xensnd_path_numbered(path, sizeof(path), XENSND_PATH_BACKEND_GUESTS, domid) == 0)
		folders_each(backend, path, domid, card_touch);
}

static void guests_scan(struct xensnd_backend *backend)
{
	backend->scan = false;
	cards_touch_all(backend);
	folders_each(backend, XENSND_PATH_BACKEND_GUESTS, 0, guest_scan);
}

static void watch_dispatch(struct xensnd_backend *backend, const char *path, const char *token)
{
	uint32_t domid, devid;
	char rest;

	if (strcmp(token, TOKEN_GUESTS) == 0) {
		const char *below = strstr(path, XENSND_PATH_BACKEND_GUESTS);

		if (below &&
			sscanf(below, XENSND_PATH_BACKEND_GUESTS "/%u/%u", &domid, &devid) == 2)
			card_touch(backend, domid, devid);
		else
			backend->scan = true;
	} else if (strcmp(token, TOKEN_RELEASE) == 0) {
		cards_touch_all(backend);
	} else if (sscanf(token, XENSND_CARD_TOKEN "%c", &domid, &devid, &rest) == 2) {
		struct card_entry *entry = card_find(backend, domid, devid);

		if (entry)
			entry->dirty = true;
	}
}

/* Takes all watch events that have come, then acts once for each card that they were about. */
static int watches_handle(struct xensnd_backend *backend)
{
	char **event;

	errno = 0;
	while ((event = xs_check_watch(backend->host.xs)) != NULL) {
		watch_dispatch(backend, event[XS_WATCH_PATH], event[XS_WATCH_TOKEN]);
		free(event);
		errno = 0;
	}
	return errno == EAGAIN || errno == 0 ? 0 : -errno;
}

static void backend_act(struct xensnd_backend *backend)
{
	for (unsigned int rounds = 0; rounds < 3; rounds++) {
		if (backend->scan)
			guests_scan(backend);
		cards_update(backend);
		if (!backend->scan)
			return;
	}
}

/* ---- life ---- */

int xensnd_backend_new(struct xensnd_backend **backend, struct xs_handle *xs,
	const struct xensnd_options *options, const struct xensnd_log *log)
{
	struct xensnd_backend *new = calloc(1, sizeof(*new));
	int ret = 0;

	if (!new)
		return -ENOMEM;
	new->host = (struct xensnd_card_host){ .xs = xs,
		.log = log,
		.options = options,
		.devices = { .log = log },
		.ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (new->host.ended_fd < 0 || !xs_watch(xs, XENSND_PATH_BACKEND_GUESTS, TOKEN_GUESTS) ||
		!xs_watch(xs, WATCH_RELEASE, TOKEN_RELEASE))
		ret = errno > 0 ? -errno : -EIO;
	if (ret < 0) {
		if (new->host.ended_fd >= 0)
			close(new->host.ended_fd);
		free(new);
		return ret;
	}
	*backend = new;
	return 0;
}

static void ended_clear(struct xensnd_backend *backend)
{
	uint64_t count;

	(void)!read(backend->host.ended_fd, &count, sizeof(count));
}

/* Closes all cards, for so long as there is time. */
static void backend_shutdown(struct xensnd_backend *backend)
{
	int64_t deadline_ns = xensnd_deadline_ms(SHUTDOWN_MS);
	struct pollfd pfd = { .fd = backend->host.ended_fd, .events = POLLIN };

	xs_unwatch(backend->host.xs, XENSND_PATH_BACKEND_GUESTS, TOKEN_GUESTS);
	xs_unwatch(backend->host.xs, WATCH_RELEASE, TOKEN_RELEASE);
	for (;;) {
		struct card_entry *entry, *next;

		ended_clear(backend);
		for (entry = backend->cards; entry; entry = next) {
			next = entry->next;
			if (xensnd_guest_card_shutdown(entry->card))
				card_remove(backend, entry);
		}
		if (!backend->cards || xensnd_now_ns() >= deadline_ns)
			break;
		(void)poll(&pfd, 1, xensnd_poll_ms(deadline_ns));
	}
	for (struct card_entry *entry = backend->cards; entry; entry = entry->next)
		xensnd_guest_card_abandon(entry->card);
}

int xensnd_backend_run(struct xensnd_backend *backend, int signal_fd)
{
	struct pollfd fds[] = {
		{ .fd = xs_fileno(backend->host.xs), .events = POLLIN },
		{ .fd = backend->host.ended_fd, .events = POLLIN },
		{ .fd = signal_fd, .events = POLLIN },
	};
	int ret = 0;

	while (ret == 0) {
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0 && errno != EINTR)
			ret = -errno;
		if (fds[2].revents)
			break;
		if (fds[1].revents) {
			ended_clear(backend);
			cards_touch_all(backend);
		}
		if (ret == 0 && fds[0].revents)
			ret = watches_handle(backend);
		if (ret == 0)
			backend_act(backend);
	}
	backend_shutdown(backend);
	return ret;
}

bool xensnd_backend_free(struct xensnd_backend *backend)
{
	if (backend->cards)
		return false;
	xs_close(backend->host.xs);
	close(backend->host.ended_fd);
	free(backend);
	return true;
}

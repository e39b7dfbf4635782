/* SPDX-License-Identifier: MIT */
/* A card and its XenBus state machine. See card.h. */
#include "card.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card_lock.h"
#include "common/clock.h"
#include "protocol/event_page.h"
#include "protocol/ring.h"
#include "xenbus/node.h"

/*
 * A backend of a healthy host answers within milliseconds; a program waits in snd_pcm_open()
 * meanwhile.
 */
#define CONNECT_MS 4000
#define CLOSE_MS 2000
/* Between two tries with a backend that refuses, so that the two do not chase each other. */
#define REST_MS 1000
/* XenStore may still be telling of the handshake; later, a backend that says Connected anew is new.
 */
#define SETTLE_MS 1000
#define RING_PAGES 2u

#define TOKEN_BACKEND "backend"
#define TOKEN_OWN "own"
#define EVTCHN_NODE "/dev/xen/evtchn"
#define GNTALLOC_NODE "/dev/xen/gntalloc"

__attribute__((format(printf, 3, 4))) static void card_fail(
	struct xensnd_card *card, int error, const char *format, ...)
{
	va_list args;

	card->phase = XENSND_CARD_FAILED;
	card->deadline_ns = XENSND_NEVER;
	card->error = error;
	va_start(args, format);
	vsnprintf(card->error_text, sizeof(card->error_text), format, args);
	va_end(args);
}

static void phase_enter(struct xensnd_card *card, enum xensnd_card_phase phase, int64_t deadline_ns)
{
	card->phase = phase;
	card->deadline_ns = deadline_ns;
}

static int own_state_write(struct xensnd_card *card, unsigned int state)
{
	int ret = xensnd_node_write(card->xs, XBT_NULL, card->base, XENSND_NODE_STATE, "%u", state);

	xensnd_log(card->log, XENSND_LOG_DEBUG, "card %u: frontend %s", card->number,
		xensnd_state_name(state));
	if (ret < 0)
		card_fail(card, ret, "card %u: XenStore does not take %s/%s: %s", card->number,
			card->base, XENSND_NODE_STATE, strerror(-ret));
	return ret;
}

/* ---- Taking the card ---- */

static void node_refused(struct xensnd_card *card, const char *node, int err)
{
	card_fail(card, err, "%s: %s. Run the program as root, or let this user open the node",
		node, strerror(-err));
}

/* Is the node there and usable? The libraries' own answer would not say which node it was. */
static bool node_usable(struct xensnd_card *card, const char *node, const char *module)
{
	int fd = open(node, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return true;
	}
	if (errno == ENOENT)
		card_fail(card, -ENOENT, "%s is missing: load the kernel module by \"modprobe %s\"",
			node, module);
	else
		node_refused(card, node, -errno);
	return false;
}

/*
 * The kernel's frontend binds a card as soon as it is loaded, and two frontends can not share one.
 */
static bool kernel_driver_absent(struct xensnd_card *card)
{
	char link[80];

	snprintf(link, sizeof(link), "/sys/bus/xen/devices/vsnd-%u/driver", card->number);
	if (access(link, F_OK) < 0)
		return true;
	card_fail(card, -EBUSY,
		"card %u is held by the kernel's driver snd_xen_front: free it by "
		"\"echo vsnd-%u > /sys/bus/xen/drivers/vsnd/unbind\" and blacklist the module",
		card->number, card->number);
	return false;
}

static bool lock_take(struct xensnd_card *card)
{
	const struct timespec pause = { .tv_nsec = 10 * XENSND_NS_PER_MS };
	int64_t deadline_ns = xensnd_deadline_ms(CLOSE_MS + 500);
	pid_t holder;

	/*
	 * No holder's name: an owner of this very process may still be closing the card, which is
	 * bounded.
	 */
	do
		card->lock_fd = xensnd_card_lock(card->number, &holder);
	while (card->lock_fd == -EBUSY && holder == 0 && xensnd_now_ns() < deadline_ns &&
		nanosleep(&pause, NULL) == 0);
	if (card->lock_fd >= 0)
		return true;
	if (card->lock_fd == -ENOENT)
		card_fail(card, -ENODEV,
			"%s is missing: this is no Xen guest, or its kernel has no XenBus",
			XENSND_XENBUS_NODE);
	else if (card->lock_fd != -EBUSY)
		node_refused(card, XENSND_XENBUS_NODE, card->lock_fd);
	else if (holder > 0)
		card_fail(card, -EBUSY,
			"card %u is in use by process %ld: only one process at a time can play on "
			"it",
			card->number, (long)holder);
	else
		card_fail(card, -EBUSY,
			"card %u is in use: only one process at a time can play on it",
			card->number);
	return false;
}

static bool handles_open(struct xensnd_card *card)
{
	int ret;

	card->xs = xs_open(0);
	if (!card->xs) {
		card_fail(card, errno ? -errno : -EIO, "XenStore can not be reached: %s",
			strerror(errno));
		return false;
	}
	ret = xensnd_grant_source_open(&card->grant_source);
	if (ret < 0) {
		card_fail(card, ret, "%s: %s", GNTALLOC_NODE, strerror(-ret));
		return false;
	}
	return true;
}

/*
 * Where the toolstack says that the backend is. The guest's administrator decides, so it is only
 * checked for form.
 */
static bool backend_find(struct xensnd_card *card)
{
	char *path = xensnd_node_read(card->xs, XBT_NULL, card->base, XENSND_NODE_BACKEND);
	int ret = -EINVAL;

	if (!path) {
		card_fail(card, -ENODEV,
			"this guest has no sound card %u: add \"vsnd\" to its configuration "
			"(XenStore node %s/%s: %s)",
			card->number, card->base, XENSND_NODE_BACKEND, strerror(errno));
		return false;
	}
	if (path[0] == '/' && strlen(path) <= 100) {
		memcpy(card->backend, path, strlen(path) + 1);
		ret = xensnd_node_read_number(card->xs, XBT_NULL, card->base,
			XENSND_NODE_BACKEND_ID, 0, DOMID_FIRST_RESERVED - 1, &card->backend_domid);
	}
	free(path);
	if (ret < 0)
		card_fail(card, -EINVAL,
			"card %u: XenStore nodes %s/%s and %s do not name a backend", card->number,
			card->base, XENSND_NODE_BACKEND, XENSND_NODE_BACKEND_ID);
	return ret == 0;
}

static bool config_load(struct xensnd_card *card)
{
	int ret;

	card->config = malloc(sizeof(*card->config));
	if (!card->config) {
		card_fail(card, -ENOMEM, "card %u: out of memory", card->number);
		return false;
	}
	ret = xensnd_node_read_card(card->xs, card->base, card->config);
	if (ret < 0) {
		card_fail(card, ret, "card %u: %s: %s", card->number, card->base,
			card->config->error);
		return false;
	}
	card->streams = calloc(card->config->n_streams, sizeof(*card->streams));
	if (!card->streams)
		card_fail(card, -ENOMEM, "card %u: out of memory", card->number);
	return card->streams != NULL;
}

/*
 * A backend that publishes versions must know ours; one that publishes none is version 2 (nobody
 * else does).
 */
static bool version_known(struct xensnd_card *card)
{
	char *list = xensnd_node_read(card->xs, XBT_NULL, card->backend, XENSND_FIELD_BE_VERSIONS);
	char *position = NULL;
	bool known = !list;

	for (char *item = list ? strtok_r(list, ", ", &position) : NULL; item && !known;
		item = strtok_r(NULL, ", ", &position))
		known = strcmp(item, "2") == 0;
	free(list);
	if (!known)
		card_fail(card, -EPROTONOSUPPORT,
			"card %u: the backend does not speak sndif version 2", card->number);
	return known;
}

static bool state_watch(struct xensnd_card *card, const char *base, const char *token)
{
	char path[XENSND_PATH_BYTES];

	if (xensnd_path_below(path, sizeof(path), base, XENSND_NODE_STATE) == 0 &&
		xs_watch(card->xs, path, token))
		return true;
	card_fail(card, -EIO, "card %u: XenStore node %s can not be watched: %s", card->number,
		path, strerror(errno));
	return false;
}

/* A restore takes the watch on an absolute path away by itself. */
static void backend_unwatch(struct xensnd_card *card)
{
	char path[XENSND_PATH_BYTES];

	if (card->backend[0] != '\0' &&
		xensnd_path_below(path, sizeof(path), card->backend, XENSND_NODE_STATE) == 0)
		(void)xs_unwatch(card->xs, path, TOKEN_BACKEND);
	card->backend[0] = '\0';
}

/*
 * Whatever state a predecessor left, 1 is where a new connection begins (sndif.h, recovery flow).
 */
static void handshake_begin(struct xensnd_card *card)
{
	if (xensnd_node_state(card->xs, card->base) != XenbusStateInitialising &&
		own_state_write(card, XenbusStateInitialising) < 0)
		return;
	phase_enter(card, XENSND_CARD_WAITING,
		card->reconnecting ? XENSND_NEVER : card->connect_deadline_ns);
}

void xensnd_card_take(struct xensnd_card *card, unsigned int number, const struct xensnd_log *log)
{
	*card = (struct xensnd_card){ .number = number, .log = log, .lock_fd = -1 };
	if (xensnd_path_frontend_card(card->base, sizeof(card->base), number) < 0) {
		card_fail(card, -ENAMETOOLONG, "card %u: no such path in XenStore", number);
		return;
	}
	if (!lock_take(card) || !node_usable(card, EVTCHN_NODE, "xen-evtchn") ||
		!node_usable(card, GNTALLOC_NODE, "xen-gntalloc"))
		return;
	if (!kernel_driver_absent(card) || !handles_open(card))
		return;
	card->connect_deadline_ns = xensnd_deadline_ms(CONNECT_MS);
	if (!backend_find(card) || !config_load(card) || !version_known(card) ||
		!state_watch(card, card->base, TOKEN_OWN) ||
		!state_watch(card, card->backend, TOKEN_BACKEND))
		return;
	handshake_begin(card);
	xensnd_card_step(card);
}

/* ---- Rings and event channels ---- */

/*
 * The event channels of before a restore are gone, and Linux 6.1 does not survive the last close of
 * a descriptor that had such (evtchn.c): a process that never ends gets them.
 */
void xensnd_card_rings_free(struct xensnd_card *card, struct xensnd_grant_pages *rings,
	struct xensnd_channel *channel, bool stale)
{
	if (stale)
		xensnd_channel_bury(channel, card->log);
	else
		xensnd_channel_unbind(channel);
	xensnd_grant_pages_free(rings, card->grant_source);
}

static void stream_unshare(struct xensnd_card *card, struct xensnd_card_stream *stream)
{
	xensnd_card_rings_free(card, &stream->rings, &stream->channel, card->stale_channels);
}

static int stream_share(struct xensnd_card *card, struct xensnd_card_stream *stream)
{
	struct xensnd_front_events events;
	struct xensnd_front_ring ring;
	int ret;

	ret = xensnd_grant_pages_alloc(
		&stream->rings, card->grant_source, card->backend_domid, RING_PAGES);
	if (ret < 0)
		return ret;
	xensnd_front_ring_init(&ring, stream->rings.address);
	xensnd_front_events_init(&events, (char *)stream->rings.address + XENSND_PAGE_BYTES);
	stream->state = (struct xensnd_ring_state){ .req_prod = 0 };
	stream->dirty = false;
	ret = xensnd_channel_bind(&stream->channel, card->backend_domid);
	if (ret < 0)
		stream_unshare(card, stream);
	return ret;
}

static void streams_unshare(struct xensnd_card *card)
{
	for (unsigned int i = 0; card->streams && i < card->config->n_streams; i++)
		stream_unshare(card, &card->streams[i]);
}

static int stream_nodes_write(
	struct xensnd_card *card, xs_transaction_t transaction, unsigned int i)
{
	const struct xensnd_stream_config *config = &card->config->streams[i];
	const struct xensnd_card_stream *stream = &card->streams[i];
	const struct {
		const char *name;
		uint32_t value;
	} nodes[] = {
		{ XENSND_FIELD_RING_REF, stream->rings.grefs[0] },
		{ XENSND_FIELD_EVT_RING_REF, stream->rings.grefs[1] },
		{ XENSND_FIELD_EVT_CHNL, stream->channel.ring_port },
		{ XENSND_FIELD_EVT_EVT_CHNL, stream->channel.event_port },
	};
	char path[XENSND_PATH_BYTES];

	for (size_t n = 0; n < sizeof(nodes) / sizeof(nodes[0]); n++) {
		int ret = xensnd_path_stream_node(
			path, sizeof(path), config->device, config->index, nodes[n].name);

		if (ret == 0)
			ret = xensnd_node_write(
				card->xs, transaction, card->base, path, "%u", nodes[n].value);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int stream_nodes_remove(
	struct xensnd_card *card, xs_transaction_t transaction, unsigned int i)
{
	static const char *const names[] = { XENSND_FIELD_RING_REF, XENSND_FIELD_EVT_RING_REF,
		XENSND_FIELD_EVT_CHNL, XENSND_FIELD_EVT_EVT_CHNL };
	const struct xensnd_stream_config *config = &card->config->streams[i];
	char path[XENSND_PATH_BYTES];

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		int ret = xensnd_path_stream_node(
			path, sizeof(path), config->device, config->index, names[n]);

		if (ret == 0)
			ret = xensnd_node_remove(card->xs, transaction, card->base, path);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* All streams' nodes in one transaction, again when somebody else's got in between. */
static int nodes_commit(struct xensnd_card *card,
	int (*change)(struct xensnd_card *card, xs_transaction_t transaction, unsigned int stream))
{
	for (unsigned int attempt = 0; attempt < 100; attempt++) {
		xs_transaction_t transaction = xs_transaction_start(card->xs);
		int ret = 0;

		if (transaction == XBT_NULL)
			return errno ? -errno : -EIO;
		for (unsigned int i = 0; ret == 0 && i < card->config->n_streams; i++)
			ret = change(card, transaction, i);
		if (ret < 0) {
			xs_transaction_end(card->xs, transaction, true);
			return ret;
		}
		if (xs_transaction_end(card->xs, transaction, false))
			return 0;
		if (errno != EAGAIN)
			return errno ? -errno : -EIO;
	}
	return -EAGAIN;
}

/* ---- Publishing ---- */

static int streams_share(struct xensnd_card *card)
{
	int ret = 0;

	for (unsigned int i = 0; ret == 0 && i < card->config->n_streams; i++)
		ret = stream_share(card, &card->streams[i]);
	if (ret == -ENOSPC)
		card_fail(card, ret,
			"no more pages to share: raise /sys/module/xen_gntalloc/parameters/limit");
	else if (ret < 0)
		card_fail(card, ret, "card %u: its rings can not be shared: %s", card->number,
			strerror(-ret));
	return ret;
}

static int nodes_publish(struct xensnd_card *card)
{
	int ret = nodes_commit(card, stream_nodes_write);

	if (ret == 0)
		ret = xensnd_node_write(
			card->xs, XBT_NULL, card->base, XENSND_FIELD_FE_VERSION, "2");
	if (ret < 0)
		card_fail(card, ret, "card %u: XenStore does not take its rings' nodes: %s",
			card->number, strerror(-ret));
	return ret;
}

static void card_publish(struct xensnd_card *card)
{
	if (streams_share(card) < 0 || nodes_publish(card) < 0) {
		streams_unshare(card);
		return;
	}
	if (own_state_write(card, XenbusStateInitialised) == 0)
		phase_enter(card, XENSND_CARD_PUBLISHED,
			card->reconnecting ? xensnd_deadline_ms(CONNECT_MS)
					   : card->connect_deadline_ns);
}

/* ---- Loss and return ---- */

__attribute__((format(printf, 2, 3))) static void card_lost(
	struct xensnd_card *card, const char *format, ...)
{
	va_list args;

	phase_enter(card, XENSND_CARD_LOST, XENSND_NEVER);
	card->error = -ENODEV;
	va_start(args, format);
	vsnprintf(card->error_text, sizeof(card->error_text), format, args);
	va_end(args);
}

void xensnd_card_lose(struct xensnd_card *card, const char *why)
{
	if (card->phase == XENSND_CARD_CONNECTED)
		card_lost(card, "%s", why);
}

static void config_free(struct xensnd_card *card)
{
	free(card->streams);
	free(card->config);
	card->streams = NULL;
	card->config = NULL;
}

/* What failed while reconnecting is looked at again when a node changes, or after a while. */
static void card_rest(struct xensnd_card *card)
{
	xensnd_log(card->log, XENSND_LOG_DEBUG, "card %u: %s", card->number, card->error_text);
	phase_enter(card, XENSND_CARD_SEEKING, xensnd_deadline_ms(REST_MS));
}

/* The toolstack may have made the device anew: with another backend, in another domain. */
static void card_seek(struct xensnd_card *card)
{
	backend_unwatch(card);
	config_free(card);
	if (!backend_find(card) || !config_load(card) || !version_known(card) ||
		!state_watch(card, card->backend, TOKEN_BACKEND)) {
		card_rest(card);
		return;
	}
	handshake_begin(card);
	if (card->phase == XENSND_CARD_FAILED)
		card_rest(card);
}

void xensnd_card_reconnect(struct xensnd_card *card)
{
	streams_unshare(card);
	card->reconnecting = true;
	card->stale_channels = false;
	card_seek(card);
	xensnd_card_step(card);
}

/* Has the toolstack made the device anew while it was not connected? */
static bool card_remade(struct xensnd_card *card)
{
	char *path;
	bool remade;

	if (card->phase == XENSND_CARD_SEEKING)
		return true;
	if (card->phase != XENSND_CARD_WAITING && card->phase != XENSND_CARD_PUBLISHED)
		return false;
	path = xensnd_node_read(card->xs, XBT_NULL, card->base, XENSND_NODE_BACKEND);
	remade = !path || strcmp(path, card->backend) != 0;
	free(path);
	return remade;
}

/* ---- States ---- */

/* The backend refused the rings. Once that may be a predecessor's doing; twice it is for good. */
static void card_refused(struct xensnd_card *card, unsigned int backend_state)
{
	streams_unshare(card);
	if (card->reconnecting) {
		snprintf(card->error_text, sizeof(card->error_text), "the backend refused (%s)",
			xensnd_state_name(backend_state));
		card_rest(card);
		return;
	}
	if (!card->retried) {
		card->retried = true;
		handshake_begin(card);
		return;
	}
	own_state_write(card, XenbusStateInitialising);
	card_fail(card, -EIO,
		"card %u: the backend in domain %u refused to connect (%s): its log says why",
		card->number, card->backend_domid, xensnd_state_name(backend_state));
}

static void card_published_step(struct xensnd_card *card, unsigned int backend_state)
{
	switch (backend_state) {
	case XenbusStateConnected:
		if (own_state_write(card, XenbusStateConnected) == 0)
			phase_enter(card, XENSND_CARD_CONNECTED, XENSND_NEVER);
		card->domid = xensnd_node_own_domid(card->xs);
		card->connected_ns = xensnd_now_ns();
		break;
	case XenbusStateUnknown:
	case XenbusStateClosing:
	case XenbusStateClosed:
		card_refused(card, backend_state);
		break;
	default:
		break;
	}
}

/* The backend no longer uses our pages: free them and leave the card as the toolstack made it. */
static void card_closed(struct xensnd_card *card)
{
	streams_unshare(card);
	if (card->config)
		(void)nodes_commit(card, stream_nodes_remove);
	(void)xensnd_node_remove(card->xs, XBT_NULL, card->base, XENSND_FIELD_FE_VERSION);
	if (own_state_write(card, XenbusStateInitialising) == 0)
		phase_enter(card, XENSND_CARD_CLOSED, XENSND_NEVER);
}

static void card_timed_out(struct xensnd_card *card, unsigned int backend_state)
{
	if (card->phase == XENSND_CARD_CLOSING) {
		xensnd_log(card->log, XENSND_LOG_WARNING,
			"card %u: the backend does not close (%s)", card->number,
			xensnd_state_name(backend_state));
		card_closed(card);
		return;
	}
	if (card->phase == XENSND_CARD_SEEKING) {
		card_seek(card);
		return;
	}
	streams_unshare(card);
	own_state_write(card, XenbusStateInitialising);
	if (card->reconnecting) {
		snprintf(card->error_text, sizeof(card->error_text), "the backend hangs (%s)",
			xensnd_state_name(backend_state));
		card_rest(card);
		return;
	}
	card_fail(card, -ETIMEDOUT,
		"card %u: no backend answers in domain %u (state %s): is xensnd-backend running "
		"there?",
		card->number, card->backend_domid, xensnd_state_name(backend_state));
}

/* Which of the two states may have changed. */
struct changes {
	bool own, backend;
};

static struct changes watches_drain(struct xensnd_card *card)
{
	struct changes changes = { .own = false };
	char **event;

	while ((event = xs_check_watch(card->xs))) {
		if (strcmp(event[XS_WATCH_TOKEN], TOKEN_OWN) == 0)
			changes.own = true;
		else
			changes.backend = true;
		free(event);
	}
	return changes;
}

/*
 * Somebody else wrote our state: the toolstack has made the device anew, as it does for a restored
 * guest, whose rings and event channels are gone without a trace. Without any state the device was
 * taken away, unless the guest is in another domain now.
 */
static bool device_remade(const struct xensnd_card *card)
{
	unsigned int state = xensnd_node_state(card->xs, card->base);

	return state == XenbusStateUnknown ? xensnd_node_own_domid(card->xs) != card->domid
					   : state != XenbusStateConnected;
}

/* A backend that says Connected once more was restarted, and knows nothing of our rings. */
static void card_connected_step(
	struct xensnd_card *card, const struct changes *changes, unsigned int backend_state)
{
	bool suspicious = changes->own || backend_state != XenbusStateConnected;

	if (suspicious && device_remade(card)) {
		card->stale_channels = true;
		card_lost(card, "card %u was made anew: the guest was restored", card->number);
	} else if (backend_state != XenbusStateConnected) {
		card_lost(card, "card %u: the backend in domain %u has gone (%s)", card->number,
			card->backend_domid, xensnd_state_name(backend_state));
	} else if (changes->backend &&
		   xensnd_now_ns() >= card->connected_ns + SETTLE_MS * XENSND_NS_PER_MS) {
		card_lost(card, "card %u: the backend in domain %u was restarted", card->number,
			card->backend_domid);
	}
}

void xensnd_card_step(struct xensnd_card *card)
{
	unsigned int backend_state;
	struct changes changes;

	if (!card->xs)
		return;
	/*
	 * First the events, then the state: a change in between fires again. Also when none counts
	 * any more, or the descriptor stays readable and the caller's loop spins.
	 */
	changes = watches_drain(card);
	if (card->phase == XENSND_CARD_CLOSED || card->phase == XENSND_CARD_FAILED ||
		card->phase == XENSND_CARD_LOST)
		return;
	if (changes.own && card_remade(card)) {
		card->stale_channels = true;
		streams_unshare(card);
		card->stale_channels = false;
		card_seek(card);
	}
	backend_state = card->backend[0] != '\0' ? xensnd_node_state(card->xs, card->backend)
						 : XenbusStateUnknown;
	switch (card->phase) {
	case XENSND_CARD_WAITING:
		if (backend_state == XenbusStateInitWait)
			card_publish(card);
		break;
	case XENSND_CARD_PUBLISHED:
		card_published_step(card, backend_state);
		break;
	case XENSND_CARD_CONNECTED:
		card_connected_step(card, &changes, backend_state);
		break;
	case XENSND_CARD_CLOSING:
		if (backend_state != XenbusStateConnected && backend_state != XenbusStateClosing)
			card_closed(card);
		break;
	default:
		break;
	}
	if (xensnd_now_ns() >= card->deadline_ns)
		card_timed_out(card, backend_state);
	/* On the way back that may be for a moment only: too few pages, a device that is being
	 * removed. */
	if (card->phase == XENSND_CARD_FAILED && card->reconnecting) {
		streams_unshare(card);
		card_rest(card);
	}
}

void xensnd_card_close(struct xensnd_card *card)
{
	switch (card->phase) {
	case XENSND_CARD_SEEKING:
		/* Where there is no node any more, writing a state would make one. */
		if (xensnd_node_state(card->xs, card->base) != XenbusStateUnknown)
			card_closed(card);
		else
			phase_enter(card, XENSND_CARD_CLOSED, XENSND_NEVER);
		break;
	case XENSND_CARD_WAITING:
		card_closed(card);
		break;
	case XENSND_CARD_PUBLISHED:
	case XENSND_CARD_CONNECTED:
		if (own_state_write(card, XenbusStateClosing) == 0)
			phase_enter(card, XENSND_CARD_CLOSING, xensnd_deadline_ms(CLOSE_MS));
		xensnd_card_step(card);
		break;
	case XENSND_CARD_FAILED:
		/* After a loss the nodes still name pages that are about to be freed. */
		if (card->xs && card->streams)
			card_closed(card);
		break;
	default:
		break;
	}
}

int xensnd_card_fd(const struct xensnd_card *card)
{
	return card->xs ? xs_fileno(card->xs) : -1;
}

void xensnd_card_free(struct xensnd_card *card)
{
	streams_unshare(card);
	config_free(card);
	xensnd_grant_source_close(card->grant_source);
	if (card->xs)
		xs_close(card->xs);
	if (card->lock_fd >= 0)
		xensnd_card_unlock(card->lock_fd, card->number);
}

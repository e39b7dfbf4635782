/* SPDX-License-Identifier: MIT */
/* A guest's card. See guest_card.h. */
#include "guest_card.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire.h"
#include "protocol/xenstore_path.h"
#include "xenbus/node.h"

#include "card_config.h"
#include "card_state.h"
#include "log_limit.h"
#include "stream.h"

/* The toolstack writes rarely, so a transaction that meets it again and again is no accident. */
#define TRANSACTION_TRIES 100u

struct xensnd_guest_card {
	struct xensnd_card_host *host;
	struct xensnd_memory_limit *memory;
	uint32_t domid;
	uint32_t devid;
	char backend[XENSND_PATH_BYTES];
	char frontend[XENSND_PATH_BYTES];
	char token[32];
	char state_path[XENSND_PATH_BYTES]; /* of the frontend, watched */
	unsigned int ours;                  /* the state that we wrote last */
	unsigned int seen;                  /* the backend's state node as read last */
	enum xensnd_card_action releasing;  /* why streams were told to end; KEEP: were not */
	struct xensnd_stream **streams;
	unsigned int n_streams;
	struct xensnd_log_limit log_limit;
};

__attribute__((format(printf, 3, 4))) static void card_log(
	struct xensnd_guest_card *card, enum xensnd_log_level level, const char *format, ...)
{
	uint32_t swallowed;
	char text[384];
	va_list args;

	if (level > card->host->log->level ||
		!xensnd_log_allowed(&card->log_limit, xensnd_now_ns(), &swallowed))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (swallowed > 0)
		xensnd_log(card->host->log, XENSND_LOG_WARNING,
			"domain %u card %u: %u lines left out", card->domid, card->devid,
			swallowed);
	xensnd_log(card->host->log, level, "domain %u card %u: %s", card->domid, card->devid, text);
}

/* ---- nodes ---- */

static bool card_present(struct xensnd_guest_card *card, struct xensnd_card_view *view)
{
	uint32_t state = XenbusStateUnknown;
	int ret = xensnd_node_read_number(card->host->xs, XBT_NULL, card->backend,
		XENSND_NODE_STATE, 0, XenbusStateReconfigured, &state);

	card->seen = state;
	view->backend = state;
	view->present = ret != -ENOENT;
	return view->present;
}

static void card_view(struct xensnd_guest_card *card, struct xensnd_card_view *view)
{
	uint32_t online = 1;

	*view = (struct xensnd_card_view){ .ours = card->ours };
	if (!card_present(card, view))
		return;
	(void)xensnd_node_read_number(
		card->host->xs, XBT_NULL, card->backend, XENSND_NODE_ONLINE, 0, 1, &online);
	view->online = online != 0;
	view->frontend = xensnd_node_state(card->host->xs, card->frontend);
}

/* One try at writing the state. 1: done; 0: XenStore wants it done again. */
static int state_try(struct xensnd_guest_card *card, unsigned int state)
{
	struct xs_handle *xs = card->host->xs;
	xs_transaction_t transaction = xs_transaction_start(xs);
	uint32_t now = XenbusStateUnknown;
	int ret;

	if (transaction == XBT_NULL)
		return errno > 0 ? -errno : -EIO;
	ret = xensnd_node_read_number(xs, transaction, card->backend, XENSND_NODE_STATE, 0,
		XenbusStateReconfigured, &now);
	if (ret == -EINVAL)
		ret = 0;
	if (ret == 0 && now != card->seen)
		ret = -ESTALE;
	if (ret == 0)
		ret = xensnd_node_write(
			xs, transaction, card->backend, XENSND_NODE_STATE, "%u", state);
	if (!xs_transaction_end(xs, transaction, ret < 0) && ret == 0)
		ret = errno == EAGAIN ? -EAGAIN : -EIO;
	if (ret == -EAGAIN)
		return 0;
	return ret < 0 ? ret : 1;
}

/*
 * Writes the backend's state, unless the folder has gone, which a write would bring back (-ENOENT),
 * or somebody else has written since it was read (-ESTALE): then there is something new to decide.
 */
static int state_write(struct xensnd_guest_card *card, unsigned int state)
{
	int ret = 0;

	for (unsigned int tries = 0; ret == 0 && tries < TRANSACTION_TRIES; tries++)
		ret = state_try(card, state);
	if (ret <= 0)
		return ret < 0 ? ret : -EAGAIN;
	xensnd_log(card->host->log, XENSND_LOG_DEBUG, "domain %u card %u: %s -> %s", card->domid,
		card->devid, xensnd_state_name(card->ours), xensnd_state_name(state));
	card->ours = state;
	card->seen = state;
	return 0;
}

/* ---- connecting ---- */

static int device_choose(struct xensnd_guest_card *card,
	const struct xensnd_stream_identity *identity, const char *unique_id,
	struct xensnd_device_spec *spec)
{
	const struct xensnd_options *options = card->host->options;
	struct xensnd_device_spec file;
	int ret;

	for (unsigned int i = 0; i < options->n_rules; i++) {
		if (!xensnd_device_rule_matches(&options->rules[i], identity))
			continue;
		*spec = options->rules[i].spec;
		return 0;
	}
	ret = xensnd_device_spec_parse(unique_id, spec);
	if (ret == -ENOENT) {
		*spec = identity->capture ? options->default_input : options->default_output;
		return 0;
	}
	if (ret == 0)
		ret = xensnd_device_spec_restrict(spec, options->wav_dir);
	if (ret == 0 && spec->kind == XENSND_DEVICE_WAV) {
		file = *spec;
		if ((size_t)snprintf(spec->name, sizeof(spec->name), "%s/%s", options->wav_dir,
			    file.name) >= sizeof(spec->name))
			ret = -ENAMETOOLONG;
	}
	if (ret < 0)
		card_log(card, XENSND_LOG_ERROR,
			"stream %u/%u: its unique-id names a device that a configuration may not "
			"choose (%s); "
			"use --%s, see xensnd-backend(8)",
			identity->device, identity->stream, strerror(-ret),
			identity->capture ? "input" : "output");
	return ret;
}

static int number_read(struct xensnd_guest_card *card, const struct xensnd_stream_config *config,
	const char *node, uint32_t *number)
{
	char path[XENSND_PATH_BYTES];
	int ret = xensnd_path_stream_node(path, sizeof(path), config->device, config->index, node);

	if (ret == 0)
		ret = xensnd_node_read_number(
			card->host->xs, XBT_NULL, card->frontend, path, 1, UINT32_MAX, number);
	if (ret < 0)
		card_log(card, XENSND_LOG_ERROR, "frontend's node %s: %s", path, strerror(-ret));
	return ret;
}

static int stream_connect(struct xensnd_guest_card *card, const char *domain_name,
	const struct xensnd_stream_config *config)
{
	const struct xensnd_stream_identity identity = { .domid = card->domid,
		.domain_name = domain_name,
		.card = card->devid,
		.device = config->device,
		.stream = config->index,
		.capture = config->capture };
	struct xensnd_stream_setup setup = { .domid = card->domid,
		.card = card->devid,
		.config = *config,
		.memory = card->memory,
		.host = &card->host->devices,
		.ended_fd = card->host->ended_fd };
	int ret = device_choose(card, &identity, config->unique_id, &setup.device);

	if (ret == 0)
		ret = number_read(card, config, XENSND_FIELD_RING_REF, &setup.ring_ref);
	if (ret == 0)
		ret = number_read(card, config, XENSND_FIELD_EVT_CHNL, &setup.ring_port);
	if (ret == 0)
		ret = number_read(card, config, XENSND_FIELD_EVT_RING_REF, &setup.event_ref);
	if (ret == 0)
		ret = number_read(card, config, XENSND_FIELD_EVT_EVT_CHNL, &setup.event_port);
	if (ret < 0)
		return ret;
	ret = xensnd_stream_start(&card->streams[card->n_streams], &setup);
	if (ret < 0) {
		card_log(card, XENSND_LOG_ERROR, "stream %u/%u: can not take up its rings: %s",
			config->device, config->index, strerror(-ret));
		return ret;
	}
	card->n_streams++;
	return 0;
}

/* The name that the toolstack gave the domain, to be freed, or NULL. */
static char *domain_name_read(struct xensnd_guest_card *card)
{
	char *path = xs_get_domain_path(card->host->xs, card->domid);
	char *name = path ? xensnd_node_read(card->host->xs, XBT_NULL, path, "name") : NULL;

	free(path);
	return name;
}

static int config_take(struct xensnd_guest_card *card, struct xensnd_card_config *config)
{
	int ret = xensnd_card_config_take(card->host->xs, card->backend, card->frontend, config);

	if (ret < 0)
		card_log(card, XENSND_LOG_ERROR, "%s",
			config->error[0] ? config->error : strerror(-ret));
	return ret;
}

static int card_connect(struct xensnd_guest_card *card)
{
	struct xensnd_card_config *config = calloc(1, sizeof(*config));
	char *domain_name = NULL;
	int ret = config ? config_take(card, config) : -ENOMEM;

	if (ret == 0) {
		domain_name = domain_name_read(card);
		card->streams = calloc(config->n_streams, sizeof(*card->streams));
		if (!card->streams)
			ret = -ENOMEM;
	}
	for (unsigned int i = 0; ret == 0 && i < config->n_streams; i++)
		ret = stream_connect(card, domain_name, &config->streams[i]);
	free(domain_name);
	free(config);
	return ret;
}

/* ---- letting go ---- */

static void card_release(struct xensnd_guest_card *card, enum xensnd_card_action why)
{
	card->releasing = why;
	for (unsigned int i = 0; i < card->n_streams; i++)
		xensnd_stream_stop(card->streams[i]);
}

static bool streams_broken(const struct xensnd_guest_card *card)
{
	for (unsigned int i = 0; i < card->n_streams; i++)
		if (xensnd_stream_ended(card->streams[i]) == XENSND_STREAM_BROKEN)
			return true;
	return false;
}

/* Frees the streams if all of their threads have ended. */
static bool streams_free(struct xensnd_guest_card *card)
{
	for (unsigned int i = 0; i < card->n_streams; i++)
		if (xensnd_stream_ended(card->streams[i]) == XENSND_STREAM_RUNS)
			return false;
	for (unsigned int i = 0; i < card->n_streams; i++)
		xensnd_stream_free(card->streams[i]);
	free(card->streams);
	card->streams = NULL;
	card->n_streams = 0;
	return true;
}

static void card_close(struct xensnd_guest_card *card)
{
	(void)state_write(card, XenbusStateClosing);
	card_release(card, XENSND_CARD_CLOSE);
}

/* Goes on with a release. True: it is complete. */
static bool release_advance(struct xensnd_guest_card *card)
{
	struct xensnd_card_view view;
	enum xensnd_card_action why = card->releasing;
	bool was_connected = card->n_streams > 0;

	if (!streams_free(card))
		return false;
	card->releasing = XENSND_CARD_KEEP;
	if (was_connected)
		card_log(card, XENSND_LOG_INFO, "disconnected");
	if (why == XENSND_CARD_FORGET || !card_present(card, &view))
		return true;
	/* A toolstack that has written Closing meanwhile waits for Closed. */
	if (why == XENSND_CARD_RELEASE && view.backend == card->ours)
		(void)state_write(card, XenbusStateInitWait);
	else
		(void)state_write(card, XenbusStateClosed);
	return true;
}

/* ---- the state machine ---- */

static void card_wait(struct xensnd_guest_card *card)
{
	struct xensnd_card_config *config = calloc(1, sizeof(*config));

	/* Also with a configuration that is of no use: the domain shall start; connecting will then
	 * fail. */
	if (config)
		(void)config_take(card, config);
	free(config);
	(void)state_write(card, XenbusStateInitWait);
}

static void card_try_connect(struct xensnd_guest_card *card)
{
	if (card_connect(card) == 0) {
		unsigned int n = card->n_streams;

		if (state_write(card, XenbusStateConnected) == 0)
			card_log(card, XENSND_LOG_INFO, "connected, %u stream%s", n,
				n == 1 ? "" : "s");
		return;
	}
	card_close(card);
}

static void card_act(struct xensnd_guest_card *card, enum xensnd_card_action action)
{
	switch (action) {
	case XENSND_CARD_WAIT:
		card_wait(card);
		break;
	case XENSND_CARD_CONNECT:
		card_try_connect(card);
		break;
	case XENSND_CARD_CLOSE:
		card_close(card);
		break;
	case XENSND_CARD_RELEASE:
	case XENSND_CARD_FORGET:
		card_release(card, action);
		break;
	case XENSND_CARD_KEEP:
		break;
	}
}

bool xensnd_guest_card_update(struct xensnd_guest_card *card)
{
	/* One action may call for the next; a state that somebody else changes meanwhile fires the
	 * watch again. */
	for (unsigned int steps = 0; steps < 8; steps++) {
		enum xensnd_card_action action;
		struct xensnd_card_view view;

		card_view(card, &view);
		if (card->releasing != XENSND_CARD_KEEP) {
			if (!view.present)
				card->releasing = XENSND_CARD_FORGET;
			action = card->releasing;
			if (!release_advance(card))
				return false;
			if (action == XENSND_CARD_FORGET)
				return true;
			continue;
		}
		action = xensnd_card_decide(&view);
		if (action != XENSND_CARD_FORGET && streams_broken(card))
			action = XENSND_CARD_CLOSE;
		if (action == XENSND_CARD_KEEP)
			return false;
		card_act(card, action);
	}
	return false;
}

bool xensnd_guest_card_shutdown(struct xensnd_guest_card *card)
{
	struct xensnd_card_view view;

	if (card->releasing == XENSND_CARD_KEEP) {
		if (card->ours == XenbusStateClosed || card->ours == XenbusStateUnknown)
			return true;
		if (card_present(card, &view))
			card_close(card);
		else
			card_release(card, XENSND_CARD_FORGET);
	}
	return release_advance(card);
}

void xensnd_guest_card_abandon(struct xensnd_guest_card *card)
{
	struct xensnd_card_view view;

	card_log(card, XENSND_LOG_WARNING, "a device does not let go in time");
	if (card_present(card, &view))
		(void)state_write(card, XenbusStateClosed);
}

/* ---- beginning and end ---- */

/* The folder's own claims: whose frontend it is, and where. */
static int frontend_read(struct xensnd_guest_card *card)
{
	struct xs_handle *xs = card->host->xs;
	char prefix[64];
	uint32_t domid;
	char *path;
	int ret;

	ret = xensnd_node_read_number(
		xs, XBT_NULL, card->backend, XENSND_NODE_FRONTEND_ID, 0, UINT16_MAX, &domid);
	if (ret < 0)
		return ret;
	path = xensnd_node_read(xs, XBT_NULL, card->backend, XENSND_NODE_FRONTEND);
	if (!path)
		return errno > 0 ? -errno : -EIO;
	snprintf(prefix, sizeof(prefix), "/local/domain/%u/", card->domid);
	if (domid != card->domid || strncmp(path, prefix, strlen(prefix)) != 0 ||
		strlen(path) > XENSND_PATH_BYTES - 60) {
		card_log(card, XENSND_LOG_ERROR,
			"frontend and frontend-id of %s are not of domain %u", card->backend,
			card->domid);
		ret = -EINVAL;
	} else {
		snprintf(card->frontend, sizeof(card->frontend), "%s", path);
	}
	free(path);
	return ret;
}

int xensnd_guest_card_new(struct xensnd_guest_card **card, struct xensnd_card_host *host,
	uint32_t domid, uint32_t devid, struct xensnd_memory_limit *memory)
{
	struct xensnd_guest_card *new = calloc(1, sizeof(*new));
	struct xensnd_card_view view;
	int ret;

	if (!new)
		return -ENOMEM;
	*new = (struct xensnd_guest_card){
		.host = host, .memory = memory, .domid = domid, .devid = devid
	};
	snprintf(new->backend, sizeof(new->backend), XENSND_PATH_BACKEND_GUESTS "/%u/%u", domid,
		devid);
	snprintf(new->token, sizeof(new->token), XENSND_CARD_TOKEN, domid, devid);
	ret = card_present(new, &view) ? frontend_read(new) : -ENOENT;
	if (ret == 0)
		ret = xensnd_path_below(
			new->state_path, sizeof(new->state_path), new->frontend, XENSND_NODE_STATE);
	if (ret == 0 && !xs_watch(host->xs, new->state_path, new->token))
		ret = errno > 0 ? -errno : -EIO;
	if (ret < 0) {
		free(new);
		return ret;
	}
	*card = new;
	return 0;
}

void xensnd_guest_card_free(struct xensnd_guest_card *card)
{
	xs_unwatch(card->host->xs, card->state_path, card->token);
	free(card);
}

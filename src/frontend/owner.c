/* SPDX-License-Identifier: MIT */
/* The owner's loop. See owner.h. */
#include "owner.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "protocol/page_directory.h"

/* More connections than streams can exist is somebody's mistake. */
#define MAX_CLIENTS 64u
#define NO_STREAM (-1)

struct xensnd_owner_client {
	struct xensnd_owner_client *next;
	int fd;
	int stream;    /* index in the card's streams, or NO_STREAM */
	bool claiming; /* has asked for a stream and waits for the card */
	struct xensnd_link_claim claim;
	struct xensnd_grant_pages buffer; /* directory pages, then data pages */
	/* After a loss, until the client has let go of them. */
	struct xensnd_grant_pages old_rings;
	struct xensnd_channel old_channel;
	bool old_stale; /* the channel must not be closed */
	bool away;      /* its stream was lost: it is granted again when the backend is back */
	bool unused;    /* granted again, and nothing was sent on the new rings yet */
	bool gone;
};

static void client_send(struct xensnd_owner_client *client,
	const struct xensnd_link_message *message, const int *fds, unsigned int n_fds)
{
	/* A client that does not read its few messages is broken. */
	if (xensnd_link_send(client->fd, message, fds, n_fds) < 0)
		client->gone = true;
}

__attribute__((format(printf, 3, 4))) static void claim_refuse(
	struct xensnd_owner_client *client, int error, const char *format, ...)
{
	struct xensnd_link_message message = { .type = XENSND_LINK_STREAM };
	va_list args;

	message.u.stream.error = error;
	va_start(args, format);
	vsnprintf(message.u.stream.text, sizeof(message.u.stream.text), format, args);
	va_end(args);
	client->claiming = false;
	client->away = false;
	client_send(client, &message, NULL, 0);
}

static void claim_grant(struct xensnd_owner *owner, struct xensnd_owner_client *client, int index)
{
	struct xensnd_card_stream *stream = &owner->card.streams[index];
	const struct xensnd_card_config *config = owner->card.config;
	struct xensnd_link_message message = { .type = XENSND_LINK_STREAM };
	struct xensnd_link_stream *grant = &message.u.stream;
	int fd = xensnd_channel_fd(&stream->channel);

	grant->backend_domid = owner->card.backend_domid;
	grant->ring_port = stream->channel.ring_port;
	grant->event_port = stream->channel.event_port;
	grant->rings = stream->state;
	grant->pages.address = (uint64_t)(uintptr_t)stream->rings.address;
	grant->pages.n_pages = stream->rings.n_pages;
	grant->config = config->streams[index];
	memcpy(grant->card_name, config->long_name, sizeof(grant->card_name));
	if (grant->card_name[0] == '\0')
		memcpy(grant->card_name, config->short_name, sizeof(config->short_name));
	memcpy(grant->device_name, config->devices[grant->config.device].name,
		sizeof(grant->device_name));
	client->claiming = false;
	client->unused = client->away;
	client->away = false;
	client->stream = index;
	stream->claimed = true;
	client_send(client, &message, &fd, 1);
}

/* Answers a claim once the card is connected or has failed. */
static void claim_answer(struct xensnd_owner *owner, struct xensnd_owner_client *client)
{
	const struct xensnd_card *card = &owner->card;
	const struct xensnd_link_claim *claim = &client->claim;
	const struct xensnd_stream_config *found;
	int index;

	if (card->phase == XENSND_CARD_FAILED) {
		claim_refuse(client, card->error, "%s", card->error_text);
		return;
	}
	if (card->phase != XENSND_CARD_CONNECTED)
		return;
	found = xensnd_config_find(card->config, claim->device, claim->capture);
	if (!found) {
		claim_refuse(client, -ENOENT,
			"card %u has no %s stream on device %u (it has %u device%s)", card->number,
			claim->capture ? "capture" : "playback", claim->device,
			card->config->n_devices, card->config->n_devices == 1 ? "" : "s");
		return;
	}
	index = (int)(found - card->config->streams);
	if (card->streams[index].claimed)
		claim_refuse(client, -EBUSY, "device %u of card %u is already playing or recording",
			claim->device, card->number);
	else if (card->streams[index].dirty)
		claim_refuse(client, -EBUSY,
			"device %u of card %u was left in mid-request: close the card's other "
			"streams",
			claim->device, card->number);
	else
		claim_grant(owner, client, index);
}

static void buffer_free(struct xensnd_owner *owner, struct xensnd_owner_client *client)
{
	xensnd_grant_pages_free(&client->buffer, owner->card.grant_source);
}

/* Directory and data pages in one allocation: they live and die together. */
static int buffer_alloc(struct xensnd_owner *owner, struct xensnd_owner_client *client,
	uint32_t buffer_bytes, struct xensnd_link_buffer *reply)
{
	unsigned int n_data = xensnd_buffer_pages(buffer_bytes);
	unsigned int n_directory = xensnd_directory_pages(n_data);
	struct xensnd_grant_pages *buffer = &client->buffer;
	int ret;

	if (owner->card.phase != XENSND_CARD_CONNECTED || client->stream == NO_STREAM)
		return -ENODEV;
	if (buffer->address)
		return -EBUSY;
	if (buffer_bytes == 0 ||
		buffer_bytes > owner->card.config->streams[client->stream].params.buffer_bytes_max)
		return -EINVAL;
	ret = xensnd_grant_pages_alloc(
		buffer, owner->card.grant_source, owner->card.backend_domid, n_directory + n_data);
	if (ret < 0)
		return ret;
	xensnd_directory_fill(
		buffer->address, buffer->grefs, n_directory, buffer->grefs + n_directory, n_data);
	reply->directory = buffer->grefs[0];
	reply->pages.address =
		(uint64_t)(uintptr_t)buffer->address + (uint64_t)n_directory * XENSND_PAGE_BYTES;
	reply->pages.n_pages = n_data;
	return 0;
}

static void client_allocate(struct xensnd_owner *owner, struct xensnd_owner_client *client,
	const struct xensnd_link_allocate *allocate)
{
	struct xensnd_link_message message = { .type = XENSND_LINK_BUFFER };
	struct xensnd_link_buffer *reply = &message.u.buffer;

	reply->error = buffer_alloc(owner, client, allocate->buffer_bytes, reply);
	if (reply->error == -ENOSPC)
		snprintf(reply->text, sizeof(reply->text),
			"no more pages to share: raise /sys/module/xen_gntalloc/parameters/limit");
	else if (reply->error < 0)
		snprintf(reply->text, sizeof(reply->text),
			"a buffer of %u bytes can not be shared: %s", allocate->buffer_bytes,
			strerror(-reply->error));
	client_send(client, &message, NULL, 0);
}

static void old_rings_free(struct xensnd_owner *owner, struct xensnd_owner_client *client)
{
	if (!client->old_rings.address)
		return;
	xensnd_card_rings_free(
		&owner->card, &client->old_rings, &client->old_channel, client->old_stale);
}

static void client_leave(struct xensnd_owner *owner, struct xensnd_owner_client *client,
	const struct xensnd_ring_state *state)
{
	if (client->stream == NO_STREAM)
		return;
	owner->card.streams[client->stream].state = *state;
	owner->card.streams[client->stream].claimed = false;
	client->stream = NO_STREAM;
	client->gone = true;
}

static void client_message(struct xensnd_owner *owner, struct xensnd_owner_client *client)
{
	struct xensnd_link_message message;
	int fds[XENSND_LINK_MAX_FDS];
	int ret = xensnd_link_receive(client->fd, &message, fds);

	if (ret == -EAGAIN)
		return;
	for (unsigned int i = 0; i < XENSND_LINK_MAX_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (ret < 0) {
		client->gone = true;
		return;
	}
	switch (message.type) {
	case XENSND_LINK_CLAIM:
		if (message.u.claim.version != XENSND_LINK_VERSION || client->stream != NO_STREAM) {
			claim_refuse(client, -EPROTO, "plugin and owner are of different versions");
			return;
		}
		client->claim = message.u.claim;
		client->claiming = true;
		break;
	case XENSND_LINK_ALLOCATE:
		client->unused = false;
		client_allocate(owner, client, &message.u.allocate);
		break;
	case XENSND_LINK_RELEASE:
		buffer_free(owner, client);
		break;
	case XENSND_LINK_LET_GO:
		old_rings_free(owner, client);
		break;
	case XENSND_LINK_STUCK:
		if (client->stream != NO_STREAM)
			xensnd_card_lose(&owner->card, "the backend does not answer");
		break;
	case XENSND_LINK_LEAVE:
		client_leave(owner, client, &message.u.leave);
		break;
	default:
		client->gone = true;
	}
}

int xensnd_owner_add(struct xensnd_owner *owner, int fd)
{
	struct xensnd_owner_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->fd = fd;
	client->stream = NO_STREAM;
	client->next = owner->clients;
	owner->clients = client;
	owner->n_clients++;
	return 0;
}

static void client_accept(struct xensnd_owner *owner)
{
	int fd = accept4(owner->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (owner->n_clients >= MAX_CLIENTS || !owner->admit(owner, fd) ||
		xensnd_owner_add(owner, fd) < 0)
		close(fd);
}

/*
 * A client that went without leaving may have requests under way that nobody will take the answers
 * of.
 */
static void client_free(struct xensnd_owner *owner, struct xensnd_owner_client *client)
{
	if (client->stream != NO_STREAM) {
		owner->card.streams[client->stream].claimed = false;
		owner->card.streams[client->stream].dirty = !client->unused;
	}
	old_rings_free(owner, client);
	buffer_free(owner, client);
	close(client->fd);
	free(client);
	owner->n_clients--;
}

static void clients_sweep(struct xensnd_owner *owner, bool all)
{
	struct xensnd_owner_client **link = &owner->clients;

	while (*link) {
		struct xensnd_owner_client *client = *link;

		if (!all && !client->gone) {
			link = &client->next;
			continue;
		}
		*link = client->next;
		client_free(owner, client);
	}
}

/* Takes a client's rings out of the card, for as long as the client may touch them. */
static void client_lose(struct xensnd_owner *owner, struct xensnd_owner_client *client,
	const struct xensnd_link_message *message)
{
	struct xensnd_card_stream *stream = &owner->card.streams[client->stream];

	/* Those of the loss before were let go of, or there would have been no stream since. */
	old_rings_free(owner, client);
	client->old_rings = stream->rings;
	client->old_channel = stream->channel;
	client->old_stale = owner->card.stale_channels;
	stream->rings = (struct xensnd_grant_pages){ .address = NULL };
	stream->channel = (struct xensnd_channel){ .handle = NULL };
	stream->claimed = false;
	client->stream = NO_STREAM;
	client->away = true;
	client_send(client, message, NULL, 0);
}

/* The backend has gone: every stream is told, and is granted again when there is one. */
static void card_lost(struct xensnd_owner *owner)
{
	struct xensnd_link_message message = { .type = XENSND_LINK_LOST };

	snprintf(message.u.lost.text, sizeof(message.u.lost.text), "%s", owner->card.error_text);
	for (struct xensnd_owner_client *client = owner->clients; client; client = client->next)
		if (client->stream != NO_STREAM)
			client_lose(owner, client, &message);
	xensnd_card_reconnect(&owner->card);
}

static void card_step(struct xensnd_owner *owner)
{
	xensnd_card_step(&owner->card);
	if (owner->card.phase == XENSND_CARD_LOST)
		card_lost(owner);
}

/*
 * After a failed poll(), as in a program that is short of memory or of descriptors. The streams use
 * pages that end with the loop, so it has to go on: by looking everywhere, which never waits.
 */
static void poll_all_ready(struct pollfd *pfds, unsigned int n)
{
	const struct timespec pause = { .tv_nsec = 10 * XENSND_NS_PER_MS };

	nanosleep(&pause, NULL);
	for (unsigned int i = 0; i < n; i++)
		pfds[i].revents = POLLIN;
}

enum { POLL_QUIT, POLL_CARD, POLL_LISTEN, POLL_CLIENTS };

/* Sleeps until something happens and serves it. False: it is time to quit. */
static bool owner_turn(struct xensnd_owner *owner)
{
	struct pollfd pfds[POLL_CLIENTS + MAX_CLIENTS] = {
		[POLL_QUIT] = { .fd = owner->quit_fd, .events = POLLIN },
		[POLL_CARD] = { .fd = xensnd_card_fd(&owner->card), .events = POLLIN },
		[POLL_LISTEN] = { .fd = owner->listen_fd, .events = POLLIN },
	};
	struct xensnd_owner_client *client;
	unsigned int n = POLL_CLIENTS;
	uint64_t count;

	for (client = owner->clients; client; client = client->next)
		pfds[n++] = (struct pollfd){ .fd = client->fd, .events = POLLIN };
	if (poll(pfds, n, xensnd_poll_ms(owner->card.deadline_ns)) < 0)
		poll_all_ready(pfds, n);
	if (pfds[POLL_QUIT].revents && read(owner->quit_fd, &count, sizeof(count)) > 0)
		return false;
	card_step(owner);
	n = POLL_CLIENTS;
	for (client = owner->clients; client; client = client->next)
		if (pfds[n++].revents)
			client_message(owner, client);
	/* One of them may have found that the backend is stuck. */
	if (owner->card.phase == XENSND_CARD_LOST)
		card_lost(owner);
	for (client = owner->clients; client; client = client->next)
		if (client->claiming || client->away)
			claim_answer(owner, client);
	clients_sweep(owner, false);
	if (pfds[POLL_LISTEN].revents)
		client_accept(owner);
	return true;
}

static void card_release(struct xensnd_owner *owner)
{
	struct xensnd_card *card = &owner->card;

	xensnd_card_close(card);
	while (card->phase == XENSND_CARD_CLOSING) {
		struct pollfd pfd = { .fd = xensnd_card_fd(card), .events = POLLIN };

		if (poll(&pfd, 1, xensnd_poll_ms(card->deadline_ns)) < 0 && errno != EINTR)
			break;
		xensnd_card_step(card);
	}
	xensnd_card_free(card);
}

void xensnd_owner_run(struct xensnd_owner *owner)
{
	xensnd_card_take(&owner->card, owner->number, &owner->log);
	while (owner_turn(owner))
		;
	/* From here on a new client must make an owner of its own. */
	if (owner->listen_fd >= 0)
		shutdown(owner->listen_fd, SHUT_RDWR);
	clients_sweep(owner, true);
	card_release(owner);
}

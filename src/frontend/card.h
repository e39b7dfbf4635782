/* SPDX-License-Identifier: MIT */
/*
 * A card as its one owner holds it: XenStore nodes, the XenBus state machine, and for every stream
 * of the card its rings, event channels and, once, its claim.
 *
 * Apart from the owner's loop because this is the protocol of sndif.h's state diagram and knows
 * nothing of clients and sockets. All streams are set up together, since the backend connects all
 * of them at once.
 *
 * Belongs to one thread. Nothing waits here: the caller polls xensnd_card_fd() and the deadline and
 * calls xensnd_card_step().
 */
#ifndef XENSND_FRONTEND_CARD_H
#define XENSND_FRONTEND_CARD_H

#include <stdbool.h>
#include <stdint.h>
#include <xenstore.h>

#include "channel.h"
#include "common/log.h"
#include "grant_pages.h"
#include "link.h"
#include "protocol/config.h"
#include "protocol/xenstore_path.h"

enum xensnd_card_phase {
	XENSND_CARD_WAITING,   /* own state 1, until the backend is in InitWait */
	XENSND_CARD_PUBLISHED, /* own state 3, until the backend is Connected */
	XENSND_CARD_CONNECTED,
	XENSND_CARD_LOST,    /* the backend has gone: the caller takes the rings, and reconnects */
	XENSND_CARD_SEEKING, /* reconnecting: until the toolstack's nodes name a backend */
	XENSND_CARD_CLOSING, /* own state 5, until the backend has unmapped everything */
	XENSND_CARD_CLOSED,  /* nothing is shared any more; final */
	XENSND_CARD_FAILED,  /* error and error_text say why */
};

struct xensnd_card_stream {
	struct xensnd_grant_pages rings; /* the ring's page, then the event page */
	struct xensnd_channel channel;
	struct xensnd_ring_state state; /* where the last user left the rings */
	bool claimed;
	bool dirty; /* a user went away without leaving: only a new connection cleans that up */
};

struct xensnd_card {
	unsigned int number;
	const struct xensnd_log *log;
	enum xensnd_card_phase phase;
	int error;                   /* negative errno, when FAILED or LOST */
	char error_text[256];        /* for people: what is wrong and how to mend it */
	bool reconnecting;           /* from the first loss on: nothing is final any more */
	bool stale_channels;         /* LOST by a restore: the event channels must not be closed */
	int64_t connected_ns;        /* since when */
	int64_t deadline_ns;         /* of the phase */
	int64_t connect_deadline_ns; /* of the whole handshake */
	bool retried;                /* a dying predecessor may disturb the first try */

	int lock_fd;
	struct xs_handle *xs;
	xengntshr_handle *grant_source;
	char base[XENSND_PATH_BYTES];    /* of the frontend's nodes */
	char backend[XENSND_PATH_BYTES]; /* of the backend's nodes */
	uint32_t backend_domid;
	uint32_t domid; /* this guest's, when it connected */
	struct xensnd_card_config *config;
	struct xensnd_card_stream *streams; /* config->n_streams */
};

/*
 * Takes a card: locks it, opens XenStore and the nodes, reads its configuration and begins to
 * connect. The phase is FAILED when that is not possible. *card must stay where it is until
 * xensnd_card_free().
 */
void xensnd_card_take(struct xensnd_card *card, unsigned int number, const struct xensnd_log *log);

/* XenStore's descriptor, to be polled for POLLIN, or -1. */
int xensnd_card_fd(const struct xensnd_card *card);

/* Looks at what XenStore has to say and at the clock, and goes on. */
void xensnd_card_step(struct xensnd_card *card);

/*
 * LOST: begins to connect again, to whatever backend the nodes name by now. The caller has taken
 * the rings and channels that are still in use out of the streams.
 */
void xensnd_card_reconnect(struct xensnd_card *card);

/* CONNECTED: the backend is there and does not answer, so the connection is given up. */
void xensnd_card_lose(struct xensnd_card *card, const char *why);

/* Frees rings that were taken out of a stream; stale: as stale_channels was. */
void xensnd_card_rings_free(struct xensnd_card *card, struct xensnd_grant_pages *rings,
	struct xensnd_channel *channel, bool stale);

/* Begins to close. The streams' pages must not be touched any more. Ends in CLOSED or FAILED. */
void xensnd_card_close(struct xensnd_card *card);

/* Frees all that the card holds, in whatever phase it is. */
void xensnd_card_free(struct xensnd_card *card);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * One card of one guest: its XenBus states and its streams.
 *
 * Apart from the backend, which finds cards and tells them when something changed. A card never
 * waits: letting go of its streams takes as long as their threads take, and everything else goes on
 * meanwhile.
 *
 * All functions belong to the main thread.
 */
#ifndef XENSND_BACKEND_GUEST_CARD_H
#define XENSND_BACKEND_GUEST_CARD_H

#include <stdbool.h>
#include <stdint.h>
#include <xenstore.h>

#include "memory_limit.h"
#include "options.h"
#include "device.h"

/* What all cards share. */
struct xensnd_card_host {
	struct xs_handle *xs;
	const struct xensnd_log *log;
	const struct xensnd_options *options;
	struct xensnd_device_host devices;
	int ended_fd; /* an eventfd that streams' threads signal when they end */
};

struct xensnd_guest_card;

/*
 * Takes up a card whose nodes are in backend/vsnd/<domid>/<devid>, and watches its frontend. memory
 * is the guest's and outlives the card. 0; -ENOENT: the nodes are not complete yet; -EINVAL: they
 * contradict each other (logged); another negative errno.
 */
int xensnd_guest_card_new(struct xensnd_guest_card **card, struct xensnd_card_host *host,
	uint32_t domid, uint32_t devid, struct xensnd_memory_limit *memory);

/* The token of its watch on the frontend's state is "f<domid>/<devid>". */
#define XENSND_CARD_TOKEN "f%u/%u"

/*
 * Looks at the nodes and the streams' threads, and does what follows. True: the card is gone from
 * XenStore and has let go of everything, so free it.
 */
bool xensnd_guest_card_update(struct xensnd_guest_card *card);

/* Closes the card for good: the daemon ends. True when it has; call again when a thread has ended.
 */
bool xensnd_guest_card_shutdown(struct xensnd_guest_card *card);

/* Says Closed for a card whose threads do not end in time. */
void xensnd_guest_card_abandon(struct xensnd_guest_card *card);

/* Frees a card without streams and its watch. */
void xensnd_guest_card_free(struct xensnd_guest_card *card);

#endif

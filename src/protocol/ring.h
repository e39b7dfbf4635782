/* SPDX-License-Identifier: MIT */
/*
 * The request/response ring of one stream: one shared page, one object for each end.
 *
 * Apart from the event page because the rules differ: this ring has notification thresholds and
 * carries both directions in the same slots. No I/O here: the caller maps the page and owns the
 * event channel.
 *
 * Both ends keep their indices private and only publish them; the peer's producer index is read
 * once, checked against the ring's size and then used. Rules: xen/io/ring.h (notification) and the
 * hardening that blkfront and netfront got after XSA-376.
 *
 * One thread at a time may use an object.
 */
#ifndef XENSND_PROTOCOL_RING_H
#define XENSND_PROTOCOL_RING_H

#include <stdbool.h>

#include "wire.h"

/* The frontend's end. */
struct xensnd_front_ring {
	struct xen_sndif_sring *shared;
	uint32_t req_prod;   /* next request to put; published by push */
	uint32_t req_pushed; /* what the backend has been shown */
	uint32_t rsp_cons;   /* next response to take */
	bool broken;         /* the backend broke a rule; nothing works any more */
};

/* The backend's end. */
struct xensnd_back_ring {
	struct xen_sndif_sring *shared;
	uint32_t rsp_prod;   /* next response to put; published by push */
	uint32_t rsp_pushed; /* what the frontend has been shown */
	uint32_t req_cons;   /* next request to take */
	bool broken;         /* the frontend broke a rule; nothing works any more */
};

/*
 * Initialises a page of XENSND_PAGE_BYTES (all of it zeroed first) as an empty ring, before it is
 * granted or published. The page stays the caller's.
 */
void xensnd_front_ring_init(struct xensnd_front_ring *ring, void *page);

/*
 * Takes up a ring in use, whose last user left it idle (every request answered) at index req_prod.
 * Nothing in the page is touched.
 */
void xensnd_front_ring_attach(struct xensnd_front_ring *ring, void *page, uint32_t req_prod);

/* How many requests may be put now. A slot is busy from put until its response was taken. */
unsigned int xensnd_front_ring_space(const struct xensnd_front_ring *ring);

/*
 * Puts a request in the next slot, not yet visible to the backend. 0; -EAGAIN when there is no
 * slot, -EPROTO when the ring is broken.
 */
int xensnd_front_ring_put(struct xensnd_front_ring *ring, const struct xensnd_req *req);

/* Shows the backend all requests that were put. True: the backend asked to be notified. */
bool xensnd_front_ring_push(struct xensnd_front_ring *ring);

/*
 * Takes one response. 1: *rsp is a private copy; 0: there is none; -EPROTO: the backend's
 * index is impossible (more responses than requests), the ring is broken from now on.
 */
int xensnd_front_ring_get(struct xensnd_front_ring *ring, struct xensnd_resp *rsp);

/*
 * Asks to be notified of the next response. True: one has come meanwhile, take it first (the
 * notification may not come). Call when get has returned 0, before sleeping.
 */
bool xensnd_front_ring_arm(struct xensnd_front_ring *ring);

/*
 * Takes up a mapped ring from its first slot, as a fresh connection does. The page stays the
 * caller's.
 */
void xensnd_back_ring_init(struct xensnd_back_ring *ring, void *page);

/* Takes one request, as xensnd_front_ring_get() does a response. */
int xensnd_back_ring_get(struct xensnd_back_ring *ring, struct xensnd_req *req);

/* As xensnd_front_ring_arm(), for requests. */
bool xensnd_back_ring_arm(struct xensnd_back_ring *ring);

/*
 * Puts a response, not yet visible. Never more of them than requests were taken: -EPROTO
 * otherwise, which is a mistake of the caller. The slot is free by then, so it can not be full.
 */
int xensnd_back_ring_put(struct xensnd_back_ring *ring, const struct xensnd_resp *rsp);

/* Shows the frontend all responses that were put. True: it asked to be notified. */
bool xensnd_back_ring_push(struct xensnd_back_ring *ring);

#endif

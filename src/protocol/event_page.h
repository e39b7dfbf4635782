/* SPDX-License-Identifier: MIT */
/*
 * The event page of one stream: events from the backend, one shared page, one object for each end.
 *
 * Apart from the ring because it has no thresholds and no power-of-two size: 63 slots, slot = index
 * % 63, which makes the slot number jump where a 32-bit index wraps (sndif.h). A frontend need not
 * acknowledge events one by one, or at all, so a full page means that events are dropped, not that
 * the frontend is broken.
 *
 * One thread at a time may use an object.
 */
#ifndef XENSND_PROTOCOL_EVENT_PAGE_H
#define XENSND_PROTOCOL_EVENT_PAGE_H

#include <stdbool.h>

#include "wire.h"

/* The frontend's end: the consumer. */
struct xensnd_front_events {
	struct xensnd_event_page *shared;
	uint32_t cons;
	bool broken; /* the backend broke a rule; nothing works any more */
};

/* The backend's end: the producer. */
struct xensnd_back_events {
	struct xensnd_event_page *shared;
	uint32_t prod;
	uint32_t published;
};

/* Initialises a page of XENSND_PAGE_BYTES, all of it zeroed first. The page stays the caller's. */
void xensnd_front_events_init(struct xensnd_front_events *events, void *page);

/*
 * Takes up a page in use, whose last user had taken all events below cons. Nothing in the page is
 * touched.
 */
void xensnd_front_events_attach(struct xensnd_front_events *events, void *page, uint32_t cons);

/*
 * Takes one event and acknowledges it. 1: *evt is a private copy; 0: there is none; -EPROTO: the
 * backend's index is impossible (more than 63 ahead, or back), the page is broken from now on.
 */
int xensnd_front_events_get(struct xensnd_front_events *events, struct xensnd_evt *evt);

/* Takes up a mapped page as a fresh connection does, from index 0. The page stays the caller's. */
void xensnd_back_events_init(struct xensnd_back_events *events, void *page);

/*
 * Puts an event, not yet visible. 0, or -EAGAIN when the frontend has left no room (or lies about
 * it).
 */
int xensnd_back_events_put(struct xensnd_back_events *events, const struct xensnd_evt *evt);

/* Shows the frontend all events that were put. True: there was something to show, so notify. */
bool xensnd_back_events_push(struct xensnd_back_events *events);

#endif

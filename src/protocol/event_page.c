/* SPDX-License-Identifier: MIT */
/* The event page, both ends. See event_page.h. */
#include "event_page.h"

#include <errno.h>
#include <string.h>

#include "shared_copy.h"

static void *event_slot(struct xensnd_event_page *page, uint32_t index)
{
	return &XENSND_IN_RING_REF(page, index);
}

void xensnd_front_events_init(struct xensnd_front_events *events, void *page)
{
	memset(page, 0, XENSND_PAGE_BYTES);
	*events = (struct xensnd_front_events){ .shared = page };
}

void xensnd_front_events_attach(struct xensnd_front_events *events, void *page, uint32_t cons)
{
	*events = (struct xensnd_front_events){ .shared = page, .cons = cons };
}

int xensnd_front_events_get(struct xensnd_front_events *events, struct xensnd_evt *evt)
{
	uint32_t prod, ready;

	if (events->broken)
		return -EPROTO;
	prod = atomic_load_explicit(
		xensnd_shared_index(&events->shared->in_prod), memory_order_acquire);
	ready = prod - events->cons;
	if (ready == 0)
		return 0;
	if (ready > XENSND_EVENT_SLOTS) {
		events->broken = true;
		return -EPROTO;
	}
	xensnd_packet_from_shared(evt, event_slot(events->shared, events->cons));
	events->cons++;
	/* Release: the slot was read before the backend may fill it again. */
	atomic_store_explicit(
		xensnd_shared_index(&events->shared->in_cons), events->cons, memory_order_release);
	return 1;
}

void xensnd_back_events_init(struct xensnd_back_events *events, void *page)
{
	*events = (struct xensnd_back_events){ .shared = page };
}

int xensnd_back_events_put(struct xensnd_back_events *events, const struct xensnd_evt *evt)
{
	uint32_t cons;

	cons = atomic_load_explicit(
		xensnd_shared_index(&events->shared->in_cons), memory_order_acquire);
	if (events->prod - cons >= XENSND_EVENT_SLOTS)
		return -EAGAIN;
	xensnd_packet_to_shared(event_slot(events->shared, events->prod), evt);
	events->prod++;
	return 0;
}

bool xensnd_back_events_push(struct xensnd_back_events *events)
{
	if (events->published == events->prod)
		return false;
	atomic_store_explicit(
		xensnd_shared_index(&events->shared->in_prod), events->prod, memory_order_release);
	events->published = events->prod;
	return true;
}

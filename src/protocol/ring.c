/* SPDX-License-Identifier: MIT */
/* The request/response ring, both ends. See ring.h. */
#include "ring.h"

#include <errno.h>
#include <string.h>

#include "shared_copy.h"

/*
 * Memory ordering, the same on both ends:
 *  - a producer fills the slot, then stores its index with release; the other end loads that index
 *    with acquire before it copies the slot.
 *  - "publish, then look whether to notify" against "ask for a notification, then look again": each
 * is a store followed by a load of another word, which only sequential consistency keeps in order.
 * One of the two ends then always sees the other's store, so no wake-up is lost.
 */

static uint32_t index_load(uint32_t *word)
{
	return atomic_load_explicit(xensnd_shared_index(word), memory_order_acquire);
}

/* Publishes [*pushed, prod) and tells whether the peer's threshold lies in it (ring.h of Xen). */
static bool index_publish(
	uint32_t *prod_word, uint32_t *event_word, uint32_t *pushed, uint32_t prod)
{
	uint32_t old = *pushed;
	uint32_t event;

	if (prod == old)
		return false;
	atomic_store_explicit(xensnd_shared_index(prod_word), prod, memory_order_seq_cst);
	*pushed = prod;
	event = atomic_load_explicit(xensnd_shared_index(event_word), memory_order_seq_cst);
	return prod - event < prod - old;
}

/* Asks to be notified when the producer passes cons; true when it has passed already. */
static bool index_arm(uint32_t *prod_word, uint32_t *event_word, uint32_t cons)
{
	atomic_store_explicit(xensnd_shared_index(event_word), cons + 1, memory_order_seq_cst);
	return atomic_load_explicit(xensnd_shared_index(prod_word), memory_order_seq_cst) != cons;
}

static void *slot_at(struct xen_sndif_sring *shared, uint32_t index)
{
	return &shared->ring[index % XENSND_RING_SLOTS];
}

void xensnd_front_ring_init(struct xensnd_front_ring *ring, void *page)
{
	memset(page, 0, XENSND_PAGE_BYTES);
	*ring = (struct xensnd_front_ring){ .shared = page };
	ring->shared->req_event = 1;
	ring->shared->rsp_event = 1;
}

void xensnd_front_ring_attach(struct xensnd_front_ring *ring, void *page, uint32_t req_prod)
{
	*ring = (struct xensnd_front_ring){
		.shared = page, .req_prod = req_prod, .req_pushed = req_prod, .rsp_cons = req_prod
	};
}

unsigned int xensnd_front_ring_space(const struct xensnd_front_ring *ring)
{
	return ring->broken ? 0 : XENSND_RING_SLOTS - (ring->req_prod - ring->rsp_cons);
}

int xensnd_front_ring_put(struct xensnd_front_ring *ring, const struct xensnd_req *req)
{
	if (ring->broken)
		return -EPROTO;
	if (xensnd_front_ring_space(ring) == 0)
		return -EAGAIN;
	xensnd_packet_to_shared(slot_at(ring->shared, ring->req_prod), req);
	ring->req_prod++;
	return 0;
}

bool xensnd_front_ring_push(struct xensnd_front_ring *ring)
{
	return index_publish(&ring->shared->req_prod, &ring->shared->req_event, &ring->req_pushed,
		ring->req_prod);
}

int xensnd_front_ring_get(struct xensnd_front_ring *ring, struct xensnd_resp *rsp)
{
	uint32_t ready;

	if (ring->broken)
		return -EPROTO;
	ready = index_load(&ring->shared->rsp_prod) - ring->rsp_cons;
	if (ready == 0)
		return 0;
	/*
	 * Only requests that were shown can have been answered; this also catches an index that
	 * went back.
	 */
	if (ready > ring->req_pushed - ring->rsp_cons) {
		ring->broken = true;
		return -EPROTO;
	}
	xensnd_packet_from_shared(rsp, slot_at(ring->shared, ring->rsp_cons));
	ring->rsp_cons++;
	return 1;
}

bool xensnd_front_ring_arm(struct xensnd_front_ring *ring)
{
	if (ring->broken)
		return false;
	return index_arm(&ring->shared->rsp_prod, &ring->shared->rsp_event, ring->rsp_cons);
}

void xensnd_back_ring_init(struct xensnd_back_ring *ring, void *page)
{
	*ring = (struct xensnd_back_ring){ .shared = page };
}

int xensnd_back_ring_get(struct xensnd_back_ring *ring, struct xensnd_req *req)
{
	uint32_t ready;

	if (ring->broken)
		return -EPROTO;
	ready = index_load(&ring->shared->req_prod) - ring->req_cons;
	if (ready == 0)
		return 0;
	/* A slot is the frontend's again only when its response was put. */
	if (ready > XENSND_RING_SLOTS - (ring->req_cons - ring->rsp_prod)) {
		ring->broken = true;
		return -EPROTO;
	}
	xensnd_packet_from_shared(req, slot_at(ring->shared, ring->req_cons));
	ring->req_cons++;
	return 1;
}

bool xensnd_back_ring_arm(struct xensnd_back_ring *ring)
{
	if (ring->broken)
		return false;
	return index_arm(&ring->shared->req_prod, &ring->shared->req_event, ring->req_cons);
}

int xensnd_back_ring_put(struct xensnd_back_ring *ring, const struct xensnd_resp *rsp)
{
	if (ring->broken || ring->rsp_prod == ring->req_cons)
		return -EPROTO;
	xensnd_packet_to_shared(slot_at(ring->shared, ring->rsp_prod), rsp);
	ring->rsp_prod++;
	return 0;
}

bool xensnd_back_ring_push(struct xensnd_back_ring *ring)
{
	return index_publish(&ring->shared->rsp_prod, &ring->shared->rsp_event, &ring->rsp_pushed,
		ring->rsp_prod);
}

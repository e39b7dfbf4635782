/* SPDX-License-Identifier: MIT */
/*
 * The requests of one stream that the backend has not answered, in the order in which they were
 * sent.
 *
 * Apart so that matching an answer is one piece of logic without I/O: by id and by operation, ids
 * unique as long as the ring lives. A backend may answer out of order; audio counts as taken only
 * up to the first request that is still open.
 */
#ifndef XENSND_FRONTEND_REQUESTS_H
#define XENSND_FRONTEND_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/wire.h"

struct xensnd_request {
	uint16_t id;
	uint8_t operation; /* XENSND_OP_* */
	bool answered;
	uint32_t bytes;      /* of audio, for WRITE and READ; else 0 */
	int64_t deadline_ns; /* clock.h; XENSND_NEVER if the backend may take as long as it likes */
};

/* All-zero is empty. */
struct xensnd_requests {
	struct xensnd_request slots[XENSND_RING_SLOTS]; /* a queue: n of them from first on */
	unsigned int first;
	unsigned int n;
	uint16_t next_id;
};

/* How many requests that carry audio are not answered. */
unsigned int xensnd_requests_audio(const struct xensnd_requests *requests);

/*
 * Adds a request and returns its id. There must be a slot: the ring has as many, and is asked
 * first.
 */
uint16_t xensnd_requests_add(
	struct xensnd_requests *requests, uint8_t operation, uint32_t bytes, int64_t deadline_ns);

/*
 * Matches an answer. 0, and *request is a copy of what it answers; -EPROTO: there is no such
 * request open, or it is another operation's. Audio that was refused does not count as taken.
 */
int xensnd_requests_answer(struct xensnd_requests *requests, const struct xensnd_resp *rsp,
	struct xensnd_request *request);

/* Forgets the answered requests at the front of the queue; returns their bytes of audio. */
uint64_t xensnd_requests_retire(struct xensnd_requests *requests);

/* Gives all open audio requests a new deadline. */
void xensnd_requests_set_audio_deadline(struct xensnd_requests *requests, int64_t deadline_ns);

/* The earliest deadline of an open request, or XENSND_NEVER. */
int64_t xensnd_requests_deadline(const struct xensnd_requests *requests);

#endif

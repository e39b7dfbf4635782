/* SPDX-License-Identifier: MIT */
/* Unanswered requests. See requests.h. */
#include "requests.h"

#include <errno.h>

#include "common/clock.h"

static const struct xensnd_request *slot_const(
	const struct xensnd_requests *requests, unsigned int i)
{
	return &requests->slots[(requests->first + i) % XENSND_RING_SLOTS];
}

static struct xensnd_request *slot(struct xensnd_requests *requests, unsigned int i)
{
	return &requests->slots[(requests->first + i) % XENSND_RING_SLOTS];
}

static bool id_is_open(const struct xensnd_requests *requests, uint16_t id)
{
	for (unsigned int i = 0; i < requests->n; i++)
		if (slot_const(requests, i)->id == id)
			return true;
	return false;
}

unsigned int xensnd_requests_audio(const struct xensnd_requests *requests)
{
	unsigned int audio = 0;

	for (unsigned int i = 0; i < requests->n; i++)
		audio += !slot_const(requests, i)->answered && slot_const(requests, i)->bytes > 0;
	return audio;
}

uint16_t xensnd_requests_add(
	struct xensnd_requests *requests, uint8_t operation, uint32_t bytes, int64_t deadline_ns)
{
	uint16_t id = requests->next_id;

	while (id_is_open(requests, id))
		id++;
	requests->next_id = (uint16_t)(id + 1);
	*slot(requests, requests->n++) = (struct xensnd_request){
		.id = id, .operation = operation, .bytes = bytes, .deadline_ns = deadline_ns
	};
	return id;
}

int xensnd_requests_answer(struct xensnd_requests *requests, const struct xensnd_resp *rsp,
	struct xensnd_request *request)
{
	for (unsigned int i = 0; i < requests->n; i++) {
		struct xensnd_request *open = slot(requests, i);

		if (open->id != rsp->id || open->answered)
			continue;
		if (open->operation != rsp->operation)
			return -EPROTO;
		open->answered = true;
		*request = *open;
		if (rsp->status != 0)
			open->bytes = 0;
		return 0;
	}
	return -EPROTO;
}

uint64_t xensnd_requests_retire(struct xensnd_requests *requests)
{
	uint64_t bytes = 0;

	while (requests->n > 0 && slot(requests, 0)->answered) {
		bytes += slot(requests, 0)->bytes;
		requests->first = (requests->first + 1) % XENSND_RING_SLOTS;
		requests->n--;
	}
	return bytes;
}

void xensnd_requests_set_audio_deadline(struct xensnd_requests *requests, int64_t deadline_ns)
{
	for (unsigned int i = 0; i < requests->n; i++)
		if (slot(requests, i)->bytes > 0)
			slot(requests, i)->deadline_ns = deadline_ns;
}

int64_t xensnd_requests_deadline(const struct xensnd_requests *requests)
{
	int64_t deadline_ns = XENSND_NEVER;

	for (unsigned int i = 0; i < requests->n; i++)
		if (!slot_const(requests, i)->answered)
			deadline_ns =
				xensnd_earlier(deadline_ns, slot_const(requests, i)->deadline_ns);
	return deadline_ns;
}

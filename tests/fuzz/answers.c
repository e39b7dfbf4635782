/* SPDX-License-Identifier: MIT */
/*
 * The frontend's end of the request ring, and which answer belongs to which request, against a
 * backend that writes anything anywhere in the page between any two steps.
 *
 * The input: where the ring's index stands, then steps, each an octet and what it needs. A model
 * keeps what the frontend has done, and nothing of what the page says.
 */
#include "fuzz.h"

#include <errno.h>

#include "common/clock.h"
#include "frontend/requests.h"
#include "protocol/ring.h"

struct ring_model {
	struct xensnd_front_ring ring;
	struct xensnd_requests requests;
	uint8_t *page;
	uint8_t shadow[XENSND_PAGE_BYTES]; /* the page as the backend left it */
	uint32_t put, pushed, got;         /* indices that the frontend must keep by itself */
	bool broken;
	uint64_t sent_bytes, retired_bytes;
	struct xensnd_request open[XENSND_RING_SLOTS]; /* not retired, in order */
	unsigned int n_open;
};

/* Nothing of the page has changed but the octets in [from, from + n). */
static void page_check(const struct ring_model *model, size_t from, size_t n)
{
	FUZZ_CHECK(memcmp(model->page, model->shadow, from) == 0);
	FUZZ_CHECK(memcmp(model->page + from + n, model->shadow + from + n,
			   XENSND_PAGE_BYTES - from - n) == 0);
}

static uint32_t page_word(const struct ring_model *model, size_t at)
{
	uint32_t word;

	memcpy(&word, model->page + at, sizeof(word));
	return word;
}

static void model_check(const struct ring_model *model)
{
	const struct xensnd_front_ring *ring = &model->ring;
	unsigned int audio = 0;

	FUZZ_CHECK(ring->broken == model->broken);
	FUZZ_CHECK(ring->req_prod == model->put && ring->req_pushed == model->pushed);
	FUZZ_CHECK(ring->rsp_cons == model->got);
	FUZZ_CHECK(model->put - model->got <= XENSND_RING_SLOTS);
	FUZZ_CHECK(xensnd_front_ring_space(ring) ==
		   (model->broken ? 0 : XENSND_RING_SLOTS - (model->put - model->got)));
	FUZZ_CHECK(model->requests.n == model->n_open);
	for (unsigned int i = 0; i < model->n_open; i++) {
		audio += !model->open[i].answered && model->open[i].bytes > 0;
		for (unsigned int j = 0; j < i; j++)
			FUZZ_CHECK(model->open[i].id != model->open[j].id);
	}
	FUZZ_CHECK(xensnd_requests_audio(&model->requests) == audio);
	FUZZ_CHECK(model->retired_bytes <= model->sent_bytes);
}

/* As the worker does it: both the ring and the queue are asked for room. */
static void step_put(struct ring_model *model, struct fuzz_input *input)
{
	struct xensnd_req req = { .operation = fuzz_u8(input) };
	uint32_t bytes = fuzz_u16(input);
	size_t slot = offsetof(struct xen_sndif_sring, ring) +
		      model->put % XENSND_RING_SLOTS * sizeof(req);

	if (xensnd_front_ring_space(&model->ring) == 0) {
		FUZZ_CHECK(xensnd_front_ring_put(&model->ring, &req) ==
			   (model->broken ? -EPROTO : -EAGAIN));
		page_check(model, 0, 0);
		return;
	}
	if (model->requests.n == XENSND_RING_SLOTS)
		return;
	req.id = xensnd_requests_add(&model->requests, req.operation, bytes, XENSND_NEVER);
	FUZZ_CHECK(xensnd_front_ring_put(&model->ring, &req) == 0);
	page_check(model, slot, sizeof(req));
	FUZZ_CHECK(memcmp(model->page + slot, &req, sizeof(req)) == 0);
	model->put++;
	model->open[model->n_open++] =
		(struct xensnd_request){ .id = req.id, .operation = req.operation, .bytes = bytes };
	model->sent_bytes += bytes;
}

static void step_push(struct ring_model *model)
{
	size_t prod = offsetof(struct xen_sndif_sring, req_prod);
	uint32_t event = page_word(model, offsetof(struct xen_sndif_sring, req_event));
	bool notify = xensnd_front_ring_push(&model->ring);

	page_check(model, prod, sizeof(uint32_t));
	if (model->put != model->pushed)
		FUZZ_CHECK(page_word(model, prod) == model->put);
	else
		page_check(model, 0, 0);
	/* The backend is told exactly when its threshold was passed. */
	FUZZ_CHECK(notify == (model->put - event < model->put - model->pushed));
	model->pushed = model->put;
}

static struct xensnd_request *model_find(struct ring_model *model, uint16_t id)
{
	for (unsigned int i = 0; i < model->n_open; i++)
		if (model->open[i].id == id && !model->open[i].answered)
			return &model->open[i];
	return NULL;
}

static uint64_t model_retire(struct ring_model *model)
{
	unsigned int done = 0;
	uint64_t bytes = 0;

	while (done < model->n_open && model->open[done].answered)
		bytes += model->open[done++].bytes;
	model->n_open -= done;
	memmove(model->open, model->open + done, model->n_open * sizeof(model->open[0]));
	model->retired_bytes += bytes;
	return bytes;
}

/* False: the backend answered what was not asked; the worker gives up then. */
static bool answer_check(struct ring_model *model, const struct xensnd_resp *rsp)
{
	struct xensnd_request request, *open = model_find(model, rsp->id);
	int ret = xensnd_requests_answer(&model->requests, rsp, &request);

	if (!open || open->operation != rsp->operation) {
		FUZZ_CHECK(ret == -EPROTO);
		return false;
	}
	FUZZ_CHECK(ret == 0 && request.id == open->id && request.operation == open->operation &&
		   request.bytes == open->bytes);
	open->answered = true;
	if (rsp->status != 0)
		open->bytes = 0;
	FUZZ_CHECK(xensnd_requests_retire(&model->requests) == model_retire(model));
	return true;
}

static bool step_get(struct ring_model *model)
{
	uint32_t ready = page_word(model, offsetof(struct xen_sndif_sring, rsp_prod)) - model->got;
	size_t slot = offsetof(struct xen_sndif_sring, ring) +
		      model->got % XENSND_RING_SLOTS * sizeof(struct xensnd_resp);
	struct xensnd_resp rsp;
	int ret = xensnd_front_ring_get(&model->ring, &rsp);

	page_check(model, 0, 0);
	if (model->broken || ready > model->pushed - model->got) {
		FUZZ_CHECK(ret == -EPROTO);
		model->broken = true;
		return true;
	}
	FUZZ_CHECK(ret == (ready > 0));
	if (ret == 0)
		return true;
	FUZZ_CHECK(memcmp(&rsp, model->page + slot, sizeof(rsp)) == 0);
	model->got++;
	return answer_check(model, &rsp);
}

static void step_arm(struct ring_model *model)
{
	size_t event = offsetof(struct xen_sndif_sring, rsp_event);
	uint32_t prod = page_word(model, offsetof(struct xen_sndif_sring, rsp_prod));
	bool more = xensnd_front_ring_arm(&model->ring);

	if (model->broken) {
		FUZZ_CHECK(!more);
		page_check(model, 0, 0);
		return;
	}
	page_check(model, event, sizeof(uint32_t));
	FUZZ_CHECK(page_word(model, event) == model->got + 1);
	FUZZ_CHECK(more == (prod != model->got));
}

/* The backend answers one of the open requests in the place where the frontend looks next. */
static void step_answer(struct ring_model *model, struct fuzz_input *input)
{
	uint8_t which = fuzz_u8(input);
	struct xensnd_resp rsp = { .status = (int8_t)fuzz_u8(input) };
	uint32_t prod = page_word(model, offsetof(struct xen_sndif_sring, rsp_prod)) + 1;

	if (model->n_open > 0) {
		rsp.id = model->open[which % model->n_open].id;
		rsp.operation = model->open[which % model->n_open].operation;
	}
	memcpy(model->page + offsetof(struct xen_sndif_sring, ring) +
			(prod - 1) % XENSND_RING_SLOTS * sizeof(rsp),
		&rsp, sizeof(rsp));
	memcpy(model->page + offsetof(struct xen_sndif_sring, rsp_prod), &prod, sizeof(prod));
}

static void step_scribble(struct ring_model *model, struct fuzz_input *input, bool index)
{
	size_t at = index ? fuzz_u8(input) % 4 * 4u : fuzz_u16(input) % (XENSND_PAGE_BYTES - 3);
	uint32_t value = index ? model->pushed + (uint32_t)(int8_t)fuzz_u8(input) : fuzz_u32(input);

	memcpy(model->page + at, &value, sizeof(value));
}

/* False: the frontend has no use for this backend any more. */
static bool model_step(struct ring_model *model, struct fuzz_input *input)
{
	bool goes_on = true;

	memcpy(model->shadow, model->page, XENSND_PAGE_BYTES);
	switch (fuzz_u8(input) % 9) {
	case 0:
	case 1:
		step_put(model, input);
		break;
	case 8:
		/* As if almost all other ids had been used since. */
		model->requests.next_id = (uint16_t)(model->requests.next_id - fuzz_u8(input) % 64);
		break;
	case 2:
		step_push(model);
		break;
	case 3:
		goes_on = step_get(model);
		break;
	case 4:
		step_arm(model);
		break;
	case 5:
		step_answer(model, input);
		break;
	case 6:
		step_scribble(model, input, true);
		break;
	default:
		step_scribble(model, input, false);
		break;
	}
	model_check(model);
	return goes_on;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .at = data, .left = size };
	struct ring_model model = { .page = fuzz_page() };
	uint32_t start = fuzz_u32(&input);

	if (start == 0) {
		xensnd_front_ring_init(&model.ring, model.page);
	} else {
		/* Left idle at this index by another stream, as the page says. */
		model.put = model.pushed = model.got = start;
		memcpy(model.page + offsetof(struct xen_sndif_sring, rsp_prod), &start,
			sizeof(start));
		xensnd_front_ring_attach(&model.ring, model.page, start);
	}
	model.requests.next_id = fuzz_u16(&input);
	while (input.left > 0 && model_step(&model, &input))
		;
	free(model.page);
	return 0;
}

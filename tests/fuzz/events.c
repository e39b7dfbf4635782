/* SPDX-License-Identifier: MIT */
/*
 * The frontend's end of the event page, and the position that it makes of events and answers,
 * against a backend that writes anything anywhere in the page and reports any position.
 *
 * The input: where the page's index stands, the period, then steps. What has to hold is what a
 * program relies on: its position never steps back from prepare to prepare, and is never beyond
 * what the backend has acknowledged, or beyond what was there to be played.
 */
#include "fuzz.h"

#include <errno.h>

#include "frontend/position.h"
#include "protocol/event_page.h"

struct event_model {
	struct xensnd_front_events events;
	struct xensnd_position position;
	uint8_t *page;
	uint8_t shadow[XENSND_PAGE_BYTES]; /* the page as the backend left it */
	uint32_t cons;
	bool broken;
	uint32_t period_bytes;
	uint64_t written;  /* since prepare */
	uint64_t acked;    /* of these */
	uint64_t reported; /* what the program was told last, since prepare */
};

static void page_check(const struct event_model *model, size_t from, size_t n)
{
	FUZZ_CHECK(memcmp(model->page, model->shadow, from) == 0);
	FUZZ_CHECK(memcmp(model->page + from + n, model->shadow + from + n,
			   XENSND_PAGE_BYTES - from - n) == 0);
}

static void position_check(struct event_model *model)
{
	uint64_t now = xensnd_position_now(&model->position);

	FUZZ_CHECK(now >= model->reported);
	FUZZ_CHECK(now <= model->acked);
	FUZZ_CHECK(model->position.reported <= model->written);
	if (model->position.source == XENSND_POSITION_ACKS)
		FUZZ_CHECK(now == model->acked);
	model->reported = now;
}

/* 1: an event was taken. */
static int event_get(struct event_model *model, struct xensnd_evt *evt)
{
	size_t in_cons = offsetof(struct xensnd_event_page, in_cons);
	size_t slot =
		sizeof(struct xensnd_event_page) + model->cons % XENSND_EVENT_SLOTS * sizeof(*evt);
	uint32_t prod, ready;
	int ret;

	memcpy(&prod, model->page + offsetof(struct xensnd_event_page, in_prod), sizeof(prod));
	ready = prod - model->cons;
	ret = xensnd_front_events_get(&model->events, evt);
	if (model->broken || ready > XENSND_EVENT_SLOTS) {
		model->broken = true;
		FUZZ_CHECK(ret == -EPROTO);
	} else {
		FUZZ_CHECK(ret == (ready > 0));
	}
	FUZZ_CHECK(model->events.broken == model->broken);
	if (ret > 0) {
		model->cons++;
		FUZZ_CHECK(memcmp(evt, model->page + slot, sizeof(*evt)) == 0);
		FUZZ_CHECK(memcmp(model->page + in_cons, &model->cons, sizeof(model->cons)) == 0);
	}
	FUZZ_CHECK(model->events.cons == model->cons);
	page_check(model, in_cons, ret > 0 ? sizeof(model->cons) : 0);
	return ret;
}

static void step_get(struct event_model *model, bool running)
{
	uint64_t before = model->position.reported;
	struct xensnd_evt evt;

	if (event_get(model, &evt) <= 0)
		return;
	if (!running) {
		xensnd_position_stale(&model->position, evt.op.cur_pos.position);
		return;
	}
	xensnd_position_event(
		&model->position, evt.op.cur_pos.position, model->written, model->period_bytes);
	/* Wherever the backend counts from, it has not played more than it says. */
	FUZZ_CHECK(model->position.reported - before <= evt.op.cur_pos.position);
}

/* An event that keeps to the page's rules, whatever it says. */
static void step_event(struct event_model *model, struct fuzz_input *input, bool any)
{
	struct xensnd_evt evt = { .type = XENSND_EVT_CUR_POS };
	uint32_t prod;

	evt.op.cur_pos.position =
		any ? fuzz_u64(input) : model->position.raw + (uint64_t)(int16_t)fuzz_u16(input);
	memcpy(&prod, model->page + offsetof(struct xensnd_event_page, in_prod), sizeof(prod));
	memcpy(model->page + sizeof(struct xensnd_event_page) +
			prod % XENSND_EVENT_SLOTS * sizeof(evt),
		&evt, sizeof(evt));
	prod++;
	memcpy(model->page + offsetof(struct xensnd_event_page, in_prod), &prod, sizeof(prod));
}

static void step_scribble(struct event_model *model, struct fuzz_input *input)
{
	size_t at = fuzz_u16(input) % (XENSND_PAGE_BYTES - 3);
	uint32_t value = fuzz_u32(input);

	memcpy(model->page + at, &value, sizeof(value));
}

static void step_audio(struct event_model *model, struct fuzz_input *input)
{
	uint64_t left;
	uint16_t written = fuzz_u16(input), acked = fuzz_u16(input);

	model->written += written;
	left = model->written - model->acked;
	xensnd_position_ack(&model->position, acked < left ? acked : left);
	model->acked += acked < left ? acked : left;
}

static void step_control(struct event_model *model, struct fuzz_input *input)
{
	switch (fuzz_u8(input) % 4) {
	case 0:
		xensnd_position_prepare(&model->position);
		model->written = model->acked = model->reported = 0;
		FUZZ_CHECK(xensnd_position_now(&model->position) == 0);
		break;
	case 1:
		/* What was not played is sent again. */
		xensnd_position_halt(&model->position, 1);
		model->written = model->acked = model->reported;
		FUZZ_CHECK(xensnd_position_now(&model->position) == model->reported);
		break;
	case 2:
		model->position.source = XENSND_POSITION_ACKS;
		break;
	default:
		xensnd_position_open(&model->position,
			fuzz_u8(input) % 2 ? XENSND_POSITION_ACKS : XENSND_POSITION_EVENTS);
		model->written = model->acked = model->reported = 0;
		break;
	}
}

static void model_step(struct event_model *model, struct fuzz_input *input)
{
	memcpy(model->shadow, model->page, XENSND_PAGE_BYTES);
	switch (fuzz_u8(input) % 8) {
	case 0:
	case 1:
		step_get(model, true);
		break;
	case 2:
		step_get(model, false);
		break;
	case 3:
		step_event(model, input, false);
		break;
	case 4:
		step_event(model, input, true);
		break;
	case 5:
		step_audio(model, input);
		break;
	case 6:
		step_control(model, input);
		break;
	default:
		step_scribble(model, input);
		break;
	}
	position_check(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .at = data, .left = size };
	struct event_model model = { .page = fuzz_page(), .cons = fuzz_u32(&input) };

	model.period_bytes = fuzz_u16(&input);
	if (model.cons == 0)
		xensnd_front_events_init(&model.events, model.page);
	else
		xensnd_front_events_attach(&model.events, model.page, model.cons);
	memcpy(model.page + offsetof(struct xensnd_event_page, in_prod), &model.cons,
		sizeof(model.cons));
	xensnd_position_open(&model.position, XENSND_POSITION_EVENTS);
	xensnd_position_prepare(&model.position);
	while (input.left > 0)
		model_step(&model, &input);
	free(model.page);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* A clocked buffer. See pacer.h. */
#include "pacer.h"

#include "common/clock.h"

/* Whole seconds apart from the rest: ns times rate would leave 64 bits after some hours. */
static uint64_t ns_to_frames(int64_t ns, uint32_t rate)
{
	uint64_t seconds, rest;

	if (ns <= 0)
		return 0;
	seconds = (uint64_t)ns / (uint64_t)XENSND_NS_PER_SECOND;
	rest = (uint64_t)ns % (uint64_t)XENSND_NS_PER_SECOND;
	return seconds * rate + rest * rate / (uint64_t)XENSND_NS_PER_SECOND;
}

int64_t xensnd_frames_to_ns(uint64_t frames, uint32_t rate)
{
	uint64_t seconds = frames / rate;
	uint64_t rest = frames % rate;

	return (int64_t)(seconds * (uint64_t)XENSND_NS_PER_SECOND +
			 (rest * (uint64_t)XENSND_NS_PER_SECOND + rate - 1) / rate);
}

void xensnd_pacer_init(
	struct xensnd_pacer *pacer, uint32_t rate, uint32_t buffer_frames, bool capture)
{
	*pacer = (struct xensnd_pacer){
		.rate = rate, .buffer_frames = buffer_frames, .capture = capture
	};
}

uint32_t xensnd_pacer_room(const struct xensnd_pacer *pacer)
{
	return (uint32_t)(pacer->buffer_frames - pacer->queued);
}

void xensnd_pacer_add(struct xensnd_pacer *pacer, uint32_t frames)
{
	pacer->queued += frames;
}

void xensnd_pacer_take(struct xensnd_pacer *pacer, uint32_t frames)
{
	pacer->queued -= frames;
}

void xensnd_pacer_start(struct xensnd_pacer *pacer, int64_t now_ns)
{
	pacer->running = true;
	pacer->anchor_ns = now_ns;
	pacer->anchor_frames = pacer->passed;
}

void xensnd_pacer_pause(struct xensnd_pacer *pacer, int64_t now_ns)
{
	if (!pacer->capture)
		xensnd_pacer_advance(pacer, now_ns);
	pacer->running = false;
}

void xensnd_pacer_drop(struct xensnd_pacer *pacer, int64_t now_ns)
{
	xensnd_pacer_pause(pacer, now_ns);
	pacer->queued = 0;
}

static bool pacer_consume(struct xensnd_pacer *pacer, uint64_t due)
{
	if (due < pacer->queued) {
		pacer->passed += due;
		pacer->queued -= due;
		return false;
	}
	pacer->passed += pacer->queued;
	pacer->queued = 0;
	pacer->running = false;
	return true;
}

static bool pacer_record(struct xensnd_pacer *pacer, uint64_t due)
{
	pacer->passed += due;
	pacer->queued += due;
	if (pacer->queued <= pacer->buffer_frames)
		return false;
	pacer->queued = pacer->buffer_frames;
	return true;
}

bool xensnd_pacer_advance(struct xensnd_pacer *pacer, int64_t now_ns)
{
	uint64_t due;

	if (!pacer->running)
		return false;
	due = pacer->anchor_frames + ns_to_frames(now_ns - pacer->anchor_ns, pacer->rate) -
	      pacer->passed;
	return pacer->capture ? pacer_record(pacer, due) : pacer_consume(pacer, due);
}

int64_t xensnd_pacer_when(const struct xensnd_pacer *pacer, uint64_t frames)
{
	return pacer->anchor_ns +
	       xensnd_frames_to_ns(pacer->passed - pacer->anchor_frames + frames, pacer->rate);
}

/* SPDX-License-Identifier: MIT */
/*
 * A sound card made of arithmetic: a buffer that is consumed, or filled, at a rate by a clock.
 *
 * Apart because it knows neither files nor the clock itself: time is passed in, so that devices
 * without hardware share it and its every boundary is tested.
 */
#ifndef XENSND_BACKEND_PACER_H
#define XENSND_BACKEND_PACER_H

#include <stdbool.h>
#include <stdint.h>

struct xensnd_pacer {
	uint32_t rate; /* Hz */
	uint32_t buffer_frames;
	bool capture;
	uint64_t passed; /* frames consumed or recorded since init; never goes back */
	uint64_t queued; /* frames in the buffer: written, or the last ones recorded */
	bool running;
	int64_t anchor_ns;      /* where the present run began */
	uint64_t anchor_frames; /* what had passed before it */
};

void xensnd_pacer_init(
	struct xensnd_pacer *pacer, uint32_t rate, uint32_t buffer_frames, bool capture);

/* Frames that would still fit, as of the last advance. */
uint32_t xensnd_pacer_room(const struct xensnd_pacer *pacer);

/* Puts frames into the buffer; the caller has looked that they fit. */
void xensnd_pacer_add(struct xensnd_pacer *pacer, uint32_t frames);

/* Takes the oldest frames out of the buffer of a capture; the caller has looked that they are
 * there. */
void xensnd_pacer_take(struct xensnd_pacer *pacer, uint32_t frames);

/* Begins or goes on at now. */
void xensnd_pacer_start(struct xensnd_pacer *pacer, int64_t now_ns);

/*
 * Stops and keeps what is queued. A capture stops where the last advance left it, so that nothing
 * is recorded that the position did not tell of.
 */
void xensnd_pacer_pause(struct xensnd_pacer *pacer, int64_t now_ns);

/* Stops and forgets what is queued. */
void xensnd_pacer_drop(struct xensnd_pacer *pacer, int64_t now_ns);

/*
 * Consumes or records what is due. True: the buffer ran dry, and consuming has stopped until the
 * next start; or it overflowed: the oldest frames were lost, and recording goes on.
 */
bool xensnd_pacer_advance(struct xensnd_pacer *pacer, int64_t now_ns);

/* When so many more frames will have passed; the pacer must be running. */
int64_t xensnd_pacer_when(const struct xensnd_pacer *pacer, uint64_t frames);

/* How long so many frames last, rounded up. */
int64_t xensnd_frames_to_ns(uint64_t frames, uint32_t rate);

#endif

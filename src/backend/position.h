/* SPDX-License-Identifier: MIT */
/*
 * What a stream has consumed, and when its frontend is to be told.
 *
 * Apart because the promise is subtle and has nothing to do with devices: frames count from OPEN
 * and never go back, over STOP, START and underruns alike (sndif.h leaves the origin open, and
 * every frontend copes with this one).
 */
#ifndef XENSND_BACKEND_POSITION_H
#define XENSND_BACKEND_POSITION_H

#include <stdbool.h>
#include <stdint.h>

struct xensnd_position {
	uint32_t period_frames; /* between events; 0: none are wanted */
	uint64_t accepted;      /* taken into the device since OPEN and not dropped */
	uint64_t consumed;      /* of these, played; never goes back */
	uint64_t boundary;      /* the next value of consumed that is worth an event */
	uint64_t reported;      /* by the last event */
	bool event_due;         /* stays until the event was sent */
};

void xensnd_position_init(struct xensnd_position *position, uint32_t period_frames);

/* START: periods count from here. */
void xensnd_position_start(struct xensnd_position *position);

/* The device took frames. */
void xensnd_position_accept(struct xensnd_position *position, uint32_t frames);

/*
 * The device still holds queued frames; what it says is clamped to what can be. An event is due
 * when a period boundary was passed, or when all that was accepted is consumed: nothing else would
 * tell a draining frontend of its last part of a period.
 */
void xensnd_position_update(struct xensnd_position *position, uint64_t queued_frames);

/* The device forgets what it holds. */
void xensnd_position_drop(struct xensnd_position *position);

/* The stream halts: the frontend is told where, if it does not know. */
void xensnd_position_halt(struct xensnd_position *position);

/* The due event was sent with the present value. */
void xensnd_position_reported(struct xensnd_position *position);

/* How many more frames are to be consumed until an event will be due; UINT64_MAX: none will. */
uint64_t xensnd_position_distance(const struct xensnd_position *position);

#endif
